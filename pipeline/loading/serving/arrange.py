"""Making a batch of gathered windows: their order, the store and row of each, blanks where one only fills it."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.ordering.order import PADDING
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.stores import Collection

__all__ = ["Arranger", "Places", "absent_rows", "blank_of"]


class Places(NamedTuple):
    """Where the windows of a batch are, (B,) each."""

    rows: NDArray[np.int64]
    """Rows of the collection to gather them from; for those that only fill the batch, that of the first window."""
    local: NDArray[np.int64]
    """The same as rows of their stores."""
    start: NDArray[np.int64]
    """The same with PADDING for those that only fill the batch."""
    store: NDArray[np.int64] | None = None
    """Number of each store; None where there is only one."""
    order: NDArray[np.int64] | None = None
    """What sorted them; None if nothing did."""
    padded: NDArray[np.bool_] | None = None
    """Which only fill the batch; None if none does."""


class Arranger:
    """Says where the windows of a batch are, and makes the batch of them."""

    def __init__(self, collection: Collection, index: WindowIndex) -> None:
        """Windows of the index, of rows of the collection."""
        self._collection = collection
        self._first_start = int(index.starts(np.array(0)))
        self._several = len(collection.stores) > 1
        self._ragged = index if index.ragged else None

    def places(self, starts: NDArray[np.int64], *, by_store: bool) -> Places:
        """Find the windows that start at rows (B,) of the collection; PADDING fills the last batch of an epoch.

        `by_store` sorts those of several stores, so that those of one store are copied together.
        """
        if not self._several and starts[-1] != PADDING:
            return Places(starts, starts, starts)
        padded = starts == PADDING
        rows = np.where(padded, self._first_start, starts)
        order = np.argsort(rows) if self._several and by_store else None
        if order is not None:
            rows, padded = rows[order], padded[order]
        store, local = self._collection.locate(rows)
        if not padded.any():
            return Places(rows, local, local, store, order)
        return Places(rows, local, np.where(padded, PADDING, local), store, order, padded)

    def batch(
        self,
        places: Places,
        values: Tensor,
        mask: Tensor | None,
        target: Tensor | None,
        target_mask: Tensor | None,
        future: Tensor | None = None,
        future_mask: Tensor | None = None,
    ) -> WindowBatch:
        """The batch of values, targets and future that were gathered from these places; it keeps their memory."""
        length = None
        if self._ragged is not None:
            found = self._ragged.lengths(places.rows)
            length = torch.from_numpy(found if places.padded is None else np.where(places.padded, 0, found))
            length = length.to(values.device)
            absent = absent_rows(length, self._ragged.window)
            mask = _blanked(absent, values, mask)
            target_mask = None if target is None else _blanked(absent, target, target_mask)
        if places.padded is not None:
            padded = torch.from_numpy(places.padded).to(values.device)
            mask = _blanked(padded, values, mask)
            target_mask = None if target is None else _blanked(padded, target, target_mask)
            future_mask = None if future is None else _blanked(padded, future, future_mask)
        store = None if places.store is None else torch.from_numpy(places.store)
        start = torch.from_numpy(places.start)
        return WindowBatch(values, start, mask, target, target_mask, store, future, future_mask, length=length)


def absent_rows(length: Tensor, window: int) -> Tensor:
    """Which of K rows are not there (B, K), of windows of so many rows (B,)."""
    return torch.arange(window, device=length.device) >= length[:, None]


def blank_of(batch: WindowBatch) -> Tensor | None:
    """What is 0 in a batch: windows that only fill it (B,), or rows that are not there (B, K); None if nothing."""
    if batch.length is not None:
        return absent_rows(batch.length, batch.values.shape[1])
    return (batch.start < 0).to(batch.values.device) if int(batch.start.min()) < 0 else None


def _blanked(padded: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Put zeros into windows that only fill the batch, or rows that are not there; the mask is False there."""
    values[padded] = 0
    mask = torch.ones_like(values, dtype=torch.bool) if mask is None else mask
    mask[padded] = False
    return mask
