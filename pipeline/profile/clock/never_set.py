"""Clocks that were never set: dates that do not exist, times that stand still, or run from where clocks begin."""

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_formats import is_time
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.text import readable_time

__all__ = ["doubt_of_clock", "unreadable_clock"]

MAX_TEXTS = 50
DAY_NS = 86_400 * 10**9
BEGINNINGS = ("1970-01-01", "1980-01-01", "1980-01-06", "2000-01-01", "2036-02-07")
"""Days at which clocks of loggers begin when their battery was out."""
FEWEST = 3
SAY = (
    "If its clock was never set, count rows, as with `longstride profile LOG --every 10s --start "
    "2024-03-01T08:00`, or take a column that counts seconds, as with --time COLUMN --time-format s --start "
    "2024-03-01T08:00"
)


def doubt_of_clock(nanoseconds: pl.Series) -> str | None:
    """A doubt of times (T,) such as clocks show that nobody has set; None where they look well."""
    times = nanoseconds.drop_nulls()
    if len(times) < FEWEST:
        return None
    first = int(times.min())  # type: ignore[arg-type]
    shown = readable_time(first, fraction=False)
    if times.n_unique() == 1:
        return f"all rows have the time {shown}. {SAY}"
    if shown[:10] in BEGINNINGS:
        return f"times begin at {shown}, as those of clocks that were never set. {SAY}"
    last = int(times.max())  # type: ignore[arg-type]
    if last > (datetime.now(UTC).timestamp() + 366 * 86_400) * 1e9:
        return f"times reach to {readable_time(last, fraction=False)}, far in the future. {SAY}"
    return None


def unreadable_clock(columns: Mapping[str, Column]) -> str | None:
    """What to say where texts are written like times, and are none; None where no column is."""
    found = [column for column in columns.values() if not column.is_number and _is_like_times(column)]
    if not found:
        return None
    shown = " ".join(str(column.values[0]) for column in found[:2])
    names = " and ".join(repr(column.name) for column in found[:2])
    return f"{quoted(shown)} in {names} is written like a time, and is none that can be read"


def _is_like_times(column: Column) -> bool:
    texts = column.values.head(MAX_TEXTS).to_list()
    return bool(texts) and sum(map(is_time, texts)) >= MOST * len(texts)
