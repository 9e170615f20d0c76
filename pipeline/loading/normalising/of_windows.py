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
    if values.device.type != "cpu":  # to ask which windows lack a value would wait for the device
        mean, std = _of_counted(values, mask)
    else:
        mean = values.mean(dim=1, keepdim=True)
        std = (values - mean).square_().mean(dim=1, keepdim=True).sqrt_()
        # Whatever is not finite makes both so. Most windows lack nothing, and are done five times as fast.
        odd = ~std.isfinite().flatten(1).all(dim=1)
        if mask is not None:
            odd |= ~mask.flatten(1).all(dim=1)
        if odd.any():
            mean[odd], std[odd] = _of_counted(values[odd], None if mask is None else mask[odd])
    return mean, torch.where(std > SMALLEST_SHARE * mean.abs(), std, 1.0)


def _of_counted(values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    counts = (values - values) == 0  # `isfinite`, but twice as fast
    if mask is not None:
        counts &= mask
    count = counts.sum(dim=1, keepdim=True, dtype=values.dtype).clamp_(min=1)
    filled = values.nan_to_num(0, 0, 0).mul_(counts)
    mean = filled.sum(dim=1, keepdim=True) / count
    distance = filled.sub_(mean).mul_(counts)
    return mean, (distance.square_().sum(dim=1, keepdim=True) / count).sqrt_()
