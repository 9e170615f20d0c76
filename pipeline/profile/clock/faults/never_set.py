"""Clocks that were never set: dates that do not exist, times that stand still, or run from where clocks begin."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import polars as pl

from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_formats import is_time
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.text import readable_time

__all__ = ["doubt_of_clock", "doubt_of_halves", "unreadable_clock"]

MAX_TEXTS = 50
DAY_NS = 86_400 * 10**9
BEGINNINGS = ("1970-01-01", "1980-01-01", "1980-01-06", "2000-01-01", "2036-02-07")
"""Days at which clocks of loggers begin when their battery was out."""
FEWEST = 3
HOUR = r"(?:^|[T ])(\d{1,2})[:.]\d\d"
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


def doubt_of_halves(times: Times, texts: Sequence[pl.Series]) -> str | None:
    """A doubt of hours (T,) that are 1 to 12 and start again twice a day: what says AM or PM was lost."""
    if not texts or "%p" in (times.recipe.time_format or ""):
        return None
    found = [column.str.extract(HOUR).cast(pl.Int64, strict=False).drop_nulls() for column in texts]
    hours = next((one for one in found if len(one) >= FEWEST), None)
    if hours is None or not hours.is_between(1, 12).all() or not (hours == 12).any():
        return None
    falls = times.nanoseconds.diff().drop_nulls() < 0
    after_noon = (hours == 12) & (hours.shift(-1) == 1)
    if not falls.any() or not after_noon.any():
        return None
    return (
        "time-format: hours are 1 to 12 alone and times go back, as those of a clock of 12 hours do where AM and "
        "PM were lost: half of the times are wrong. Write the hours as 0 to 23, or export the log with AM and PM"
    )
