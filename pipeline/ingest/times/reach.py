"""Times of Parquet and Arrow files that are further away than nanoseconds, or Python, reach."""

from typing import Any

import polars as pl

from longstride.pipeline.ingest.times.whole_numbers import LARGEST, masked

__all__ = ["shown_value", "within_reach"]

UNITS_A_DAY = {"ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
DAYS = LARGEST // UNITS_A_DAY["ns"] - 2
"""Before and after 1970, less what a time zone may add."""
FIRST_DAY, LAST_DAY = -719_162 + 2, 2_932_896 - 2
"""What Python's dates reach, the years 1 to 9999, less what a time zone may add."""


def within_reach(column: pl.Series) -> pl.Series:
    """The column, null where a date, a time or a time of day is out of reach: Polars would wrap it, or panic."""
    units = _units_a_day(column.dtype)
    if units is None:
        return column
    low, high = (0, units - 1) if column.dtype == pl.Time else (-DAYS * units, DAYS * units)
    number = column.to_physical()
    kept = number.is_between(low, high)
    return column if kept.all() else masked(column, kept)


def shown_value(column: pl.Series, row: int) -> Any:
    """A value as Python has it; of a time that Python has not, the number that the file holds."""
    units = _units_a_day(column.dtype)
    if units is not None:
        number = column[row : row + 1].to_physical().item()
        low, high = (0, 0) if column.dtype == pl.Time else (FIRST_DAY, LAST_DAY)
        if number is not None and not low <= number // units <= high:
            return number
    return column[row]


def _units_a_day(dtype: pl.DataType) -> int | None:
    if isinstance(dtype, pl.Datetime):
        return UNITS_A_DAY[dtype.time_unit]
    if dtype == pl.Time:
        return UNITS_A_DAY["ns"]
    return 1 if dtype == pl.Date else None
