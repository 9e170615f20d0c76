"""Which model, and its sizes."""

from dataclasses import dataclass
from typing import Literal

from longstride.trainer.checks import at_least, check, one_of
from longstride.trainer.settings.known_models import known_model

__all__ = ["ModelSettings"]

Centre = Literal["none", "mean", "mean-and-scale"]


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which model, and its sizes."""

    model: str = "lstm"
    """lstm for every task; tcn, patch, pca, kmeans and nearest to reconstruct; cnn to forecast and to classify; or
    yours as package.module:function."""
    hidden: int = 128
    """Width of each layer."""
    latent: int = 32
    """Numbers that a window is compressed to; tcn and patch round it to whole steps, and pca takes at most half as
    many as a window has values."""
    layers: int = 1
    """Layers of the encoder, and of the decoder; with tcn, how many times all dilations are repeated."""
    centres: int = 512
    """Most windows that kmeans keeps, or patches that nearest keeps; of a short log fewer are kept."""
    centre: Centre = "none"
    """Subtract from each channel its mean in the window before the model, for levels that drift; mean-and-scale:
    divide it by its deviation in the window as well. Both are undone after the model."""

    def __post_init__(self) -> None:
        at_least(1, hidden=self.hidden, latent=self.latent, layers=self.layers, centres=self.centres)
        one_of(Centre, centre=self.centre)
        is_needless = known_model(self.model).follows_level and self.centre != "none"
        why = f"none for --model {self.model}, which follows the level of a window anyway"
        check(not is_needless, "centre", self.centre, why)
