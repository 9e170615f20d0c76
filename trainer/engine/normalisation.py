"""From stored values to what a model sees: zero mean, unit spread, no NaN; and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.storage.series.statistics import Statistics

__all__ = ["Normalisation"]

WIDE = (torch.float64, torch.int64, torch.int32)
"""Types of values with more digits than float32."""


@dataclass(frozen=True)
class Normalisation:
    """(value - mean) / scale by channel; both (N,) float64 tensors on one device."""

    mean: Tensor
    scale: Tensor

    @staticmethod
    def fit(statistics: Statistics, store: SeriesData, channels: tuple[str, ...]) -> "Normalisation":
        """Take mean and standard deviation of some channels from the statistics of the training split of a store.

        A channel without a value gets mean 0 and scale 1. A constant one gets scale 1, and so does one whose
        spread is smaller than its type can represent: dividing by that would blow up its first real change.
        Raises LongstrideError where a channel holds infinite values.
        """
        columns = [store.channels.index(name) for name in channels]
        infinite = np.isinf(statistics.minimum[columns]) | np.isinf(statistics.maximum[columns])
        if infinite.any():
            names = ", ".join(name for name, found in zip(channels, infinite, strict=True) if found)
            raise LongstrideError(
                f"{store.name} has infinite values in {names}: store them as missing (NaN), then train",
                code="values-infinite",
            )
        mean = np.nan_to_num(statistics.mean[columns], nan=0.0)
        std = np.nan_to_num(statistics.std[columns], nan=0.0)
        is_whole = store.dtype.kind != "f"  # then its mean is all that can be off
        smallest = np.finfo(np.float64 if is_whole else store.values.dtype).eps * np.abs(mean)
        return Normalisation(torch.from_numpy(mean), torch.from_numpy(np.where(std > smallest, std, 1.0)))

    @staticmethod
    def from_saved(fields: dict[str, Any], num_channels: int) -> "Normalisation":
        """Inverse of `vars`. Raises ValueError for what cannot be the normalisation of N channels."""
        found = Normalisation(**fields)
        for tensor in (found.mean, found.scale):
            if tensor.shape != (num_channels,) or tensor.dtype != torch.float64 or not tensor.isfinite().all():
                raise ValueError(f"the normalisation is not of {num_channels} finite numbers")
        if not (found.scale > 0).all():
            raise ValueError("the normalisation divides by numbers that are not above 0")
        return found

    def to(self, device: torch.device) -> "Normalisation":
        """Move to a device."""
        return Normalisation(self.mean.to(device), self.scale.to(device))

    def apply(self, values: Tensor, mask: Tensor | None) -> Tensor:
        """Normalise values (b, K, N) to float32 and put 0, the mean, where `mask` is False."""
        # Counters of 64 bits would lose their digits in float32; a mean would lose its own in whole numbers.
        exact = torch.float64 if values.dtype in WIDE else torch.float32
        normalised = ((values.to(exact) - self.mean.to(exact)) / self.scale.to(exact)).float()
        return normalised if mask is None else torch.where(mask, normalised, 0.0)

    def undo(self, normalised: Tensor) -> Tensor:
        """Return to original units, float64."""
        return normalised * self.scale + self.mean
