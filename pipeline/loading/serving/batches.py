"""Gathering whole batches, values and targets: from the stores themselves, or from a pool of their rows."""

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.ordering.order import PADDING
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.arrange import Arranger, Places
from longstride.pipeline.loading.serving.extras import Extras
from longstride.pipeline.loading.serving.gather import WindowGather
from longstride.pipeline.loading.serving.row_tables import PoolTables
from longstride.pipeline.loading.serving.stores import Collection, columns_of

__all__ = ["BatchGather", "PoolGather"]

AT_ONCE_BYTES = 2**22
"""Bytes of values that are copied in one call, where batches are small: a call takes as long as copying 100 KB."""
SMALL_BYTES = 2**19
"""Bytes of values of a small batch. Two or four larger ones together are slower than one by one."""

Gather = Callable[[tuple[str, ...], int], WindowGather]
"""Makes a gatherer of these channels, of windows of this many rows."""


class _Gathers:
    """Gathers values and targets."""

    def __init__(self, collection: Collection, index: WindowIndex, gather: Gather) -> None:
        self._arranger = Arranger(collection, index)
        self._target_offset = index.ahead
        self._values = gather(collection.channels, index.window)
        self._target = gather(collection.targets, index.horizon or index.window) if collection.targets else None
        self._future = gather(collection.future, index.horizon) if collection.future else None

    def _batch(self, first: Tensor, stops: list[int] | None = None) -> WindowBatch:
        values, mask = self._values(first, stops)
        if self._target is None and self._future is None:
            return WindowBatch(values, first, mask)
        ahead = first + self._target_offset
        target, target_mask = (None, None) if self._target is None else self._target(ahead, stops)
        future, future_mask = (None, None) if self._future is None else self._future(ahead, stops)
        return WindowBatch(values, first, mask, target, target_mask, None, future, future_mask)

    def _batch_of(self, places: Places, first: Tensor, stops: list[int] | None = None) -> WindowBatch:
        batch = self._batch(first, stops)
        return self._arranger.batch(
            places, batch.values, batch.mask, batch.target, batch.target_mask, batch.future, batch.future_mask
        )


class PoolGather(_Gathers):
    """Gathers batches from a pool: rows (R, C) of the served channels of a collection."""

    def __init__(
        self, collection: Collection, index: WindowIndex, batch: int, extras: Extras | None = None
    ) -> None:
        """Batches of `batch` windows."""
        self._extras = extras
        served, dtype = collection.served, collection.stores[0].dtype

        def gather(names: tuple[str, ...], rows: int) -> WindowGather:
            chosen = None if names == served else [[served.index(name) for name in names]]
            none = np.empty((0, len(served)), dtype)
            return WindowGather(
                [none], rows, batch, columns=chosen, mask=collection.has_missing, dilation=index.dilation
            )

        super().__init__(collection, index, gather)

    def use(self, rows: NDArray[np.floating], tables: PoolTables | None = None) -> None:
        """Gather from this pool from now on; `tables` of its rows are for extras."""
        self._tables = tables
        for gather in (self._values, self._target, self._future):
            if gather is not None:
                gather.use([rows])

    def __call__(
        self, local: NDArray[np.int64], starts: NDArray[np.int64], *, by_store: bool = True
    ) -> WindowBatch:
        """Windows at rows `local` (B,) of the pool, which start at rows `starts` of the collection.

        Those of several stores come sorted, as they are from stores in memory, or as they are given.
        """
        places = self._arranger.places(starts, by_store=by_store)
        local = local if places.order is None else local[places.order]
        first = torch.from_numpy(local)
        batch = self._batch_of(places, first)
        if self._extras is None or self._tables is None:
            return batch
        return self._extras.of_pool(batch, self._tables, first)


class BatchGather(_Gathers):
    """Gathers batches from the stores of a collection."""

    def __init__(self, collection: Collection, index: WindowIndex, batch: int, *, apart: bool = False) -> None:
        """Batches of `batch` windows; `apart`, each in memory of its own, for one who changes them in place."""
        self._ends = collection.first_row[1:]
        masked = collection.has_missing
        stores, arrays = collection.stores, collection.arrays
        assert arrays is not None
        # All channels of a store, of which some are served, are copied as well.
        row_bytes = max(values[:1].nbytes for values in arrays)
        target_rows = (index.horizon or index.window) if collection.targets else 0
        future_rows = index.horizon if collection.future else 0
        batch_bytes = batch * (index.window + target_rows + future_rows) * row_bytes
        self._at_once = AT_ONCE_BYTES // batch_bytes if batch_bytes <= SMALL_BYTES and not apart else 1

        def gather(names: tuple[str, ...], rows: int) -> WindowGather:
            chosen = None
            if any(names != store.channels for store in stores):
                chosen = [columns_of(store, names) for store in stores]
            return WindowGather(
                arrays, rows, batch * self._at_once, columns=chosen, mask=masked, dilation=index.dilation
            )

        super().__init__(collection, index, gather)

    def batches(self, starts: NDArray[np.int64]) -> Iterator[WindowBatch]:
        """The windows that start at rows (steps, B) of the collection; PADDING fills the last of an epoch."""
        if len(self._ends) > 1:
            yield from map(self._arranged, starts)
            return
        whole = len(starts) - int(np.sum(starts[-1:, -1] == PADDING))
        rows = torch.from_numpy(starts[:whole])
        if self._at_once == 1:
            # All rows at once: one tensor at a time takes as long as a tenth of the copy of short windows.
            yield from map(self._batch, rows.unbind())
        else:
            for step in range(0, whole, self._at_once):
                yield from self._few(rows[step : step + self._at_once])
        yield from map(self._arranged, starts[whole:])

    def _few(self, rows: Tensor) -> Iterator[WindowBatch]:
        """Batches whose windows start at rows (few, B), copied together."""

        def apart(field: Tensor | None) -> Iterable[Tensor | None]:
            return repeat(None) if field is None else field.view(*rows.shape, *field.shape[1:]).unbind()

        values, start, mask, *others = self._batch(rows.reshape(-1))
        while others and others[-1] is None:  # as it is by default
            others.pop()
        return map(WindowBatch, apart(values), apart(start), apart(mask), *map(apart, others))

    def _arranged(self, starts: NDArray[np.int64]) -> WindowBatch:
        """A batch of several stores, or one that is filled."""
        places = self._arranger.places(starts, by_store=True)
        stops = None if places.store is None else np.searchsorted(places.rows, self._ends).tolist()
        return self._batch_of(places, torch.from_numpy(places.local), stops)
