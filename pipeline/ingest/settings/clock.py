"""When the rows of a log were measured."""

import zoneinfo
from dataclasses import dataclass
from typing import Literal

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import unexpected
from longstride.pipeline.ingest.settings.epochs import EPOCHS, UNITS_NS, Epoch, epoch_of
from longstride.pipeline.ingest.settings.time_format import check_format

__all__ = ["ClockSettings"]

Ambiguous = Literal["reject", "earliest", "latest"]
Nonexistent = Literal["reject", "forward"]


@dataclass(frozen=True, kw_only=True)
class ClockSettings:
    """Which columns hold the time of a row, and how it is written."""

    time: str | tuple[str, ...]
    """Column that holds the time of a row, or several that hold parts of it: date and time of day, or year, month,
    day and so on. Required."""
    time_format: str | None = None
    """How times are written: '%d/%m/%Y %H:%M:%S' or the like (several columns: with a space between them), or s,
    ms, us or ns for a number since 1970; by default ISO 8601."""
    timezone: str = "UTC"
    """Time zone of times that are written without one, such as Europe/Berlin."""
    ambiguous: Ambiguous = "reject"
    """What to do with a local time that occurs twice, where clocks are set back."""
    nonexistent: Nonexistent = "reject"
    """What to do with a local time that never occurs, where clocks are set forward; forward moves it
    by as much."""

    @property
    def time_columns(self) -> tuple[str, ...]:
        """Columns that hold the time of a row."""
        return (self.time,) if isinstance(self.time, str) else self.time

    @property
    def epoch(self) -> Epoch | None:
        """What numbers mean as times; None where times are texts."""
        return epoch_of(self.time_format, timezone=self.timezone)

    def check_clock(self) -> None:
        """Raise RecipeError where they cannot be used."""
        format_ = self.time_format
        try:
            is_number = self.epoch is not None
        except ValueError as error:
            raise unexpected("time-format", format_, f"a date such as 2024-03-01 after since ({error})") from None
        if format_ is not None and not is_number:
            if "%" not in format_:
                names = ", ".join(EPOCHS)
                units = ", ".join(UNITS_NS)
                raise unexpected(
                    "time-format",
                    format_,
                    f"a format such as '%d/%m/%Y %H:%M', a unit ({units}), a unit and a date such as 's since "
                    f"2024-03-01', or one of {names}",
                )
            check_format(format_)
        if is_number and len(self.time_columns) > 1:
            raise RecipeError(
                f"time-format {format_} is for one column, time names {len(self.time_columns)}",
                code="recipe-conflict",
            )
        if len(self.time_columns) > 7:
            raise unexpected("time", self.time_columns, "at most 7 columns, year to fraction")
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise unexpected("timezone", self.timezone, "a name such as UTC or Europe/Berlin") from None
