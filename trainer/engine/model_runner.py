"""The forward pass of a run's model: the same in training, in validation, in reports and in scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.storage.errors import LongstrideError
from longstride.trainer.engine.loss import ErrorOfValues, total_error
from longstride.trainer.engine.normalisation import Normalisation
from longstride.trainer.engine.precision import autocast
from longstride.trainer.errors import SettingsError
from longstride.trainer.resolve import is_import_path, raised
from longstride.trainer.tasks.task import Samples, Task

__all__ = ["ModelRunner", "Outcome"]


class Outcome(NamedTuple):
    """What a model made of samples, on the device, normalised."""

    predicted: Tensor
    """(b, ...) float32, as `expected` of the samples."""
    samples: Samples
    task: Task

    def total_error(self, loss: ErrorOfValues) -> Tensor:
        """Sum of the errors of the values that are present, a float64 scalar."""
        return total_error(loss, self.predicted, self.samples.expected, self.samples.mask)

    def error_of_means(self, loss: ErrorOfValues) -> Tensor:
        """The same of a model that always predicts the mean of each channel."""
        expected = self.samples.expected
        return total_error(loss, torch.zeros_like(expected), expected, self.samples.mask)

    def errors(self) -> Tensor:
        """What scores are made of: an error (b, J, T) for each judged value, NaN where it is missing."""
        return self.task.errors(self.predicted, self.samples)

    def mean_misses(self, dim: tuple[int, ...] = (1, 2)) -> Tensor:
        """Mean over the values that are present of how far predictions are off, NaN where none is.

        One for each window (b,); with `dim=(1,)` one for each of its outputs (b, T).
        """
        misses = self.task.misses(self.predicted, self.samples)
        return misses.mean(dim) if self.samples.mask is None else misses.nanmean(dim)


@dataclass(frozen=True)
class ModelRunner:
    """Puts samples on a device, normalises them, and runs a model on them."""

    normalisation: Normalisation
    precision: str
    device: torch.device
    task: Task
    name: str
    """Of the model, as --model names it."""

    def samples(self, batch: WindowBatch) -> Samples:
        """Those of a batch, on the device, normalised."""
        mask = None if batch.mask is None else batch.mask.to(self.device, non_blocking=True)
        values = self.normalisation.apply(batch.values.to(self.device, non_blocking=True), mask)
        labels = None if batch.label is None else batch.label.to(self.device, non_blocking=True)
        return self.task.samples(values, mask, labels)

    def run(self, model: Callable[[Tensor], Tensor], samples: Samples) -> Outcome:
        """Run a model. Raises SettingsError where it returns no tensor, and where one by import path fails."""
        try:
            with autocast(self.precision, self.device):
                predicted = model(samples.inputs)
        except Exception as error:
            if isinstance(error, LongstrideError) or not is_import_path(self.name):
                raise
            raise SettingsError(
                f"--model {self.name} failed for windows of shape {tuple(samples.inputs.shape)}: {raised(error)}",
                code="option-value",
            ) from error
        if not isinstance(predicted, Tensor):
            raise SettingsError(
                f"the model gave {type(predicted).__name__} for windows (b, K, N): --model must name one that "
                "returns a tensor",
                code="option-value",
            )
        return Outcome(predicted.float(), samples, self.task)

    @torch.no_grad()
    def judge(self, model: Callable[[Tensor], Tensor], batch: WindowBatch) -> Outcome:
        """Run a model on a batch, without gradients."""
        return self.run(model, self.samples(batch))
