"""A map-style `Dataset` over `np.memmap`, served by torch's `DataLoader`: what most people write."""

import multiprocessing

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.peers.case import Case

__all__ = ["DISTRIBUTION", "WORKERS", "loader", "shuffled"]

DISTRIBUTION = "torch"
WORKERS = (0, 1, 2)


class MemmapWindows(Dataset[Tensor]):
    """Window i is rows i * stride to i * stride + window of a raw float32 file (T, N)."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.rows: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return (self.case.num_rows - self.case.window) // self.case.stride + 1

    def __getitem__(self, index: int) -> Tensor:
        if self.rows is None:  # opened where it is read: sent to a worker, a memmap is copied whole
            self.rows = self.case.rows()
        start = index * self.case.stride
        return torch.from_numpy(np.array(self.rows[start : start + self.case.window]))


def loader(case: Case, *, pin_memory: bool = False) -> DataLoader[Tensor]:
    """Shuffled batches (B, K, N)."""
    return shuffled(MemmapWindows(case), case, pin_memory=pin_memory)


def shuffled(dataset: Dataset[Tensor], case: Case, *, pin_memory: bool = False) -> DataLoader[Tensor]:
    """A `DataLoader` as torch's documentation sets it up, with the workers that the case names."""
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
