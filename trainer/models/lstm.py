"""The LSTM autoencoder: a window is compressed to one latent vector and reconstructed from it."""

from torch import Tensor, nn

__all__ = ["LSTMAutoencoder"]


class LSTMAutoencoder(nn.Module):
    """Encoder LSTM, latent vector, decoder LSTM. Takes (B, K, N) and returns (B, K, N), or (B, K, `outputs`).

    With `batch_first=False` both are (K, B, N), as in `torch.nn.LSTM`; the weights have the same meaning.
    """

    def __init__(
        self,
        num_channels: int,
        *,
        hidden: int,
        latent: int,
        layers: int = 1,
        outputs: int | None = None,
        batch_first: bool = True,
    ) -> None:
        super().__init__()
        self.time_axis = 1 if batch_first else 0
        self.encoder = nn.LSTM(num_channels, hidden, layers, batch_first=batch_first)
        self.to_latent = nn.Linear(hidden, latent)
        self.decoder = nn.LSTM(latent, hidden, layers, batch_first=batch_first)
        self.to_channels = nn.Linear(hidden, outputs or num_channels)

    def encode(self, windows: Tensor) -> Tensor:
        """Compress windows (B, K, N) to latents (B, latent)."""
        _, (h_n, _) = self.encoder(windows)
        latent: Tensor = self.to_latent(h_n[-1])  # h_n is (layers, B, H) whatever batch_first says
        return latent

    def decode(self, latent: Tensor, num_rows: int) -> Tensor:
        """Reconstruct windows (B, num_rows, N) from latents (B, latent)."""
        # The decoder sees the latent of a window at each of its rows. A new axis of time is added and expanded:
        # repeating along an axis that exists already would mix the windows of a batch.
        shape = [-1, -1, -1]
        shape[self.time_axis] = num_rows
        states, _ = self.decoder(latent.unsqueeze(self.time_axis).expand(shape))
        windows: Tensor = self.to_channels(states)
        return windows

    def forward(self, windows: Tensor) -> Tensor:
        """Reconstruct windows."""
        return self.decode(self.encode(windows), windows.shape[self.time_axis])
