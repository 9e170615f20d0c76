"""The model that all ways train, as people write it: the same weights and arithmetic as Longstride's own."""

from torch import Tensor, nn

from benchmarks.harness.training.fit_case import FitCase

__all__ = ["Autoencoder", "autoencoder", "cannot"]

WRITTEN = ("lstm",)


class Autoencoder(nn.Module):
    """LSTM encoder, latent vector, LSTM decoder: windows (B, K, N) in and out."""

    def __init__(self, num_channels: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.encoder = nn.LSTM(num_channels, hidden, batch_first=True)
        self.to_latent = nn.Linear(hidden, latent)
        self.decoder = nn.LSTM(latent, hidden, batch_first=True)
        self.to_channels = nn.Linear(hidden, num_channels)

    def forward(self, windows: Tensor) -> Tensor:
        """Reconstruct windows, from the newest row to the oldest."""
        _, (last, _) = self.encoder(windows)
        latent = self.to_latent(last[-1])
        states, _ = self.decoder(latent.unsqueeze(1).expand(-1, windows.shape[1], -1))
        rows: Tensor = self.to_channels(states)
        return rows.flip(1)


def autoencoder(case: FitCase) -> nn.Module:
    """The model of a case: as people write it, or Longstride's own module, where that is asked for."""
    if case.our_model or case.model not in WRITTEN:
        from benchmarks.peers.training.our_model import our_model

        return our_model(case)
    return Autoencoder(case.num_channels, case.hidden, case.latent)


def cannot(case: FitCase) -> str | None:
    """Why a peer in an environment of its own cannot have this model."""
    return None if case.model in WRITTEN else "Longstride's own module is not in its environment"
