"""Longstride's own module of a case."""

from torch import nn

from benchmarks.harness.training.fit_case import FitCase
from longstride.trainer.models import build_model
from longstride.trainer.models.shape import Shape
from longstride.trainer.settings import ModelSettings

__all__ = ["our_model"]


def our_model(case: FitCase) -> nn.Module:
    """As `longstride train` makes it."""
    shape = Shape("reconstruct", case.window, case.num_channels, (case.window, case.num_channels))
    return build_model(ModelSettings(model=case.model, hidden=case.hidden, latent=case.latent), shape)
