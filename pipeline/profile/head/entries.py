"""The lines above a table as entries: a key, and what is said of it."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["MARKS", "Entry", "entries_of", "plain_key"]

MARKS = "~%#*;!$/\"'\ufeff- \t"
"""What may stand before a key."""
ENTRY = re.compile(
    r"(?P<key>[^\W\d_][\w .%/#-]*?)\s*(?:[\[(](?P<unit>[^\])]*)[\])])?"
    r"\s*(?:(?::=|[:=,;\t])\s*|\s+(?=[\d+-]))(?P<rest>\S.*)"
)
"""As in Rate = 250.0 Hz, Sampling Rate (Hz):= 250, Start Time 09:00:00, Delta_X 0.5, Epoch (hh:mm:ss) 00:00:15."""
VALUE = re.compile(
    r"[+-]?\d[\d.]*(?:[eE][+-]?\d+)?"
    r"|(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?:[T ]+\d{1,2}:\d\d(?::\d\d)?(?: ?[AP]M)?)?"
    r"|\d{1,2}:\d\d(?::\d\d)?(?: ?[AP]M)?",
    re.IGNORECASE,
)
"""A number, a date or a time of day."""
CELL = re.compile(r"[,;\t]")


class Entry(NamedTuple):
    """What one line says of one key."""

    line: int
    """Lines before it."""
    key: str
    """Without marks before it and a unit behind it."""
    unit: str
    """That in brackets behind the key; empty where there is none."""
    values: tuple[str, ...]
    """What is said: several where tabs stand between them, as for each channel."""
    text: str
    """As it stands."""


def entries_of(lines: Sequence[str]) -> list[Entry]:
    """The entries in the lines above a table, the names of its columns among them."""
    found = [entry for number, line in enumerate(lines) for entry in _of_line(number, line)]
    for number, (above, below) in enumerate(pairwise(lines)):
        found += _below_each_other(number, above, below)
    return found


def plain_key(key: str) -> str:
    """A key without what is written differently."""
    return re.sub(r"[\W_]", "", key.lower())


def _of_line(number: int, line: str) -> Iterator[Entry]:
    text = line.strip().strip(MARKS).rstrip(",;\t\" '")
    if (entry := _entry(number, text)) is not None:
        yield entry
    cells = [cell.strip(" \"'") for cell in CELL.split(text)]
    for cell in cells if len(cells) > 1 else ():
        if "=" in cell and (entry := _entry(number, cell)) is not None:
            yield entry
    for key, value in pairwise(cells):
        if key.endswith(":") and value and (entry := _entry(number, f"{key} {value}")):
            yield entry


def _entry(number: int, text: str) -> Entry | None:
    match = ENTRY.fullmatch(text)
    if match is None:
        return None
    values = tuple(value for part in match["rest"].split("\t") if (value := part.strip(" \"'")))
    return Entry(number, match["key"].strip(), (match["unit"] or "").strip(), values, text)


def _below_each_other(number: int, above: str, below: str) -> Iterator[Entry]:
    """Keys in the cells of one line, values in those of the next one, as oscilloscopes and watches write them."""
    keys, values = ([cell.strip(" \"'") for cell in CELL.split(line.strip())] for line in (above, below))
    for key, value in zip(keys, values, strict=False):
        if re.fullmatch(r"[^\W\d_][\w ]*", key) and VALUE.fullmatch(value):
            yield Entry(number + 1, key, "", (value,), f"{key} {value}")
