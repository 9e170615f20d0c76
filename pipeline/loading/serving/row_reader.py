"""Copying ranges of rows out of stores, mapped or packed, into one block of memory: a pool."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.serving.gather import window_view
from longstride.pipeline.loading.serving.stores import Collection, columns_of
from longstride.storage.series.row_source import DecodedRows

__all__ = ["RowReader", "merged"]


class RowReader:
    """Reads rows of the served channels of a collection."""

    def __init__(self, collection: Collection) -> None:
        """Nothing is read yet."""
        self._collection = collection
        self._sources = [_source(collection, number) for number in range(len(collection.stores))]
        self.dtype = torch.from_numpy(np.empty(0, collection.stores[0].dtype)).dtype

    def read(self, ranges: NDArray[np.int64], out: Tensor) -> None:
        """Copy ranges of rows (ranges, 2), each of one store, one after the other.

        `out` is (rows of all ranges, C); what is behind them becomes 0.
        """
        stores, starts = self._collection.locate(ranges[:, 0])
        numbers = np.zeros(len(ranges), np.int64) if stores is None else stores
        lengths = ranges[:, 1] - ranges[:, 0]
        begins = np.cumsum(lengths) - lengths
        out[int(lengths.sum()) :] = 0
        for number, source in enumerate(self._sources):
            mine = numbers == number
            if not mine.any():
                continue
            source.read(
                list(zip(starts[mine].tolist(), (starts + lengths)[mine].tolist(), strict=True)),
                [out[begin : begin + length] for begin, length in zip(begins[mine], lengths[mine], strict=True)],
            )


def merged(ranges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranges (ranges, 2) in order, those that overlap as one, so that no row is read twice."""
    ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ranges[:, 1])
    apart = np.flatnonzero(ranges[1:, 0] >= reach[:-1]) + 1
    return np.stack([ranges[np.append(0, apart), 0], reach[np.append(apart - 1, len(ranges) - 1)]], axis=1)


class _Mapped:
    """Rows of a mapped store."""

    def __init__(self, values: NDArray[np.floating], columns: list[int] | None) -> None:
        self._rows = window_view(values, 1)[:, 0]
        self._columns = None if columns is None else torch.tensor(columns)

    def read(self, ranges: list[tuple[int, int]], outs: list[Tensor]) -> None:
        """Torch copies by several threads: one is slower than a link to a GPU."""
        for (start, stop), out in zip(ranges, outs, strict=True):
            if self._columns is None:
                out.copy_(self._rows[start:stop])
            else:
                torch.index_select(self._rows[start:stop], 1, self._columns, out=out)


class _Packed:
    """Rows that are decoded, or kept by a cache."""

    def __init__(self, rows: DecodedRows, columns: list[int] | None) -> None:
        self._rows = rows
        self._columns = columns

    def read(self, ranges: list[tuple[int, int]], outs: list[Tensor]) -> None:
        """All ranges at a time, by threads."""
        arrays = [out.numpy() for out in outs]
        if self._columns is None:
            self._rows.read_many(ranges, arrays)
            return
        wide = [np.empty((stop - start, self._rows.shape[1]), self._rows.dtype) for start, stop in ranges]
        self._rows.read_many(ranges, wide)
        for array, rows in zip(arrays, wide, strict=True):
            array[:] = rows[:, self._columns]


def _source(collection: Collection, number: int) -> _Mapped | _Packed:
    store, served = collection.stores[number], collection.served
    columns = None if served == store.channels else columns_of(store, served)
    rows = collection.rows[number]
    return _Mapped(rows, columns) if isinstance(rows, np.ndarray) else _Packed(rows, columns)
