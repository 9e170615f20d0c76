"""How Sphinx makes one set of pages of `docs/` and of the docstrings: `make docs`."""

import re
from typing import Any

from longstride import __version__

project = "Longstride"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 3
highlight_language = "text"

html_theme = "furo"
html_title = f"Longstride {version}"
html_show_copyright = False
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autoclass_content = "both"
autodoc_typehints_format = "short"
default_role = "py:obj"
python_maximum_signature_line_length = 90


def as_rest(app: Any, kind: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Let docstrings stay as people read them in an editor: indented code, and `names` with an s after them."""
    text = re.sub(r"(`[^`]+`)(\w?)", lambda found: found[1] + "\\ " * bool(found[2]) + found[2], "\n".join(lines))
    text = re.sub(r"(?m)^(\w+)_(?= = )", r"\1\\_", text)  # a name that ends so would be a link
    lines[:] = re.sub(r"(?m)^(?! |\Z)(.*)\n\n(?=    )", r"\1\n\n::\n\n", text).split("\n")


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", as_rest)
