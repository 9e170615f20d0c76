"""k-means: few points that many others lie near.

Source: Lloyd, "Least squares quantization in PCM" (IEEE Transactions on Information Theory 28, 1982). It is here,
since torch is there on every device and scikit-learn is an extra.
"""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Clusters", "k_means"]

MAX_ROUNDS = 20
AT_ONCE = 2**12
"""Points whose distances to all centres are held at once."""


class Clusters(NamedTuple):
    """Centres of some points."""

    centres: Tensor
    """(C, D)"""
    sizes: Tensor
    """(C,): points that are nearest to each."""
    distance: float
    """Mean squared distance of a point to its nearest centre."""


def k_means(points: Tensor, number: int) -> Clusters:
    """At most `number` centres of points (M, D), which come in random order: the first ones begin as centres."""
    centres = points[:number].clone()
    nearest, distance = _nearest(points, centres)
    for _ in range(MAX_ROUNDS):
        sizes = torch.bincount(nearest, minlength=len(centres))[:, None]
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        centres = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
        before = nearest
        nearest, distance = _nearest(points, centres)
        if torch.equal(before, nearest):
            break
    return Clusters(centres, torch.bincount(nearest, minlength=len(centres)), distance)


def _nearest(points: Tensor, centres: Tensor) -> tuple[Tensor, float]:
    """The nearest centre of each point (M,), and the mean squared distance to it."""
    squares = centres.square().sum(dim=1)
    parts = [(squares - 2 * part @ centres.T).min(dim=1) for part in torch.split(points, AT_ONCE)]
    distances = torch.cat([part.values for part in parts]) + points.square().sum(dim=1)
    return torch.cat([part.indices for part in parts]), float(distances.clamp(min=0).double().mean())
