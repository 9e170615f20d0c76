"""One bucket: its rows put in order, those that are repeated settled, those that belong together joined."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.errors import SourceError
from pipeline.ingest.order import Bucket
from pipeline.ingest.recipe import Duplicates
from pipeline.ingest.resample import means

__all__ = ["Joined", "Rows", "Shape", "join"]


class Rows(NamedTuple):
    """Rows of one series, in order of time."""

    time: NDArray[np.int64]
    """(rows,) nanoseconds since 1970 UTC."""
    values: NDArray[np.floating]
    """(rows, N), NaN where missing."""
    labels: NDArray[np.int8]
    """(rows, L)."""


class Joined(NamedTuple):
    """The rows of a bucket, one a time."""

    rows: Rows
    source: NDArray[np.int32]
    """Number of the source of each, (rows,)."""
    repeated: NDArray[np.int64]
    """Rows of each source that were left out, or averaged into another, because their time is that of another."""
    merged: NDArray[np.int64]
    """Rows of each source that were joined to one of other channels."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Where the values of each source belong among the channels of the store."""

    names: tuple[str, ...]
    """Of the sources."""
    line: tuple[str, ...]
    """What their lines are called."""
    num_columns: int
    """Columns of values of all sources together."""
    columns: tuple[NDArray[np.intp], ...]
    """Which of them each source has."""
    group: tuple[int, ...]
    """Sources of one group have the same columns."""
    sensors: tuple[str, ...] | None
    """With a pivot: names in the order of the channels; each has all columns."""

    @property
    def num_channels(self) -> int:
        """N, of the store."""
        return self.num_columns * (1 if self.sensors is None else len(self.sensors))

    @property
    def is_plain(self) -> bool:
        """Whether every row has a value for every channel."""
        return self.sensors is None and len(set(self.group)) == 1


def join(bucket: Bucket, shape: Shape, duplicates: Duplicates) -> Joined:
    """Read the rows of a bucket and make them one a time. Raises SourceError for repetitions that are errors."""
    read = _read(bucket, shape)
    order = _order(read.time, read.key)
    if order is not None:
        read = _Read(*(None if array is None else array[order] for array in read))  # type: ignore[arg-type]
    same = read.time[1:] == read.time[:-1]
    num_sources = len(shape.names)
    nothing = np.zeros(num_sources, np.int64)
    if not same.any():
        if shape.sensors is None:
            return Joined(Rows(read.time, read.values, read.labels), read.source, nothing, nothing)
        repeated = nothing
    else:
        if read.key is not None:
            same &= read.key[1:] == read.key[:-1]
        read, repeated = _settle(read, same, shape, bucket.series, duplicates)
    if shape.is_plain:
        return Joined(Rows(read.time, read.values, read.labels), read.source, repeated, nothing)
    starts = _starts(read.time)
    rows = _across(read, starts, shape, bucket.series, duplicates)
    merged = np.bincount(read.source, minlength=num_sources) - np.bincount(
        read.source[starts], minlength=num_sources
    )
    return Joined(rows, read.source[starts], repeated, merged)


class _Read(NamedTuple):
    time: NDArray[np.int64]
    line: NDArray[np.int64]
    source: NDArray[np.int32]
    key: NDArray[np.int64] | None
    """Rows of one time and key are repetitions of each other; None where there is one key."""
    values: NDArray[np.floating]
    """(rows, columns)."""
    labels: NDArray[np.int8]


def _read(bucket: Bucket, shape: Shape) -> _Read:
    parts = [part.reader.read(part.start, part.stop) for part in bucket.slices]
    numbers = [part.reader.part.source for part in bucket.slices]
    lengths = [part.stop - part.start for part in bucket.slices]
    key = None
    if not shape.is_plain:
        num_groups = max(shape.group) + 1
        position = {name: index for index, name in enumerate(shape.sensors or ())}
        keys = []
        for piece, block, number, length in zip(bucket.slices, parts, numbers, lengths, strict=True):
            sensors = piece.reader.part.sensors
            sensor = np.zeros(length, np.int64)
            if sensors is not None:
                sensor = np.array([position[name] for name in sensors], np.int64)[block["sensor"]]
            keys.append(sensor * num_groups + shape.group[number])
        key = np.concatenate(keys)
    return _Read(
        time=_concatenated([block["time"] for block in parts]),
        line=_concatenated([block["line"] for block in parts]),
        source=np.repeat(np.array(numbers, np.int32), lengths),
        key=key,
        values=_concatenated(
            [_placed(block["values"], shape, number) for block, number in zip(parts, numbers, strict=True)]
        ),
        labels=_concatenated([block["labels"] for block in parts]),
    )


