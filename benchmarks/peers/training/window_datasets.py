"""A `Dataset` whose items are windows: slices of an array in memory, or of a memory-mapped file."""

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.harness.training.fit_case import FitCase
from benchmarks.peers.in_place.memmap import MemmapWindows

__all__ = ["ArrayWindows", "batches_of"]


class ArrayWindows(Dataset[Tensor]):
    """Window i is rows i * stride to i * stride + window of a tensor (T, N) in memory."""

    def __init__(self, rows: Tensor, window: int, stride: int) -> None:
        self.rows = rows
        self.window = window
        self.stride = stride

    def __len__(self) -> int:
        return (len(self.rows) - self.window) // self.stride + 1

    def __getitem__(self, index: int) -> Tensor:
        start = index * self.stride
        return self.rows[start : start + self.window]


def batches_of(case: FitCase) -> DataLoader[Tensor]:
    """Shuffled batches (B, K, N)."""
    if case.source == "memmap":
        windows: Dataset[Tensor] = MemmapWindows(case)
    else:
        windows = ArrayWindows(torch.from_numpy(case.rows().copy()), case.window, case.stride)
    return DataLoader(
        windows,
        batch_size=case.batch,
        shuffle=True,
        drop_last=True,
        num_workers=case.workers,
        persistent_workers=case.workers > 0,
    )
