"""Elapsed times that are written as those of a clock, such as 27:15:00 or 1d 03:15:00, to nanoseconds."""

import polars as pl

from longstride.pipeline.ingest.settings.epochs import CLOCK_TEXTS, UNITS_NS

__all__ = ["from_clock_texts"]

DAYS = r"^\s*(?:T\s?\+|\+)?\s*(?:(?<days>\d+)\s*(?:d|days?|dni?|jours?|tage?|[.,]|\s)\s*,?\s*)?"
REST = {
    "h:m:s": r"(?<h>\d+)[:h]\s?(?<m>\d\d?)(?:[:m]\s?(?<s>\d\d?)(?:[.,](?<f>\d{1,9}))?)?\s?[hms]?\s*$",
    "m:s": r"(?<h>)(?<m>\d+):(?<s>\d\d?)(?:[.,](?<f>\d{1,9}))?\s*$",
}
ISO = r"^\s*P(?:(?<days>\d+)D)?(?:T(?:(?<h>\d+)H)?(?:(?<m>\d+)M)?(?:(?<s>\d+)(?:[.,](?<f>\d{1,9})\d*)?S)?)?\s*$"
"""Durations of ISO 8601, such as P1DT2H30M; those with months or years are of no known length."""
DAYS_FIRST = r"^\s*(?<days>\d+)[:-](?<h>\d\d?):(?<m>[0-5]\d):(?<s>[0-5]\d)(?:[.,](?<f>\d{1,9}))?\s*$"
"""Four numbers, as 1-02:03:04 and 001:02:03:04."""
UNITS = (
    r"^\s*\+?(?:(?<days>\d+)\s?d(?:ays?)?[\s,]*)?(?:(?<h>\d+)\s?h(?:(?:ou)?rs?)?[\s,]*)?"
    r"(?:(?<m>\d+)\s?m(?:in(?:ute)?s?)?[\s,]*)?(?:(?<s>\d+)(?:[.,](?<f>\d{1,9})\d*)?\s?s(?:ec(?:ond)?s?)?)?\s*$"
)
"""Numbers with their units, such as 1h 2m 3.5s."""
LARGEST_NS = 2**61
"""More is no time of a recording, and would wrap around with the time at which it began."""


def from_clock_texts(texts: pl.Series, format_: str, origin_ns: int) -> pl.Series:
    """Nanoseconds (int64, (T,)) since 1970 of texts of one of `CLOCK_TEXTS`, which count from `origin_ns` on.

    Null where unreadable: minutes or seconds of 60 or more, but for those that come first, or have their unit.
    """
    assert format_ in CLOCK_TEXTS
    nanoseconds = _read(texts, DAYS + REST[format_], are_limited=True, is_long=format_ == "h:m:s")
    for pattern in (DAYS_FIRST, ISO, UNITS) if format_ == "h:m:s" else ():
        unread = nanoseconds.is_null() & texts.str.contains(r"\d").fill_null(False)
        if unread.any():
            found = _read(texts.filter(unread), pattern, are_limited=False, is_long=True)
            nanoseconds = nanoseconds.scatter(unread.arg_true(), found)
    return nanoseconds + origin_ns


def _read(texts: pl.Series, pattern: str, *, are_limited: bool, is_long: bool) -> pl.Series:
    """Nanoseconds (int64, (T,)) of texts, null where they are not of the pattern."""
    parts = texts.str.extract_groups(pattern).struct.unnest()
    read = pl.DataFrame({"m": parts["m"], "f": parts["f"].fill_null("").str.pad_end(9, "0")}).with_columns(
        _number(parts[name]).alias(name) for name in ("days", "h", "m", "s")
    )
    units = {"days": "d", "h": "h", "m": "min"}
    fits = pl.all_horizontal(pl.col(name) < LARGEST_NS // 4 // UNITS_NS[unit] for name, unit in units.items())
    fits &= pl.col("s") < (60 if are_limited else LARGEST_NS // 4 // UNITS_NS["s"])
    if are_limited and is_long:
        fits &= pl.col("m") < 60
    total = (
        pl.col("days") * UNITS_NS["d"]
        + pl.col("h") * UNITS_NS["h"]
        + pl.col("m") * UNITS_NS["min"]
        + pl.col("s") * UNITS_NS["s"]
        + pl.col("f").cast(pl.Int64)
    )
    # Of a text that does not match, all groups are null; of one that does, those of what it lacks may be as well.
    is_read = pl.select(pl.any_horizontal(pl.lit(parts[name]).is_not_null() for name in parts.columns)).to_series()
    return read.select(pl.when(fits & pl.lit(is_read)).then(total)).to_series()


def _number(texts: pl.Series) -> pl.Series:
    """Whole numbers; 0 where there is none."""
    return texts.replace("", None).fill_null("0").cast(pl.Int64, strict=False)
