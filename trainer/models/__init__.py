"""Models: (B, K, N) in, (B, K, N) out. To train another, return it from `build_model`."""

from torch import nn

from trainer.models.lstm import LSTMAutoencoder
from trainer.settings import ModelSettings

__all__ = ["LSTMAutoencoder", "build_model"]


def build_model(settings: ModelSettings, num_channels: int) -> nn.Module:
    """Make the model for windows of N channels, its weights drawn from torch's generator."""
    return LSTMAutoencoder(num_channels, hidden=settings.hidden, latent=settings.latent, layers=settings.layers)
