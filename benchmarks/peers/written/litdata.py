"""LitData: windows written out in random order by `optimize`, read by `StreamingDataset`, `StreamingDataLoader`.

As its README has it: tensors, chunks of 64 MB, a local folder, `shuffle`, and samples in random order from the
start, for an epoch shuffles chunks and, within each, blocks of samples and the samples of a block. `batch_decode`
is 0, each sample by itself: with its default, 256 at once, the same samples take five to ten times as long.
"""

import multiprocessing
import os
import shutil
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from litdata import StreamingDataLoader, StreamingDataset, optimize
from torch import Tensor

from benchmarks.harness.case import Case

__all__ = ["DISTRIBUTION", "WORKERS", "loader", "write"]

DISTRIBUTION = "litdata"
WORKERS = (0, 1, 2)
PARTS = 64
"""That the processes which write share among them."""


def _windows(starts: list[int], case: Case) -> Iterator[Tensor]:
    rows = case.rows()
    for start in starts:
        yield torch.from_numpy(np.array(rows[start : start + case.window]))


def write(case: Case) -> None:
    """A window a sample."""
    order = np.random.default_rng(case.seed).permutation(case.written)
    cache = f"{case.folder}/cache"
    os.environ["DATA_OPTIMIZER_CACHE_FOLDER"] = os.environ["DATA_OPTIMIZER_DATA_CACHE_FOLDER"] = cache
    optimize(
        fn=partial(_windows, case=case),
        inputs=[part.tolist() for part in np.array_split(order, min(PARTS, len(order)))],
        output_dir=case.folder,
        chunk_bytes="64MB",
        num_workers=os.cpu_count(),
        verbose=False,
    )
    shutil.rmtree(cache, ignore_errors=True)


class Batches:
    """Shuffled batches (B, K, N), an epoch an iteration."""

    def __init__(self, case: Case) -> None:
        self.batch = case.batch
        multiprocessing.set_forkserver_preload(["torch"])  # or each worker takes seconds to import it
        self.batches: Any = StreamingDataLoader(
            StreamingDataset(case.folder, shuffle=True, seed=case.seed, batch_decode=0),
            batch_size=case.batch,
            num_workers=case.workers,
            persistent_workers=case.workers > 0,
            multiprocessing_context="forkserver" if case.workers else None,
        )

    def __iter__(self) -> Iterator[Tensor]:
        # Its `drop_last` is about equal shares for all processes.
        return (batch for batch in self.batches if len(batch) == self.batch)


def loader(case: Case) -> Batches:
    """Open what was written."""
    return Batches(case)
