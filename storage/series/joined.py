"""Several stores or arrays with the same channels, seen as one: the rows of the first, then those of the second.

Whatever reads rows by their numbers needs to know of one range of rows only. What serves windows takes the parts
apart again, and copies windows straight out of each.
"""

from collections.abc import Container, Sequence
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.storage.series.gaps import default_max_gap
from longstride.storage.series.joined_names import JOINED_BY, series_names_of, short_names
from longstride.storage.series.joined_rows import JoinedRows
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.text import named

__all__ = ["JoinedData", "known_as", "parts_of"]

MAX_SHOWN = 5
"""Names in a message."""


class JoinedData(SeriesData):
    """T rows of all parts, numbered through. Nothing is copied.

    Series of one name in two parts are two series, whose names say of which part they are.
    """

    def __init__(self, parts: Sequence[SeriesData]) -> None:
        """Channels are those of the first part, in its order; the others may have them in another one.

        Raises LongstrideError where channels, their units, types of values or steps differ, and where a part is
        there twice.
        """
        self.parts = tuple(parts)
        _check_alike(self.parts)
        _check_twice(self.parts)
        first = self.parts[0]
        self.part_names = short_names([part.name for part in self.parts])
        """What each part is called, as short as can be."""
        more = len(self.parts) - MAX_SHOWN
        shown = [*self.part_names[:MAX_SHOWN], *([f"{more} more"] if more > 0 else [])]
        self.name = JOINED_BY.join(shown)
        self.first_row = np.cumsum([0, *(part.num_rows for part in self.parts)])
        """Row at which each part begins, and where the last one ends."""
        self._first_series = np.cumsum([0, *(len(part.series) for part in self.parts)])
        self.num_rows = int(self.first_row[-1])
        # One block: those of the parts may have other sizes.
        self.chunk_rows = self.num_rows
        self.cadence_ns = next((part.cadence_ns for part in self.parts if _has_step(part)), first.cadence_ns)
        self.channels, self.dtype = first.channels, first.dtype
        self.units = tuple(_units(self.parts, name)[0] for name in self.channels)
        self.label_names = tuple(dict.fromkeys(name for part in self.parts for name in part.label_names))
        self.series = series_names_of([part.series for part in self.parts], self.part_names)
        self.has_calendar = all(part.has_calendar for part in self.parts)
        self.has_cadence = all(part.has_cadence for part in self.parts)
        self._columns = [[part.channels.index(name) for name in self.channels] for part in self.parts]

    @cached_property
    def values(self) -> JoinedRows:
        """All values (T, N), NaN being missing."""
        return JoinedRows([part.values for part in self.parts], self._columns)

    @cached_property
    def time(self) -> JoinedRows:
        """Time of each row (T,), int64, nanoseconds since 1970-01-01 UTC."""
        return JoinedRows([part.time for part in self.parts])

    @cached_property
    def labels(self) -> JoinedRows | None:
        """Labels (T, L) of all parts; 0 in rows of a part that lacks one. None where no part has any."""
        return self._joined_labels([part.labels for part in self.parts]) if self.label_names else None

    def checked(self, array: str) -> JoinedRows:
        """Rows of `values`, `time` or `labels` that raise StoreError, when sliced, where they are damaged."""
        if array == "labels":
            found = [part.checked(array) if part.label_names else None for part in self.parts]
            return self._joined_labels(found)
        rows = [part.checked(array) for part in self.parts]
        return JoinedRows(rows, self._columns if array == "values" else None)

    def _joined_labels(self, rows: Sequence[Any]) -> JoinedRows:
        columns = [
            [part.label_names.index(name) if name in part.label_names else None for name in self.label_names]
            for part in self.parts
        ]
        parts = zip(rows, self.parts, strict=True)
        none = np.zeros((max(part.num_rows for part in self.parts), 0), np.int8)
        return JoinedRows([one if part.label_names else none[: part.num_rows] for one, part in parts], columns)

    @cached_property
    def segments(self) -> Segments:
        """All segments, in row order. Raises StoreError where they do not fit the rows."""
        found = [part.segments for part in self.parts]
        rows, series = self.first_row.tolist(), self._first_series.tolist()
        return Segments(
            np.concatenate([one.start + row for one, row in zip(found, rows, strict=False)]),
            np.concatenate([one.stop + row for one, row in zip(found, rows, strict=False)]),
            np.concatenate([one.series + number for one, number in zip(found, series, strict=False)]),
        )

    def segments_of_parts(self, segments: Segments) -> list[Segments]:
        """The same segments as rows and series of each part."""
        found = []
        for number in range(len(self.parts)):
            row, stop, series = self.first_row[number], self.first_row[number + 1], self._first_series[number]
            mine = (segments.start >= row) & (segments.start < stop)
            bounds = segments.start[mine] - row, segments.stop[mine] - row, segments.series[mine] - series
            found.append(Segments(*bounds))
        return found

    @property
    def block_statistics(self) -> Statistics:
        """Statistics (1, N): all rows are one block."""
        return Statistics(**{name: field[None] for name, field in vars(self.stats()).items()})

    @cached_property
    def fingerprint(self) -> bytes:
        """Those of the parts, one after the other."""
        told = [repr((part.num_rows, part.channels)).encode() + part.fingerprint for part in self.parts]
        return b"".join(told)

    def fingerprint_of(self, array: str) -> bytes:
        """The same of `time` or `labels`; nothing where there are none."""
        return b"".join(part.fingerprint_of(array) for part in self.parts)

    def check_rows(self, array: str, start: int, stop: int) -> None:
        """Compare the chunks of rows start:stop with their checksums, without reading more."""
        for part, first in zip(self.parts, self.first_row.tolist(), strict=False):
            begin, end = max(0, start - first), min(part.num_rows, stop - first)
            if begin < end:
                part.check_rows(array, begin, end)

    def has_missing(self, columns: Sequence[int]) -> bool:
        """Whether a value of these channels is missing, or may be: then a mask says which."""
        own = zip(self.parts, self._columns, strict=True)
        return any(part.has_missing([of_part[column] for column in columns]) for part, of_part in own)

    def stats(self, start: int = 0, stop: int | None = None) -> Statistics:
        """Statistics (N,) of rows start:stop (to the end by default), exact for any range."""
        stop = self.num_rows if stop is None else stop
        self._check_range(start, stop)
        found = [Statistics.empty(len(self.channels))]
        for part, columns, first in zip(self.parts, self._columns, self.first_row.tolist(), strict=False):
            begin, end = max(0, start - first), min(part.num_rows, stop - first)
            if begin < end:
                of_part = part.stats(begin, end)
                found.append(Statistics(**{name: field[columns] for name, field in vars(of_part).items()}))
        return Statistics.merge(found)

    def row_text(self, row: int) -> str:
        """The number of a row in its part, and the part."""
        part = int(np.searchsorted(self.first_row, row, side="right")) - 1
        return f"{row - int(self.first_row[part]):,} of {self.part_names[part]}"

    def aliases(self, series: int) -> tuple[str, ...]:
        """By which names a series may be known elsewhere: its own, and those that its part gives it."""
        part = int(np.searchsorted(self._first_series, series, side="right")) - 1
        of_part = self.parts[part].aliases(series - int(self._first_series[part]))
        return self.series[series], *of_part[1:]


