"""A transformer autoencoder over patches: each word is a few consecutive rows, and few numbers are kept of each.

Patches as in Nie, Nguyen, Sinthong and Kalagnanam, "A time series is worth 64 words" (ICLR 2023), here of all
channels together.
"""

import math

import torch
from torch import Tensor, nn

__all__ = ["PatchAutoencoder"]

PATCH_ROWS = 8
MAX_HEADS = 4


class PatchAutoencoder(nn.Module):
    """Takes windows (B, K, N), returns (B, K, `outputs`); each becomes nearly `latent` numbers, some a patch."""

    def __init__(
        self, num_channels: int, *, window: int, hidden: int, latent: int, layers: int, outputs: int
    ) -> None:
        super().__init__()
        self.num_patches = -(-window // PATCH_ROWS)
        self.missing_rows = self.num_patches * PATCH_ROWS - window
        kept = max(1, latent // self.num_patches)
        self.embed = nn.Linear(PATCH_ROWS * num_channels, hidden)
        self.place = nn.Parameter(torch.randn(2, self.num_patches, hidden) * 0.02)
        self.encoder = _transformer(hidden, layers)
        self.to_latent = nn.Linear(hidden, kept)
        self.from_latent = nn.Linear(kept, hidden)
        self.decoder = _transformer(hidden, layers)
        self.to_rows = nn.Linear(hidden, PATCH_ROWS * outputs)
        self.outputs = outputs

    def forward(self, windows: Tensor) -> Tensor:
        """Reconstruct windows."""
        batch, rows, num_channels = windows.shape
        # The last patch is filled up with zeros, which are means.
        filled = nn.functional.pad(windows, (0, 0, 0, self.missing_rows))
        patches = self.embed(filled.reshape(batch, self.num_patches, PATCH_ROWS * num_channels))
        latent = self.to_latent(self.encoder(patches + self.place[0]))
        decoded = self.to_rows(self.decoder(self.from_latent(latent) + self.place[1]))
        reconstruction: Tensor = decoded.reshape(batch, -1, self.outputs)[:, :rows]
        return reconstruction


def _transformer(hidden: int, layers: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        hidden, math.gcd(hidden, MAX_HEADS), 2 * hidden, dropout=0.0, batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
