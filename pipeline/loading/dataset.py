"""The windows of stores as a torch dataset of ready batches."""

import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.options import DatasetOptions, Stores
from longstride.pipeline.loading.ordering.blocks import Share
from longstride.pipeline.loading.ordering.order import Order, SequentialOrder
from longstride.pipeline.loading.ordering.shuffled import ShuffledOrder
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.batches import BatchGather
from longstride.pipeline.loading.serving.decoded_pools import DecodedPools, PoolPlan
from longstride.pipeline.loading.serving.readahead import DiskWatch
from longstride.pipeline.loading.serving.row_reader import merged
from longstride.pipeline.loading.serving.stores import Collection
from longstride.pipeline.loading.signature import takes
from longstride.pipeline.loading.splits import Split
from longstride.storage.errors import LongstrideError
from longstride.storage.open import open_store
from longstride.storage.segments import Segments
from longstride.storage.store import SeriesStore

__all__ = ["Run", "WindowDataset"]


class Run(NamedTuple):
    """Consecutive steps."""

    step: int
    """The first."""
    starts: NDArray[np.int64]
    """Rows of the collection at which windows start, (steps, B / world_size)."""
    served: slice = slice(None)
    """Which of the steps are to be served."""


class WindowDataset(IterableDataset[WindowBatch]):
    """Batches of windows, in an order that is a pure function of (seed, epoch, step).

    Serve it through `WindowLoader`, or a plain `DataLoader` with `batch_size=None`.
    """

    @takes(DatasetOptions)
    def __init__(self, store: Stores, options: DatasetOptions) -> None:
        """Serve windows of one store or several, given opened or as paths and URLs.

        Raises LongstrideError for options that do not fit each other or the stores, and where no window (no batch,
        if shuffled) fits the rows.
        """
        self.rank, self.world_size = options.rank, options.world_size
        self.batch_size = options.batch_size
        self.collection = Collection(_opened(store), options)
        windows = self.collection.windows(_segments_of(self.collection.stores, options.split), options)
        self.index = windows.index
        self.num_skipped = windows.num_skipped
        """Windows left out for missing values or labels."""
        counts = np.diff(self.index.offsets[windows.first_segment]).tolist()
        numbers = _windows_of_stores(counts, options.weights, options.windows_per_epoch)
        needed = options.batch_size if options.shuffle else 1
        _check_number(self.index, sum(numbers), needed, self.num_skipped)
        self.order: Order
        if options.shuffle:
            bounds = pairwise(windows.first_segment.tolist())
            self.order = ShuffledOrder(
                self.index,
                options.batch_size,
                lanes=options.resolved_lanes,
                seed=options.seed,
                pool_rows=options.pool_rows,
                block_rows=options.block_rows,
                shares=[Share(*bound, number) for bound, number in zip(bounds, numbers, strict=True)],
            )
        else:
            self.order = SequentialOrder(self.index, options.batch_size, options.pool_rows)
        self.settings: dict[str, Any] = {
            "data": _data_hash(self.collection.stores, self.index),
            **options.order_settings(self.collection.channels, self.collection.targets),
        }
        """Everything that the batches depend on, epoch and step apart."""
        self._disk = DiskWatch()
        # Shared, so that worker processes see what is set while they are alive.
        self._begin = torch.zeros(2, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]

    def __len__(self) -> int:
        """Steps of an epoch, the same on every rank."""
        return self.order.num_steps

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """Let the next iteration serve `epoch` from `step` on; any later one starts at its first step.

        In a plain `DataLoader` with worker processes, that holds for every iteration until it is called again.
        Raises LongstrideError for a step outside the epoch.
        """
        if not 0 <= step <= len(self):
            raise LongstrideError(f"step {step} is outside the {len(self)} steps of an epoch", code="option-value")
        self._begin.copy_(torch.tensor([epoch, step]))

    @property
    def begin(self) -> tuple[int, int]:
        """Epoch and step that the next iteration begins with, also in a worker process."""
        epoch, step = self._begin.tolist()
        return epoch, step

    def __iter__(self) -> Iterator[WindowBatch]:
        worker = get_worker_info()
        # A DataLoader takes from its workers in turn, so this deals the steps out in their order.
        number, num_workers = (worker.id, worker.num_workers) if worker else (0, 1)
        epoch, first = self.begin
        if not worker:
            self.set_epoch(epoch)
        return self._deal(epoch, first, number, num_workers)

    def _deal(self, epoch: int, first: int, number: int, num_workers: int) -> Iterator[WindowBatch]:
        mine = (
            Run(step, run, slice((number - (step - first)) % num_workers, None, num_workers))
            for step, run, _ in self.runs(epoch, first)
        )
        return self.serve(epoch, mine)

    def serve(self, epoch: int, runs: Iterator[Run]) -> Iterator[WindowBatch]:
        """The batches of an epoch, run by run."""
        if self.collection.arrays is None:
            yield from self._decoded.serve(
                (plan._replace(local=plan.local[run.served]), run.starts[run.served])
                for run in runs
                for plan in [self.pool_of(epoch, run)]
            )
            return
        for run in runs:
            yield from self._gather.batches(run.starts[run.served])

    def pool_of(self, epoch: int, run: Run) -> PoolPlan:
        """The rows that windows of a run are made of, and where in them these begin."""
        first, _ = self.order.run_of(run.step)
        ranges = merged(self.order.rows(epoch, run.step, self.rank, self.world_size))
        local = self.order.draw(epoch, first, self.rank, self.world_size, within=ranges)[run.step - first :]
        return PoolPlan(ranges, local, int((ranges[:, 1] - ranges[:, 0]).sum()))

    def __getstate__(self) -> dict[str, Any]:
        # A worker process has buffers of its own.
        return {name: value for name, value in vars(self).items() if name not in ("_gather", "_decoded")}

    @cached_property
    def _gather(self) -> BatchGather:
        return BatchGather(self.collection, self.index, self.batch_size // self.world_size)

    @cached_property
    def _decoded(self) -> DecodedPools:
        return DecodedPools(self.collection, self.index, self.batch_size // self.world_size)

    def runs(self, epoch: int, step: int) -> Iterator[Run]:
        """The steps of an epoch from `step` on, run by run."""
        self._read_ahead(epoch, step)
        while step < len(self):
            first, _ = self.order.run_of(step)
            for starts in self.order.draw_some(epoch, first, self.rank, self.world_size):
                run = Run(step, starts[step - first :])
                step = first = first + len(starts)
                self._read_ahead(epoch, step)
                yield run

    def read_ahead(self, epoch: int, step: int) -> None:
        """Have the rows of the run that holds `step` read from disk soon; do not wait."""
        self.collection.read_ahead(self.order.rows(epoch, step, self.rank, self.world_size))

    def _read_ahead(self, epoch: int, step: int) -> None:
        if step < len(self) and self._disk.is_worth_it():
            self.read_ahead(epoch, step)


def _opened(store: Stores) -> list[SeriesStore]:
    stores = [store] if isinstance(store, SeriesStore | str | os.PathLike) else list(store)
    if not stores:
        raise LongstrideError("no store is given: expected at least one", code="option-value")
    return [item if isinstance(item, SeriesStore) else open_store(item) for item in stores]


def _segments_of(stores: Sequence[SeriesStore], split: Split | Sequence[Split] | None) -> list[Segments]:
    if split is None:
        return [store.segments for store in stores]
    splits = [split] if isinstance(split, Split) else list(split)
    if len(splits) != len(stores):
        raise LongstrideError(
            f"{len(splits)} splits were given for {len(stores)} stores: expected one for each", code="option-value"
        )
    return [part.segments for part in splits]


def _windows_of_stores(counts: list[int], weights: Sequence[float] | None, in_all: int | None) -> list[int]:
    """How many windows of each store an epoch has, from those that there are."""
    if not sum(counts) or (weights is None and in_all is None):
        return counts
    total = sum(counts) if in_all is None else in_all
    if total < 1 or (in_all is not None and weights is None and in_all > sum(counts)):
        raise LongstrideError(
            f"windows_per_epoch={in_all}: expected a number from 1 to the {sum(counts):,} windows there are",
            code="option-value",
        )
    shares = counts if weights is None else [float(weight) for weight in weights]
    if len(shares) != len(counts) or min(shares) < 0 or not 0 < sum(shares) < math.inf:
        raise LongstrideError(
            f"weights={list(shares)} for {len(counts)} stores: expected a number from 0 on for each, not all 0",
            code="option-value",
        )
    if weights is not None and any(share and not count for share, count in zip(shares, counts, strict=True)):
        raise LongstrideError(
            "a store with a weight has no windows: leave it out, or use a shorter window", code="option-value"
        )
    # Rounded in all, so that nothing is lost.
    edges = [round(total * sum(shares[:number]) / sum(shares)) for number in range(len(shares) + 1)]
    return [stop - start for start, stop in pairwise(edges)]


def _check_number(index: WindowIndex, num_windows: int, needed: int, num_skipped: int) -> None:
    if num_windows >= needed:
        return
    longest = int((index.segments.stop - index.segments.start).max(initial=0))
    skipped = f"{num_skipped:,} were left out for missing values or labels; " if num_skipped else ""
    raise LongstrideError(
        f"{num_windows} windows of {index.span} rows fit (the longest segment has {longest} rows), "
        f"{skipped}{'a batch takes ' + str(needed) if needed > 1 else 'expected at least 1'}: "
        "use a shorter window, a smaller stride or a smaller batch",
        code="too-few-windows",
    )


def _data_hash(stores: Sequence[SeriesStore], index: WindowIndex) -> str:
    """Of the rows that windows are taken from, and of where they begin."""
    digest = hashlib.sha256()
    for store in stores:
        digest.update(np.array(store.attributes["checksums_crc32c"]["values"], "<u4").tobytes())
    for bounds in (index.segments.start, index.segments.stop):
        digest.update(bounds.astype("<i8").tobytes())
    return digest.hexdigest()
