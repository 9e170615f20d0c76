"""Whether a window has a label."""

import torch
from torch import Tensor, nn

from longstride.trainer.models.shape import Shape
from longstride.trainer.tasks.task import Samples, Task, chosen, columns_of, where_present

__all__ = ["Classify"]


class Classify(Task):
    """Predict, for each label, whether any row of a window has it, or the last one.

    Scores are made of the predictions alone: how likely a label is, compared with normal rows.
    """

    has_rows = False
    miss_name = "mean squared error of the probability"

    def __init__(
        self, window: int, channels: tuple[str, ...], inputs: tuple[str, ...], labels: tuple[str, ...], label: str
    ) -> None:
        self.span, self.judged = window, window if label == "any" else 1
        self.channels, self.outputs, self.columns = channels, labels, None
        self.shape = Shape("classify", window, len(inputs), (len(labels),))
        self.label = label
        self._inputs = columns_of(inputs, channels)

    def samples(self, values: Tensor, mask: Tensor | None, labels: Tensor | None) -> Samples:
        """See Task."""
        shape = (values.shape[0], len(self.outputs))
        expected = values.new_zeros(shape) if labels is None else (labels != 0).float()
        # Of a window without any value nothing is known.
        known = None if mask is None else mask.flatten(1).any(dim=1, keepdim=True).expand(shape)
        return Samples(chosen(values, self._inputs), expected, known)

    def errors(self, predicted: Tensor, samples: Samples) -> Tensor:
        """The cross-entropy of each label if it is not there; all judged rows of a window have the same."""
        error = where_present(nn.functional.softplus(predicted), samples.mask)
        return error.unsqueeze(1).expand(-1, self.judged, -1)

    def misses(self, predicted: Tensor, samples: Samples) -> Tensor:
        """The squared error of the probability (Brier, "Verification of forecasts", 1950), (b, 1, T)."""
        error = (torch.sigmoid(predicted) - samples.expected).square()
        return where_present(error, samples.mask).unsqueeze(1)

    def drawn(self, predicted: Tensor) -> Tensor | None:
        """Nothing: labels have no values of the channels' kind."""
        return None
