"""Pages from templates, with every text escaped."""

from pathlib import Path

from longstride.storage.text import number, share

__all__ = ["page_from"]

SHARED = Path(__file__).parent
"""Templates that pages have in common: the frame with its style, and tables of channels and steps."""


def page_from(template: Path, **facts: object) -> str:
    """Fill in a template of Jinja; a name that it asks for and `facts` lack is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "share": share, "counted": "{:,}".format}
    return environment.get_template(template.name).render(**facts)
