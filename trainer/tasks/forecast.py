"""The rows of the horizon, from the window before it."""

import torch
from torch import Tensor

from longstride.trainer.models.shape import Shape
from longstride.trainer.tasks.task import Samples, Task, chosen, columns_of, levels_of, where_present

__all__ = ["Forecast", "pinball"]


class Forecast(Task):
    """Predict target channels in H rows from the input channels of the K rows before: the mean, or quantiles.

    The error of a value is squared, or, where quantiles are predicted, the mean of their pinball losses (Koenker
    and Bassett, "Regression quantiles", Econometrica 46, 1978).
    """

    def __init__(
        self,
        window: int,
        horizon: int,
        channels: tuple[str, ...],
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        quantiles: tuple[float, ...],
    ) -> None:
        self.span, self.judged = window + horizon, horizon
        self.channels, self.outputs = channels, outputs
        self.columns = [channels.index(name) for name in outputs]
        output = (horizon, len(outputs), *([len(quantiles)] if quantiles else []))
        self.shape = Shape("forecast", window, len(inputs), output, levels_of(outputs, inputs))
        self._inputs, self._outputs = columns_of(inputs, channels), columns_of(outputs, channels)
        self._quantiles = quantiles
        if quantiles:
            self.degree, self.miss_name = 1, "mean pinball loss"

    def samples(self, values: Tensor, mask: Tensor | None, labels: Tensor | None) -> Samples:
        """See Task."""
        window = self.shape.window
        inputs, expected = chosen(values[:, :window], self._inputs), chosen(values[:, window:], self._outputs)
        present = None if mask is None else chosen(mask[:, window:], self._outputs)
        if self._quantiles:  # each of them is compared with the same value
            expected = expected.unsqueeze(-1).expand(*expected.shape, len(self._quantiles))
            present = None if present is None else present.unsqueeze(-1).expand(expected.shape)
        return Samples(inputs, expected, present)

    def errors(self, predicted: Tensor, samples: Samples) -> Tensor:
        """See Task."""
        if not self._quantiles:
            return super().errors(predicted, samples)
        error = pinball(predicted, samples.expected, self._quantiles).mean(dim=-1)
        return where_present(error, None if samples.mask is None else samples.mask[..., 0])

    def drawn(self, predicted: Tensor) -> Tensor | None:
        """The mean, or the quantile that is nearest to the median."""
        if not self._quantiles:
            return predicted
        return predicted[..., min(range(len(self._quantiles)), key=lambda at: abs(self._quantiles[at] - 0.5))]

    def drawn_range(self, predicted: Tensor) -> tuple[Tensor, Tensor] | None:
        """From the lowest quantile to the highest."""
        if len(self._quantiles) < 2:
            return None
        order = sorted(range(len(self._quantiles)), key=self._quantiles.__getitem__)
        return predicted[..., order[0]], predicted[..., order[-1]]


def pinball(predicted: Tensor, expected: Tensor, quantiles: tuple[float, ...]) -> Tensor:
    """The loss (..., Q) whose smallest mean each of Q quantiles has."""
    levels = torch.tensor(quantiles, dtype=predicted.dtype, device=predicted.device)
    above = expected - predicted
    return torch.maximum(levels * above, (levels - 1) * above)
