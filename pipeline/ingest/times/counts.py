"""Numbers that count from a day, a week or a year on that other columns say, to nanoseconds since 1970 UTC."""

import polars as pl

from longstride.pipeline.ingest.settings.epochs import EPOCHS, Count
from longstride.pipeline.ingest.settings.time_format import directives
from longstride.pipeline.ingest.times.epochs import without_leap_seconds
from longstride.pipeline.ingest.times.whole_numbers import masked

__all__ = ["counted_from_date", "counted_from_epoch"]

OF_DAY, OF_MONTH = set("dejFDcxuwaA"), set("mbBh")
MOST_NS = 367 * 86_400 * 10**9


def counted_from_epoch(begins: pl.Series, counts: pl.Series, count: Count) -> pl.Series:
    """Days or weeks (int64 ns, (T,)) and what was counted since (ns); null where that is longer than one."""
    epoch = EPOCHS[count.base]
    nanoseconds = begins + _since(counts, count, epoch.unit_ns)
    # A week of GPS is counted with its leap seconds: they are taken off at the end.
    return without_leap_seconds(nanoseconds) if epoch.counts_leap_seconds else nanoseconds


def counted_from_date(begins: pl.Series, counts: pl.Series, count: Count, timezone: str) -> pl.Series:
    """Times (int64 ns, (T,)) of what was counted (ns) since a day, a month or a year began in a time zone.

    A day on which clocks change is longer or shorter. Null where more was counted than there is.
    """
    found = set(directives(count.base))
    span = "1d" if found & OF_DAY else "1mo" if found & OF_MONTH else "1y"
    nanoseconds = begins + _since(counts, count, None)
    # Where the first is 0, that of the end is 0 of the next day.
    last = nanoseconds - (nanoseconds > begins).cast(pl.Int64) * (count.first == 0)
    one, other = (
        moment.cast(pl.Datetime("ns", "UTC"))
        .dt.convert_time_zone(timezone)
        .dt.replace_time_zone(None)
        .dt.truncate(span)
        for moment in (begins, last)
    )
    return masked(nanoseconds, one == other)


def _since(counts: pl.Series, count: Count, most: int | None) -> pl.Series:
    """Nanoseconds; null where there are less than the first, or `most` or more."""
    since: pl.Series = counts - count.first * count.step_ns
    return masked(since, (since >= 0) & (since < (most or MOST_NS)))
