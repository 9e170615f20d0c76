"""The squared error over the values that are there."""

import torch
from torch import Tensor

__all__ = ["num_valid", "squared_error"]


def squared_error(prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
    """Sum of (prediction - target)^2 where `mask` is True, a float64 scalar; all three are (b, K, N).

    A sum, not a mean: ranks hold unequal numbers of valid values, so a mean of their means is not the mean.
    Divide by the count of all ranks. `target` must be finite in the masked places too (fill it first): a NaN
    times zero is a NaN, in the gradient as well.
    """
    # Subtraction would broadcast shapes that differ, in silence.
    assert prediction.shape == target.shape, f"{tuple(prediction.shape)} against {tuple(target.shape)}"
    assert mask is None or mask.shape == target.shape, f"{tuple(mask.shape)} against {tuple(target.shape)}"
    error = (prediction.float() - target).square()
    if mask is not None:
        error = error * mask
    return error.sum(dtype=torch.float64)


def num_valid(target: Tensor, mask: Tensor | None) -> Tensor | int:
    """How many values count."""
    return target.numel() if mask is None else mask.sum()


def share_of_mean(error: Tensor, num_valid: float, world_size: int) -> Tensor:
    """Turn this rank's error into what to call `backward` on: DDP then has the gradient of the mean of all ranks.

    `num_valid` counts over all ranks. DDP divides the sum of gradients by their number: this takes it out again.
    """
    return error * (world_size / max(num_valid, 1))
