"""Flags that take a list of names or of numbers, with commas between them."""

import click
from click.core import ParameterSource

__all__ = ["COLUMNS", "NUMBERS"]


def _names(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...] | None:
    """Split names at commas; a name that holds one is written in a file. A flag that comes again adds more."""
    if context.get_parameter_source(parameter.name or "") is ParameterSource.DEFAULT_MAP:
        return texts or None  # a list of a file is split already
    names = tuple(name.strip() for text in texts for name in text.split(",") if name.strip())
    if texts and not names:
        raise click.BadParameter("it is empty: expected names of columns, such as a,b")
    return names or None


def _numbers(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[float, ...]:
    """The same of numbers."""
    words = [word.strip() for text in texts for word in text.split(",")]
    try:
        return tuple(map(float, words))
    except ValueError:
        raise click.BadParameter(f"{','.join(words)!r} is not a list of numbers, such as 0.1,0.9") from None


COLUMNS = {"metavar": "COL,...", "callback": _names, "multiple": True, "type": str}
"""What `flags` is given for a list of names of columns."""
NUMBERS = {"metavar": "X,...", "callback": _numbers, "multiple": True, "type": str}
"""The same for a list of numbers."""
