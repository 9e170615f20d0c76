"""When the rows of a log were measured."""

import re
import zoneinfo
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from longstride.pipeline.ingest.duration import check_step, parse_duration
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import unexpected
from longstride.pipeline.ingest.settings.epochs import (
    CLOCK_TEXTS,
    DECIMAL_YEAR,
    EPOCHS,
    UNITS_NS,
    Count,
    Epoch,
    count_of,
    epoch_of,
    nanoseconds_of,
)
from longstride.pipeline.ingest.settings.melt import TIME_OF_DAY, check_melt
from longstride.pipeline.ingest.settings.pattern import group_of
from longstride.pipeline.ingest.settings.time_format import check_format, is_of_day, lacks_year

__all__ = ["ClockSettings"]

ELAPSED = (*UNITS_NS, *CLOCK_TEXTS)
Interval = Literal["none", "begin", "end"]
Ambiguous = Literal["reject", "infer", "earliest", "latest"]
Nonexistent = Literal["reject", "forward"]
DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, kw_only=True)
class ClockSettings:
    """Which columns hold the time of a row, and how it is written."""

    time: str | tuple[str, ...] = ()
    """Column that holds the time of a row, or several that hold parts of it: date and time of day, or year, month,
    day and so on. Where rows have no time, they are counted: `every` says how far apart they are, and `start`
    when the first one was."""
    date_from: str | None = None
    """Where rows hold the time of day alone, the date in the name of their file: a regular expression with one
    named group, such as '(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})'. It comes before the columns of `time`."""
    melt: str | None = None
    """Where a row holds a day and its columns are times of day, how these are named, such as %H:%M or H%H: each
    value becomes a row, with the columns time_of_day, which comes after those of `time`, and value."""
    time_format: str | None = None
    """How times are written: '%d/%m/%Y %H:%M:%S' or the like (several columns: with a space between them); for
    numbers a unit (s, ms, us, ns, 100ns, min, h, d) since `start` or 1970, a unit and a date such as 'h since
    1900-01-01', or excel, excel-1904, matlab, ordinal, julian, mjd, labview, apple, ntp, gps, ticks, filetime or
    year (as 2014.0833); h:m:s or m:s for a clock that counts from `start` on, such as 27:15:00, PT1H30M or
    1d 03:15:00. Where the last column counts from the moment that those before it say, + and its unit:
    '%Y-%m-%d + s', 'gps-week + s', '%Y-%m-%d + 30min from 1'. By default ISO 8601."""
    start: str | None = None
    """When an elapsed time is zero, or the time of the first row where rows are counted, such as
    2024-03-01T08:00; the date, where `time-format` is one of times of day alone, such as %H:%M:%S. Where it has
    no year, such as '%b %d %H:%M:%S', a date: a time is in the first year in which it is not before that date."""
    interval: Interval = "none"
    """Which time to take where a column holds two, such as 08:00 - 09:00, maybe behind one of dates;
    `time-format` is that of one of them."""
    round_time: str | None = None
    """Round times to a multiple of this, such as 1s: those of day numbers with few digits, or of a clock that
    trembles."""
    timezone: str = "UTC"
    """Time zone of times that are written without one, such as Europe/Berlin."""
    ambiguous: Ambiguous = "reject"
    """What to do with a local time that occurs twice, where clocks are set back; infer takes the first of the two
    until times go back, and the second from there on, by the order of the rows of each series in a file."""
    nonexistent: Nonexistent = "reject"
    """What to do with a local time that never occurs, where clocks are set forward; forward moves it
    by as much."""

    @property
    def time_columns(self) -> tuple[str, ...]:
        """Columns that hold the time of a row; some are made by `date_from` and `melt`."""
        columns = ((self.time,) if self.time else ()) if isinstance(self.time, str) else self.time
        if not columns:
            return columns
        date = () if self.date_from is None else (group_of("date-from", self.date_from),)
        return (*date, *columns, *(() if self.melt is None else (TIME_OF_DAY,)))

    @property
    def counts_rows(self) -> bool:
        """Whether rows have no time of their own."""
        return not self.time_columns

    @property
    def date_of_clock(self) -> str | None:
        """The date of all rows, where they hold the time of day and `start` says it."""
        return self.start if self.start is not None and is_of_day(self.time_format) else None

    @property
    def count(self) -> Count | None:
        """What the last of the time columns counts; None where it does not."""
        return count_of(self.time_format)

    @property
    def has_no_year(self) -> bool:
        """Whether times are those of a month and a day, without a year."""
        return lacks_year(self.time_format if self.count is None else self.count.base)

    @property
    def longest_fall(self) -> Literal["day", "year"] | None:
        """Where rows of a file have one date, or one year, what they must not pass the end of; else None."""
        if self.has_no_year or (self.date_from is not None and (self.time_format or "").startswith("%Y ")):
            return "year"
        is_of_day = self.date_from is not None or self.date_of_clock is not None or self.time_format in CLOCK_TEXTS
        return "day" if is_of_day else None

    @cached_property
    def start_ns(self) -> int | None:
        """`start` in nanoseconds since 1970 UTC. Raises RecipeError."""
        try:
            return None if self.start is None else nanoseconds_of(self.start, self.timezone)
        except ValueError:
            raise unexpected("start", self.start, "a time in ISO 8601, such as 2024-03-01T08:00") from None

    @property
    def round_time_ns(self) -> int | None:
        """`round_time` in nanoseconds."""
        return None if self.round_time is None else parse_duration(self.round_time)

    @property
    def epoch(self) -> Epoch | None:
        """What numbers mean as times; None where times are texts."""
        return epoch_of(self.time_format, self.start, self.timezone)

    def _check_start(self) -> None:
        if self.has_no_year and self.start is None:
            raise RecipeError(
                f"time-format {self.time_format} has no year: say the date of the first row as start, such as "
                "2024-03-01, or where names of files hold the year, its date-from, with %Y first in time-format",
                code="recipe-conflict",
            )
        if self.start_ns is None or self.counts_rows or self.time_format in ELAPSED:
            return
        if self.date_of_clock is None and not self.has_no_year:
            units = ", ".join(ELAPSED)
            raise RecipeError(
                f"start is for elapsed times (time-format {units}), for times of day alone (such as %H:%M:%S), "
                "for times without a year, or for rows without times: leave it out",
                code="recipe-conflict",
            )
        if not DATE.fullmatch(self.start or ""):
            what = "without their year" if self.has_no_year else "of day"
            raise unexpected("start", self.start, f"a date alone, such as 2024-03-01, for rows have times {what}")
        if self.date_from is not None or self.melt is not None:
            other = "date-from" if self.date_from else "the date of melt"
            raise RecipeError(
                f"start is the date of times of day, and so is {other}: give one of them",
                code="recipe-conflict",
            )

    def check_clock(self) -> None:
        """Raise RecipeError where they cannot be used, or not together."""
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise unexpected("timezone", self.timezone, "a name such as UTC or Europe/Berlin") from None
        self._check_start()
        if self.date_from is not None:
            group_of("date-from", self.date_from)
        if self.melt is not None:
            check_melt(self.melt)
        if self.counts_rows and (self.date_from or self.melt):
            name, other = ("melt", "date") if self.melt else ("date-from", "time of day")
            raise RecipeError(
                f"{name} does nothing where no column holds the {other}: name it with --time",
                code="recipe-conflict",
            )
        if self.counts_rows and self.time_format is not None:
            raise RecipeError(
                "time-format does nothing where no column holds the time: name it with --time",
                code="recipe-conflict",
            )
        format_ = self.time_format
        try:
            is_number = self.epoch is not None
        except ValueError as error:
            raise unexpected("time-format", format_, f"a date such as 2024-03-01 after since ({error})") from None
        if self.count is not None:
            self._check_count(self.count)
        elif " + " in (format_ or ""):
            units = ", ".join(UNITS_NS)
            raise unexpected("time-format", format_, f"behind + a unit ({units}) or 30min, and maybe from 1")
        elif format_ == DECIMAL_YEAR:
            self._check_one_column()
        elif format_ in CLOCK_TEXTS:
            if len(self.time_columns) > 1 or self.interval != "none":
                raise RecipeError(
                    f"time-format {format_} is for one column of elapsed times: leave out others, and interval",
                    code="recipe-conflict",
                )
        elif format_ is not None and not is_number:
            if "%" not in format_:
                names = ", ".join(EPOCHS)
                units = ", ".join(UNITS_NS)
                raise unexpected(
                    "time-format",
                    format_,
                    f"a format such as '%d/%m/%Y %H:%M', a unit ({units}), a unit and a date such as 's since "
                    f"2024-03-01', h:m:s or m:s, year, one of {names}, or one of these and what is added, as in "
                    "'%Y-%m-%d + s'",
                )
            check_format(format_)
        if is_number:
            self._check_one_column()
        if self.round_time is not None:
            check_step("round-time", self.round_time)
        if self.interval != "none" and len(self.time_columns) not in (1, 2):
            raise RecipeError(
                f"interval is for one column that holds two times, or a date and such a column; time names "
                f"{len(self.time_columns)}",
                code="recipe-conflict",
            )
        if len(self.time_columns) > 7:
            raise unexpected("time", self.time_columns, "at most 7 columns, year to fraction")

    def _check_one_column(self) -> None:
        if len(self.time_columns) > 1:
            raise RecipeError(
                f"time-format {self.time_format} is for one column, time names {len(self.time_columns)}: "
                f"{', '.join(self.time_columns)}",
                code="recipe-conflict",
            )

    def _check_count(self, count: Count) -> None:
        if len(self.time_columns) < 2 or self.interval != "none":
            raise RecipeError(
                f"time-format {self.time_format} is for two columns or more, the last of which counts: name them "
                "in time, and leave out interval",
                code="recipe-conflict",
            )
        if count.base not in EPOCHS:
            check_format(count.base)
