"""Principal components of windows: the baseline that every other model has to beat."""

import torch
from torch import Tensor

from longstride.trainer.errors import DivergenceError, SettingsError
from longstride.trainer.models.fitted import Fitted, Together

__all__ = ["PCAAutoencoder"]

MAX_VALUES = 8192
"""Most values of a window: their covariances take half a gigabyte."""
FEWEST_VALUES = 2
"""At most one component for so many values that move: with as many as values, every window is reconstructed as it
was. Values of a channel that is constant do not count: the components would be those of the others alone."""
SMALLEST_VARIANCE = 1e-6
"""Of windows along a component, in squares of the spread of a channel. What never moved in training has none; a
component of it would be drawn by rounding, and would reconstruct the first fault in it."""


class PCAAutoencoder(Fitted):
    """Compresses a window (K, N) to its first principal components and reconstructs it from them.

    There are `latent` of them, and at most half as many as values that vary. The others are 0.

    It adds up in float64: values are often reconstructed so closely that their errors would otherwise depend on
    how many windows come at once.

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
        return self.last_rows(windows, windows.shape[1])

    def last_rows(self, windows: Tensor, number: int) -> Tensor:
        """The last rows (b, number, N) of windows (b, K, N), reconstructed."""
        first = (windows.shape[1] - number) * windows.shape[2]
        mean, components = self.mean.double(), self.components.double()
        flat = windows.flatten(1).double() - mean
        rebuilt = flat @ components.T @ components[:, first:] + mean[first:]
        return rebuilt.to(windows.dtype).view_as(windows[:, -number:])

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
        if not covariance.isfinite().all():
            raise DivergenceError(
                "--model pca cannot be fitted: products of values are too large for a number. Look for values far "
                "out of range with `longstride inspect`",
                code="loss-not-finite",
            )
        variances, vectors = torch.linalg.eigh(covariance)  # in rising order
        varies = variances.flip(0) > SMALLEST_VARIANCE
        num_moving = int((covariance.diagonal() > SMALLEST_VARIANCE).sum())
        varies[num_moving // FEWEST_VALUES :] = False
        components = vectors.T.flip(0) * varies.unsqueeze(1)
        self.mean.copy_(mean)
        self.components.copy_(components[: len(self.components)])