def _concatenated(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _placed(values: NDArray[np.floating], shape: Shape, source: int) -> NDArray[np.floating]:
    columns = shape.columns[source]
    if len(columns) == shape.num_columns and (np.diff(columns) > 0).all():
        return values
    placed = np.full((len(values), shape.num_columns), np.nan, values.dtype)
    placed[:, columns] = values
    return placed


def _order(time: NDArray[np.int64], key: NDArray[np.int64] | None) -> NDArray[np.intp] | None:
    """Rows by time and key, the rest as they are; None where they are in this order."""
    if key is not None:
        return np.lexsort((key, time))
    return None if (time[1:] >= time[:-1]).all() else np.argsort(time, kind="stable")


def _starts(time: NDArray[np.int64]) -> NDArray[np.intp]:
    return np.flatnonzero(np.diff(time, prepend=time[0] - 1))


def _settle(
    read: _Read, same: NDArray[np.bool_], shape: Shape, series: str, duplicates: Duplicates
) -> tuple[_Read, NDArray[np.int64]]:
    """One row for each time and key, and rows of each source that are left out for it."""
    if not same.any():
        return read, np.zeros(len(shape.names), np.int64)
    if duplicates == "error":
        raise _repeated(read, int(np.argmax(same)) + 1, shape, series)
    begins = np.concatenate([[True], ~same])
    starts = np.flatnonzero(begins)
    kept = begins
    if duplicates == "last":
        kept = np.concatenate([~same, [True]])
    left_out = np.bincount(read.source[~kept], minlength=len(shape.names))
    settled = _Read(*(None if array is None else array[kept] for array in read))  # type: ignore[arg-type]
    if duplicates == "mean":
        labels = np.maximum.reduceat(read.labels, starts) if read.labels.shape[1] else settled.labels
        settled = settled._replace(values=means(read.values.astype(np.float64, copy=False), starts), labels=labels)
    return settled, left_out


def _across(read: _Read, starts: NDArray[np.intp], shape: Shape, series: str, duplicates: Duplicates) -> Rows:
    """Rows of one time and several keys as one, each value in its channel."""
    assert read.key is not None
    num_rows = len(starts)
    length = np.diff(starts, append=len(read.time))
    row = np.repeat(np.arange(num_rows), length)
    rank = np.arange(len(read.time)) - starts[row]
    first_channel = read.key // (max(shape.group) + 1) * shape.num_columns
    wide = np.full((num_rows, shape.num_channels), np.nan, read.values.dtype)
    count = np.zeros((num_rows, shape.num_channels), np.int64) if duplicates == "mean" else None
    for number in range(int(length.max())):
        chosen = np.flatnonzero(rank == number) if length.max() > 1 else slice(None)
        cells = row[chosen, None], first_channel[chosen, None] + np.arange(shape.num_columns)
        before, after = wide[cells], read.values[chosen]
        there = ~np.isnan(after)
        clash = there & ~np.isnan(before)
        if clash.any() and duplicates == "error":
            raise _repeated(
                read, int(np.arange(len(read.time))[chosen][np.argmax(clash.any(axis=1))]), shape, series
            )
        if duplicates == "first":
            there &= ~clash
        if count is not None:
            seen = count[cells] + there
            count[cells] = seen
            after = np.where(clash, before + (after - before) / np.maximum(seen, 1), after)
        wide[cells] = np.where(there, after, before)
    labels = np.maximum.reduceat(read.labels, starts) if read.labels.shape[1] else read.labels[:num_rows]
    return Rows(read.time[starts], wide, labels)


def _repeated(read: _Read, row: int, shape: Shape, series: str) -> SourceError:
    """Name both rows of a repetition."""
    place, before = (
        f"{shape.names[read.source[index]]}, {shape.line[read.source[index]]} {read.line[index]}"
        for index in (row, row - 1)
    )
    number = int(read.source[row])
    of = f" of series {series!r}" if series else ""
    stamp = str(np.datetime64(int(read.time[row]), "ns")).removesuffix(".000000000")
    remedy = "say which is right with --duplicates first, last or mean"
    if not series and shape.sensors is None:
        remedy += ", or name the column that tells several machines apart with --series"
    return SourceError(
        shape.names[number],
        f"time {stamp}{of} is repeated, it is also that of {before}: {remedy}",
        place=f"{shape.line[number]} {read.line[row]}",
    )
