"""Darts: a `BlockRNNModel` with a module of one's own, and its `fit`.

Its models forecast, so the module predicts the K rows after a window instead of the window: the same weights, and
as many values.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytorch_lightning
from darts import TimeSeries
from darts.models import BlockRNNModel
from darts.models.forecasting.block_rnn_model import CustomBlockRNNModule
from darts.models.forecasting.pl_forecasting_module import io_processor
from darts.utils.data.torch_datasets.utils import PLModuleInput, PLModuleOutput

from benchmarks.harness.training.fit_case import FitCase
from benchmarks.peers.training.autoencoders import Autoencoder, cannot

__all__ = ["DISTRIBUTION", "cannot", "train"]

DISTRIBUTION = "darts"
FOR_EVER = 10**6


class OfWindows(CustomBlockRNNModule):  # type: ignore[misc]
    """The autoencoder, as `BlockRNNModel` takes a module."""

    latent: int
    """Set before it is made: the model passes on what it knows itself."""

    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.model = Autoencoder(self.input_size, self.hidden_dim, self.latent)

    @io_processor  # type: ignore[untyped-decorator]
    def forward(self, x_in: PLModuleInput) -> PLModuleOutput:
        """(B, K, N) to (B, K, N, 1)."""
        return PLModuleOutput(prediction=self.model(x_in.concatenate_past_features()).unsqueeze(-1))


class Paced(pytorch_lightning.Callback):
    """Tells of each step."""

    pace: ClassVar[Callable[[], None]]
    """Of the class: a model copies what it is given, and this cannot be copied."""

    def on_train_batch_end(self, *arguments: Any) -> None:
        """After a step."""
        Paced.pace()


def train(case: FitCase, pace: Callable[[], None]) -> None:
    """Epoch after epoch."""
    OfWindows.latent, Paced.pace = case.latent, staticmethod(pace)
    model = BlockRNNModel(
        input_chunk_length=case.window,
        output_chunk_length=case.window,
        model=OfWindows,
        hidden_dim=case.hidden,
        batch_size=case.batch,
        n_epochs=FOR_EVER,
        optimizer_kwargs={"lr": case.learning_rate},
        random_state=case.seed,
        work_dir=case.folder,
        pl_trainer_kwargs={
            "accelerator": "cpu",
            "gradient_clip_val": case.clip_norm,
            "callbacks": [Paced()],
        },
    )
    series = TimeSeries.from_values(np.array(case.rows()), copy=False)
    model.fit(series, stride=case.stride, dataloader_kwargs={"num_workers": case.workers})
