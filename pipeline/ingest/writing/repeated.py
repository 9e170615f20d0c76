"""Rows of one series and time that repeat each other: whether they differ, and how an error names two of them."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.channel_map import Shape
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.times.autumn_nights import zone_of_autumn
from longstride.storage.text import counted, iso_time

__all__ = ["Differing", "ReadRows", "clashing_rows", "completed", "differing_rows", "repeated_row"]

CHOICES = "first, last or mean"
KEEP_ALL = "keep all rows of a clock that is coarser than they are with --duplicates spread --spread-over 1s"


class ReadRows(NamedTuple):
    """Rows of a bucket as the parts have them."""

    time: NDArray[np.int64]
    line: NDArray[np.int64]
    source: NDArray[np.int32]
    sensor: NDArray[np.int64] | None
    """With a pivot."""
    group: NDArray[np.int64] | None
    """Where sources differ in their columns."""
    values: NDArray[np.floating]
    """(rows, columns)."""
    labels: NDArray[np.int8]

    def take(self, rows: NDArray[Any]) -> "ReadRows":
        """Some rows, or all in another order."""
        return ReadRows(*(None if array is None else array[rows] for array in self))  # type: ignore[arg-type]


class Differing(NamedTuple):
    """Rows that repeat another with other values or labels."""

    by_source: NDArray[np.int64]
    """How many, of each source."""
    place: tuple[str, str] | None = None
    """File and line of the first of them; None where there is none."""
    text: str = ""
    """What it repeats, and what differs."""
    night: str = ""
    """What to do where its hour comes twice."""

    def plus(self, other: "Differing") -> "Differing":
        """These and those that come after them."""
        first = self if self.place is not None else other
        return first._replace(by_source=self.by_source + other.by_source)

    def error(self, num_repeated: int) -> SourceError:
        """Say which is the first, of how many that differ, and how many are of a time that was before."""
        assert self.place is not None
        name, place = self.place
        return SourceError(
            name,
            f"{self.text}: {counted(int(self.by_source.sum()), 'row')} of {num_repeated:,} of a time that was "
            f"before have other values or labels; say which are right with --duplicates {CHOICES}, "
            f"or {KEEP_ALL}{self.night}",
            place=place,
            code="rows-differ",
        )


def differ(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which values differ; of two that are missing none does."""
    found: NDArray[np.bool_] = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return found


def differing_rows(
    read: ReadRows,
    rows: NDArray[np.intp],
    others: NDArray[np.intp],
    shape: Shape,
    series: str,
    *,
    only_clashes: bool = False,
) -> Differing:
    """Which of `rows` differ from the row of `others` that is kept in their place.

    With `only_clashes`, a value does not differ from one that is missing.
    """
    values = differ(read.values[rows], read.values[others])
    if only_clashes:
        values &= ~(np.isnan(read.values[rows]) | np.isnan(read.values[others]))
    labels = read.labels[rows] != read.labels[others]
    found = np.flatnonzero(values.any(axis=1) | labels.any(axis=1))
    if not len(found):
        return Differing(np.zeros(len(shape.names), np.int64))
    at = int(found[0])
    row, other = int(rows[at]), int(others[at])
    if values[at].any():
        column = int(np.argmax(values[at]))
        what = shape.column_names[column], read.values[row, column], read.values[other, column]
    else:
        column = int(np.argmax(labels[at]))
        what = shape.labels[column], read.labels[row, column], read.labels[other, column]
    return _differing(read, rows[found], other, what, shape, series)


def completed(
    read: ReadRows, rows: NDArray[np.intp], others: NDArray[np.intp], shape: Shape, series: str
) -> tuple[ReadRows, Differing]:
    """The same with what is missing in the rows of `others` from `rows`, and which of these contradict them."""
    differing = Differing(np.zeros(len(shape.names), np.int64))
    read = read._replace(values=read.values.copy())
    order = np.argsort(others, kind="stable")
    is_first = np.append(True, others[order][1:] != others[order][:-1])
    places = np.arange(len(rows))
    number = places - np.maximum.accumulate(np.where(is_first, places, 0))
    turns = np.argsort(number, kind="stable")  # each row of `others` once in a turn
    for turn in np.split(order[turns], np.cumsum(np.bincount(number))[:-1]):
        row, other = rows[turn], others[turn]
        differing = differing.plus(differing_rows(read, row, other, shape, series, only_clashes=True))
        before = read.values[other]
        read.values[other] = np.where(np.isnan(before), read.values[row], before)
    return read, differing


