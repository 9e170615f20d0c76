"""The fair copy: what the machine's memory allows a loader, and no loader can pass by more than noise."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.harness.case import Case
from longstride.pipeline.loading.serving.gather import BufferRing, window_view
from longstride.storage.open import open_mapped

__all__ = ["fair_copy", "loader"]


def fair_copy(values: NDArray[np.floating], window: int, batch: int, seed: int) -> Iterator[Tensor]:
    """Copy random contiguous slices of `window` rows from values (T, N), `batch` at a time, without end.

    The slices have the size of windows, lie anywhere in the same array, and go to the same kind of ring of
    buffers, by the same threads. None is copied again before all have been: at K = 512 those that are still in the
    processor's cache would make it 4 % faster than copying from memory is.
    """
    num_rows, num_channels = values.shape
    slices = window_view(values, num_rows)[0, : num_rows // window * window].view(-1, window, num_channels)
    ring = BufferRing((batch, window, num_channels), values.dtype, 4)
    generator = torch.Generator().manual_seed(seed)
    while True:
        rounds = -(-batch // len(slices))
        chosen = torch.cat([torch.randperm(len(slices), generator=generator) for _ in range(rounds)])
        for slots in chosen[: len(chosen) // batch * batch].view(-1, batch):
            # Held until the next one is ready, as a training loop holds its batch: the ring turns as ours does.
            copied = ring.take()
            torch.index_select(slices, 0, slots, out=copied)
            yield copied


def loader(case: Case) -> Iterator[Tensor]:
    """The fair copy of a case, asked as the peers are."""
    return fair_copy(open_mapped(case.store).values, case.window, case.batch, case.seed)
