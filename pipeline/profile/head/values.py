"""What a head tells of the values below it: the number that means missing, factors and offsets of columns."""

import re
from collections.abc import Sequence

from longstride.pipeline.profile.head.entries import Entry, plain_key

__all__ = ["find_missing_number", "find_scaling", "listed_values"]

MISSING = re.compile(
    r"nodata(?:value)?|(?:missing|bad)(?:data)?(?:value|flag|code)|_?fill(?:ed)?value|missingdata"
)
"""Keys that say what a missing value is written as, not how many are missing."""
FACTORS = re.compile(r"units?multipliers?|multipliers?|scal(?:e|ing)(?:factor)?s?|gains?|slopes?")
OFFSETS = re.compile(r"(?:units?|add)?offsets?|intercepts?")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


def listed_values(entry: Entry) -> list[str]:
    """The values of an entry of one line, which tabs, commas, semicolons or blanks may separate."""
    return re.split(r"[,;\s]+", " ".join(entry.values).strip())


def find_missing_number(entries: Sequence[Entry]) -> tuple[float, Entry] | None:
    """The number that means missing, as in nodata = -999."""
    found = (one for one in entries if MISSING.fullmatch(plain_key(one.key)) and NUMBER.fullmatch(one.values[0]))
    return next(((number, one) for one in found if (number := float(one.values[0]))), None)


def find_scaling(entries: Sequence[Entry], width: int) -> tuple[Entry, ...]:
    """Entries with a factor or an offset for each of `width` columns, or for all but the time, that change one."""
    found = []
    for entry in entries:
        key, texts = plain_key(entry.key), listed_values(entry)
        neutral = 1.0 if FACTORS.fullmatch(key) else 0.0 if OFFSETS.fullmatch(key) else None
        if neutral is None or width < 2 or len(texts) not in (width, width - 1):
            continue
        if all(map(NUMBER.fullmatch, texts)) and any(float(text) != neutral for text in texts):
            found.append(entry)
    return tuple(found)
