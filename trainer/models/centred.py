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

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, windows: Tensor) -> Tensor:
        """(b, K, N) to (b, K, N)."""
        level = windows.mean(dim=1, keepdim=True)
        reconstruction: Tensor = self.model(windows - level) + level
        return reconstruction

    def last_rows(self, windows: Tensor, number: int) -> Tensor:
        """The last rows (b, number, N) of the same."""
        level = windows.mean(dim=1, keepdim=True)
        return last_rows(self.model, windows - level, number) + level
