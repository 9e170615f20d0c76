"""Models: (B, K, N) in, (B, K, N) out; built in by name, or yours by import path."""

from collections.abc import Callable
from functools import partial

from torch import nn

from longstride.trainer.errors import SettingsError
from longstride.trainer.models.bank import PatchBank, patch_rows
from longstride.trainer.models.centred import Centred
from longstride.trainer.models.fitted import Fitted
from longstride.trainer.models.lstm import LSTMAutoencoder
from longstride.trainer.models.patch import PatchAutoencoder
from longstride.trainer.models.pca import PCAAutoencoder
from longstride.trainer.models.tcn import TCNAutoencoder
from longstride.trainer.resolve import call_named
from longstride.trainer.settings import ModelSettings

__all__ = [
    "MODELS",
    "Build",
    "Fitted",
    "LSTMAutoencoder",
    "PCAAutoencoder",
    "PatchAutoencoder",
    "PatchBank",
    "TCNAutoencoder",
    "build_model",
]

Build = Callable[[ModelSettings, int, int], nn.Module]
"""Makes a model, given its settings, the number of channels N and the rows of a window K."""


def _lstm(settings: ModelSettings, num_channels: int, window: int) -> nn.Module:
    return LSTMAutoencoder(num_channels, hidden=settings.hidden, latent=settings.latent, layers=settings.layers)


def _pca(settings: ModelSettings, num_channels: int, window: int) -> nn.Module:
    return PCAAutoencoder(num_channels, window=window, latent=settings.latent)


def _kmeans(settings: ModelSettings, num_channels: int, window: int) -> nn.Module:
    return PatchBank(num_channels, window=window, patch=window, size=settings.centres)


def _nearest(settings: ModelSettings, num_channels: int, window: int) -> nn.Module:
    return PatchBank(num_channels, window=window, patch=patch_rows(window), size=settings.centres)


def _of_window(
    model: type[TCNAutoencoder] | type[PatchAutoencoder], settings: ModelSettings, num_channels: int, window: int
) -> nn.Module:
    sizes = {"hidden": settings.hidden, "latent": settings.latent, "layers": settings.layers}
    return model(num_channels, window=window, **sizes)


MODELS: dict[str, Build] = {
    "lstm": _lstm,
    "tcn": partial(_of_window, TCNAutoencoder),
    "patch": partial(_of_window, PatchAutoencoder),
    "pca": _pca,
    "kmeans": _kmeans,
    "nearest": _nearest,
}
"""Built in, by name."""


def build_model(settings: ModelSettings, num_channels: int, window: int) -> nn.Module:
    """Make the model for windows of K rows of N channels; torch's generator draws its weights.

    Raises SettingsError where there is no such model, or the function found does not make one.
    """
    model = call_named("--model", settings.model, MODELS, settings, num_channels, window)
    if not isinstance(model, nn.Module):
        raise SettingsError(
            f"--model {settings.model} gave {type(model).__name__}, expected a torch.nn.Module",
            code="option-value",
        )
    return model if settings.centre == "none" else Centred(model, scaled=settings.centre == "mean-and-scale")
