"""Models of somebody else, by import path."""

import torch
from torch import Tensor, nn

from longstride.trainer.models.shape import Shape


class Usual(nn.Module):
    """A convolution over rows, and what a user may well do in a forward pass."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(num_channels, num_channels, 3, padding=1)

    def forward(self, windows: Tensor) -> Tensor:
        made: Tensor = self.mix(windows.transpose(1, 2)).transpose(1, 2)
        return made / (1 + made.abs().amax(dim=1, keepdim=True))


class Asking(Usual):
    """Asks for values, which no graph can follow."""

    def forward(self, windows: Tensor) -> Tensor:
        return super().forward(windows) if windows.sum() > 0 else windows


class Chance(Usual):
    """Depends on chance."""

    def forward(self, windows: Tensor) -> Tensor:
        return super().forward(windows) + 0.1 * torch.randn_like(windows)


class Batches(Usual):
    """Depends on the other windows of a batch."""

    def forward(self, windows: Tensor) -> Tensor:
        return super().forward(windows) + windows.mean(dim=0, keepdim=True)


def usual(settings: object, shape: Shape) -> nn.Module:
    return Usual(shape.channels)


def asking(settings: object, shape: Shape) -> nn.Module:
    return Asking(shape.channels)


def chance(settings: object, shape: Shape) -> nn.Module:
    return Chance(shape.channels)


def batches(settings: object, shape: Shape) -> nn.Module:
    return Batches(shape.channels)


def dropping(settings: object, shape: Shape) -> nn.Module:
    """Draws random numbers in each step of training."""
    return nn.Sequential(nn.Dropout(0.2), Usual(shape.channels))
