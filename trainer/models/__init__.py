"""Models: windows (B, K, N) in, what the task predicts out; built in by name, or yours by import path."""

from collections.abc import Callable
from typing import TypedDict

from torch import nn

from longstride.trainer.errors import SettingsError
from longstride.trainer.models.bank import PatchBank, patch_rows
from longstride.trainer.models.centred import Centred
from longstride.trainer.models.fitted import Fitted
from longstride.trainer.models.lstm import LSTMAutoencoder
from longstride.trainer.models.patch import PatchAutoencoder
from longstride.trainer.models.pca import PCAAutoencoder
from longstride.trainer.models.predictors import CNNEncoder, LSTMEncoder, Predictor
from longstride.trainer.models.shape import Shape
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

Build = Callable[[ModelSettings, Shape], nn.Module]
"""Makes a model, given its settings, and what it takes and gives."""


class _Sizes(TypedDict):
    hidden: int
    latent: int
    layers: int


def _sizes(settings: ModelSettings) -> _Sizes:
    return {"hidden": settings.hidden, "latent": settings.latent, "layers": settings.layers}


def _lstm(settings: ModelSettings, shape: Shape) -> nn.Module:
    if shape.task != "reconstruct":
        encoder = LSTMEncoder(shape.channels, hidden=settings.hidden, layers=settings.layers)
        return Predictor(encoder, settings.hidden, shape)
    return LSTMAutoencoder(shape.channels, **_sizes(settings), outputs=shape.output[1])


def _cnn(settings: ModelSettings, shape: Shape) -> nn.Module:
    encoder = CNNEncoder(shape.channels, window=shape.window, hidden=settings.hidden, layers=settings.layers)
    return Predictor(encoder, encoder.num_features, shape)


def _tcn(settings: ModelSettings, shape: Shape) -> nn.Module:
    return TCNAutoencoder(shape.channels, window=shape.window, **_sizes(settings), outputs=shape.output[1])


def _patch(settings: ModelSettings, shape: Shape) -> nn.Module:
    return PatchAutoencoder(shape.channels, window=shape.window, **_sizes(settings), outputs=shape.output[1])


def _pca(settings: ModelSettings, shape: Shape) -> nn.Module:
    return PCAAutoencoder(shape.channels, window=shape.window, latent=settings.latent)


def _kmeans(settings: ModelSettings, shape: Shape) -> nn.Module:
    return PatchBank(shape.channels, window=shape.window, patch=shape.window, size=settings.centres)


def _nearest(settings: ModelSettings, shape: Shape) -> nn.Module:
    return PatchBank(shape.channels, window=shape.window, patch=patch_rows(shape.window), size=settings.centres)


MODELS: dict[str, Build] = {
    "lstm": _lstm,
    "cnn": _cnn,
    "tcn": _tcn,
    "patch": _patch,
    "pca": _pca,
    "kmeans": _kmeans,
    "nearest": _nearest,
}
"""Built in, by name; what else is known of each is in `KNOWN_MODELS` of the settings."""


def build_model(settings: ModelSettings, shape: Shape) -> nn.Module:
    """Make the model; torch's generator draws its weights.

    Raises SettingsError where there is no such model, or the function found does not make one.
    """
    model = call_named("--model", settings.model, MODELS, settings, shape)
    if not isinstance(model, nn.Module):
        raise SettingsError(
            f"--model {settings.model} gave {type(model).__name__}, expected a torch.nn.Module",
            code="option-value",
        )
    if settings.centre == "none":
        return model
    if shape.levels is None and shape.task != "classify":
        raise SettingsError(
            "--centre gives each target its level in the window: name the targets in --channels as well",
            code="option-value",
        )
    return Centred(model, shape.levels, scaled=settings.centre == "mean-and-scale")
