"""From stored values to values of about the same size in every channel, and back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.normalising.quantiles import SAMPLE_ROWS, sample
from longstride.pipeline.loading.serving.stores import columns_of
from longstride.pipeline.loading.splits import Split, one_split
from longstride.storage.errors import LongstrideError, coded
from longstride.storage.series.data import SeriesData
from longstride.storage.series.statistics import Statistics

__all__ = ["Normaliser"]

KINDS = ("standard", "robust", "minmax", "window")
SMALLEST_SHARE = 1e-6
"""A channel that varies by less than this share of its mean, in a window, counts as one that does not vary."""


@dataclass(frozen=True)
class Normaliser:
    """(value - shift) / scale by channel, with what the training rows alone say.

    `kind` is one of:

    - standard: the mean and the standard deviation.
    - robust: the median and the distance between the quartiles, of about 65,536 rows at places of equal distance:
      exact for fewer rows; of more, each is within about 2% of the ranks.
    - minmax: the minimum and the range, so that training values are from 0 to 1.
    - window: the mean and the standard deviation of each window by itself (RevIN); nothing of the split.

    A channel without a value gets shift 0 and scale 1; one that does not vary gets scale 1. Missing values stay
    NaN.
    """

    kind: str
    channels: tuple[str, ...]
    """N names, in the order of `values` of a batch."""
    targets: tuple[str, ...]
    """M names, in the order of `target`."""
    shift: Mapping[str, float]
    """By channel; empty where `kind` is window."""
    scale: Mapping[str, float]
    """By channel, above 0."""

    @staticmethod
    @coded
    def fit(
        split: Split | Sequence[Split],
        kind: str = "standard",
        *,
        channels: Sequence[str] | None = None,
        targets: Sequence[str] | None = None,
    ) -> "Normaliser":
        """Take the statistics of a training split, or of one split for each of several stores.

        `channels` and `targets` are those of the loader, by default all channels of the store for both. Raises
        LongstrideError for an unknown kind or channel, a split that does not know its store, one without rows, and
        infinite values.
        """
        if kind not in KINDS:
            raise LongstrideError(f"kind={kind!r:.80}: expected {', '.join(KINDS)}", code="option-value")
        splits = [one_split(one) for one in (split if isinstance(split, list | tuple) else [split])]
        stores = [_store_of(one) for one in splits]
        names = tuple(stores[0].channels if channels is None else channels)
        aims = names if targets is None else tuple(targets)
        served = tuple(dict.fromkeys((*names, *aims)))
        columns = [columns_of(store, served) for store in stores]
        if kind == "window":
            if absent := [name for name in aims if name not in names]:
                raise LongstrideError(
                    f"the target {absent[0]!r} is not a channel of the windows, so no window has statistics of it",
                    code="option-value",
                )
            return Normaliser(kind, names, aims, {}, {})
        stats = Statistics.merge(
            [_of_columns(one.stats(store), some) for one, store, some in zip(splits, stores, columns, strict=True)]
        )
        if not stats.count.any():
            raise LongstrideError("the split has no values: give a split with rows", code="option-value")
        _check_finite(stats, served)
        if kind == "robust":
            rows = np.concatenate(
                [
                    sample(one, store, some, SAMPLE_ROWS // len(splits))
                    for one, store, some in zip(splits, stores, columns, strict=True)
                ]
            )
            shift, spread = _quartiles(rows)
        elif kind == "minmax":
            shift, spread = stats.minimum, stats.maximum - stats.minimum
        else:
            shift, spread = stats.mean, stats.std
        shift, spread = np.nan_to_num(shift), np.nan_to_num(spread)
        smallest = np.finfo(np.float32).eps * np.abs(shift) if stores[0].dtype.itemsize < 8 else 0.0
        scale = np.where(spread > smallest, spread, 1.0)
        return Normaliser(
            kind,
            names,
            aims,
            dict(zip(served, shift.tolist(), strict=True)),
            dict(zip(served, scale.tolist(), strict=True)),
        )

    def __call__(self, batch: WindowBatch) -> WindowBatch:
        """The batch with normalised values and target, on the device where it is; `batch` stays as it is."""
        values = self._applied(batch.values, self.channels, batch)
        target = None if batch.target is None else self._applied(batch.target, self.targets, batch)
        return batch._replace(values=values, target=target)

    def rows(self, rows: Tensor) -> Tensor:
        """Normalised rows (R, C) of a pool, as `transform=` of a loader: channels, then targets not among them."""
        return self._applied(rows, tuple(dict.fromkeys((*self.channels, *self.targets))), None)

    def inverse(self, values: Tensor, batch: WindowBatch | None = None) -> Tensor:
        """Normalised values (B, K, N) in their own units; kind window needs the batch as it was before."""
        shift, scale = self._numbers(values, self.channels, batch)
        return values * scale + shift

    def inverse_target(self, target: Tensor, batch: WindowBatch | None = None) -> Tensor:
        """The same of a target, or of a prediction of it, (B, H, M)."""
        shift, scale = self._numbers(target, self.targets, batch)
        return target * scale + shift

    def as_plain(self) -> dict[str, Any]:
        """For a checkpoint or a JSON file."""
        plain = {name: dict(numbers) for name, numbers in (("shift", self.shift), ("scale", self.scale))}
        return {"kind": self.kind, "channels": list(self.channels), "targets": list(self.targets), **plain}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "Normaliser":
        """Inverse of `as_plain`. Raises LongstrideError for anything else."""
        try:
            shift, scale = (
                {str(name): float(number) for name, number in plain[field].items()} for field in ("shift", "scale")
            )
            found = Normaliser(plain["kind"], tuple(plain["channels"]), tuple(plain["targets"]), shift, scale)
            named = set() if found.kind == "window" else {*found.channels, *found.targets}
            is_right = found.kind in KINDS and shift.keys() == scale.keys() == named
            is_right &= all(map(math.isfinite, [*shift.values(), *scale.values()]))
            is_right &= min(scale.values(), default=1.0) > 0
        except (KeyError, TypeError, ValueError, AttributeError):
            is_right = False
        if not is_right:
            raise LongstrideError(
                f"the normaliser is {plain!r:.80}: expected what `as_plain` returned", code="state-format"
            )
        return found

    def _applied(self, values: Tensor, names: tuple[str, ...], batch: WindowBatch | None) -> Tensor:
        values = values if values.dtype in (torch.float32, torch.float64) else values.float()
        shift, scale = self._numbers(values, names, batch)
        return (values - shift) / scale

    def _numbers(self, values: Tensor, names: tuple[str, ...], batch: WindowBatch | None) -> tuple[Tensor, Tensor]:
        """Shift and scale of the named channels: (N,), or (B, 1, N) where each window has its own."""
        if values.shape[-1] != len(names):
            raise LongstrideError(
                f"values have {values.shape[-1]} channels: expected {len(names)}, {', '.join(names)}; fit the "
                "normaliser with the channels= and targets= of the loader",
                code="option-value",
            )
        if self.kind != "window":
            shift, scale = ([numbers[name] for name in names] for numbers in (self.shift, self.scale))
            kind, device = values.dtype, values.device
            return torch.tensor(shift, dtype=kind, device=device), torch.tensor(scale, dtype=kind, device=device)
        if batch is None:
            raise LongstrideError(
                "each window has statistics of its own: give the batch as it was before", code="option-value"
            )
        mean, std = _of_windows(batch.values.to(values.dtype))
        if names == self.channels:
            return mean, std
        columns = [self.channels.index(name) for name in names]
        return mean[..., columns], std[..., columns]


def _of_windows(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (B, 1, N) of the present values of each window; 0 and 1 where there is none."""
    present = ~values.isnan()
    count = present.sum(dim=1, keepdim=True).clamp(min=1)
    mean = values.nansum(dim=1, keepdim=True) / count
    distance = (values - mean).nan_to_num(0.0)
    std = (distance.square().sum(dim=1, keepdim=True) / count).sqrt()
    return mean, torch.where(std > SMALLEST_SHARE * mean.abs(), std, 1.0)


def _store_of(split: Split) -> SeriesData:
    if split.store is None:
        raise LongstrideError(
            f"the split {split.name!r} does not say of which store it is: make it with a function such as "
            "split_by_time",
            code="option-value",
        )
    return split.store


def _of_columns(stats: Statistics, columns: list[int]) -> Statistics:
    return Statistics(**{name: field[columns] for name, field in vars(stats).items()})


def _check_finite(stats: Statistics, names: Sequence[str]) -> None:
    infinite = np.isinf(stats.minimum) | np.isinf(stats.maximum)
    if infinite.any():
        found = ", ".join(name for name, is_one in zip(names, infinite, strict=True) if is_one)
        raise LongstrideError(
            f"there are infinite values in {found}: store them as missing (NaN)", code="values-infinite"
        )


def _quartiles(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and distance of the quartiles (N,) of rows, NaN where no value is present."""
    present = ~np.isnan(rows)
    found = np.full((rows.shape[1], 3), np.nan)
    for number in np.flatnonzero(present.any(axis=0)).tolist():
        found[number] = np.quantile(rows[present[:, number], number], [0.25, 0.5, 0.75])
    low, middle, high = found.T
    return middle, high - low
