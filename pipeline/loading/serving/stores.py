"""One or several stores, seen as one range of rows: those of the first, then those of the second, and so on."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.geometry.sizes import Geometry
from longstride.pipeline.loading.options import DatasetOptions, Stores
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.select import labelled_windows, mostly_missing_windows, without
from longstride.pipeline.loading.splits import Split, one_split
from longstride.storage.arrays.chunked import ChunkedRows
from longstride.storage.arrays.data import ArrayData
from longstride.storage.errors import LongstrideError
from longstride.storage.mapped.ahead import read_ahead
from longstride.storage.memory import memory_of_machine
from longstride.storage.open_data import opened_data
from longstride.storage.packed.cache import RowCache, cache_of
from longstride.storage.packed.rows import PackedRows
from longstride.storage.packed.store import PackedStore
from longstride.storage.series.data import SeriesData
from longstride.storage.series.joined import JoinedData, parts_of
from longstride.storage.series.segments import Segments

__all__ = ["Collection", "Windows", "columns_of", "label_columns_of", "opened_all", "segments_of"]


class Collection:
    """Stores with the same channels, seen as one range of rows."""

    def __init__(self, given: Sequence[SeriesData], options: DatasetOptions) -> None:
        """Serve the channels and targets of the options, and keep decoded rows of packed stores in their cache.

        Raises LongstrideError for a channel that a store does not have, and for stores of different types.
        """
        stores = [part for one in given for part in parts_of(one)]
        self.is_joined = isinstance(given[0], JoinedData) and len(given) == 1
        """Whether the stores were given as one: then rows are numbered through in batches as well."""
        channels, targets = options.channels, options.targets
        self._cache_dir, self._cache_bytes = options.cache_dir, options.cache_bytes
        self.stores = tuple(stores)
        self.channels = tuple(stores[0].channels if channels is None else channels)
        """N names, in the order of `values`."""
        self.targets = tuple((self.channels if options.horizon else ()) if targets is None else targets)
        """M names, in the order of `target`; empty where there is none."""
        self.future = tuple(options.future)
        """F names, in the order of `future`; empty where there is none."""
        self.series_names = tuple(name for one in given for name in one.series)
        """Name of each series: those of the first store, then those of the second, and so on."""
        self.first_row = np.concatenate([[0], np.cumsum([store.num_rows for store in stores])])
        """Row at which each store begins, and where the last one ends."""
        for store in stores:
            columns_of(store, self.served)
        dtypes = {store.dtype for store in stores}
        if len(dtypes) > 1:
            raise LongstrideError(
                f"the stores hold {' and '.join(sorted(map(str, dtypes)))}: ingest them with one --dtype",
                code="stores-differ",
            )

    @property
    def served(self) -> tuple[str, ...]:
        """Channels, targets and those of the future, each once."""
        return tuple(dict.fromkeys((*self.channels, *self.targets, *self.future)))

    @property
    def has_missing(self) -> bool:
        """Whether any value of the served channels is missing."""
        return any(store.has_missing(columns_of(store, self.served)) for store in self.stores)

    @property
    def arrays(self) -> list[NDArray[np.floating]] | None:
        """All values of each store (T, N), to copy windows straight out of; None while some have to be decoded."""
        found = [rows if isinstance(rows, np.ndarray) else rows.in_memory for rows in self.rows]
        arrays = [values for values in found if values is not None]
        return arrays if len(arrays) == len(found) else None

    @cached_property
    def rows(self) -> list[NDArray[np.floating] | PackedRows | ChunkedRows | RowCache]:
        """For each store: its values in memory, or what decodes them, with a cache or without."""
        return [self._rows_of(store) for store in self.stores]

    def _rows_of(self, store: SeriesData) -> NDArray[np.floating] | PackedRows | ChunkedRows | RowCache:
        values: Any = store.values
        if isinstance(values, np.ndarray) or self._cache_dir is None:
            return values  # type: ignore[no-any-return]
        if isinstance(store, PackedStore):
            return cache_of(store, self._cache_dir, self._cache_bytes)
        assert isinstance(values, ChunkedRows)
        if values.origin is None:
            raise LongstrideError(
                f"cache_dir keeps rows of files, and {store.name} does not say which: leave it out",
                code="option-value",
            )
        return RowCache(values, values.piece_rows, values.origin, self._cache_dir, self._cache_bytes)

    def __getstate__(self) -> dict[str, Any]:
        # Each process maps stores and caches for itself.
        return {name: value for name, value in vars(self).items() if name != "rows"}

    def without_memory(self) -> "Collection":
        """The same without values that lie in memory: for a process that only plans."""
        made = copy(self)
        vars(made).pop("rows", None)
        made.stores = tuple(
            store.without_memory() if isinstance(store, ArrayData) else store for store in self.stores
        )
        return made

    def locate(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
        """Store of each row, None where there is one alone, and the row within it."""
        if len(self.stores) == 1:
            return None, rows
        store = np.searchsorted(self.first_row, rows, side="right") - 1
        return store, rows - self.first_row[store]

    def numbered(self, batch: WindowBatch) -> WindowBatch:
        """The batch, its rows numbered through all stores if these were given as one."""
        if not self.is_joined or batch.store is None:
            return batch
        first_row = torch.from_numpy(self.first_row)[batch.store]
        return batch._replace(start=torch.where(batch.start < 0, batch.start, batch.start + first_row), store=None)

    def read_ahead(self, rows: NDArray[np.int64]) -> None:
        """Ask the system to read ranges of rows (ranges, 2), each of one store, from disk if they are mapped."""
        store = np.searchsorted(self.first_row, rows[:, 0], side="right") - 1
        parts = []
        for number, (start, stop) in zip(store.tolist(), rows.tolist(), strict=True):
            first_row, values = int(self.first_row[number]), self.rows[number]
            if isinstance(values, np.ndarray) and values.flags.c_contiguous:
                parts.append(values[start - first_row : stop - first_row])
        read_ahead(parts, in_large_pages=self._stay_in_memory)

    @property
    def is_at_hand(self) -> bool:
        """Whether all values lie in memory, or are mapped and stay there once they were read."""
        return all(isinstance(store.values, np.ndarray) for store in self.stores) and self._stay_in_memory

    @cached_property
    def _stay_in_memory(self) -> bool:
        """Whether what is read around a range of rows is still there when an epoch comes to it."""
        num_bytes = sum(values.nbytes for values in self.rows if isinstance(values, np.ndarray))
        return num_bytes <= memory_of_machine() // 2

    def windows(self, segments: Sequence[Segments], geometry: Geometry, options: DatasetOptions) -> "Windows":
        """Windows of the segments of each store, numbered from the first to the last.

        Raises LongstrideError for a label that a store does not have.
        """
        kept = []
        num_skipped = 0
        for store, found in zip(self.stores, segments, strict=True):
            index = geometry.index(found)
            dropped = _dropped(index, store, tuple(dict.fromkeys((*self.channels, *self.targets))), options)
            left = without(index, dropped) if len(dropped) else found
            num_skipped += len(index) - len(index.of(left))
            kept.append(left)
        rows = self.first_row.tolist()
        joined = Segments(
            np.concatenate([part.start + row for part, row in zip(kept, rows, strict=False)]),
            np.concatenate([part.stop + row for part, row in zip(kept, rows, strict=False)]),
            np.concatenate([part.series for part in kept]),
        )
        first_segment = np.concatenate([[0], np.cumsum([len(part) for part in kept])])
        return Windows(geometry.index(joined), first_segment, num_skipped)


@dataclass(frozen=True)
class Windows:
    """The windows of a collection."""

    index: WindowIndex
    first_segment: NDArray[np.int64]
    """First segment of each store, and one after the last."""
    num_skipped: int
    """Windows that were left out for missing values or labels."""


def opened_all(store: Stores) -> list[SeriesData]:
    """What windows are served of: stores and arrays as they are, those given as paths opened."""
    stores = list(store) if isinstance(store, list | tuple) else [store]
    if not stores:
        raise LongstrideError("no store is given: expected at least one", code="option-value")
    return [opened_data(item) for item in stores]


def segments_of(given: Sequence[SeriesData], split: Split | Sequence[Split] | None) -> list[Segments]:
    """Segments of each store, cut to its split if there is one. Raises LongstrideError for a split of others."""
    parts: list[Segments] = []
    for one, segments in zip(given, _cut(given, split), strict=True):
        parts += one.segments_of_parts(segments) if isinstance(one, JoinedData) else [segments]
    return parts


def _cut(stores: Sequence[SeriesData], split: Split | Sequence[Split] | None) -> list[Segments]:
    if split is None:
        return [store.segments for store in stores]
    splits = [one_split(part) for part in (split if isinstance(split, list | tuple) else [split])]
    if len(splits) != len(stores):
        raise LongstrideError(
            f"{len(splits)} splits were given for {len(stores)} stores: expected one for each", code="option-value"
        )
    return [part.segments_in(store) for part, store in zip(splits, stores, strict=True)]


def columns_of(store: SeriesData, names: Sequence[str]) -> list[int]:
    """Columns of the named channels. Raises LongstrideError for one that the store does not have."""
    return _positions(names, store.channels, f"{store.name} has no channel")


def label_columns_of(store: SeriesData, names: Sequence[str]) -> list[int]:
    """Columns of the named labels. Raises LongstrideError for one that the store does not have."""
    return _positions(names, store.label_names, f"{store.name} has no label")


def _dropped(
    index: WindowIndex, store: SeriesData, channels: Sequence[str], options: DatasetOptions
) -> NDArray[np.int64]:
    ranges = [np.empty((0, 2), np.int64)]
    if options.without_labels:
        columns = label_columns_of(store, options.without_labels)
        ranges.append(labelled_windows(index, store, columns))
    if options.max_missing is not None:
        ranges.append(mostly_missing_windows(index, store, columns_of(store, channels), options.max_missing))
    return np.concatenate(ranges)


def _positions(names: Sequence[str], among: Sequence[str], missing: str) -> list[int]:
    if absent := [name for name in names if name not in among]:
        raise LongstrideError(
            f"{missing} {absent[0]!r}: it has {', '.join(among) or 'none'}", code="column-missing"
        )
    return [among.index(name) for name in names]
