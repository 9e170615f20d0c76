"""Ready augmentations: small pure functions of a batch and a generator, with their numbers as fields.

Each gives new values, on the device of the batch, and leaves the mask as it is: missing values stay NaN. What is
dropped becomes 0, which is the mean of values that were normalised.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.storage.errors import LongstrideError

__all__ = ["ChannelDropout", "Jitter", "Scaling", "TimeMasking"]


@dataclass(frozen=True)
class Jitter:
    """Add noise to each value, normally distributed."""

    std: float = 0.05
    """Standard deviation of the noise, in units of the values: those of one channel, where they are normalised."""

    def __post_init__(self) -> None:
        _check(self, "std", self.std >= 0, "0 or more")

    def __call__(self, batch: WindowBatch, generator: Generator) -> WindowBatch:
        """The batch with other values."""
        values = batch.values
        noise = torch.empty_like(values).normal_(0, self.std, generator=generator)
        return batch._replace(values=noise.add_(values))


@dataclass(frozen=True)
class Scaling:
    """Multiply each window by one factor, and what is to be predicted by the same."""

    std: float = 0.1
    """Standard deviation of the factors, which are normally distributed around 1."""

    def __post_init__(self) -> None:
        _check(self, "std", self.std >= 0, "0 or more")

    def __call__(self, batch: WindowBatch, generator: Generator) -> WindowBatch:
        """The batch with other values and, if there is one, another target."""
        values, target = batch.values, batch.target
        factor = values.new_empty((len(values), 1, 1)).normal_(1, self.std, generator=generator)
        return batch._replace(values=values * factor, target=None if target is None else target * factor)


@dataclass(frozen=True)
class ChannelDropout:
    """Put 0 into all rows of some channels of each window."""

    share: float = 0.1
    """Share of the channels, each drawn by itself."""

    def __post_init__(self) -> None:
        _check(self, "share", 0 <= self.share <= 1, "a share from 0 to 1")

    def __call__(self, batch: WindowBatch, generator: Generator) -> WindowBatch:
        """The batch with other values."""
        windows, _, channels = batch.values.shape
        return _zeroed(batch, _uniform((windows, 1, channels), batch.values, generator) < self.share)


@dataclass(frozen=True)
class TimeMasking:
    """Put 0 into all channels of some consecutive rows of each window."""

    share: float = 0.1
    """Up to this share of the K rows: as many are drawn from none on, at a place that is drawn as well."""

    def __post_init__(self) -> None:
        _check(self, "share", 0 <= self.share <= 1, "a share from 0 to 1")

    def __call__(self, batch: WindowBatch, generator: Generator) -> WindowBatch:
        """The batch with other values."""
        windows, rows, _ = batch.values.shape
        length, place = _uniform((2, windows, 1, 1), batch.values, generator)
        length = (length * (int(self.share * rows) + 1)).floor()
        first = (place * (rows - length + 1)).floor()
        row = torch.arange(rows, device=batch.values.device)[None, :, None]
        return _zeroed(batch, (row >= first) & (row < first + length))


def _uniform(shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    return torch.rand(shape, device=like.device, generator=generator)


def _zeroed(batch: WindowBatch, dropped: Tensor) -> WindowBatch:
    return batch._replace(values=batch.values.masked_fill(dropped & ~batch.values.isnan(), 0))


def _check(given: object, name: str, is_right: bool, expected: str) -> None:
    if not is_right:
        raise LongstrideError(f"{given!r:.80}: expected {name} to be {expected}", code="option-value")
