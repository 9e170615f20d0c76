"""Mean and standard deviation of each window by itself, as RevIN takes them."""

import torch
from torch import Tensor

__all__ = ["of_windows"]

SMALLEST_SHARE = 1e-6
"""A channel that varies by less than this share of its mean, in a window, counts as one that does not vary."""


def of_windows(values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (B, 1, N) of the finite values of windows (B, K, N) that the mask, if any, has.

    0 and 1 where there is none, and 1 for a channel that does not vary.
    """
    counts = values.isfinite() if mask is None else values.isfinite() & mask
    count = counts.sum(dim=1, keepdim=True).clamp(min=1)
    mean = torch.where(counts, values, 0).sum(dim=1, keepdim=True) / count
    distance = torch.where(counts, values - mean, 0)
    std = (distance.square().sum(dim=1, keepdim=True) / count).sqrt()
    return mean, torch.where(std > SMALLEST_SHARE * mean.abs(), std, 1.0)
