"""PyTorch Forecasting: its `TimeSeriesDataSet`, and Lightning's `Trainer`, by which its documentation trains."""

from collections.abc import Callable
from typing import Any

import lightning
from torch import Tensor

from benchmarks.harness.training.fit_case import FitCase
from benchmarks.peers.in_memory.pytorch_forecasting import DISTRIBUTION, loader, values
from benchmarks.peers.training.autoencoders import autoencoder, cannot
from benchmarks.peers.training.lightning_trainer import Reconstruction, trainer_of

__all__ = ["DISTRIBUTION", "cannot", "train"]


class OfEncoder(Reconstruction):
    """Reconstructs what an encoder is given."""

    def windows(self, batch: Any) -> Tensor:
        """See Reconstruction."""
        return values(batch)


def train(case: FitCase, pace: Callable[[], None]) -> None:
    """Epoch after epoch."""
    lightning.seed_everything(case.seed)
    trainer_of(case, pace).fit(OfEncoder(autoencoder(case), case.learning_rate), loader(case))
