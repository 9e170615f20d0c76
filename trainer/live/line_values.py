"""Values, times and names as they stand in lines of JSON or CSV."""

import math
from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np

__all__ = ["BadLine", "name_of", "number_of", "time_of"]

MISSING = frozenset(["", "nan", "null"])
FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Whole years in nanoseconds of int64."""
MAX_DIGITS = 64
MAX_SHOWN = 40


class BadLine(Exception):
    """What is wrong with a line, to be said of it: no fault of its user alone, and no end of the work."""


def number_of(given: Any, nulls: Collection[str], largest: float) -> float:
    """A number, NaN where it is missing."""
    if given is None:
        return math.nan
    if isinstance(given, str):
        text = given.strip()
        if text in nulls or text.lower() in MISSING:
            return math.nan
        if "_" in text:
            raise BadLine(f"{_shown(given)} is not a number")
        try:
            given = float(text)
        except ValueError:
            raise BadLine(f"{_shown(given)} is not a number") from None
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise BadLine(f"{_shown(given)} is not a number")
    if abs(given) > largest:  # never NaN
        raise BadLine(f"{_shown(given)} is too large")
    return float(given)


def time_of(given: Any, unit: int | None) -> int:
    """Nanoseconds since 1970 UTC, of ISO 8601 or a number of units of so many nanoseconds."""
    if isinstance(given, str) and "-" in given.strip()[1:]:
        return _instant(given.strip())
    if given is None or isinstance(given, bool) or not isinstance(given, int | float | str):
        raise BadLine(f"{_shown(given)} is not a time")
    if unit is None:
        raise BadLine(f"{_shown(given)} is not a time of ISO 8601; of numbers, --time-unit says what they count")
    try:
        found = Decimal(str(given).strip()[:MAX_DIGITS]) * unit
        is_time = found.is_finite() and len(str(given).strip()) <= MAX_DIGITS
    except ArithmeticError:
        is_time = False
    if not is_time:
        raise BadLine(f"{_shown(given)} is not a time")
    if abs(found) >= 2**63:  # before it becomes an int, which may have any number of digits
        raise BadLine(f"{_shown(given)} is no time that 64 bits hold in nanoseconds: check --time-unit")
    return int(found.to_integral_value())


def name_of(given: Any) -> str:
    """The name of a series: a text or a whole number."""
    if isinstance(given, str) or (isinstance(given, int) and not isinstance(given, bool)):
        return str(given)
    raise BadLine(f"{_shown(given)} is not a name of a series")


def _instant(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
        zone = found.utcoffset()
        whole = found.replace(tzinfo=None, microsecond=0)
        if not FIRST_YEAR <= whole.year <= LAST_YEAR:
            raise ValueError("outside")
    except ValueError:
        raise BadLine(f"{_shown(text)} is not a time of ISO 8601 from {FIRST_YEAR} to {LAST_YEAR}") from None
    digits = _fraction(text)
    if zone is not None:
        whole = (whole.replace(tzinfo=UTC) - zone).replace(tzinfo=None)
    return int(np.datetime64(whole, "ns").astype(np.int64)) + int(digits[:9].ljust(9, "0"))


def _fraction(text: str) -> str:
    """Digits behind the second, of which `datetime` keeps six."""
    _, has_fraction, rest = text.replace(",", ".").partition(".")
    count = next((at for at, letter in enumerate(rest) if not letter.isdigit()), len(rest))
    return rest[:count] if has_fraction else ""


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
