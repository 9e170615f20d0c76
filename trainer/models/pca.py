"""Principal components of windows: the baseline that every other model has to beat."""

import torch
from torch import Tensor, nn

from longstride.trainer.errors import SettingsError

__all__ = ["PCAAutoencoder"]

MAX_VALUES = 8192
"""Most values of a window: their covariances take half a gigabyte."""


class PCAAutoencoder(nn.Module):
    """Compresses a window (K, N) to its first principal components and reconstructs it from them.

    It is fitted from one pass: `observe` each batch, then `settle` once. Source: Pearson, "On lines and planes of
    closest fit to systems of points in space" (1901).
    """

    mean: Tensor
    components: Tensor

    def __init__(self, num_channels: int, *, window: int, latent: int) -> None:
        """Raises SettingsError for windows of more values than covariances can be kept of."""
        super().__init__()
        size = window * num_channels
        if size > MAX_VALUES:
            raise SettingsError(
                f"--model pca takes windows of at most {MAX_VALUES:,} values, and {window} rows of {num_channels} "
                f"channels are {size:,}: give a shorter --window",
                code="option-value",
            )
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("components", torch.zeros(min(latent, size), size))
        self._moments: Tensor | None = None

    def forward(self, windows: Tensor) -> Tensor:
        """(b, K, N) to (b, K, N)."""
        flat = windows.flatten(1) - self.mean
        rebuilt: Tensor = flat @ self.components.T @ self.components + self.mean
        return rebuilt.view_as(windows)

    def observe(self, windows: Tensor) -> None:
        """Count windows (b, K, N)."""
        flat = windows.flatten(1).double()
        ones = flat.new_ones(len(flat), 1)
        wide = torch.cat([ones, flat], dim=1)
        if self._moments is None:
            self._moments = wide.new_zeros(wide.shape[1], wide.shape[1])
        self._moments.addmm_(wide.T, wide)

    @property
    def moments(self) -> Tensor:
        """Sums over the windows so far, (1 + K N, 1 + K N) float64: their number, values, products."""
        assert self._moments is not None, "no window was observed"
        return self._moments

    @torch.no_grad()
    def settle(self) -> None:
        """Take the components of the windows that were observed."""
        count = self.moments[0, 0]
        mean = self.moments[0, 1:] / count
        covariance = self.moments[1:, 1:] / count - torch.outer(mean, mean)
        _, vectors = torch.linalg.eigh(covariance)  # in rising order of their share
        self.mean.copy_(mean)
        self.components.copy_(vectors.T.flip(0)[: len(self.components)])
        self._moments = None
