"""tsai's `TSUnwindowedDataset`, which takes the windows of a batch from the log as they are asked for.

The other documented way, `SlidingWindow` and `get_ts_dls`, first writes every window into one array in memory, and
is slower even where it fits. Batches are made in one go, without workers, as by default: with them it is slower.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from tsai.data.core import TSDataLoaders
from tsai.data.unwindowed import TSUnwindowedDataset, TSUnwindowedDatasets

from benchmarks.harness.case import Case

__all__ = ["DISTRIBUTION", "loader", "values"]

DISTRIBUTION = "tsai"


def loader(case: Case) -> Any:
    """Shuffled batches, each a tuple of one tensor (B, N, K); drops the last by default."""
    windows = TSUnwindowedDataset(case.rows(), window_size=case.window, stride=case.stride)
    splits = np.arange(len(windows)), np.arange(0)
    datasets = TSUnwindowedDatasets(windows, splits)
    loaders = TSDataLoaders.from_dsets(datasets.train, bs=case.batch, device=torch.device("cpu"))
    return loaders.train


def values(batch: tuple[Tensor]) -> Tensor:
    """The windows of a batch, (B, K, N)."""
    return batch[0].transpose(1, 2)
