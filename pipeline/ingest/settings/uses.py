"""What the columns of a log are for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import by_column, unexpected
from longstride.pipeline.ingest.settings.pattern import group_of

__all__ = ["BETWEEN", "UseSettings"]

BETWEEN = "/"
"""Between the parts of a series that several columns say."""

AbsentLabels = Literal["error", "zero"]


@dataclass(frozen=True, kw_only=True)
class UseSettings:
    """Which columns are the series, the sensor, labels and channels."""

    series: str | tuple[str, ...] | None = None
    """Column that says which series a row belongs to, or several that say it together, as zone and sensor: the
    series is then called north/t1. By default there is a single series."""
    series_from: str | None = None
    """The series of all rows of a file, from its name: a regular expression with one named group, such as
    '(?P<series>.+)_[0-9]+'. One with a / is searched in the whole path."""
    prefix_from: str | None = None
    """Where each file holds one sensor, its name from the name of the file, as `series_from` does: the columns of
    values in acc.csv are called acc/x, acc/y and so on by '(?P<prefix>acc|gyro)'."""
    pivot: str | None = None
    """Column that names the sensor of a row: each sensor becomes a channel. With several columns of values,
    each sensor becomes as many channels, named sensor/column."""
    labels: tuple[str, ...] = ()
    """Columns of labels: true, false or a whole number from 0 to 127, never missing. A query may compute them."""
    absent_labels: AbsentLabels = "error"
    """What to do with a file that lacks a label which others have, or the columns from which a query computes
    it, or that has no file of labels."""
    label_file: str | None = None
    """File of labels. Of intervals, it is a CSV with columns start and end, and maybe name (each name is a label)
    and series; times are written as those of the rows, or in ISO 8601. Else each column is a label, and rows are
    those of the log in its order, or by time where the file has the time columns of the log. Where each log has a
    file of its own, {name} is the name of the log, and {folder} its folder."""
    label_file_crc: str | None = None
    """CRC-32C of that file, which a store keeps: a changed one is refused."""
    channels: tuple[str, ...] | None = None
    """Columns of values, in this order; by default all others that have a name."""
    exclude: tuple[str, ...] = ()
    """Columns to leave out; or name those to keep in `channels`."""
    unit: tuple[str, ...] = ()
    """Unit of a channel, such as pressure=bar."""

    @property
    def series_parts(self) -> tuple[str, ...]:
        """Columns that say the series together; none where one says it."""
        return self.series if isinstance(self.series, tuple) else ()

    @property
    def series_column(self) -> str | None:
        """Column of the series: of the file, or made of several, or of the name of the file."""
        if self.series_from is not None:
            return group_of("series-from", self.series_from)
        return BETWEEN.join(self.series) if isinstance(self.series, tuple) else self.series

    def check_files(self) -> None:
        """Raise RecipeError where what names of files say cannot be used."""
        for name in ("series_from", "prefix_from"):
            if (text := getattr(self, name)) is not None:
                group_of(name.replace("_", "-"), text)
        if self.series == ():
            raise unexpected("series", [], "a column, or several such as zone and sensor")
        if self.series is not None and self.series_from is not None:
            raise RecipeError(
                f"series is a column, {self.series!r}, and series-from takes it from the name of a file: give one "
                "of them",
                code="recipe-conflict",
            )

    @cached_property
    def _units(self) -> dict[str | None, str]:
        return dict(by_column(self.unit))

    def unit_of(self, *names: str) -> str | None:
        """Unit of a channel, by the first of its names that has one; None where unknown."""
        units = self._units
        return next((units[name] for name in names if name in units), None)
