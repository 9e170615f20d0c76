"""A head of two rows of numbers: when the first row was, and how many rows a second there are.

Wrist loggers write it so: seconds since 1970 in each column, below them the rate in each column, and no names.
"""

import re
from datetime import UTC, datetime
from fractions import Fraction

from longstride.pipeline.profile.head.begin import Begin
from longstride.pipeline.profile.head.step import Step

__all__ = ["bare_facts", "bare_length", "has_begin_as_name"]

HEAD = re.compile(
    rb"(?P<time>1\d{9}(?:\.\d+)?)(?:, ?(?P=time))*\r?\n"
    rb"(?P<rate>\d{1,5}(?:\.\d+)?)(?:, ?(?P=rate))*\r?\n(?=[-+]?[\d.])"
)
BEGIN_AND_NAMES = re.compile(rb"1\d{9}(?:\.\d+)?(?:, ?[A-Za-z]\w*)+\r?\n(?=\d{1,6}(?:\.\d+)?,)")
SMALL = re.compile(rb"\d{10}")


def bare_length(text: bytes) -> int:
    """Bytes of such a head; 0 where a text has none. The third line must not be a time itself."""
    match = HEAD.match(text)
    if match is None or SMALL.match(text, match.end()) or not float(match["rate"]):
        return 0
    first, second = match[0].splitlines()
    return match.end() if first.count(b",") == second.count(b",") else 0


def bare_facts(text: bytes) -> tuple[Step, Begin] | None:
    """What such a head tells."""
    match = HEAD.match(text) if bare_length(text) else None
    if match is None:
        return None
    time, rate = (match[name].decode() for name in ("time", "rate"))
    nanoseconds = 10**9 / Fraction(rate)
    start = datetime.fromtimestamp(float(time), UTC).isoformat()
    return Step(f"{float(rate):g}hz", nanoseconds, 1, rate, "Hz"), Begin(start, time, 0, is_start=True)


def has_begin_as_name(text: bytes) -> bool:
    """Whether the first line is when a recording began, then names: the column below that time counts seconds."""
    return BEGIN_AND_NAMES.match(text) is not None
