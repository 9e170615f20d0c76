"""One bucket: its rows put in order, repeated ones settled, those that belong together merged."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.channel_map import Shape
from longstride.pipeline.ingest.settings.rows import Duplicates
from longstride.pipeline.ingest.staging.recent import Blocks
from longstride.pipeline.ingest.writing.buckets import Bucket
from longstride.pipeline.ingest.writing.grid.resample import means
from longstride.pipeline.ingest.writing.repeated import (
    Differing,
    ReadRows,
    clashing_rows,
    completed,
    differing_rows,
    repeated_row,
)

__all__ = ["MergedRows", "Rows", "merge_bucket"]


class Rows(NamedTuple):
    """Rows of one series, in order of time."""

    time: NDArray[np.int64]
    """(rows,) nanoseconds since 1970 UTC."""
    values: NDArray[np.floating]
    """(rows, N), NaN where missing."""
    labels: NDArray[np.int8]
    """(rows, L)."""


class MergedRows(NamedTuple):
    """The rows of a bucket, one a time."""

    rows: Rows
    source: NDArray[np.int32]
    """Number of the source of each, (rows,)."""
    repeated: NDArray[np.int64]
    """Rows of each source that were left out, or averaged into another, because their time is that of another."""
    merged: NDArray[np.int64]
    """Rows of each source that were joined to one of other channels."""
    differing: Differing
    """Rows that repeat another, as a whole or in a channel, with other values or labels."""


def merge_bucket(bucket: Bucket, shape: Shape, duplicates: Duplicates) -> MergedRows:
    """Read the rows of a bucket and make them one a time. Raises SourceError for repetitions that are errors.

    With "spread", all rows are kept as they are.

    Rows of one time (and sensor) from files of the same columns repeat each other: the first or the last is kept,
    as a whole; with "same" they should not contradict each other, and what is missing in the first is taken from
    the others. What files of other columns say of that time is
    joined to it; a value that two of them give is again the first or the last. The mean is that of all values that
    are not missing. The largest label is taken.
    """
    read = _read(bucket, shape)
    order = _order(read)
    if order is not None:
        read = read.take(order)
    num_sources = len(shape.names)
    kept = np.ones(len(read.time), bool) if duplicates == "spread" else _kept(read, last=duplicates == "last")
    repeated = np.zeros(num_sources, np.int64)
    differing = Differing(repeated)
    if not kept.all():
        if duplicates == "error":
            raise repeated_row(read, int(np.argmin(kept)), shape, bucket.series)
        repeated = np.bincount(read.source[~kept], minlength=num_sources)
        rows, keepers = np.flatnonzero(~kept), _keepers(read, kept, last=duplicates == "last")
        if duplicates == "same":
            read, differing = completed(read, rows, keepers[rows], shape, bucket.series)
        else:
            differing = differing_rows(read, rows, keepers[rows], shape, bucket.series)
    elif shape.is_plain:
        return MergedRows(Rows(read.time, read.values, read.labels), read.source, repeated, repeated, differing)
    came = np.bincount(read.source, minlength=num_sources)
    if duplicates != "mean":
        read = read.take(kept)
    cells = _starts(read.time, read.sensor)
    if duplicates == "mean":
        values: NDArray[np.floating] = means(read.values.astype(np.float64, copy=False), cells)
    else:
        values, clashing = _overlaid(read, cells, shape, bucket.series, duplicates)
        differing = differing.plus(clashing)
    starts = _starts(read.time, None)
    if read.sensor is not None:
        values = _wide(read, cells, starts, values, shape)
    labels = np.maximum.reduceat(read.labels, starts, axis=0)
    source = read.source[starts]
    merged = came - repeated - np.bincount(source, minlength=num_sources)
    return MergedRows(Rows(read.time[starts], values, labels), source, repeated, merged, differing)


def _read(bucket: Bucket, shape: Shape) -> ReadRows:
    blocks = _blocks(bucket, shape)
    numbers = [part.reader.part.source for part in bucket.slices]
    source = np.repeat(np.array(numbers, np.int32), [part.stop - part.start for part in bucket.slices])
    return ReadRows(
        time=blocks["time"],
        line=blocks["line"],
        source=source,
        sensor=None if shape.sensors is None else _sensors(bucket, blocks["sensor"], shape.sensors),
        group=np.array(shape.group, np.int64)[source] if len(set(shape.group)) > 1 else None,
        values=blocks["values"],
        labels=blocks["labels"],
    )


def _blocks(bucket: Bucket, shape: Shape) -> Blocks:
    """The rows of all slices, one behind the other; values in the columns of all sources."""
    if len(bucket.slices) == 1:
        reader, start, stop = bucket.slices[0]
        blocks = reader.read(start, stop)
        return blocks | {"values": _placed(blocks["values"], shape, reader.part.source)}
    part = replace(bucket.slices[0].reader.part, num_channels=shape.num_columns)
    whole = part.empty_blocks(sum(stop - start for _, start, stop in bucket.slices))
    row = 0
    for reader, start, stop in bucket.slices:
        rows = {name: block[row : row + stop - start] for name, block in whole.items()}
        if _is_in_place(shape, reader.part.source):
            reader.read_into(rows, start)
        else:
            for name, block in reader.read(start, stop).items():
                rows[name][:] = _placed(block, shape, reader.part.source) if name == "values" else block
        row += stop - start
    return whole


def _sensors(bucket: Bucket, codes: NDArray[np.int32], sensors: Sequence[str]) -> NDArray[np.int64]:
    """The number of the sensor of each row, among all."""
    position = {name: index for index, name in enumerate(sensors)}
    found = np.empty(len(codes), np.int64)
    row = 0
    for reader, start, stop in bucket.slices:
        rows = slice(row, row + stop - start)
        found[rows] = np.array([position[name] for name in reader.part.sensors or ()], np.int64)[codes[rows]]
        row = rows.stop
    return found


def _is_in_place(shape: Shape, source: int) -> bool:
    """Whether a source has all columns, in their order."""
    columns = shape.columns[source]
    return len(columns) == shape.num_columns and bool((np.diff(columns) > 0).all())


def _placed(values: NDArray[np.floating], shape: Shape, source: int) -> NDArray[np.floating]:
    if _is_in_place(shape, source):
        return values
    placed = np.full((len(values), shape.num_columns), np.nan, values.dtype)
    placed[:, shape.columns[source]] = values
    return placed


def _order(read: ReadRows) -> NDArray[np.intp] | None:
    """Rows by time and sensor, the rest as they are: by source and line. None where they are in this order."""
    if read.sensor is not None:
        return np.lexsort((read.sensor, read.time))
    return None if (read.time[1:] >= read.time[:-1]).all() else np.argsort(read.time, kind="stable")


def _kept(read: ReadRows, *, last: bool) -> NDArray[np.bool_]:
    """Whether each row is the first, or the last, of its time, sensor and group."""
    keys, order = _keys(read)
    change = np.zeros(len(read.time) - 1, bool)
    for key in keys:
        ordered = key[order]
        change |= ordered[1:] != ordered[:-1]
    kept = np.empty(len(read.time), bool)
    kept[order] = np.append(change, True) if last else np.append(True, change)
    return kept


def _keepers(read: ReadRows, kept: NDArray[np.bool_], *, last: bool) -> NDArray[np.intp]:
    """For each row the one that is kept of its time, sensor and group."""
    _, order = _keys(read)
    rows = np.arange(len(kept))
    if last:
        place = np.minimum.accumulate(np.where(kept[order], rows, len(kept))[::-1])[::-1]
    else:
        place = np.maximum.accumulate(np.where(kept[order], rows, 0))
    keepers = np.empty_like(rows)
    keepers[order] = rows[order][place]
    return keepers


def _keys(read: ReadRows) -> tuple[list[NDArray[np.int64]], slice | NDArray[np.intp]]:
    """What rows that repeat each other have in common, and the order that brings them together."""
    keys = [key for key in (read.group, read.sensor, read.time) if key is not None]
    return keys, slice(None) if read.group is None else np.lexsort(keys)


def _starts(time: NDArray[np.int64], sensor: NDArray[np.int64] | None) -> NDArray[np.intp]:
    """First row of each time, or of each time and sensor."""
    change = time[1:] != time[:-1]
    if sensor is not None:
        change |= sensor[1:] != sensor[:-1]
    return np.flatnonzero(np.append(True, change))


def _overlaid(
    read: ReadRows, cells: NDArray[np.intp], shape: Shape, series: str, duplicates: Duplicates
) -> tuple[NDArray[np.floating], Differing]:
    """Values of each time and sensor, from the rows of all groups, (cells, columns), and rows that differ."""
    values = read.values[cells]
    differing = Differing(np.zeros(len(shape.names), np.int64))
    length = np.diff(cells, append=len(read.time))
    for number in range(1, int(length.max())):
        cell = np.flatnonzero(length > number)
        row = cells[cell] + number
        before, after = values[cell], read.values[row]
        clash = ~np.isnan(before) & ~np.isnan(after)
        if duplicates == "error" and clash.any():
            raise repeated_row(read, int(row[np.argmax(clash.any(axis=1))]), shape, series)
        if clash.any():
            differing = differing.plus(clashing_rows(read, row, before, shape, series))
        given = np.isnan(after) if duplicates == "last" else ~np.isnan(before)
        values[cell] = np.where(given, before, after)
    return values, differing


def _wide(
    read: ReadRows, cells: NDArray[np.intp], starts: NDArray[np.intp], values: NDArray[np.floating], shape: Shape
) -> NDArray[np.floating]:
    """Values of each time, those of all sensors side by side, (rows, N)."""
    assert read.sensor is not None
    wide = np.full((len(starts), shape.num_channels), np.nan, values.dtype)
    row = np.searchsorted(starts, cells, side="right") - 1
    by_sensor = wide.reshape(len(starts), -1, shape.num_columns)
    by_sensor[row, read.sensor[cells]] = values
    return wide
