"""Batches of stores whose rows are not in memory: the rows of a run of steps are decoded once, into a pool.

While one pool is served, threads decode the next one into another buffer.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.loading.batch import WindowBatch
from pipeline.loading.collection import Collection
from pipeline.loading.gather import PoolGather
from pipeline.loading.rows import RowReader
from pipeline.loading.stager import ahead
from pipeline.loading.windows import WindowIndex

__all__ = ["DecodedPools", "PoolPlan"]


class PoolPlan(NamedTuple):
    """What a pool holds, and where its windows begin in it."""

    ranges: NDArray[np.int64]
    """Rows of the collection (ranges, 2), apart and in order."""
    local: NDArray[np.int64]
    """Row of the pool at which each window starts, (steps, B / world_size); 0 where it only fills the batch."""
    num_rows: int


class DecodedPools:
    """Serves batches from pools of decoded rows, two of which are in memory."""

    def __init__(self, collection: Collection, index: WindowIndex, batch: int) -> None:
        """Batches of `batch` windows."""
        self._collection = collection
        self._reader = RowReader(collection)
        self._gather = PoolGather(collection, index, batch)
        self._free: list[Tensor] = []

    def serve(self, plans: Iterator[tuple[PoolPlan, NDArray[np.int64]]]) -> Iterator[WindowBatch]:
        """Batches of plans, each with the starts (steps, B / world_size) that are to be served of it."""
        for memory, plan, starts in ahead(self._decode(plan, starts) for plan, starts in plans):
            self._gather.use(self._shaped(memory, plan).numpy())
            for local, served in zip(plan.local, starts, strict=True):
                yield self._gather(local, served)
            self._free.append(memory)

    def _decode(self, plan: PoolPlan, starts: NDArray[np.int64]) -> tuple[Tensor, PoolPlan, NDArray[np.int64]]:
        size = plan.num_rows * len(self._collection.served)
        memory = self._free.pop() if self._free else torch.empty(0, dtype=self._reader.dtype)
        if memory.numel() < size:
            memory = torch.empty(size, dtype=self._reader.dtype)
        self._reader.read(plan.ranges, self._shaped(memory, plan))
        return memory, plan, starts

    def _shaped(self, memory: Tensor, plan: PoolPlan) -> Tensor:
        num_channels = len(self._collection.served)
        return memory[: plan.num_rows * num_channels].view(plan.num_rows, num_channels)
