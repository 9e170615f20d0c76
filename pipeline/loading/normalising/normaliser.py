"""From stored values to values of about the same size in every channel, and back."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.normalising.fitting import numbers_of, parts_of
from longstride.pipeline.loading.normalising.of_windows import of_windows
from longstride.pipeline.loading.serving.arrange import blank_of
from longstride.pipeline.loading.serving.stores import columns_of
from longstride.pipeline.loading.splits import Split
from longstride.storage.errors import LongstrideError, coded
from longstride.storage.open_data import DataOrPath

__all__ = ["Normaliser", "check_kind"]

KINDS = ("standard", "robust", "minmax", "window")
FLOATS = (torch.float32, torch.float64)
WIDE = (torch.int32, torch.int64)
"""Whole numbers with more digits than float32: they are normalised as float64, and are float32 after that."""


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
    NaN, and count for nothing.
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
    future: tuple[str, ...] = ()
    """F names, in the order of `future` of a batch, which stays as it is where none are given."""

    @staticmethod
    @coded
    def fit(
        split: "Split | DataOrPath | Sequence[Split] | Sequence[DataOrPath]",
        kind: str = "standard",
        *,
        channels: Sequence[str] | None = None,
        targets: Sequence[str] | None = None,
        future: Sequence[str] = (),
    ) -> "Normaliser":
        """Take the statistics of a training split, or of one split for each of several stores.

        A store, an array or a path stands for all of its rows: all of them are trained on. `channels`, `targets`
        and `future` are those of the loader, by default all channels of the store for the first two. Raises
        LongstrideError for an unknown kind or channel, a split that does not know its store, one without rows, and
        infinite values.
        """
        check_kind(kind)
        parts = parts_of(split)
        names = tuple(parts[0].store.channels if channels is None else channels)
        aims = names if targets is None else tuple(targets)
        served = tuple(dict.fromkeys((*names, *aims, *future)))
        for part in parts:
            columns_of(part.store, served)
        shift, scale = ({}, {}) if kind == "window" else numbers_of(parts, served, kind)
        return Normaliser(kind, (), (), shift, scale).of(names, aims, future)

    def of(self, channels: Sequence[str], targets: Sequence[str], future: Sequence[str] = ()) -> "Normaliser":
        """The same numbers for batches that have other channels, or the same ones in another order.

        Raises LongstrideError for a channel of which there are no numbers.
        """
        known = channels if self.kind == "window" else self.shift
        if absent := [name for name in (*channels, *targets, *future) if name not in known]:
            why = (
                "not a channel of the windows, so no window has statistics of it"
                if self.kind == "window"
                else f"not among the channels that the normaliser was fitted to: {', '.join(known)}"
            )
            raise LongstrideError(f"{absent[0]!r} is {why}", code="option-value")
        return replace(self, channels=tuple(channels), targets=tuple(targets), future=tuple(future))

    def __call__(self, batch: WindowBatch) -> WindowBatch:
        """The batch with normalised values and target, on the device where it is; `batch` stays as it is.

        Its `shift` and `scale` undo it. Raises LongstrideError for other channels, and for a batch that has been
        normalised.
        """
        return self._normalised(batch, in_place=False)

    def in_place(self, batch: WindowBatch) -> WindowBatch:
        """The same in the memory of a batch that nobody else uses, which is faster."""
        return self._normalised(batch, in_place=True)

    def _normalised(self, batch: WindowBatch, *, in_place: bool) -> WindowBatch:
        if batch.shift is not None:
            raise LongstrideError(
                "the batch is normalised already: leave this out, or normalise= of its loader", code="option-value"
            )
        shift, scale = self._of_batch(batch)
        values = _applied(batch.values, shift, scale, in_place)
        target, future = batch.target, batch.future
        if target is not None:
            target = _applied(target, *self._columns(target, self.targets, shift, scale), in_place)
        if future is not None and self.future:
            future = _applied(future, *self._columns(future, self.future, shift, scale), in_place)
        blank = blank_of(batch)
        if blank is not None:
            for field in (values, target, future if self.future else None):
                if field is not None:
                    field[blank] = 0
        shift, scale = shift.to(values.dtype), scale.to(values.dtype)
        return batch._replace(values=values, target=target, future=future, shift=shift, scale=scale)

    def rows(self, rows: Tensor) -> Tensor:
        """Normalised rows (R, C) of a pool, as `transform=` of a loader.

        C are the channels, then the targets that are not among them, then those of `future`.
        """
        if self.kind == "window":
            raise _no_windows()
        names = tuple(dict.fromkeys((*self.channels, *self.targets, *self.future)))
        _check_width(rows, names)
        return _applied(rows, *self._numbers(names, rows), in_place=False)

    def noted(self, batch: WindowBatch) -> WindowBatch:
        """The batch, of rows that were normalised by `rows`, with what undoes it."""
        shift, scale = self._of_batch(batch)
        return batch._replace(shift=shift, scale=scale)

    def inverse(self, values: Tensor, batch: WindowBatch | None = None) -> Tensor:
        """Normalised values (B, K, N) in their own units; kind window needs the batch."""
        _check_width(values, self.channels)
        shift, scale = self._numbers_for(values, self.channels, batch)
        return values * scale + shift

    def inverse_target(self, target: Tensor, batch: WindowBatch | None = None) -> Tensor:
        """The same of a target, or of a prediction of it, (B, H, M)."""
        _check_width(target, self.targets)
        shift, scale = self._numbers_for(target, self.targets, batch)
        return target * scale + shift

    def as_plain(self) -> dict[str, Any]:
        """For a checkpoint or a JSON file."""
        plain = {name: dict(numbers) for name, numbers in (("shift", self.shift), ("scale", self.scale))}
        future = {"future": list(self.future)} if self.future else {}
        return {
            "kind": self.kind,
            "channels": list(self.channels),
            "targets": list(self.targets),
            **plain,
            **future,
        }

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "Normaliser":
        """Inverse of `as_plain`. Raises LongstrideError for anything else."""
        try:
            shift, scale = (
                {str(name): float(number) for name, number in plain[field].items()} for field in ("shift", "scale")
            )
            names = [tuple(plain.get(field, ())) for field in ("channels", "targets", "future")]
            found = Normaliser(plain["kind"], names[0], names[1], shift, scale, names[2])
            named = set() if found.kind == "window" else {*shift}
            is_right = found.kind in KINDS and shift.keys() == scale.keys() == named
            is_right &= all(map(math.isfinite, [*shift.values(), *scale.values()]))
            is_right &= min(scale.values(), default=1.0) > 0
            is_right &= found.of(*names) == found and bool(names[0])
        except (KeyError, TypeError, ValueError, AttributeError):
            is_right = False
        if not is_right:
            raise LongstrideError(
                f"the normaliser is {plain!r:.80}: expected what `as_plain` returned", code="state-format"
            )
        return found

    @property
    def digest(self) -> str:
        """For the state of a loader: the kind, and a hash of the numbers as they are computed on any machine."""
        served = dict.fromkeys((*self.channels, *self.targets, *self.future))
        numbers = (
            []
            if self.kind == "window"
            else [[f"{of[name]:.5e}" for of in (self.shift, self.scale)] for name in served]
        )
        return f"{self.kind} {hashlib.sha256(json.dumps(numbers).encode()).hexdigest()[:16]}"

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _made(self) -> dict[tuple[Any, ...], tuple[Tensor, Tensor]]:
        """Shift and scale (N,) by names, type and device."""
        return {}

    def _numbers(self, names: tuple[str, ...], like: Tensor) -> tuple[Tensor, Tensor]:
        kind = _float_type(like)
        key = names, kind, like.device
        if key not in self._made:
            shift, scale = (
                torch.tensor([numbers[name] for name in names], dtype=kind, device=like.device)
                for numbers in (self.shift, self.scale)
            )
            self._made[key] = shift, scale
        return self._made[key]

    def _of_batch(self, batch: WindowBatch) -> tuple[Tensor, Tensor]:
        """Shift and scale (B, 1, N) of the values of a batch."""
        _check_width(batch.values, self.channels)
        if self.kind == "window":
            return of_windows(batch.values.to(_float_type(batch.values)), batch.mask)
        shift, scale = self._numbers(self.channels, batch.values)
        shape = len(batch.values), 1, len(self.channels)
        return shift.expand(shape), scale.expand(shape)

    def _columns(
        self, field: Tensor, names: tuple[str, ...], shift: Tensor, scale: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Shift and scale of the named channels, from those of the values where each window has its own."""
        _check_width(field, names)
        if self.kind != "window":
            return self._numbers(names, field)
        if names == self.channels:
            return shift, scale
        columns = [self.channels.index(name) for name in names]
        return shift[..., columns], scale[..., columns]

    def _numbers_for(
        self, field: Tensor, names: tuple[str, ...], batch: WindowBatch | None
    ) -> tuple[Tensor, Tensor]:
        if self.kind != "window":
            return self._numbers(names, field)
        if batch is None:
            raise _no_windows()
        shift, scale = (
            self._of_batch(batch) if batch.shift is None or batch.scale is None else (batch.shift, batch.scale)
        )
        return self._columns(field, names, shift, scale)


