"""Hours, minutes and seconds without a date, to nanoseconds: those of a recording, or of one day."""

import polars as pl

from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.times.whole_numbers import LARGEST, masked

__all__ = ["from_clock"]

CLOCK = r"^\s*(\d{1,6}):([0-5]?\d)(?::([0-5]?\d)(?:[.,](\d{1,9}))?)?\s*$"
"""Hours may be more than 24: a recording has no days."""
SECOND = UNITS_NS["s"]


def from_clock(texts: pl.Series, start_ns: int) -> pl.Series:
    """Read texts such as 0:00:10, 27:15:30.25 or 08:30: nanoseconds (int64) since 1970, 0:00 being `start_ns`.

    Null where a text is missing or none, or out of reach.
    """
    parts = [texts.str.extract(CLOCK, group) for group in range(1, 5)]
    hours, minutes, seconds = (part.cast(pl.Int64) for part in parts[:3])
    padded = pl.select(pl.lit(parts[3].fill_null("")).str.pad_end(9, "0")).to_series()
    whole = hours * 3600 + minutes * 60 + seconds.fill_null(0)
    whole = masked(whole, whole < (LARGEST - start_ns) // SECOND)
    nanoseconds: pl.Series = whole * SECOND + padded.cast(pl.Int64) + start_ns
    return nanoseconds
