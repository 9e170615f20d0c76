"""Applying augmentations to batches: each step has a seed of its own, and only values and target may change."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.options import Augmentation
from longstride.pipeline.loading.ordering.hashing import derive
from longstride.pipeline.loading.serving.arrange import blank_of
from longstride.storage.errors import LongstrideError

__all__ = ["Augmenter"]

CHANGED = ("values", "target")
PURPOSE = 0x617567
"""Keeps these seeds apart from those of the order."""


class Augmenter:
    """Augmentations in their order, seeded by (seed, epoch, step, rank)."""

    def __init__(self, functions: Augmentation | Sequence[Augmentation], seed: int) -> None:
        """`seed` is that of the loader."""
        self._functions = (functions,) if callable(functions) else tuple(functions)
        if classes := [function.__name__ for function in self._functions if isinstance(function, type)]:
            raise LongstrideError(
                f"augment holds the class {classes[0]}: expected a function, or one of that class, such as "
                f"{classes[0]}()",
                code="option-value",
            )
        self._seed = seed
        self.names = [_name_of(function) for function in self._functions]
        """What is applied, for the state of a loader."""

    def over(
        self, batches: Iterable[WindowBatch], epoch: int, step: int, rank: int, every: int = 1
    ) -> Iterator[WindowBatch]:
        """Augmented batches of every so many steps from `step` on."""
        for number, batch in enumerate(batches):
            yield self(batch, epoch, step + number * every, rank)

    def __call__(self, batch: WindowBatch, epoch: int, step: int, rank: int) -> WindowBatch:
        """The batch of this step on this rank, augmented.

        Raises LongstrideError for a function that changes shapes, or anything but values and target.
        """
        values = batch.values
        if not values.is_floating_point():
            raise LongstrideError(
                f"augment changes floats, and the values are {_kind(values)}: give normalise=, or floats",
                code="option-value",
            )
        generator = torch.Generator(values.device)
        generator.manual_seed(derive(PURPOSE, self._seed, epoch, step, rank) >> 1)
        for function, name in zip(self._functions, self.names, strict=True):
            versions = {field: tensor._version for field, tensor in _kept(batch)}
            made = function(batch, generator)
            _check(name, batch, made, versions)
            batch = made
        return _blanked(batch)


def _blanked(batch: WindowBatch) -> WindowBatch:
    """The batch, with 0 where noise was added to a row that is not there, or to a window that only fills it."""
    blank = blank_of(batch)
    if blank is None:
        return batch

    def zeroed(field: Tensor) -> Tensor:
        return field.masked_fill(blank.view(*blank.shape, *[1] * (field.ndim - blank.ndim)), 0)

    return batch._replace(
        values=zeroed(batch.values), target=None if batch.target is None else zeroed(batch.target)
    )


def _kept(batch: WindowBatch) -> Iterator[tuple[str, Tensor]]:
    for name, field in batch._asdict().items():
        if name not in CHANGED and field is not None:
            yield name, field


def _check(name: str, before: WindowBatch, made: Any, versions: dict[str, int]) -> None:
    if not isinstance(made, WindowBatch):
        raise _wrong(
            name, f"returned {type(made).__name__}: expected the batch, as batch._replace(values=...) makes it"
        )
    for field, tensor in before._asdict().items():
        found = getattr(made, field)
        if field not in CHANGED:
            if found is not tensor or (tensor is not None and tensor._version != versions[field]):
                raise _wrong(name, f"changed {field!r}: it may change values and target alone")
        elif _shape(found) != _shape(tensor) or (found is not None and not found.is_floating_point()):
            raise _wrong(
                name, f"made {field} {_shown(found)} of {_shown(tensor)}: expected the same shape, and floats"
            )
        elif found is not None and found.device != tensor.device:
            raise _wrong(name, f"moved {field} from {tensor.device} to {found.device}: expected the same device")


def _wrong(name: str, what: str) -> LongstrideError:
    return LongstrideError(f"augment: {name} {what}", code="augment-result")


def _shape(field: Any) -> Any:
    return tuple(field.shape) if isinstance(field, Tensor) else field


def _shown(field: Any) -> str:
    return f"{_shape(field)} {_kind(field)}" if isinstance(field, Tensor) else repr(field)[:80]


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _name_of(function: Callable[..., Any]) -> str:
    """The name of a function, or what an object that can be called shows of itself, the same in each process."""
    if isinstance(function, partial):
        arguments = [*map(repr, function.args), *(f"{key}={value!r}" for key, value in function.keywords.items())]
        return f"{_name_of(function.func)}({', '.join(arguments)})"
    name = getattr(function, "__qualname__", None)
    if name is not None:
        return str(name)
    # An object without a text of its own shows its address, which is another one in each process.
    shown = repr(function)
    return type(function).__qualname__ if f"{id(function):x}" in shown else shown
