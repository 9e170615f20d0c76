"""Windows by their numbers: one, a few, or all of them as a map-style dataset of torch."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from torch.utils.data._utils.collate import default_collate_fn_map

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.normalising.normaliser import Normaliser
from longstride.pipeline.loading.ordering.ranges import counted_within
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.batches import PoolGather
from longstride.pipeline.loading.serving.extras import Extras
from longstride.pipeline.loading.serving.row_reader import RowReader, merged
from longstride.pipeline.loading.serving.stores import Collection
from longstride.storage.errors import LongstrideError

__all__ = ["Numbers", "WindowMap", "WindowOutsideError"]

Numbers = Sequence[int] | NDArray[np.integer] | Tensor | slice
"""Numbers of windows; from the end where they are negative."""


class WindowOutsideError(LongstrideError, IndexError):
    """There is no window of this number."""


class WindowMap(Dataset[WindowBatch]):
    """All windows, numbered 0 to W - 1 in row order; negative numbers count from the end.

        windows = dataset.as_map()
        windows[0].values  # (K, N): one window is a batch without its first axis
        windows[[7, 3]].values  # (2, K, N)
        DataLoader(Subset(windows, range(1000)), batch_size=32, shuffle=True)  # of `WindowBatch`es (32, K, N)

    The order, the rank and the epoch have no part in it. Nothing is read ahead: to train, use `WindowLoader`.
    """

    def __init__(
        self,
        collection: Collection,
        index: WindowIndex,
        extras: Extras | None = None,
        normaliser: Normaliser | None = None,
    ) -> None:
        """Windows of the index, of rows of the collection, with what `extras` adds to them, normalised."""
        self._collection = collection
        self._index = index
        self._extras = extras
        self._normaliser = normaliser

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"WindowMap(K={self._index.window}, N={len(self._collection.channels)}, windows={len(self):,})"

    def __getitem__(self, number: Any) -> WindowBatch:
        """One window, or a batch of those of a list, array, range or slice."""
        if isinstance(number, slice) or _is_list(number):
            return self.batch(number)
        return _apart(self.batch([number]))[0]

    def __getitems__(self, numbers: Sequence[int]) -> list[WindowBatch]:
        """The same of several at a time, as the samplers of torch ask for them."""
        return _apart(self.batch(numbers))

    def batch(self, numbers: Numbers) -> WindowBatch:
        """Windows of these numbers as a batch (B, K, N) in this order, in memory of its own.

        Raises WindowOutsideError for a number outside -W to W - 1, and LongstrideError for what is no number.
        """
        starts = self._index.starts(self._checked(numbers))
        ranges = merged(np.stack([starts, self._index.ends(starts)], axis=1))
        reader = RowReader(self._collection)
        num_rows = int(np.diff(ranges).sum()) + self._index.padding
        rows = torch.empty((num_rows, len(self._collection.served)), dtype=reader.dtype)
        reader.read(ranges, rows)
        gather = PoolGather(self._collection, self._index, len(starts), self._extras)
        gather.use(rows.numpy(), None if self._extras is None else self._extras.read(ranges))
        batch = self._collection.numbered(gather(counted_within(ranges, starts), starts, by_store=False))
        return batch if self._normaliser is None else self._normaliser(batch)

    def _checked(self, numbers: Numbers) -> NDArray[np.int64]:
        num_windows = len(self)
        if isinstance(numbers, slice):
            numbers = range(*numbers.indices(num_windows))
        try:
            found = np.array([_whole(number) for number in numbers], np.int64)
        except (TypeError, OverflowError):
            shown = " ".join(repr(numbers).split())[:80]
            raise LongstrideError(
                f"the windows are {shown}: expected whole numbers from {-num_windows} to {num_windows - 1}, or a "
                "slice; of a mask, give the numbers where it is True",
                code="option-value",
            ) from None
        if not len(found):
            raise LongstrideError("no window is named: expected at least one", code="option-value")
        outside = (found < -num_windows) | (found >= num_windows)
        if outside.any():
            raise WindowOutsideError(
                f"no window {found[outside][0]} is there: expected {-num_windows} to {num_windows - 1}",
                code="window-outside",
            )
        return np.where(found < 0, found + num_windows, found)


def _is_list(numbers: Any) -> bool:
    return bool(numbers.ndim) if hasattr(numbers, "ndim") else hasattr(numbers, "__len__")


def _whole(number: Any) -> int:
    if isinstance(number, bool | np.bool_) or getattr(number, "dtype", None) == torch.bool:
        raise TypeError
    return operator.index(number)


def _apart(batch: WindowBatch) -> list[WindowBatch]:
    """Each window of a batch, without the first axis."""
    fields = [[None] * len(batch.start) if field is None else field.unbind() for field in batch]
    return [WindowBatch(*window) for window in zip(*fields, strict=True)]


def _together(windows: list[WindowBatch], **_: Any) -> WindowBatch:
    """The batch of windows that came one by one, as torch's `default_collate` makes it."""
    if windows[0].values.ndim != 2:
        raise LongstrideError(
            "the dataset serves whole batches: give DataLoader batch_size=None, and `dataset.as_map()` to make "
            "batches of single windows",
            code="option-value",
        )
    fields: list[Any] = [_stacked(field) for field in zip(*windows, strict=True)]
    return WindowBatch(*fields)


def _stacked(field: Sequence[Tensor | None]) -> Tensor | None:
    present = [one for one in field if one is not None]
    return torch.stack(present) if present else None


default_collate_fn_map[WindowBatch] = _together
