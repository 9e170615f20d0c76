"""Copying windows out of the store: one `index_select` a batch, into buffers that are used again."""

import math
import mmap
import sys
import warnings
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["BufferRing", "WindowGather", "window_view"]

STEP = 16
"""Bytes; no type of numbers is wider."""


class BufferRing:
    """A few buffers of one shape, each handed out again only when nothing refers to it any more.

    From 16 MB a batch on, fresh memory costs several times what the copy does. `torch.from_numpy` holds its array
    for as long as the tensor's storage lives, so the array's reference count tells whether the consumer still
    has the batch, or any view of it.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[np.generic] | type[np.generic], size: int, *, place: int = 0
    ) -> None:
        """`size` buffers at most; while all are held by the consumer, `take` gives memory of its own instead.

        Buffers begin at `place` of a page: where their source begins.
        """
        self.shape = shape
        self.dtype = dtype
        self.size = size
        self.place = place
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
        buffer = _aligned(self.shape, self.dtype, self.place)
        if len(self._buffers) < self.size:
            self._buffers.append(buffer)
        return buffer


def _aligned(
    shape: tuple[int, ...], dtype: np.dtype[np.generic] | type[np.generic], place: int
) -> NDArray[np.generic]:
    """Memory that begins at a place of a page.

    Windows of whole pages are copied fastest to the place of a page at which they begin: then both come to the
    ends of their pages together. To 16 bytes behind it, where numpy's large arrays begin, some processors take
    up to four times as long (`rep movsb` of AMD's, glibc bug 30994).
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + mmap.PAGESIZE, np.uint8)
    first = (place - memory.ctypes.data) % mmap.PAGESIZE
    return memory[first : first + size].view(dtype).reshape(shape)


def _place_in_page(values: NDArray[np.generic]) -> int:
    """Where an array begins in a page, in steps of 16 bytes, so that any type of numbers may begin there."""
    return int(values.ctypes.data) % mmap.PAGESIZE // STEP * STEP


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
        dilation: int = 1,
    ) -> None:
        """Gather up to `batch` windows of `window` rows at a time, with a mask of present values if asked.

        `columns` are those to serve of each array, if not all; the rows are every `dilation`-th.
        """
        self._window, self._dilation = window, dilation
        self.use(arrays)
        self._columns = None if columns is None else [torch.tensor(chosen) for chosen in columns]
        self._wide: list[Tensor] = []
        if columns is not None:
            self._wide = [
                torch.from_numpy(_aligned((batch, *view.shape[1:]), values.dtype, _place_in_page(values)))
                for view, values in zip(self._views, arrays, strict=True)
            ]
        num_channels = arrays[0].shape[1] if columns is None else len(columns[0])
        shape = (batch, window, num_channels)
        place = _place_in_page(arrays[0])
        self._values = BufferRing(shape, arrays[0].dtype, self.RING_SIZE, place=place)
        self._mask = BufferRing(shape, np.bool_, self.RING_SIZE) if mask else None

    def use(self, arrays: Sequence[NDArray[np.floating]]) -> None:
        """Gather from these arrays, as wide and of the same type as the first ones, from now on."""
        self._views = [window_view(values, self._window, self._dilation) for values in arrays]

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


def window_view(values: NDArray[np.floating], window: int, dilation: int = 1) -> Tensor:
    """Every run of `window` rows of values (T, N), each `dilation` after the other, without a copy.

    A tensor (T - (K - 1) * dilation, K, N); it is empty where there are fewer rows.
    """
    with warnings.catch_warnings():
        # The mapped values are read-only, which torch cannot express; nothing here writes to them.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        rows = torch.from_numpy(values)
    num_rows, num_channels = rows.shape
    between_rows, between_channels = rows.stride()
    shape = (max(0, num_rows - (window - 1) * dilation), window, num_channels)
    return rows.as_strided(shape, (between_rows, dilation * between_rows, between_channels))
