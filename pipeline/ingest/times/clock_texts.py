"""Elapsed times that are written as those of a clock, such as 27:15:00 or 1d 03:15:00, to nanoseconds."""

import polars as pl

from longstride.pipeline.ingest.settings.epochs import CLOCK_TEXTS, UNITS_NS

__all__ = ["from_clock_texts"]

DAYS = r"^\s*(?:(?<days>\d+)\s*(?:d|days?|dni?|jours?|tage?|[.,]|\s)\s*,?\s*)?"
REST = {
    "h:m:s": r"(?<h>\d+)[:h]\s?(?<m>\d\d?)(?:[:m]\s?(?<s>\d\d?)(?:[.,](?<f>\d{1,9}))?)?\s?[hms]?\s*$",
    "m:s": r"(?<h>)(?<m>\d+):(?<s>\d\d?)(?:[.,](?<f>\d{1,9}))?\s*$",
}
LARGEST_NS = 2**61
"""More is no time of a recording, and would wrap around with the time at which it began."""


def from_clock_texts(texts: pl.Series, format_: str, origin_ns: int) -> pl.Series:
    """Nanoseconds (int64, (T,)) since 1970 of texts of one of `CLOCK_TEXTS`, which count from `origin_ns` on.

    Null where unreadable: minutes or seconds of 60 or more, but for those that come first.
    """
    assert format_ in CLOCK_TEXTS
    parts = texts.str.extract_groups(DAYS + REST[format_]).struct.unnest()
    read = pl.DataFrame({"m": parts["m"], "f": parts["f"].fill_null("").str.pad_end(9, "0")}).with_columns(
        _number(parts[name]).alias(name) for name in ("days", "h", "m", "s")
    )
    units = {"days": "d", "h": "h", "m": "min"}
    fits = pl.all_horizontal(pl.col(name) < LARGEST_NS // 4 // UNITS_NS[unit] for name, unit in units.items())
    fits &= pl.col("s") < 60
    if format_ == "h:m:s":
        fits &= pl.col("m") < 60
    total = (
        pl.col("days") * UNITS_NS["d"]
        + pl.col("h") * UNITS_NS["h"]
        + pl.col("m") * UNITS_NS["min"]
        + pl.col("s") * UNITS_NS["s"]
        + pl.col("f").cast(pl.Int64)
        + origin_ns
    )
    is_read = parts["m"].is_not_null()
    return read.select(pl.when(fits & pl.lit(is_read)).then(total)).to_series()


def _number(texts: pl.Series) -> pl.Series:
    """Whole numbers; 0 where there is none."""
    return texts.replace("", None).fill_null("0").cast(pl.Int64, strict=False)
