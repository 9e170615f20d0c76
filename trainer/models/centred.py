"""Any model, on windows less their own level: for logs whose level drifts away from the training split."""

import torch
from torch import Tensor, nn

from longstride.trainer.models.fitted import Fitted, Together
from longstride.trainer.models.last_rows import last_rows

__all__ = ["Centred"]

SMALLEST_SCALE = 0.1
"""By which a window is divided, in standard deviations of its channel: where a channel hardly moves, its noise is
not to look like a signal."""


class Centred(Fitted):
    """Subtracts each channel's mean from a window (K, N) before a model sees it, and adds it back after.

    The model then learns how a window moves, whatever its level; a fault that is only another level is then only
    seen where it begins and ends. With `scaled`, each channel is also divided by its deviation in the window, and
    multiplied after: a fault that only makes a signal weaker or stronger is then hidden as well. Source:
    reversible instance normalisation (Kim et al., ICLR 2022).
    """

    def __init__(self, model: nn.Module, levels: tuple[int, ...] | None, *, scaled: bool) -> None:
        """`levels` says which channel each output is of; None where outputs have no level."""
        super().__init__()
        self.model, self.scaled = model, scaled
        self.levels = None if levels is None else list(levels)

    def forward(self, windows: Tensor) -> Tensor:
        """As the model."""
        level, scale = self._usual(windows)
        return self._back(self.model((windows - level) / scale), level, scale)

    def last_rows(self, windows: Tensor, number: int) -> Tensor:
        """The last rows (b, number, ...) of the same."""
        level, scale = self._usual(windows)
        return self._back(last_rows(self.model, (windows - level) / scale, number), level, scale)

    def observe(self, windows: Tensor, starts: Tensor) -> None:
        """Show windows to the model, which is one that is fitted."""
        level, scale = self._usual(windows)
        self._fitted.observe((windows - level) / scale, starts)

    def settle(self, ranks: Together) -> None:
        """Fit the model."""
        self._fitted.settle(ranks)

    @property
    def _fitted(self) -> Fitted:
        assert isinstance(self.model, Fitted), f"{type(self.model).__name__} is trained"
        return self.model

    def _usual(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """What is subtracted from each channel (b, 1, N), and what it is divided by."""
        level = windows.mean(dim=1, keepdim=True)
        if not self.scaled:
            return level, torch.ones_like(level)
        return level, (windows - level).square().mean(dim=1, keepdim=True).sqrt().clamp(min=SMALLEST_SCALE)

    def _back(self, predicted: Tensor, level: Tensor, scale: Tensor) -> Tensor:
        if self.levels is None:
            return predicted
        level, scale = level[..., self.levels], scale[..., self.levels]
        if predicted.ndim > level.ndim:  # quantiles
            level, scale = level.unsqueeze(-1), scale.unsqueeze(-1)
        return predicted * scale + level
