"""Copying windows out of the store: one `index_select` a batch, into buffers that are used again."""

import math
import sys
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["BufferRing", "WindowGather", "window_view"]

CACHE_LINE = 64


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

    def take(self) -> Tensor:
        """Return a tensor of the ring's shape, with any content, that nothing else refers to."""
        for _ in range(len(self._buffers)):
            self._next = (self._next + 1) % len(self._buffers)
            # Held by the list and by this call's argument alone.
            if sys.getrefcount(self._buffers[self._next]) == 2:
                return torch.from_numpy(self._buffers[self._next])
        buffer = _aligned(self.shape, self.dtype)
        if len(self._buffers) < self.size:
            self._buffers.append(buffer)
        return torch.from_numpy(buffer)


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
    """Gathers windows (B, K, N) by their start rows from values (T, N)."""

    RING_SIZE = 4

    def __init__(self, values: NDArray[np.floating], window: int, batch: int, *, mask: bool) -> None:
        """Serve batches of `batch` windows of `window` rows, with a mask of present values if asked."""
        shape = (batch, window, values.shape[1])
        self._view = window_view(values, window)
        self._values = BufferRing(shape, values.dtype, self.RING_SIZE)
        self._mask = BufferRing(shape, np.bool_, self.RING_SIZE) if mask else None

    def __call__(self, starts: Tensor) -> tuple[Tensor, Tensor | None]:
        """Values (B, K, N) of windows that start at (B,) rows, and a mask (B, K, N), True where one is present."""
        values = self._values.take()
        torch.index_select(self._view, 0, starts, out=values)
        if self._mask is None:
            return values, None
        mask = self._mask.take()
        # numpy, because torch writes booleans ten times as slowly.
        present = values.numpy()
        np.equal(present, present, out=mask.numpy())
        return values, mask


def window_view(values: NDArray[np.floating], window: int) -> Tensor:
    """Every run of `window` rows of contiguous values (T, N): a tensor (T - K + 1, K, N) that copies nothing."""
    with warnings.catch_warnings():
        # The mapped values are read-only, which torch cannot express; nothing here writes to them.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        rows = torch.from_numpy(values)
    num_rows, num_channels = rows.shape
    return rows.as_strided((num_rows - window + 1, window, num_channels), (num_channels, num_channels, 1))
