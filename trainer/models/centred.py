"""Any model, on windows less their own level: for logs whose level drifts away from the training split."""

from torch import Tensor, nn

from longstride.trainer.models.last_rows import last_rows

__all__ = ["Centred"]


class Centred(nn.Module):
    """Subtracts each channel's mean from a window (K, N) before a model sees it, and adds it back after.

    The model then learns how a window moves, whatever its level; a fault that is only another level is then only
    seen where it begins and ends. Source: the mean of reversible instance normalisation (Kim et al.,
    ICLR 2022); the spread stays, since a fault may be a change of it.
    """

    def __init__(self, model: nn.Module, levels: tuple[int, ...] | None) -> None:
        """`levels` says which channel each output is of; None where outputs have no level."""
        super().__init__()
        self.model = model
        self.levels = None if levels is None else list(levels)

    def forward(self, windows: Tensor) -> Tensor:
        """As the model."""
        level = windows.mean(dim=1, keepdim=True)
        return self._back(self.model(windows - level), level)

    def last_rows(self, windows: Tensor, number: int) -> Tensor:
        """The last rows of the same (b, number, ...)."""
        level = windows.mean(dim=1, keepdim=True)
        return self._back(last_rows(self.model, windows - level, number), level)

    def _back(self, predicted: Tensor, level: Tensor) -> Tensor:
        if self.levels is None:
            return predicted
        level = level[..., self.levels]
        return predicted + (level if predicted.ndim == level.ndim else level.unsqueeze(-1))
