"""Principal components of windows: the baseline that every other model has to beat."""

import torch
from torch import Tensor

from longstride.trainer.errors import SettingsError
from longstride.trainer.models.fitted import Fitted, Together

__all__ = ["PCAAutoencoder"]

MAX_VALUES = 8192
"""Most values of a window: their covariances take half a gigabyte."""


class PCAAutoencoder(Fitted):
    """Compresses a window (K, N) to its first principal components and reconstructs it from them.

    Source: Pearson, "On lines and planes of closest fit to systems of points in space" (1901).
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

    def observe(self, windows: Tensor, starts: Tensor) -> None:
        """Add up the windows (b, K, N) and the products of their values."""
        flat = windows.flatten(1).double()
        ones = flat.new_ones(len(flat), 1)
        wide = torch.cat([ones, flat], dim=1)
        if self._moments is None:
            self._moments = wide.new_zeros(wide.shape[1], wide.shape[1])
        self._moments.addmm_(wide.T, wide)

    @torch.no_grad()
    def settle(self, ranks: Together) -> None:
        """Take the components of all windows."""
        moments, self._moments = self._moments, None  # sums (1 + K N, 1 + K N): their number, values, products
        assert moments is not None, "no window was observed"
        ranks.add_up(moments)
        count = moments[0, 0]
        mean = moments[0, 1:] / count
        covariance = moments[1:, 1:] / count - torch.outer(mean, mean)
        _, vectors = torch.linalg.eigh(covariance)  # in rising order of their share
        self.mean.copy_(mean)
        self.components.copy_(vectors.T.flip(0)[: len(self.components)])
