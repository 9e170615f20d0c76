"""What an order of windows is, and the plain one: the windows in row order."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.ranges import counted_within, rows_of
from longstride.pipeline.loading.ordering.windows import WindowIndex

__all__ = ["PADDING", "POOL_ROWS", "EqualRuns", "Order", "SequentialOrder", "runs_in_a_row"]

POOL_ROWS = 2**20
"""Rows that are mixed at a time, over all lanes."""
RUNS_IN_A_ROW, WINDOWS_IN_A_ROW = 16, 2**16
"""Limits of what is drawn one after the other, while the processor's cache holds what that needs: after the
batches of one run of steps it does not."""

PADDING = -1
"""Start of a window that only fills the last batch."""


class Order(Protocol):
    """The steps of an epoch, drawn in runs of consecutive steps."""

    num_steps: int
    num_dropped: int

    def run_of(self, step: int) -> tuple[int, int]:
        """First step and step after the last of the run that holds `step`."""
        ...

    def draw(
        self, epoch: int, step: int, rank: int, world_size: int, within: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Window starts (steps, B / world_size) that a rank serves in the run that begins at `step`.

        `within` ranges of rows (ranges, 2), which hold all of them, rows are counted from the first one on and
        without those between ranges; what only fills the last batch then starts at 0.
        """
        ...

    def draw_some(self, epoch: int, step: int, rank: int, world_size: int) -> list[NDArray[np.int64]]:
        """The same of that run and of some that follow it: drawing several takes less time for each."""
        ...

    def rows(self, epoch: int, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        """Ranges of rows (ranges, 2), first and one after the last, that hold all windows of that run."""
        ...


def runs_in_a_row(order: Order, step: int, share: int) -> list[tuple[int, int]]:
    """Runs from the one that begins at `step` on, of which a rank serves `share` windows a step."""
    runs: list[tuple[int, int]] = []
    first = step
    while step < order.num_steps and len(runs) < RUNS_IN_A_ROW and (step - first) * share < WINDOWS_IN_A_ROW:
        runs.append(order.run_of(step))
        step = runs[-1][1]
    return runs


class EqualRuns(Order, Protocol):
    """An order whose runs all have the same number of steps, but for the last one of an epoch."""

    batch_size: int
    run_steps: int

    def run_of(self, step: int) -> tuple[int, int]:
        """See Order."""
        first = step - step % self.run_steps
        return first, min(first + self.run_steps, self.num_steps)

    def draw_some(self, epoch: int, step: int, rank: int, world_size: int) -> list[NDArray[np.int64]]:
        """See Order."""
        runs = runs_in_a_row(self, step, self.batch_size // world_size)
        return [self.draw(epoch, first, rank, world_size) for first, _ in runs]


class SequentialOrder(EqualRuns):
    """Windows in row order; the last batch is filled with PADDING, so that every window is served once."""

    MAX_RUN_STEPS = 64

    def __init__(self, index: WindowIndex, batch_size: int, pool_rows: int = POOL_ROWS) -> None:
        """The rows of a run of steps are at most about `pool_rows`."""
        self.index = index
        self.batch_size = batch_size
        self.num_steps = -(-len(index) // batch_size)
        self.num_dropped = 0
        self.run_steps = min(self.MAX_RUN_STEPS, max(1, pool_rows // (batch_size * index.stride)))

    def draw(
        self, epoch: int, step: int, rank: int, world_size: int, within: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """See Order; the epoch makes no difference."""
        windows = self._windows(step, rank, world_size)
        inside = windows < len(self.index)
        starts = self.index.starts(np.where(inside, windows, 0))
        if within is not None:
            return np.where(inside, counted_within(within, starts), 0)
        return np.where(inside, starts, PADDING)

    def rows(self, epoch: int, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        """See Order."""
        windows = np.unique(np.minimum(self._windows(step, rank, world_size), len(self.index) - 1))
        segment = self.index.segment_of(windows)
        apart = np.flatnonzero((np.diff(windows) > 1) | (np.diff(segment) > 0))
        first, last = windows[np.append(0, apart + 1)], windows[np.append(apart, len(windows) - 1)]
        return rows_of(self.index, self.index.starts(first), last - first + 1)

    def _windows(self, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        first, stop = self.run_of(step)
        share = self.batch_size // world_size
        begin = np.arange(first, stop) * self.batch_size + rank * share
        return begin[:, None] + np.arange(share)
