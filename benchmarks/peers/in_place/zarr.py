"""A map-style `Dataset` over a Zarr array, served by torch's `DataLoader`."""

import torch
import zarr
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.harness.case import Case
from benchmarks.peers.data_loader import WORKERS, shuffled

__all__ = ["DISTRIBUTION", "WORKERS", "loader"]

DISTRIBUTION = "zarr"


class ZarrWindows(Dataset[Tensor]):
    """Window i is rows i * stride to i * stride + window of the array `values` (T, N) of a group."""

    def __init__(self, case: Case) -> None:
        self.values = zarr.open_array(f"{case.store}/values", mode="r")
        self.window = case.window
        self.stride = case.stride

    def __len__(self) -> int:
        return (self.values.shape[0] - self.window) // self.stride + 1

    def __getitem__(self, index: int) -> Tensor:
        start = index * self.stride
        return torch.as_tensor(self.values[start : start + self.window])


def loader(case: Case) -> DataLoader[Tensor]:
    """Shuffled batches (B, K, N)."""
    return shuffled(ZarrWindows(case), case)
