"""insitubatch on Longstride's store: a window is K views of one array, each a row later, read at the same anchor.

As its documentation has it: `ArrayGeometry.shift` for the views, the default settings to start with, a cache that
holds the log for more than one epoch, and a batch transform that stacks the views, in its own thread. It shuffles
within 16 chunks at a time, and draws those again in each epoch.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from insitubatch import Batch, InSituDataset, obstore_store, open_geometries, split_by_chunk
from numpy.typing import NDArray

from benchmarks.harness.case import Case

__all__ = ["DISTRIBUTION", "cannot", "loader"]

DISTRIBUTION = "insitubatch"
NO_LIMIT = 2**50
"""Size of the cache, in bytes: what it would need is reckoned for each of the K views, and held once."""


def cannot(case: Case) -> str | None:
    """It serves windows at any row alone."""
    return "a window begins at every row: it has no stride" if case.stride > 1 else None


def stack(batch: Batch) -> Batch:
    """Its views as one array (B, K, N)."""
    return Batch({"windows": batch.stack(list(batch.arrays))}, batch.sample_indices)


class Epochs:
    """An epoch an iteration; chunks stay in memory from one to the next."""

    def __init__(self, case: Case) -> None:
        store = obstore_store(Path(case.store).resolve().as_uri())
        values = open_geometries(store, variables=["values"])["values"]
        self.epoch = 0
        self.dataset = InSituDataset(
            store,
            split_by_chunk(values, fractions=(1, 0, 0)),
            {f"row {offset}": values.shift(offset) for offset in range(case.window)},
            batch_size=case.batch,
            seed=case.seed,
            cache_budget_bytes=NO_LIMIT,
            batch_transforms=[stack],
        )

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        self.dataset.set_epoch(self.epoch)
        self.epoch += 1
        for batch in self.dataset.train:
            if len(batch) == self.dataset.batch_size:  # it has no drop_last: the last one may be short
                yield batch.arrays["windows"]


def loader(case: Case) -> Epochs:
    """Shuffled batches (B, K, N)."""
    return Epochs(case)
