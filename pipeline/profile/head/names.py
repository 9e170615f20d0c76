"""Names of columns that a head lists, one a line or all in one, where no line above the table holds them."""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from longstride.pipeline.ingest.sources.csv.header import all_different
from longstride.pipeline.profile.head.entries import Entry, plain_key
from longstride.pipeline.profile.head.values import listed_values

__all__ = ["listed_names"]

NUMBERED = re.compile(
    r"[%#*;!/\s]*(?:name|column|col|channel|chan|ch|field|signal|sensor|kanal|spalte|variable)[ _#.]*(\d{1,3})"
    r"(?:[ _]?name)?\s*[:=\t,]\s*(.+?)[\s,;]*",
    re.IGNORECASE,
)
"""As in # name 3 = t090C: Temperature [deg C]."""
LISTED = (
    "channel",
    "channelname",
    "name",
    "signal",
    "signalname",
    "column",
    "columnname",
    "sensor",
    "variable",
    "field",
)
"""Keys that come once for each column."""
IN_ONE_LINE = re.compile(r"(?:column|field|variable|channel|signal|parameter|sensor)(?:name)?s|columnheaders?")
"""Keys behind which all names stand, as in fields = timestamp TA RH."""
A_NAME = re.compile(r"[^\W\d]\S*")
SECTION = re.compile(r"\[(?:column|channel|field)s?(?:[ _]?names?)?\]", re.IGNORECASE)
UNIT = re.compile(r"[\[(]([^\])]*)[\])]\s*$")
TIME = "Time"


def listed_names(
    entries: Sequence[Entry], lines: Sequence[str], width: int
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Names for `width` columns, and the units of some; none where the head does not list as many.

    Where one is missing, the first column is that of the times of the rows.
    """
    if names := _of_section(lines, width):
        return names, {}
    numbered = [match.groups() for line in lines if (match := NUMBERED.fullmatch(line.strip()))]
    in_order = [int(number) for number, _ in numbered]
    is_complete = all(later == before + 1 for before, later in pairwise(in_order))
    texts = [text for _, text in numbered] if is_complete else []
    if not texts:
        by_key: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            by_key[plain_key(entry.key)] += entry.values[:1]
        texts = next(
            (by_key[key] for key in LISTED if len(by_key[key]) > 1 and width - len(by_key[key]) in (0, 1)), []
        )
    if not texts and (listed := _in_one_line(entries, width)):
        return listed, {}
    if not texts or width - len(texts) not in (0, 1):
        return (), {}
    shown = [_name(text) if numbered else (text, "") for text in texts]
    names = tuple(all_different([TIME, *(name for name, _ in shown)][-width:]))
    units = dict(zip(names[-len(shown) :], (unit for _, unit in shown), strict=True))
    return names, {name: unit for name, unit in units.items() if unit}


def _in_one_line(entries: Sequence[Entry], width: int) -> tuple[str, ...]:
    """As many names as there are columns, behind one key; none where no entry has them."""
    listed = (listed_values(entry) for entry in entries if IN_ONE_LINE.fullmatch(plain_key(entry.key)))
    found = (names for names in listed if len(names) == width > 1 and all(map(A_NAME.fullmatch, names)))
    return tuple(all_different(next(found, ())))


def _of_section(lines: Sequence[str], width: int) -> tuple[str, ...]:
    """The words of the line below a title such as [column names], where they are as many as there are columns."""
    filled = [line.strip() for line in lines if line.strip()]
    for title, below in pairwise(filled):
        words = re.split(r"[\s,;]+", below.strip(",;"))
        if SECTION.fullmatch(title) and len(words) == width:
            return tuple(all_different(words))
    return ()


def _name(text: str) -> tuple[str, str]:
    """A short name and the unit behind it, as in t090C: Temperature [ITS-90, deg C]."""
    short, mark, rest = text.partition(": ")
    unit = UNIT.search(text)
    name = short if mark and rest and not re.search(r"\s", short) else UNIT.sub("", text).strip() if unit else text
    return name.strip() or text, unit[1].rpartition(",")[2].strip() if unit else ""
