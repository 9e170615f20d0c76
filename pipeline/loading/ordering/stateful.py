"""The order for state that is carried over: each place of a batch continues where it stopped in the batch before.

The windows lie end to end, segment after segment; shuffled, the segments are permuted by (seed, epoch). They are
cut into as many lanes of equal length as a batch has windows, and place b of the batches is lane b. So the batch
of a step does not depend on the number of ranks, and any step can be drawn without the steps before it.
"""

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.blocks import Blocks, Epochs, Share
from longstride.pipeline.loading.ordering.order import PADDING, POOL_ROWS, EqualRuns
from longstride.pipeline.loading.ordering.ranges import counted_within, numbered, rows_of
from longstride.pipeline.loading.ordering.windows import WindowIndex

__all__ = ["StatefulOrder"]

MAX_RUN_STEPS = 64


class StatefulOrder(EqualRuns):
    """Windows of which place b of a batch follows the one at place b of the batch before."""

    def __init__(
        self, index: WindowIndex, batch_size: int, *, shuffle: bool, seed: int, pool_rows: int = POOL_ROWS
    ) -> None:
        """Shuffled, fewer than a batch of windows are left out; otherwise PADDING fills the last batch."""
        self.index = index
        self.batch_size = batch_size
        least, rest = divmod(len(index), batch_size)
        self.num_steps = least if shuffle else least + (rest > 0)
        self.num_dropped = rest if shuffle else 0
        # The first lanes are a window longer where the last batch is filled: what fills it comes last in it.
        longer = np.minimum(np.arange(batch_size + 1), 0 if shuffle else rest)
        self._edges = np.arange(batch_size + 1) * least + longer
        self.run_steps = max(1, min(MAX_RUN_STEPS, pool_rows // (batch_size * index.stride)))
        share = Share(0, len(index.counts), len(index))
        self._epochs = Epochs(index, max(1, int(index.counts.max(initial=0))), [share], seed) if shuffle else None
        filled = np.flatnonzero(index.counts)
        position = np.concatenate([index.offsets[filled], index.offsets[-1:]])
        self._in_row_order = Blocks(filled, np.zeros_like(filled), position)

    def draw(
        self, epoch: int, step: int, rank: int, world_size: int, within: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """See Order."""
        begin, end = self._lanes(rank, world_size)
        positions = begin + np.arange(*self.run_of(step))[:, None]
        inside = positions < end
        blocks = self._blocks(epoch)
        positions = np.where(inside, positions, 0)
        block = np.searchsorted(blocks.position, positions, side="right") - 1
        window = blocks.window[block] + positions - blocks.position[block]
        starts = self.index.segments.start[blocks.segment[block]] + window * self.index.stride
        if within is not None:
            return np.where(inside, counted_within(within, starts), 0)
        return np.where(inside, starts, PADDING)

    def rows(self, epoch: int, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        """See Order."""
        first, stop = self.run_of(step)
        begin, end = self._lanes(rank, world_size)
        begin, end = begin + first, np.minimum(end, begin + stop)
        if not (begin < end).any():  # what fills a batch is a copy of a window
            begin, end = np.zeros(1, np.int64), np.ones(1, np.int64)
        begin, end = begin[begin < end], end[begin < end]
        blocks = self._blocks(epoch)
        block, lane = numbered(
            np.searchsorted(blocks.position, begin, side="right") - 1, np.searchsorted(blocks.position, end)
        )
        low = np.maximum(begin[lane], blocks.position[block])
        high = np.minimum(end[lane], blocks.position[block + 1])
        window = blocks.window[block] + low - blocks.position[block]
        start = self.index.segments.start[blocks.segment[block]] + window * self.index.stride
        return rows_of(self.index, start, high - low)

    def _lanes(self, rank: int, world_size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions at which the lanes of a rank begin, and those after their last ones."""
        share = self.batch_size // world_size
        first = rank * share
        return self._edges[first : first + share], self._edges[first + 1 : first + share + 1]

    def _blocks(self, epoch: int) -> Blocks:
        return self._in_row_order if self._epochs is None else self._epochs.blocks(epoch)
