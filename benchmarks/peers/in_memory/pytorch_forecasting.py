"""PyTorch Forecasting: a `TimeSeriesDataSet` of one series, and its `to_dataloader`.

All channels are `time_varying_unknown_reals`, one of them the target, none is scaled, and one row is predicted.
Windows lie anywhere in a series: a stride is its `filter`, which leaves out others by the rows that they begin at.
With numba there, as its documentation advises, the index of windows is made faster.
"""

import multiprocessing
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytorch_forecasting import TimeSeriesDataSet
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.harness.case import Case
from benchmarks.peers.data_loader import WORKERS

__all__ = ["DISTRIBUTION", "WORKERS", "loader", "values"]

DISTRIBUTION = "pytorch-forecasting"


def loader(case: Case) -> DataLoader[Any]:
    """Shuffled batches, of which `encoder_cont` is the windows (B, K, N)."""
    windows = windows_of(case)
    if case.stride > 1:
        windows.filter(lambda index: index["time_idx_first"] % case.stride == 0, copy=False)
    multiprocessing.set_forkserver_preload(["pytorch_forecasting"])
    batches: DataLoader[Any] = windows.to_dataloader(
        train=True,
        batch_size=case.batch,
        num_workers=case.workers,
        persistent_workers=case.workers > 0,
        multiprocessing_context="forkserver" if case.workers else None,
        generator=torch.Generator().manual_seed(case.seed),
    )
    return batches


def windows_of(case: Case) -> TimeSeriesDataSet:
    """Windows at every row."""
    channels = [f"c{index}" for index in range(case.num_channels)]
    frame = pd.DataFrame(case.rows(), columns=channels, copy=False)
    frame["row"] = np.arange(case.num_rows)
    frame["log"] = 0
    return TimeSeriesDataSet(
        frame,
        time_idx="row",
        target=channels[0],
        group_ids=["log"],
        max_encoder_length=case.window,
        max_prediction_length=1,
        time_varying_unknown_reals=channels,
        target_normalizer=None,
        scalers=dict.fromkeys(channels[1:]),
    )


def values(batch: tuple[dict[str, Tensor], Any]) -> Tensor:
    """What an encoder is given."""
    return batch[0]["encoder_cont"]
