"""Times and labels of rows, to take those of windows: of whole stores, or of a pool of their rows."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.serving.gather import window_view
from longstride.pipeline.loading.serving.stores import Collection
from longstride.storage.arrays.ramp import Ramp
from longstride.storage.series.data import SeriesData
from longstride.storage.series.row_source import RowSource

__all__ = ["PoolTables", "StoreTables"]


class PoolTables:
    """Rows of arrays of a pool."""

    def __init__(self, tables: Mapping[str, Tensor]) -> None:
        """Each is (R, W), contiguous, by its name."""
        self.tables = dict(tables)

    def rows(self, array: str, first: Tensor, length: int, dilation: int) -> Tensor:
        """Every `dilation`-th row (B, length, W) of an array from rows `first` (B,) of the pool on."""
        table = self.tables[array]
        num_rows, width = table.shape
        shape, strides = (num_rows - (length - 1) * dilation, length, width), (width, dilation * width, 1)
        return table.as_strided(shape, strides).index_select(0, first)


class StoreTables:
    """Rows of arrays of the stores of a collection."""

    def __init__(self, collection: Collection, columns: Mapping[str, Sequence[Sequence[int]]]) -> None:
        """`columns` are those to take, of each array by its name, of each store. Nothing is read yet."""
        self._collection = collection
        self._columns = {name: [list(chosen) for chosen in every] for name, every in columns.items()}
        self._sources = {name: [_source(store, name) for store in collection.stores] for name in columns}
        self._views: dict[tuple[str, int, int], Tensor] = {}
        self.are_at_hand = all(
            isinstance(source, np.ndarray | Ramp) for sources in self._sources.values() for source in sources
        )
        """Whether no row has to be decoded."""

    def rows(self, array: str, first: Tensor, store: Tensor | None, length: int, dilation: int) -> Tensor:
        """Every `dilation`-th row (B, length, W) of an array from rows `first` (B,) of each window's store on."""
        if store is None:
            return self._rows_of(array, 0, first, length, dilation)
        found: Tensor | None = None
        for number in range(len(self._sources[array])):
            mine = store == number
            if mine.any():
                part = self._rows_of(array, number, first[mine], length, dilation)
                found = part.new_empty((len(first), *part.shape[1:])) if found is None else found
                found[mine] = part
        assert found is not None
        return found

    def _rows_of(self, array: str, number: int, first: Tensor, length: int, dilation: int) -> Tensor:
        source, columns = self._sources[array][number], self._columns[array][number]
        if isinstance(source, Ramp):
            computed: Tensor = source.at(first[:, None, None] + dilation * torch.arange(length)[:, None])
            return computed
        found = self._view(array, number, length, dilation).index_select(0, first)
        return found if columns == list(range(found.shape[2])) else found[..., columns]

    def _view(self, array: str, number: int, length: int, dilation: int) -> Tensor:
        """Every run of `length` rows; making it takes longer than copying a small batch, so it is kept."""
        key = array, number, length
        if key not in self._views:
            source = self._sources[array][number]
            assert isinstance(source, np.ndarray)
            self._views[key] = window_view(source, length, dilation)
        return self._views[key]

    def read(self, ranges: NDArray[np.int64], padding: int) -> PoolTables:
        """Those of ranges of rows (ranges, 2) of the collection, each of one store, and so many rows of 0."""
        stores, starts = self._collection.locate(ranges[:, 0])
        numbers = np.zeros(len(ranges), np.int64) if stores is None else stores
        lengths = ranges[:, 1] - ranges[:, 0]
        tables = {}
        for name, sources in self._sources.items():
            columns = self._columns[name]
            table = np.zeros((int(lengths.sum()) + padding, len(columns[0])), sources[0].dtype)
            stops = np.cumsum(lengths)
            for number, start, length, stop in zip(
                numbers.tolist(), starts.tolist(), lengths.tolist(), stops.tolist(), strict=True
            ):
                rows = sources[number][start : start + length].reshape(length, -1)
                table[stop - length : stop] = rows[:, columns[number]]
            tables[name] = torch.from_numpy(table)
        return PoolTables(tables)


def _source(store: SeriesData, name: str) -> RowSource:
    """The rows (T, W), or what decodes or computes them."""
    source: RowSource | None = store.time if name == "time" else store.labels
    assert source is not None
    if isinstance(source, np.ndarray):
        array = source.reshape(-1, 1) if source.ndim == 1 else source
        steps = [stride % array.itemsize or stride < 0 for stride in array.strides]
        return np.ascontiguousarray(array) if any(steps) else array  # torch has no such strides
    return source
