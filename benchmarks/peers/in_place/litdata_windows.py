"""LitData's `TemporalArrayLoader`: the log written once, as one record, and `read_window` for each window.

As its README has it, which leaves the order of windows to the application: here `DataLoader` samples them.
"""

import os
import shutil
from functools import partial
from typing import Any

import numpy as np
import torch
from litdata import StreamingDataset, TemporalArrayLoader, optimize
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.harness.case import Case
from benchmarks.peers.data_loader import WORKERS, shuffled

__all__ = ["DISTRIBUTION", "WORKERS", "WRITES", "loader", "write"]

DISTRIBUTION = "litdata"
WRITES = "log"


class LitWindows(Dataset[Tensor]):
    """Window i is frames i * stride to i * stride + window of the one record."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.record: Any = None

    def __len__(self) -> int:
        return len(self.case.starts)

    def __getitem__(self, index: int) -> Tensor:
        if self.record is None:
            self.record = StreamingDataset(self.case.folder, item_loader=TemporalArrayLoader())
        values = self.record.read_window(0, index * self.case.stride, self.case.window)["values"]
        return torch.from_numpy(values)


def _record(_: int, case: Case) -> dict[str, NDArray[np.float32]]:
    return {"values": np.array(case.rows())}


def write(case: Case) -> None:
    """The log as one record: windows do not reach across records."""
    cache = f"{case.folder}/cache"
    os.environ["DATA_OPTIMIZER_CACHE_FOLDER"] = os.environ["DATA_OPTIMIZER_DATA_CACHE_FOLDER"] = cache
    optimize(
        fn=partial(_record, case=case),
        inputs=[0],
        output_dir=case.folder,
        chunk_bytes="64MB",
        num_workers=1,
        item_loader=TemporalArrayLoader(),
        verbose=False,
    )
    shutil.rmtree(cache, ignore_errors=True)


def loader(case: Case) -> DataLoader[Tensor]:
    """Shuffled batches (B, K, N)."""
    return shuffled(LitWindows(case), case)
