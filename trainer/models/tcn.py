"""A convolutional autoencoder: dilated convolutions see the whole window, a short sequence is kept of it.

After Thill, Konen, Wang and Bäck, "Temporal convolutional autoencoder for unsupervised anomaly detection in time
series" (Applied Soft Computing 112, 2021).
"""

import torch
from torch import Tensor, nn

__all__ = ["TCNAutoencoder"]

ROWS_PER_STEP = 8
"""Rows of a window for each step of the latent sequence."""


class TCNAutoencoder(nn.Module):
    """Takes windows (B, K, N), returns (B, K, `outputs`); compresses each to nearly `latent` numbers, in steps."""

    def __init__(
        self, num_channels: int, *, window: int, hidden: int, latent: int, layers: int, outputs: int
    ) -> None:
        super().__init__()
        num_steps = -(-window // ROWS_PER_STEP)
        maps = max(1, latent // num_steps)
        dilations = [2**power for power in range(max(1, (window - 1).bit_length() - 1))] * layers
        self.encoder = nn.Sequential(
            nn.Conv1d(num_channels, hidden, 1), *(_Block(hidden, dilation) for dilation in dilations)
        )
        self.to_latent = nn.Sequential(nn.Conv1d(hidden, maps, 1), nn.AdaptiveAvgPool1d(num_steps))
        self.from_latent = nn.Sequential(nn.Upsample(size=window, mode="linear"), nn.Conv1d(maps, hidden, 1))
        # A convolution does not know its position, and a step of the latent sequence is the same for all its rows.
        self.place = nn.Parameter(torch.randn(hidden, window) * 0.02)
        self.decoder = nn.Sequential(
            *(_Block(hidden, dilation) for dilation in reversed(dilations)), nn.Conv1d(hidden, outputs, 1)
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Reconstruct windows."""
        latent = self.to_latent(self.encoder(windows.transpose(1, 2)))
        reconstruction: Tensor = self.decoder(self.from_latent(latent) + self.place).transpose(1, 2)
        return reconstruction


class _Block(nn.Module):
    """Adds to a sequence (B, H, K) what a dilated convolution finds in it."""

    def __init__(self, hidden: int, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(hidden, hidden, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(hidden, hidden, 1)

    def forward(self, sequence: Tensor) -> Tensor:
        found: Tensor = self.mix(torch.relu(self.convolution(sequence)))
        return sequence + found
