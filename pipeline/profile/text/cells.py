"""What the text of one field is: a number, a time, nothing, or a text."""

import re
from enum import Enum
from functools import lru_cache

from longstride.pipeline.profile.words.missing_words import MISSING_WORD
from longstride.pipeline.profile.words.time_formats import is_time

__all__ = ["Kind", "kind_of"]

NUMBER = re.compile(
    r"[+\-\u2212]?(?:\d+(?:[.,]\d*)?|[.,]\d+|\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+(?:[.,]\d+)?)"
    r"(?:[eEdD][+-]?\d+)?-?\s?%?"
)
MEASURED = re.compile(rf"(?:{NUMBER.pattern})\s?[^\W\d_][^\s\d,;|]{{0,31}}")
DAY = re.compile(r"(?:19|20)\d{2}[01]\d[0-3]\d(?:\d{2,6})?")
FLAG = re.compile(r"true|false|on|off|yes|no", re.IGNORECASE)


class Kind(Enum):
    """Kinds of fields, with how much one explains of a text that is cut into fields rightly."""

    NUMBER = 1.0
    TIME = 1.01
    MEASURED = 0.95
    """A number with its unit."""
    FLAG = 0.9
    MISSING = 0.6
    TEXT = 0.2


@lru_cache(maxsize=2**14)
def kind_of(field: str) -> Kind:
    """The kind of a field without blanks around it."""
    if not field or MISSING_WORD.fullmatch(field):
        return Kind.MISSING
    if NUMBER.fullmatch(field):
        return Kind.TIME if DAY.fullmatch(field) else Kind.NUMBER
    if FLAG.fullmatch(field):
        return Kind.FLAG
    if is_time(field):
        return Kind.TIME
    return Kind.MEASURED if MEASURED.fullmatch(field) else Kind.TEXT
