"""Copying windows out of the store: one `index_select` a batch, into buffers that are used again."""

import math
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, repeat

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.ordering.order import PADDING
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.stores import Collection, columns_of

__all__ = ["BatchGather", "BufferRing", "PoolGather", "WindowGather", "blanked", "window_view"]

CACHE_LINE = 64
AT_ONCE_BYTES = 2**22
"""Of values that are copied in one call, where batches are small: a call takes as long as copying 100 KB."""
SMALL_BYTES = 2**19
"""Of the values of a small batch. Two or four larger ones together are slower than one by one."""


class BufferRing:
    """A few buffers of one shape, each handed out again only when nothing refers to it any more.

    From 16 MB a batch on, fresh memory costs several times what the copy does. `torch.from_numpy` holds its array
    for as long as the tensor's storage lives, so the array's reference count tells whether the consumer still
    has the batch, or any view of it.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[np.generic] | type[np.generic], size: int) -> None:
        """`size` buffers at most; while all are held by the consumer, `take` gives memory of its own instead."""
        self.shape = shape
        self.dtype = dtype
        self.size = size
        self._buffers: list[NDArray[np.generic]] = []
        self._next = 0

    def take(self, length: int | None = None) -> Tensor:
        """A tensor of the ring's shape, or its first rows, with any content, that nothing else refers to."""
        taken = torch.from_numpy(self._free())
        return taken if length in (None, self.shape[0]) else taken[:length]

    def _free(self) -> NDArray[np.generic]:
        for _ in range(len(self._buffers)):
            self._next = (self._next + 1) % len(self._buffers)
            # Held by the list and by this call's argument alone.
            if sys.getrefcount(self._buffers[self._next]) == 2:
                return self._buffers[self._next]
        buffer = _aligned(self.shape, self.dtype)
        if len(self._buffers) < self.size:
            self._buffers.append(buffer)
        return buffer


