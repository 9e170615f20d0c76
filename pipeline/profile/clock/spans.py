"""Texts that hold the begin and the end of a time: 08:00-09:00, or 08-09, which are hours."""

from collections.abc import Sequence

import polars as pl

from longstride.pipeline.profile.clock.reading import Times, read_as

__all__ = ["are_hours", "are_spans", "read_span"]

HALF = 0.5
NEARLY_ALL = 0.95
OFFSET_AT_END = r"\d{1,2}:\d\d(?::\d\d)?([+-]\d\d:\d\d)$"
MOST_OFFSETS = 4
"""Of a logger that travels."""
HOURS = r"(?:^|[^\d\s.:/-]\.?\s*|\s)([01]?\d|2[0-4]) ?h? ?- ?([01]?\d|2[0-4]) ?h?$"
"""Two hours at the end of a text."""
DAY = 24
MOST_HOURS = 12
FEWEST = 3
"""Of so many different hours, all are as far apart as the others by no chance."""


def are_spans(texts: pl.Series) -> bool:
    """Whether texts hold two times, though they read as one: with many offsets from UTC, or with minutes."""
    return _has_many_ends(texts) or are_hours(texts)


def are_hours(texts: pl.Series) -> bool:
    """Whether all end in two hours, mostly as far apart: 08-09, 09-10 and so on are no minutes."""
    if texts.dtype != pl.String:
        return False
    plain = texts.str.strip_chars().replace("", None).drop_nulls().unique()
    begin, end = plain.str.extract_groups(HOURS).struct.unnest().cast(pl.Int64).get_columns()
    if begin.has_nulls() or begin.n_unique() < FEWEST:
        return False
    lengths = (end - begin) % DAY
    usual: int = min(lengths.mode().to_list())
    if int((end % DAY).is_in(begin % DAY).sum()) < HALF * len(end):
        return False  # rooms such as 01-02 and 03-04: of hours, one begins where another ends
    # Where clocks are set, an hour is 01-03 or 02-02.
    return 0 < usual <= MOST_HOURS and int((lengths == usual).sum()) >= NEARLY_ALL * len(lengths)


def read_span(columns: Sequence[pl.Series], format_: str | None) -> Times | None:
    """Read texts that hold two times, of which the first counts; of a date and a time of day, the latter does."""
    times = read_as(columns, format_, interval="begin")
    return times if times is not None and times.nanoseconds.count() else None


def _has_many_ends(column: pl.Series) -> bool:
    """Whether texts end as if with an offset from UTC, but with more different ones than a zone has."""
    ends = column.str.strip_chars().str.extract(OFFSET_AT_END).drop_nulls()
    return len(ends) > HALF * len(column) and ends.n_unique() > MOST_OFFSETS
