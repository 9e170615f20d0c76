"""What a task makes of rows: what the model is given, what it is to predict, and how far off it was."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from longstride.trainer.models.shape import Shape

__all__ = ["Samples", "Task", "chosen", "columns_of", "levels_of", "where_present"]


class Samples(NamedTuple):
    """Windows and what belongs to each, normalised."""

    inputs: Tensor
    """(b, K, N) float32, 0 where missing."""
    expected: Tensor
    """(b, ...) float32, of the shape that the model gives; 0 where missing."""
    mask: Tensor | None
    """As `expected`, False where missing; None where nothing is."""

    def chunk(self, parts: int) -> Iterator["Samples"]:
        """In some parts of nearly equal size."""
        inputs, expected = self.inputs.chunk(parts), self.expected.chunk(parts)
        masks = [None] * len(inputs) if self.mask is None else self.mask.chunk(parts)
        return map(Samples, inputs, expected, masks)

    def of_last_rows(self, number: int) -> "Samples":
        """What is expected in the last rows alone, where predictions are of rows."""
        mask = None if self.mask is None else self.mask[:, -number:]
        return Samples(self.inputs, self.expected[:, -number:], mask)

    def num_valid(self) -> Tensor | int:
        """How many values that are expected are present."""
        return self.expected.numel() if self.mask is None else self.mask.sum()


class Task(ABC):
    """A sample is `span` rows of `channels`; the last `judged` of them get an error for each of `outputs`."""

    span: int
    """Rows of a sample: of a window, and of its horizon."""
    judged: int
    """J, rows at the end of a sample that are judged."""
    channels: tuple[str, ...]
    """C, of a sample."""
    outputs: tuple[str, ...]
    """T, what is predicted: channels or labels."""
    columns: list[int] | None
    """Which channel each output is; None where outputs are no channels."""
    shape: Shape
    """Of the model."""
    has_rows = True
    """Whether the second axis of predictions is that of judged rows."""
    degree = 2
    """The power of how far off a value is that its error grows with."""
    miss_name = "mean squared error"
    """What the mean of `misses` is called."""
    label: str | None = None
    """The rule by which the labels of a window are read; None where none are."""

    @abstractmethod
    def samples(self, values: Tensor, mask: Tensor | None, labels: Tensor | None) -> Samples:
        """Of rows (b, span, C), normalised, 0 where `mask` is False; of labels (b, T) where the task has them."""

    def errors(self, predicted: Tensor, samples: Samples) -> Tensor:
        """What scores are made of, (b, J, T), NaN where a value is missing: the squared error of each value."""
        return where_present((predicted - samples.expected).square(), samples.mask)

    def misses(self, predicted: Tensor, samples: Samples) -> Tensor:
        """How far a prediction is from what was expected, for people; as `errors` where that says so."""
        return self.errors(predicted, samples)

    def drawn(self, predicted: Tensor) -> Tensor | None:
        """What is drawn in the judged rows, (b, J, T), normalised; None where there is nothing of their kind."""
        return predicted

    def drawn_range(self, predicted: Tensor) -> tuple[Tensor, Tensor] | None:
        """Between what a value is expected to lie, each as `drawn`; None where that is not predicted."""
        return None


def where_present(error: Tensor, mask: Tensor | None) -> Tensor:
    """Errors, NaN where a value is missing."""
    return error if mask is None else torch.where(mask, error, torch.nan)


def chosen(rows: Tensor, columns: list[int] | None) -> Tensor:
    """Some columns of rows (b, rows, C); all of them for None."""
    return rows if columns is None else rows[..., columns]


def columns_of(names: tuple[str, ...], channels: tuple[str, ...]) -> list[int] | None:
    """Where in `channels` the names are; None where they are all of them in order, and nothing is to be chosen."""
    return None if names == channels else [channels.index(name) for name in names]


def levels_of(outputs: tuple[str, ...], inputs: tuple[str, ...]) -> tuple[int, ...] | None:
    """Which input each output is; None where one is none of them."""
    return tuple(map(inputs.index, outputs)) if set(outputs) <= set(inputs) else None
