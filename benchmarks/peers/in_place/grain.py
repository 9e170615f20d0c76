"""Grain's `MapDataset` over Longstride's mapped view: first rows, shuffled, of which each batch is gathered.

As its documentation has it: `shuffle`, `batch` and `repeat` while every item can still be reached, and
`to_iter_dataset` last. Within the process its threads read ahead, or none, which it advises for data in memory;
`mp_prefetch` gathers in other processes.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import grain
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.case import Case
from longstride.storage.open import open_mapped

__all__ = ["DISTRIBUTION", "WORKERS", "loader"]

DISTRIBUTION = "grain"
WORKERS = (0, 1, 2)
MOST_PROCESS_BYTES = 2**22
"""A larger batch takes longer to hand over from a process than to gather: workers are threads then."""
AHEAD = 2
"""Batches that each worker holds ready. The default of all threads is 500, meant for single items."""


class Gather:
    """Gives the windows that begin at some rows of a store."""

    def __init__(self, case: Case) -> None:
        self.store = open_mapped(case.store)
        self.window = case.window

    def __call__(self, starts: Sequence[int]) -> NDArray[np.floating]:
        values = self.store.values
        return np.stack([values[start : start + self.window] for start in starts])


class Epochs:
    """An epoch an iteration, by the threads and processes of the last one."""

    def __init__(self, case: Case) -> None:
        starts = grain.MapDataset.range(0, case.num_rows - case.window + 1, case.stride)
        batches = starts.shuffle(case.seed).batch(case.batch, drop_remainder=True, batch_fn=Gather(case))
        self.num_batches = len(batches)
        in_processes = case.batch * case.window * case.num_channels * 4 <= MOST_PROCESS_BYTES
        threads, processes = (0, case.workers) if in_processes else (case.workers, 0)
        self.endless = (
            batches.repeat()
            .to_iter_dataset(grain.ReadOptions(num_threads=threads, prefetch_buffer_size=AHEAD * threads))
            .mp_prefetch(grain.MultiprocessingOptions(num_workers=processes, per_worker_buffer_size=AHEAD))
        )
        self.between_epochs: list[Any] = []

    def __iter__(self) -> Iterator[NDArray[np.floating]]:
        batches = self.between_epochs.pop() if self.between_epochs else iter(self.endless)
        yield from itertools.islice(batches, self.num_batches)
        self.between_epochs.append(batches)


def loader(case: Case) -> Epochs:
    """Shuffled batches (B, K, N)."""
    return Epochs(case)
