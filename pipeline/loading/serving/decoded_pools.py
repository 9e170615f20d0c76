"""Batches of stores whose rows are not in memory: the rows of some steps are decoded once, into a pool.

While one pool is served, threads decode the next one into another buffer.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.batches import PoolGather
from longstride.pipeline.loading.serving.extras import Extras
from longstride.pipeline.loading.serving.prefetch import Prefetch
from longstride.pipeline.loading.serving.row_reader import RowReader
from longstride.pipeline.loading.serving.row_tables import PoolTables
from longstride.pipeline.loading.serving.stores import Collection

__all__ = ["DecodedPools", "PoolPlan"]


class PoolPlan(NamedTuple):
    """What a pool holds, and where its windows begin in it."""

    ranges: NDArray[np.int64]
    """Rows of the collection (ranges, 2), apart and in order."""
    local: NDArray[np.int64]
    """Row of the pool at which each window starts, (steps, B / world_size); 0 where it only fills the batch."""
    num_rows: int
    """Those of the ranges, and some behind them if windows may be shorter."""


class DecodedPools:
    """Serves batches from pools of decoded rows, two of which are in memory."""

    def __init__(
        self,
        collection: Collection,
        index: WindowIndex,
        batch: int,
        extras: Extras | None = None,
        *,
        by_store: bool = True,
    ) -> None:
        """Batches of `batch` windows, those of several stores sorted if `by_store`."""
        self._by_store = by_store
        self._collection = collection
        self._reader = RowReader(collection)
        self._extras = extras
        self._gather = PoolGather(collection, index, batch, extras)
        self._free: list[Tensor] = []

    def serve(self, plans: Iterator[tuple[PoolPlan, NDArray[np.int64]]]) -> Iterator[WindowBatch]:
        """Batches of plans, each with the starts (steps, B / world_size) that are to be served of it."""
        pools = Prefetch(self._decode(plan, starts) for plan, starts in plans)
        for memory, plan, starts, tables in pools:
            self._gather.use(self._shaped(memory, plan).numpy(), tables)
            for local, served in zip(plan.local, starts, strict=True):
                with _cores_shared() if pools.is_making else nullcontext():
                    batch = self._gather(local, served, by_store=self._by_store)
                yield batch
            self._free.append(memory)

    def _decode(
        self, plan: PoolPlan, starts: NDArray[np.int64]
    ) -> tuple[Tensor, PoolPlan, NDArray[np.int64], PoolTables | None]:
        size = plan.num_rows * len(self._collection.served)
        memory = self._free.pop() if self._free else torch.empty(0, dtype=self._reader.dtype)
        if memory.numel() < size:
            memory = torch.empty(size, dtype=self._reader.dtype)
        self._reader.read(plan.ranges, self._shaped(memory, plan))
        return memory, plan, starts, None if self._extras is None else self._extras.read(plan.ranges)

    def _shaped(self, memory: Tensor, plan: PoolPlan) -> Tensor:
        num_channels = len(self._collection.served)
        return memory[: plan.num_rows * num_channels].view(plan.num_rows, num_channels)


@contextmanager
def _cores_shared() -> Iterator[None]:
    """Leave half of the cores to the threads that decode.

    Torch's threads wait for each other at the end of each copy. When a decoder takes the core of one, the others
    spin until it is back: with all of them a third fewer windows are served, on two cores.
    """
    num_threads = torch.get_num_threads()
    torch.set_num_threads(max(1, num_threads // 2))
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)
