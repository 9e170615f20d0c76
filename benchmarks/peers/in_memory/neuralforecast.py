"""NeuralForecast: a `TimeSeriesDataset`, a `TimeSeriesDataModule` and the windows that a model makes of batches.

Windows are made by `training_step` alone, of the whole series at every step. So a model is written, as its
documentation shows, whose `forward` keeps what it is given. Of the two ways to have many channels, series of a
multivariate model or historic exogenous variables of one series, the second is the faster, and takes less memory:
one mask for all channels, and no batch to collate. Each step draws its windows again: in an epoch, some come
twice.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from neuralforecast.models import MLP
from neuralforecast.tsdataset import TimeSeriesDataModule, TimeSeriesDataset
from torch import Tensor

from benchmarks.harness.case import Case

__all__ = ["DISTRIBUTION", "loader"]

DISTRIBUTION = "neuralforecast"


class Keeper(MLP):  # type: ignore[misc]
    """Forecasts zeros, and keeps the windows that it is given."""

    windows: Tensor

    def forward(self, windows_batch: dict[str, Any]) -> Tensor:
        """Forecasts (B, 1, 1)."""
        parts = [windows_batch["insample_y"], windows_batch["hist_exog"]]
        self.windows = torch.cat([part for part in parts if part is not None], dim=-1)
        return torch.zeros(len(self.windows), 1, 1)


class TrainingSteps:
    """Windows (B, K, N) of each training step, an iteration as many steps as an epoch would have."""

    def __init__(self, case: Case) -> None:
        channels = [f"c{index}" for index in range(case.num_channels)]
        available = np.ones((case.num_rows, 1), np.float32)
        dataset = TimeSeriesDataset(
            np.hstack([case.rows(), available]),
            temporal_cols=[*channels, "available_mask"],
            indptr=np.array([0, case.num_rows]),
            y_idx=0,
        )
        self.batches = TimeSeriesDataModule(dataset, batch_size=1).train_dataloader()
        self.model = Keeper(
            h=1,
            input_size=case.window,
            hist_exog_list=channels[1:],
            step_size=case.stride,
            windows_batch_size=case.batch,
            random_seed=case.seed,
            hidden_size=1,
        )
        self.num_steps = len(case.starts) // case.batch

    def __iter__(self) -> Iterator[Tensor]:
        for _ in range(self.num_steps):
            for batch in self.batches:
                self.model.training_step(batch, 0)
                yield self.model.windows


def loader(case: Case) -> TrainingSteps:
    """Copy the log into memory."""
    warnings.filterwarnings("ignore", "You are trying to `self.log")  # there is no trainer to log to
    return TrainingSteps(case)
