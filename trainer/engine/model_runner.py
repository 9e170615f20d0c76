"""The forward pass of a run's model: the same in training, in validation, in reports and in scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.trainer.engine.loss import ErrorOfValues, num_valid, total_error
from longstride.trainer.engine.normalisation import Normalisation
from longstride.trainer.engine.precision import autocast
from longstride.trainer.errors import SettingsError

__all__ = ["ModelRunner", "Reconstruction"]


class Reconstruction(NamedTuple):
    """What a model made of windows, and the windows: each (b, K, N), on the device, normalised."""

    windows: Tensor
    """Float32."""
    inputs: Tensor
    """Float32, 0 where missing."""
    mask: Tensor | None
    """False where missing; None where nothing is."""

    def total_error(self, loss: ErrorOfValues) -> Tensor:
        """Sum of the errors of the values that are present, a float64 scalar."""
        return total_error(loss, self.windows, self.inputs, self.mask)

    def error_of_means(self, loss: ErrorOfValues) -> Tensor:
        """The same of a model that always predicts the mean of each channel."""
        return total_error(loss, torch.zeros_like(self.inputs), self.inputs, self.mask)

    def num_valid(self) -> Tensor | int:
        """How many values are present."""
        return num_valid(self.inputs, self.mask)

    def last_rows(self, number: int) -> "Reconstruction":
        """The last rows of each window alone."""
        mask = None if self.mask is None else self.mask[:, -number:]
        return Reconstruction(self.windows[:, -number:], self.inputs[:, -number:], mask)

    def squared_errors(self) -> Tensor:
        """The squared error of each value (b, K, N), NaN where it is missing."""
        error = (self.windows - self.inputs).square()
        return error if self.mask is None else torch.where(self.mask, error, torch.nan)

    def mean_errors(self, dim: tuple[int, ...] = (1, 2)) -> Tensor:
        """Mean squared error over the values that are present, NaN where none is.

        One for each window (b,); with `dim=(1,)` one for each of its channels (b, N).
        """
        error = (self.windows - self.inputs).square()
        if self.mask is None:
            return error.mean(dim)
        return torch.where(self.mask, error, 0.0).sum(dim) / self.mask.sum(dim)


@dataclass(frozen=True)
class ModelRunner:
    """Puts windows on a device, normalises them, and runs a model on them."""

    normalisation: Normalisation
    precision: str
    device: torch.device

    def inputs(self, batch: WindowBatch) -> tuple[Tensor, Tensor | None]:
        """Windows (b, K, N) on the device, normalised, 0 where missing, and their mask."""
        mask = None if batch.mask is None else batch.mask.to(self.device, non_blocking=True)
        return self.normalisation.apply(batch.values.to(self.device, non_blocking=True), mask), mask

    def reconstruct(
        self, model: Callable[[Tensor], Tensor], inputs: Tensor, mask: Tensor | None
    ) -> Reconstruction:
        """Run a model on inputs (b, K, N). Raises SettingsError where it does not return a tensor."""
        with autocast(self.precision, self.device):
            windows = model(inputs)
        if not isinstance(windows, Tensor):
            raise SettingsError(
                f"the model gave {type(windows).__name__} for windows (b, K, N): --model must name one that "
                "returns a tensor of the same shape",
                code="option-value",
            )
        return Reconstruction(windows.float(), inputs, mask)

    @torch.no_grad()
    def judge(self, model: Callable[[Tensor], Tensor], batch: WindowBatch) -> Reconstruction:
        """Run a model on a batch, without gradients."""
        return self.reconstruct(model, *self.inputs(batch))
