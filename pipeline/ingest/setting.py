"""The value of one setting: what it may be, the columns that it names, how TOML writes it."""

import json
from collections.abc import Sequence

from longstride.pipeline.ingest.errors import RecipeError

__all__ = ["by_column", "check_choice", "check_once", "toml", "unexpected"]


def toml(value: str | Sequence[str]) -> str:
    """A text or a list of them, as TOML writes it."""
    if not isinstance(value, str):
        return f"[{', '.join(map(toml, value))}]"
    # A string of JSON is one of TOML, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def by_column(entries: Sequence[str]) -> list[tuple[str | None, str]]:
    """Column and value of each entry; no column where the value is for all."""
    split = [entry.rpartition("=") for entry in entries]
    return [(column if mark else None, value) for column, mark, value in split]


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise RecipeError unless a value is one of the choices."""
    if value not in choices:
        listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
        raise unexpected(name.replace("_", "-"), value, listed)


def check_once(setting: str, entries: Sequence[str]) -> None:
    """Raise RecipeError where two entries give a column, or all of them, different values."""
    found: dict[str | None, str] = {}
    for column, value in by_column(entries):
        if found.setdefault(column, value) != value:
            of = "all channels" if column is None else repr(column)
            raise RecipeError(
                f"{setting} gives {of} both {found[column]!r} and {value!r}: give one of them",
                code="recipe-conflict",
            )


def unexpected(setting: str, value: object, expected: str) -> RecipeError:
    """Say what a setting is, and what was expected."""
    return RecipeError(f"{setting} is {value!r}: expected {expected}", code="recipe-value")