def parts_of(data: SeriesData) -> tuple[SeriesData, ...]:
    """The stores and arrays that something is made of: those that were joined, or it alone."""
    return data.parts if isinstance(data, JoinedData) else (data,)


def known_as(data: SeriesData, series: int, names: Container[str]) -> str | None:
    """By which of some names a series is known; None where it is by none."""
    return next((name for name in data.aliases(series) if name in names), None)


def _check_alike(parts: Sequence[SeriesData]) -> None:
    first = parts[0]
    for part in parts[1:]:
        lacking = [name for name in first.channels if name not in part.channels]
        more = [name for name in part.channels if name not in first.channels]
        if lacking or more:
            has = [f"lacks {named(lacking)}"] * bool(lacking) + [f"has also {named(more)}"] * bool(more)
            raise _differ(
                f"{part.name} {' and '.join(has)}, compared with {first.name}: stores that are used together "
                "need the same channels, in any order; ingest them with the same channels, or into one store"
            )
        if part.dtype != first.dtype:
            raise _differ(
                f"{first.name} holds {first.dtype}, and {part.name} {part.dtype}: ingest them with one --dtype"
            )
    for name in first.channels:
        if len(units := _units(parts, name)) > 1:
            raise _differ(
                f"the channel {name} is in {' and in '.join(map(str, units))} in {first.name} and others: ingest "
                "them in one unit"
            )
    stepping = sorted((part for part in parts if _has_step(part)), key=lambda part: part.cadence_ns)
    # One ingest of their logs would take a longer step for a gap.
    if stepping and stepping[-1].cadence_ns > default_max_gap(stepping[0].cadence_ns):
        short, long = stepping[0], stepping[-1]
        raise _differ(
            f"rows of {short.name} are {short.cadence_ns / 1e9:,.9g} s apart, and those of {long.name} "
            f"{long.cadence_ns / 1e9:,.9g} s: a window would last longer in one than in the other; ingest them "
            "with one --every"
        )


def _check_twice(parts: Sequence[SeriesData]) -> None:
    for one, other in combinations(parts, 2):
        if one is other or (
            one.num_rows == other.num_rows
            and one.fingerprint == other.fingerprint
            and one.fingerprint_of("time") == other.fingerprint_of("time")
        ):
            names = one.name if one.name == other.name else f"{one.name} and {other.name}"
            raise LongstrideError(f"{names}: the same rows are given twice: leave one out", code="store-twice")


def _units(parts: Sequence[SeriesData], channel: str) -> list[str | None]:
    """The units that parts know of a channel, or one None."""
    found = (part.units[part.channels.index(channel)] for part in parts)
    return [unit for unit in dict.fromkeys(found) if unit is not None] or [None]


def _has_step(part: SeriesData) -> bool:
    return part.has_cadence and part.cadence_ns > 0


def _differ(message: str) -> LongstrideError:
    return LongstrideError(message, code="stores-differ")
