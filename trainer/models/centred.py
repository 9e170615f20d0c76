"""Any model, on windows less their own level: for logs whose level drifts beyond what was trained on."""

from torch import Tensor, nn

__all__ = ["Centred"]


class Centred(nn.Module):
    """Takes each channel's mean off a window (K, N) before a model sees it, and puts it back after.

    What the model learns is how a window moves, wherever it lies; a fault that is nothing but another level is
    then only seen where it begins and ends. Source: the mean of reversible instance normalisation (Kim et al.,
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
