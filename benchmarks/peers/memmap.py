"""A map-style `Dataset` over `np.memmap`, served by torch's `DataLoader`: what most people write."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

__all__ = ["memmap_batches"]


class MemmapWindows(Dataset[Tensor]):
    """Window i is rows i * stride to i * stride + window of a raw float32 file (T, N)."""

    def __init__(self, path: Path, num_channels: int, window: int, stride: int) -> None:
        self.rows = np.memmap(path, np.float32, "r").reshape(-1, num_channels)
        self.window = window
        self.stride = stride

    def __len__(self) -> int:
        return (len(self.rows) - self.window) // self.stride + 1

    def __getitem__(self, index: int) -> Tensor:
        start = index * self.stride
        return torch.from_numpy(np.array(self.rows[start : start + self.window]))


def memmap_batches(
    path: Path,
    num_channels: int,
    window: int,
    stride: int,
    batch: int,
    workers: int,
    seed: int,
    *,
    pin_memory: bool = False,
) -> Iterator[Tensor]:
    """Serve shuffled batches (B, K, N) without end."""
    multiprocessing.set_forkserver_preload(["torch"])  # or each worker takes seconds to import it
    loader = DataLoader(
        MemmapWindows(path, num_channels, window, stride),
        batch_size=batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        multiprocessing_context="forkserver" if workers else None,
        generator=torch.Generator().manual_seed(seed),
        pin_memory=pin_memory,
    )
    while True:
        yield from loader
