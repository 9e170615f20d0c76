"""torch's `DataLoader`, by which many peers are served, as torch's documentation sets it up."""

import multiprocessing

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.harness.case import Case

__all__ = ["WORKERS", "shuffled"]

WORKERS = (0, 1, 2)


def shuffled(dataset: Dataset[Tensor], case: Case, *, pin_memory: bool = False) -> DataLoader[Tensor]:
    """A `DataLoader` with the workers that the case names."""
    multiprocessing.set_forkserver_preload(["torch"])  # or each worker takes seconds to import it
    return DataLoader(
        dataset,
        batch_size=case.batch,
        shuffle=True,
        drop_last=True,
        num_workers=case.workers,
        persistent_workers=case.workers > 0,
        multiprocessing_context="forkserver" if case.workers else None,
        generator=torch.Generator().manual_seed(case.seed),
        pin_memory=pin_memory,
    )
