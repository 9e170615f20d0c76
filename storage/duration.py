"""Lengths of time as people write them: 90s, 1h30m, 10min."""

import re
from fractions import Fraction

__all__ = ["UNITS_NS", "format_duration", "read_duration", "told_duration"]

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
PART = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)\s*(w|d|h|min|ms|us|ns|m|s)\s*")


def read_duration(text: str) -> Fraction | None:
    """Nanoseconds of a duration such as "1h30m" or "0.5s"; None for any other text."""
    position = 0
    total = Fraction(0)
    stripped = text.strip()
    while match := PART.match(stripped, position):
        total += Fraction(match[1]) * UNITS_NS[match[2].removesuffix("in")]
        position = match.end()
    return total if stripped and position == len(stripped) else None


def format_duration(nanoseconds: int) -> str:
    """Write a duration so that `read_duration` gives it back, such as 1h30m."""
    parts = []
    for unit, size in UNITS_NS.items():
        count, nanoseconds = divmod(nanoseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def told_duration(seconds: float) -> str:
    """A duration to be read by people, with three digits or two units: 34.5s, 2m5s, 18h45m, 3d4h."""
    if seconds < 60:
        return f"{seconds:.3g}s" if seconds < 59.95 else "1m"
    units = list(UNITS_NS.values())
    nanoseconds = round(seconds * UNITS_NS["s"])
    largest = next(number for number, size in enumerate(units) if size <= nanoseconds)
    smallest = units[min(largest + 1, units.index(UNITS_NS["s"]))]
    return format_duration((nanoseconds + smallest // 2) // smallest * smallest)
