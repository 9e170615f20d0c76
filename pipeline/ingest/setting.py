"""The value of one setting: what it may be, the columns that it names, how TOML writes it."""

import codecs
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from longstride.pipeline.ingest.errors import RecipeError
from longstride.storage.places.files import read_file

__all__ = [
    "by_column",
    "check_choice",
    "check_once",
    "is_encoding",
    "is_single_byte",
    "read_toml",
    "toml",
    "unexpected",
    "utf8",
]

ESCAPES = b"\\x41 \\u0041 +AEE- ~{VP~} \x1b$B$@ xn--p1ai"
"""Texts that mean others in codecs of Python that have a state, or are no encodings of files."""
WIDE = ("utf-16", "utf-32")
UTF8 = ("utf-8", "utf-8-sig")


def toml(value: str | Sequence[str]) -> str:
    """A text or a list of them, as TOML writes it."""
    if not isinstance(value, str):
        return f"[{', '.join(map(toml, value))}]"
    # A string of JSON is one of TOML, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_toml(path: Path) -> dict[str, Any]:
    """Names and values of a recipe file. Raises RecipeError, or PlaceError where it is no file."""
    data = read_file(path, follow=True)
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{path} is not a TOML file: {error}", code="recipe-file") from None


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


def is_encoding(name: str) -> bool:
    """Whether texts of files can be in an encoding: one that has the letters of ASCII, and no escapes in them."""
    try:
        if codecs.lookup(name).name.startswith(WIDE):
            return True
        # Codecs of escapes leave single bytes as they are, and read more into some texts.
        bytes(range(128, 256)).decode(name, "replace")
        return all(text.decode(name) == text.decode("ascii") for text in (ESCAPES, bytes(range(128))))
    except (LookupError, ValueError):  # of an unknown name; of a text, or a name, that a codec cannot take
        return False


def is_single_byte(name: str) -> bool:
    """Whether each byte below 128 of a text is the one of ASCII: it is UTF-8, or has a byte for each character."""
    known = codecs.lookup(name).name
    return known in UTF8 or (
        not known.startswith(WIDE) and len(bytes(range(128, 256)).decode(name, "replace")) == 128
    )


def unexpected(setting: str, value: object, expected: str) -> RecipeError:
    """Say what a setting is, and what was expected."""
    return RecipeError(f"{setting} is {value!r}: expected {expected}", code="recipe-value")


def utf8(setting: str, text: str) -> str:
    """A text that a store can hold: arguments of a command may be of any bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise unexpected(setting, text, "a text in UTF-8") from None
    return text
