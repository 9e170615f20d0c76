"""Lines of NDJSON or CSV as rows of the model's channels, one by one: a bad line says what is wrong with it."""

import csv
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from longstride.trainer.errors import ScoresError
from longstride.trainer.live.line_values import BadLine, name_of, number_of, time_of
from longstride.trainer.live.rows import SERIES, TIME
from longstride.trainer.live.watch_settings import TIME_UNITS, WatchOptions

__all__ = ["LineRow", "LineRows"]

MAX_LISTED = 200


class LineRow(NamedTuple):
    """A row that a line holds."""

    values: list[float]
    """Of all channels, NaN where missing."""
    series: str
    time: int | None


class LineRows:
    """Reads line after line; the first says what the lines are, and which fields they have."""

    def __init__(self, options: WatchOptions, channels: tuple[str, ...], largest: float) -> None:
        """A number above `largest` is refused."""
        self._options, self._channels, self._largest = options, channels, largest
        self._nulls = frozenset(options.null)
        self._unit = TIME_UNITS.get(options.time_unit or "")
        self._is_json: bool | None = {"ndjson": True, "csv": False}.get(options.format)
        self._header: list[str] | None = None
        if options.columns:
            self._is_json = False
            self._header = self._checked(list(options.columns), "--columns")
        self._time, self._series = options.time, options.series
        self._is_first = True

    @property
    def has_times(self) -> bool:
        """Whether rows have times, as far as the first one says."""
        return self._time is not None

    def read(self, line: str) -> LineRow | None:
        """The row of a line; None for an empty one, and for a header.

        Raises BadLine, and ScoresError where the first line shows that no line can be read.
        """
        line = line.strip("\r\n")
        if self._header is None and not self._is_json:
            line = line.removeprefix("\ufeff")
        if not (line if self._header else line.strip()):  # tabs alone may separate missing values
            return None
        if self._is_json is None:
            self._is_json = line.lstrip().startswith("{")
        fields = self._of_json(line) if self._is_json else self._of_csv(line)
        if fields is None:
            return None
        if self._is_first:
            self._look_for_fields(fields)
        return LineRow(
            [self._value(name, fields.get(name)) for name in self._channels],
            "" if self._series is None else self._named(self._series, fields, name_of),
            None if self._time is None else self._named(self._time, fields, self._time_of),
        )

    def _of_json(self, line: str) -> Mapping[str, Any]:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadLine(f"it is not JSON ({error})") from None
        if not isinstance(found, dict):
            raise BadLine("it is not an object of JSON")
        if not any(name in found for name in self._channels):
            raise BadLine(f"it has none of the channels {_listed(self._channels)}")
        return found

    def _of_csv(self, line: str) -> Mapping[str, Any] | None:
        separator = self._options.separator
        try:
            quoted = csv.reader([line], delimiter=separator, strict=True)
            fields = next(quoted) if '"' in line else line.split(separator)
        except csv.Error as error:
            raise BadLine(f"it is not a line of CSV ({error})") from None
        if self._header is None:
            self._header = self._checked([name.strip() for name in fields], "the first line")
            return None
        if len(fields) != len(self._header):
            raise BadLine(f"it has {len(fields)} fields, expected {len(self._header)}")
        if [name.strip() for name in fields] == self._header:  # a file that was begun again
            return None
        return dict(zip(self._header, fields, strict=True))

    def _checked(self, header: list[str], where: str) -> list[str]:
        """Raises ScoresError for names of columns that cannot be those of all lines."""
        asked = [name for name in (self._options.time, self._options.series) if name is not None]
        if missing := [name for name in (*self._channels, *asked) if name not in header]:
            raise ScoresError(
                f"{where} has the columns {_listed(header)}, and not {_listed(missing)}: give the header line of "
                "the file first, or --columns; --separator if it is not a comma",
                code="row-format",
            )
        if repeated := [name for name in header if header.count(name) > 1]:
            raise ScoresError(f"{where} has the column {repeated[0]} twice", code="row-format")
        return header

    def _look_for_fields(self, fields: Mapping[str, Any]) -> None:
        """Take `time` and `series` where the first row has them, and nothing else was asked for."""
        self._is_first = False
        if self._time is None and TIME in fields and TIME not in self._channels:
            self._time = TIME
        if self._series is None and SERIES in fields and SERIES not in self._channels:
            self._series = SERIES

    def _time_of(self, given: Any) -> int:
        return time_of(given, self._unit)

    def _value(self, name: str, given: Any) -> float:
        try:
            return number_of(given, self._nulls, self._largest)
        except BadLine as error:
            raise BadLine(f"{name}: {error}") from None

    @staticmethod
    def _named(name: str, fields: Mapping[str, Any], read: Any) -> Any:
        if name not in fields:
            raise BadLine(f"it has no {name}")
        try:
            return read(fields[name])
        except BadLine as error:
            raise BadLine(f"{name}: {error}") from None


def _listed(names: Any) -> str:
    text = ", ".join(names)
    return text if len(text) <= MAX_LISTED else text[:MAX_LISTED] + "..."
