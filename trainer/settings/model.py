"""Which model, and its sizes."""

from dataclasses import dataclass

from longstride.trainer.checks import at_least
from longstride.trainer.errors import SettingsError

__all__ = ["ModelSettings"]


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which model, and its sizes."""

    model: str = "lstm"
    """lstm for every task; tcn, patch and pca to reconstruct; cnn to forecast and to classify; or yours as
    package.module:function."""
    hidden: int = 128
    """Width of each layer."""
    latent: int = 32
    """Numbers that a window is compressed to; tcn and patch round it to whole steps."""
    layers: int = 1
    """Layers of the encoder, and of the decoder; with tcn, how many times all dilations are repeated."""
    centre: bool = False
    """Subtract from each channel its mean in the window before the model, for levels that drift."""

    def __post_init__(self) -> None:
        at_least(1, hidden=self.hidden, latent=self.latent, layers=self.layers)
        if self.centre and self.model == "pca":
            raise SettingsError(
                "--centre is not for --model pca, whose components follow the level of a window anyway",
                code="option-value",
            )