def _aligned(shape: tuple[int, ...], dtype: np.dtype[np.generic] | type[np.generic]) -> NDArray[np.generic]:
    """Memory that begins at a cache line.

    numpy's large arrays begin 16 bytes into a page. The copy instruction of some processors (`rep movsb` on AMD's,
    glibc bug 30994) is four times slower when source and destination lie that way to each other, as they do for
    windows at multiples of a page.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size].view(dtype).reshape(shape)


class WindowGather:
    """Gathers windows (B, K, N) by their start rows from one or several arrays of values (T, N)."""

    RING_SIZE = 4

    def __init__(
        self,
        arrays: Sequence[NDArray[np.floating]],
        window: int,
        batch: int,
        *,
        columns: Sequence[Sequence[int]] | None = None,
        mask: bool,
    ) -> None:
        """Gather up to `batch` windows of `window` rows at a time, with a mask of present values if asked.

        `columns` are those to serve of each array, if not all.
        """
        self._window = window
        self.use(arrays)
        self._columns = None if columns is None else [torch.tensor(chosen) for chosen in columns]
        self._wide: list[Tensor] = []
        if columns is not None:
            self._wide = [
                torch.from_numpy(_aligned((batch, *view.shape[1:]), arrays[0].dtype)) for view in self._views
            ]
        num_channels = arrays[0].shape[1] if columns is None else len(columns[0])
        shape = (batch, window, num_channels)
        self._values = BufferRing(shape, arrays[0].dtype, self.RING_SIZE)
        self._mask = BufferRing(shape, np.bool_, self.RING_SIZE) if mask else None

    def use(self, arrays: Sequence[NDArray[np.floating]]) -> None:
        """Gather from these arrays, as wide and of the same type as the first ones, from now on."""
        self._views = [window_view(values, self._window) for values in arrays]

    def __call__(self, starts: Tensor, stops: Sequence[int] | None = None) -> tuple[Tensor, Tensor | None]:
        """Values (B, K, N) of windows that start at (B,) rows, and a mask (B, K, N), True where one is present.

        The windows before `stops[0]` are of the first array, those from there to `stops[1]` of the second; without
        stops, all are of the first.
        """
        values = self._values.take(starts.shape[0])  # len() of a tensor is a call of Python's
        if stops is None:
            self._copy(0, starts, values)
        else:
            for number, (begin, stop) in enumerate(pairwise([0, *stops])):
                if begin < stop:
                    self._copy(number, starts[begin:stop], values[begin:stop])
        if self._mask is None:
            return values, None
        mask = self._mask.take(starts.shape[0])
        # numpy, because torch writes booleans ten times as slowly.
        present = values.numpy()
        np.equal(present, present, out=mask.numpy())
        return values, mask

    def _copy(self, number: int, starts: Tensor, out: Tensor) -> None:
        if self._columns is None:
            torch.index_select(self._views[number], 0, starts, out=out)
            return
        wide = self._wide[number][: len(starts)]
        torch.index_select(self._views[number], 0, starts, out=wide)
        torch.index_select(wide, 2, self._columns[number], out=out)


class PoolGather:
    """Gathers batches from a pool: rows (R, C) of the served channels of a collection."""

    def __init__(self, collection: Collection, index: WindowIndex, batch: int) -> None:
        """Batches of `batch` windows."""
        self._collection = collection
        self._first_start = int(index.starts(np.array(0)))
        self._target_offset = index.window if index.horizon else 0
        served, dtype = collection.served, collection.stores[0].layout.dtype

        def gather(names: tuple[str, ...], rows: int) -> WindowGather:
            chosen = None if names == served else [[served.index(name) for name in names]]
            none = np.empty((0, len(served)), dtype)
            return WindowGather([none], rows, batch, columns=chosen, mask=collection.has_missing)

        self._values = gather(collection.channels, index.window)
        self._target = gather(collection.targets, index.horizon or index.window) if collection.targets else None

    def use(self, rows: NDArray[np.floating]) -> None:
        """Gather from this pool from now on."""
        for gather in (self._values, self._target):
            if gather is not None:
                gather.use([rows])

    def __call__(self, local: NDArray[np.int64], starts: NDArray[np.int64]) -> WindowBatch:
        """Windows at rows `local` (B,) of the pool, which start at rows `starts` of the collection."""
        if len(self._collection.stores) > 1:
            # As BatchGather orders those of several stores.
            order = np.argsort(np.where(starts == PADDING, self._first_start, starts))
            local, starts = local[order], starts[order]
        first = torch.from_numpy(local)
        values, mask = self._values(first)
        target = target_mask = None
        if self._target is not None:
            target, target_mask = self._target(first + self._target_offset)
        padded = starts == PADDING
        if padded.any():
            filling = torch.from_numpy(padded)
            mask = blanked(filling, values, mask)
            target_mask = None if target is None else blanked(filling, target, target_mask)
        store, start = self._collection.locate(starts)
        return WindowBatch(
            values,
            torch.from_numpy(start.copy()),
            mask,
            target,
            target_mask,
            None if store is None else torch.from_numpy(store),
        )


class BatchGather:
    """Gathers batches from the stores of a collection."""

    def __init__(self, collection: Collection, index: WindowIndex, batch: int) -> None:
        """Batches of `batch` windows."""
        self._begins, self._ends = collection.first_row[:-1], collection.first_row[1:]
        self._first_start = int(index.starts(np.array(0)))
        self._target_offset = index.window if index.horizon else 0
        masked = collection.has_missing
        stores, arrays = collection.stores, collection.arrays
        assert arrays is not None
        # All channels of a store, of which some are served, are copied as well.
        row_bytes = max(values[:1].nbytes for values in arrays)
        target_rows = (index.horizon or index.window) if collection.targets else 0
        batch_bytes = batch * (index.window + target_rows) * row_bytes
        self._at_once = AT_ONCE_BYTES // batch_bytes if batch_bytes <= SMALL_BYTES else 1

        def gather(names: tuple[str, ...], rows: int) -> WindowGather:
            chosen = None
            if any(names != store.channels for store in stores):
                chosen = [columns_of(store, names) for store in stores]
            return WindowGather(arrays, rows, batch * self._at_once, columns=chosen, mask=masked)

        self._values = gather(collection.channels, index.window)
        self._target = gather(collection.targets, index.horizon or index.window) if collection.targets else None

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

        values, start, *others = self._batch(rows.reshape(-1))
        return map(WindowBatch, apart(values), apart(start), *map(apart, others))

    def _batch(self, first: Tensor, stops: list[int] | None = None) -> WindowBatch:
        values, mask = self._values(first, stops)
        if self._target is None:
            return WindowBatch(values, first, mask)
        return WindowBatch(values, first, mask, *self._target(first + self._target_offset, stops))

    def _arranged(self, starts: NDArray[np.int64]) -> WindowBatch:
        """A batch of several stores, or one that is filled."""
        padded = starts == PADDING
        rows = np.where(padded, self._first_start, starts)
        store, stops = None, None
        if len(self._ends) > 1:
            # Those of one store are copied together; the order within a batch means nothing.
            order = np.argsort(rows)
            rows, padded = rows[order], padded[order]
            number = np.searchsorted(self._ends, rows, side="right")
            stops = np.searchsorted(rows, self._ends).tolist()
            rows -= self._begins[number]
            store = torch.from_numpy(number)
        batch = self._batch(torch.from_numpy(rows), stops)._replace(store=store)
        if padded.any():
            filling = torch.from_numpy(padded)
            target_mask = None if batch.target is None else blanked(filling, batch.target, batch.target_mask)
            batch = batch._replace(mask=blanked(filling, batch.values, batch.mask), target_mask=target_mask)
            rows[padded] = PADDING
        return batch


def blanked(padded: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Put zeros into windows that only fill the batch, and give the mask, False there."""
    values[padded] = 0
    mask = torch.ones_like(values, dtype=torch.bool) if mask is None else mask
    mask[padded] = False
    return mask


def window_view(values: NDArray[np.floating], window: int) -> Tensor:
    """Every run of `window` rows of contiguous values (T, N): a tensor (T - K + 1, K, N) that copies nothing.

    It is empty where there are fewer rows.
    """
    with warnings.catch_warnings():
        # The mapped values are read-only, which torch cannot express; nothing here writes to them.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        rows = torch.from_numpy(values)
    num_rows, num_channels = rows.shape
    return rows.as_strided((max(0, num_rows - window + 1), window, num_channels), (num_channels, num_channels, 1))