def clashing_rows(
    read: ReadRows, rows: NDArray[np.intp], before: NDArray[np.floating], shape: Shape, series: str
) -> Differing:
    """Which of `rows` give a column another value than rows of other columns `before` them, (rows, columns)."""
    values = differ(read.values[rows], before) & ~np.isnan(read.values[rows]) & ~np.isnan(before)
    found = np.flatnonzero(values.any(axis=1))
    if not len(found):
        return Differing(np.zeros(len(shape.names), np.int64))
    at = int(found[0])
    column = int(np.argmax(values[at]))
    what = shape.column_names[column], read.values[rows[at], column], before[at, column]
    return _differing(read, rows[found], _before(read, int(rows[at])), what, shape, series)


def _differing(
    read: ReadRows, rows: NDArray[np.intp], other: int, what: tuple[str, Any, Any], shape: Shape, series: str
) -> Differing:
    name, here, there = what
    row = int(rows[0])
    return Differing(
        np.bincount(read.source[rows], minlength=len(shape.names)),
        _place(read, row, shape),
        f"time {_moment(read, row, shape, series)} is also that of {_named(read, other, shape)}, but {name!r} is "
        f"{_shown(here)} and there {_shown(there)}",
        _night(read, row),
    )


def repeated_row(read: ReadRows, row: int, shape: Shape, series: str) -> SourceError:
    """Name a row that repeats one before it, and that one."""
    remedy = f"keep one of rows that are the same with --duplicates same, or say which is right with {CHOICES}"
    if shape.is_plain:
        remedy += f", or {KEEP_ALL}"
    if not series and shape.sensors is None:
        remedy += ", or name the column that tells several machines apart with --series"
    remedy += _night(read, row)
    name, place = _place(read, row, shape)
    return SourceError(
        name,
        f"time {_moment(read, row, shape, series)} is repeated, as it is also the time of "
        f"{_named(read, _before(read, row), shape)}: {remedy}",
        place=place,
        code="time-repeated",
    )


def _night(read: ReadRows, row: int) -> str:
    """What to do where the hour of a row may come twice, for the end of a sentence."""
    zone = zone_of_autumn(pl.Series(read.time[row : row + 1]))
    if zone is None:
        return ""
    return (
        ", or where local clocks were set back in this night, let the order of rows tell its two hours apart with "
        f"--timezone {zone} --ambiguous infer"
    )


def _moment(read: ReadRows, row: int, shape: Shape, series: str) -> str:
    of = f" of series {series!r}" if series else ""
    if read.sensor is not None and shape.sensors is not None:
        of += f" of sensor {shape.sensors[read.sensor[row]]!r}"
    return f"{iso_time(int(read.time[row]))}{of}"


def _place(read: ReadRows, row: int, shape: Shape) -> tuple[str, str]:
    number = int(read.source[row])
    return shape.names[number], f"{shape.line[number]} {read.line[row]}"


def _named(read: ReadRows, row: int, shape: Shape) -> str:
    return ", ".join(_place(read, row, shape))


def _shown(value: Any) -> str:
    return "missing" if np.isnan(value) else f"{value:.9g}"


def _before(read: ReadRows, row: int) -> int:
    """The row that a row repeats: the last before it of the same columns, or else that has a value in common."""
    same = read.time[:row] == read.time[row]
    if read.sensor is not None:
        same &= read.sensor[:row] == read.sensor[row]
    if read.group is not None:
        alike = same & (read.group[:row] == read.group[row])
        both = ~np.isnan(read.values[:row]) & ~np.isnan(read.values[row])
        same = alike if alike.any() else same & both.any(axis=1)
    return int(np.flatnonzero(same)[-1])
