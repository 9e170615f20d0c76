"""Pages from templates, with every text escaped."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from longstride.storage.text import number, share

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["page_from", "prepare_page"]

SHARED = Path(__file__).parent
"""Templates that pages have in common: the frame with its style, and tables of channels and steps."""


def page_from(template: Path, **facts: object) -> str:
    """Fill in a template of Jinja; a name that it asks for and `facts` lack is an error."""
    return str(_environment(template.parent).get_template(template.name).render(**facts))


def prepare_page(template: Path) -> None:
    """Compile a template, so that `page_from` need not: a thread can do so while there is other work."""
    _environment(template.parent).get_template(template.name)


@cache
def _environment(folder: Path) -> "Environment":
    """Templates of a folder. Each is compiled once in a process: filling it in takes a tenth of that."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([folder, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "share": share, "counted": "{:,}".format}
    return environment