def check_kind(kind: object, option: str = "kind") -> None:
    """Raise LongstrideError for anything but the name of a kind."""
    if not (isinstance(kind, str) and kind in KINDS):
        kinds = ", ".join(map(repr, KINDS)) + " or a Normaliser" * (option != "kind")
        raise LongstrideError(f"{option}={kind!r:.80}: expected {kinds}", code="option-value")


def _no_windows() -> LongstrideError:
    return LongstrideError("each window has statistics of its own: give the batch", code="option-value")


def _check_width(field: Tensor, names: tuple[str, ...]) -> None:
    if field.shape[-1] != len(names):
        raise LongstrideError(
            f"values have {field.shape[-1]} channels: expected {len(names)}, {', '.join(names)}; fit the "
            "normaliser with the channels=, targets= and future= of the loader",
            code="option-value",
        )


def _float_type(values: Tensor) -> torch.dtype:
    """The type in which values are normalised without losing digits."""
    if values.dtype in WIDE:
        return torch.float64
    return values.dtype if values.dtype in FLOATS else torch.float32


def _applied(values: Tensor, shift: Tensor, scale: Tensor, in_place: bool) -> Tensor:
    made = values.to(_float_type(values))
    made = (made.sub_(shift) if in_place or made is not values else made - shift).div_(scale)
    return made.float() if values.dtype in WIDE else made
