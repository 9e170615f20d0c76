"""A map-style `Dataset` over `np.memmap`, served by torch's `DataLoader`: what most people write."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.harness.case import Case
from benchmarks.peers.data_loader import WORKERS, shuffled

__all__ = ["DISTRIBUTION", "WORKERS", "loader"]

DISTRIBUTION = "torch"


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
