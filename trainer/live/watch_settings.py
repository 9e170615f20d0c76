"""The options of `longstride watch` that say what its lines are."""

import os
from dataclasses import dataclass
from typing import Literal

from longstride.trainer.checks import at_least, check, one_of
from longstride.trainer.live.settings import DetectorOptions

__all__ = ["TIME_UNITS", "WatchOptions"]

Format = Literal["auto", "ndjson", "csv"]
TimeUnit = Literal["s", "ms", "us", "ns"]
TIME_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Nanoseconds of each."""


@dataclass(frozen=True, kw_only=True)
class WatchOptions(DetectorOptions):
    """The flags of `longstride watch`."""

    format: Format = "auto"
    """What the lines are; auto: ndjson if the first begins with {, csv otherwise."""
    columns: tuple[str, ...] = ()
    """Name of a column of CSV where the first line is not a header; give one for each column, in their order."""
    separator: str = ","
    """What stands between the fields of CSV."""
    null: tuple[str, ...] = ()
    """A text that means a missing value, given again for each such text; an empty field, NaN and null
    always mean one."""
    time: str | None = None
    """Field with the time of a row. By default the one called `time`, if the first row has it; without
    times, rows follow each other without a gap."""
    time_unit: TimeUnit | None = None
    """What times count since 1970 UTC, where they are numbers. Texts are ISO 8601, UTC if they name no zone."""
    series: str | None = None
    """Field with the series of a row. By default the one called `series`, if the first row has it;
    without it all rows are of one series."""
    max_rejects: int | None = None
    """Lines that may be bad; one more ends the command. By default any number: each is reported and left out."""
    state: str | os.PathLike[str] | None = None
    """File that keeps what is known of the rows so far: read at the start if it is there, written every minute and
    at the end, so that a restarted command has no first K - 1 rows without a score."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(Format, format=self.format)
        at_least(0, max_rejects=self.max_rejects)
        check(
            len(self.separator) == 1 and self.separator not in '"\n\r',
            "separator",
            self.separator,
            "one character",
        )
        check(len(set(self.columns)) == len(self.columns), "columns", self.columns, "different names")
        check(not self.columns or self.format != "ndjson", "columns", self.columns, "none for --format ndjson")
        check(self.time is None or self.time != self.series, "series", self.series, "another field than --time")
