"""Lengths of time as people write them: 90s, 1h30m."""

import re
from fractions import Fraction

from longstride.pipeline.ingest.errors import RecipeError

__all__ = ["format_duration", "parse_duration"]

UNITS_NS = {
    "w": 604_800 * 10**9,
    "d": 86_400 * 10**9,
    "h": 3_600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}
PART = re.compile(r"(\d+(?:\.\d+)?)\s*(w|d|h|ms|us|ns|m|s)\s*")


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as "1h30m" or "0.5s".

    Raises RecipeError for anything else, and for a duration of zero.
    """
    position = 0
    total = Fraction(0)
    stripped = text.strip()
    while match := PART.match(stripped, position):
        total += Fraction(match[1]) * UNITS_NS[match[2]]
        position = match.end()
    if position < len(stripped) or total < 1:
        raise RecipeError(f"{text!r} is not a duration: write it as 90s, 1h30m, 500ms or 1d", code="recipe-value")
    return int(total)


def format_duration(nanoseconds: int) -> str:
    """Write a duration so that `parse_duration` gives it back, such as 1h30m."""
    parts = []
    for unit, size in UNITS_NS.items():
        count, nanoseconds = divmod(nanoseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
