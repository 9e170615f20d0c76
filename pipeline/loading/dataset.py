"""The windows of a store as a torch dataset of ready batches."""

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from pipeline.loading.gather import WindowGather
from pipeline.loading.order import (
    BLOCK_ROWS,
    PADDING,
    POOL_ROWS,
    Order,
    SequentialOrder,
    ShuffledOrder,
    lanes_for,
)
from pipeline.loading.splits import Split
from pipeline.loading.windows import WindowIndex
from storage.errors import LongstrideError
from storage.store import SeriesStore

__all__ = ["WindowBatch", "WindowDataset"]


class WindowBatch(NamedTuple):
    """B windows of K rows of N channels."""

    values: Tensor
    """(B, K, N), float as stored, NaN where missing."""
    start: Tensor
    """(B,) int64, row of the store at which each window starts; -1 marks a window that only fills the batch."""
    mask: Tensor | None
    """(B, K, N) bool, True where a value is present and counts; None when all do."""


class WindowDataset(IterableDataset[WindowBatch]):
    """Batches of windows, in an order that is a pure function of (seed, epoch, step).

    Serve it through `WindowLoader`, or a plain `DataLoader` with `batch_size=None`.
    """

    def __init__(
        self,
        store: SeriesStore,
        *,
        window: int,
        stride: int = 1,
        horizon: int = 0,
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        split: Split | None = None,
        lanes: int | None = None,
        pool_rows: int = POOL_ROWS,
        block_rows: int = BLOCK_ROWS,
    ) -> None:
        """Windows of `window` (K) rows, `stride` rows apart, that have `horizon` rows after them.

        `batch_size` is that of the global batch, over all ranks; each rank serves its share. Shuffled, the last
        windows that do not fill a batch are left out (`num_dropped`); in row order they are padded and masked.
        `split` limits the windows to its rows. `lanes` (L, by default as in `lanes_for`) must divide the batch and
        be a multiple of the world size. `pool_rows` over all lanes are mixed at a time, from blocks of about
        `block_rows`: like `lanes` and the seed, both belong to the order.

        Raises LongstrideError for arguments that do not fit each other, or when no window (no batch, if
        shuffled) fits the rows.
        """
        self.store = store
        self.rank, self.world_size = rank, world_size
        self.batch_size = batch_size
        segments = store.segments if split is None else split.segments
        self.index = WindowIndex(segments, window, stride, horizon)
        self._check_ranks()
        lanes = lanes_for(batch_size, world_size) if lanes is None else lanes
        self._check(lanes, shuffle)
        self.order: Order
        if shuffle:
            self.order = ShuffledOrder(
                self.index, batch_size, lanes=lanes, seed=seed, pool_rows=pool_rows, block_rows=block_rows
            )
        else:
            self.order = SequentialOrder(self.index, batch_size)
        settings = [window, stride, horizon, batch_size, shuffle, seed, lanes, pool_rows, block_rows]
        self.fingerprint = _fingerprint(store, self.index, settings)
        """Hash of everything that the order and the values of a batch depend on, epoch and step apart."""
        self._epoch = 0
        self._step = 0

    def __len__(self) -> int:
        """Steps of an epoch, the same on every rank."""
        return self.order.num_steps

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """Let the next iteration serve `epoch` from `step` on; any later one starts at its first step."""
        if not 0 <= step <= len(self):
            raise LongstrideError(f"step {step} is outside the {len(self)} steps of an epoch")
        self._epoch = epoch
        self._step = step

    def __iter__(self) -> Iterator[WindowBatch]:
        worker = get_worker_info()
        first, self._step = self._step, 0
        if worker is None:
            return self._serve(self._epoch, range(first, len(self)))
        # A DataLoader takes from its workers in turn, so this deals the steps out in their order.
        return self._serve(self._epoch, range(first + worker.id, len(self), worker.num_workers))

    def __getstate__(self) -> dict[str, Any]:
        # A worker process has buffers of its own.
        return {name: value for name, value in vars(self).items() if name != "_gather"}

    @cached_property
    def _gather(self) -> WindowGather:
        has_missing = bool((self.store.stats().count < self.store.num_rows).any())
        share = self.batch_size // self.world_size
        return WindowGather(self.store.values, self.index.window, share, mask=has_missing)

    def _serve(self, epoch: int, steps: range) -> Iterator[WindowBatch]:
        gather = self._gather
        for starts in self._starts(epoch, steps):
            start = torch.from_numpy(starts)
            if starts[-1] != PADDING:
                values, mask = gather(start)
            else:
                values, mask = gather(start.clamp(min=0))
                mask = torch.ones_like(values, dtype=torch.bool) if mask is None else mask
                mask[start == PADDING] = False
            yield WindowBatch(values, start, mask)

    def _starts(self, epoch: int, steps: range) -> Iterator[NDArray[np.int64]]:
        """Window starts (B / world_size,) of each step."""
        stop = 0
        for step in steps:
            if step >= stop:
                first, stop = self.order.run_of(step)
                run = self.order.draw(epoch, first, self.rank, self.world_size)
            yield run[step - first].copy()

    def _check_ranks(self) -> None:
        batch, world = self.batch_size, self.world_size
        if batch < 1:
            raise LongstrideError(f"batch size {batch}: expected at least 1")
        if not 0 <= self.rank < world:
            raise LongstrideError(f"rank {self.rank} is outside a world of {world}")
        if batch % world:
            raise LongstrideError(
                f"a global batch of {batch} windows cannot be shared by {world} ranks: "
                f"take a multiple of {world}, for example {-(-batch // world) * world}"
            )

    def _check(self, lanes: int, shuffle: bool) -> None:
        batch, world = self.batch_size, self.world_size
        if shuffle and (lanes < 1 or batch % lanes or lanes % world):
            raise LongstrideError(
                f"{lanes} lanes do not fit a batch of {batch} on {world} ranks: give lanes={world}, or another "
                f"multiple of {world} that divides {batch}"
            )
        index = self.index
        if len(index) < (batch if shuffle else 1):
            longest = int((index.segments.stop - index.segments.start).max(initial=0))
            raise LongstrideError(
                f"{len(index)} windows of {index.span} rows fit (the longest segment has {longest} rows), "
                f"{'a batch takes ' + str(batch) if shuffle else 'expected at least 1'}: "
                "use a shorter window, a smaller stride or a smaller batch"
            )


def _fingerprint(store: SeriesStore, index: WindowIndex, settings: list[int]) -> str:
    digest = hashlib.sha256(json.dumps(settings).encode())
    digest.update(json.dumps(store.attributes["checksums_crc32c"]["values"]).encode())
    for bounds in (index.segments.start, index.segments.stop):
        digest.update(bounds.astype("<i8").tobytes())
    return digest.hexdigest()
