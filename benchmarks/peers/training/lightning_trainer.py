"""Lightning: a `LightningModule` and its `Trainer`, over the same `DataLoader` as plain torch."""

from collections.abc import Callable
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from benchmarks.harness.training.fit_case import FitCase
from benchmarks.peers.training.autoencoders import autoencoder
from benchmarks.peers.training.window_datasets import batches_of

__all__ = ["DISTRIBUTION", "Paced", "Reconstruction", "train", "trainer_of"]

DISTRIBUTION = "lightning"


class Reconstruction(lightning.LightningModule):
    """Learns to reconstruct windows."""

    def __init__(self, model: nn.Module, learning_rate: float) -> None:
        super().__init__()
        self.model = model
        self.learning_rate = learning_rate

    def training_step(self, batch: Any, index: int) -> Tensor:
        """Loss of a batch."""
        windows = self.windows(batch)
        loss = nn.functional.mse_loss(self.model(windows), windows)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def windows(self, batch: Any) -> Tensor:
        """The windows (B, K, N) of a batch."""
        assert isinstance(batch, Tensor)
        return batch

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate)


class Paced(lightning.Callback):
    """Tells of each step."""

    def __init__(self, pace: Callable[[], None]) -> None:
        self.pace = pace

    def on_train_batch_end(self, *arguments: Any) -> None:
        """After a step."""
        self.pace()


def trainer_of(case: FitCase, pace: Callable[[], None]) -> lightning.Trainer:
    """A trainer with what it has by default, or without logger, checkpoints and progress."""
    without: dict[str, Any] = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return lightning.Trainer(
        accelerator="cpu",
        max_epochs=-1,
        gradient_clip_val=case.clip_norm,
        default_root_dir=case.folder,
        callbacks=[Paced(pace)],
        **(without if case.bare else {}),
    )


def train(case: FitCase, pace: Callable[[], None]) -> None:
    """Epoch after epoch."""
    lightning.seed_everything(case.seed)
    trainer_of(case, pace).fit(Reconstruction(autoencoder(case), case.learning_rate), batches_of(case))
