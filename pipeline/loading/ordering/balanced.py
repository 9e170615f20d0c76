"""Which windows are served at which step, where they are drawn by weights: pure arithmetic on (seed, epoch, step).

- The windows are groups (classes) with a share each. A step takes the same number of windows from a group as any
  other step, or one more, so that the share is kept over any run of steps (`_Counts`).
- The windows that an epoch takes of a group are points at equal distances on a line along which each window has a
  part as long as its weight, at a place that the epoch decides. So a window comes as often as its weight says,
  rounded down or up.
- The line is cut into as many strata as a step takes windows of the group, one from each: a batch is spread over
  all of the group. A stratum is cut into blocks of as many points as a pool has steps, and the blocks and the
  points of each are permuted: so a pool needs few rows. Where windows come again in an epoch, or have weights of
  their own, a stratum is one block.
- The entries of a batch are dealt out so that each rank gets its part of every group (`_dealt`).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.hashing import derive, hashes
from longstride.pipeline.loading.ordering.order import POOL_ROWS, EqualRuns
from longstride.pipeline.loading.ordering.ranges import counted_within
from longstride.pipeline.loading.ordering.scrambled import scrambled
from longstride.pipeline.loading.ordering.weighted import Group
from longstride.pipeline.loading.ordering.windows import WindowIndex

__all__ = ["MAX_WINDOWS", "BalancedOrder"]

BALANCE = 3
"""What a key is for; blocks, passes and pools have keys of their own."""
PERIOD_BITS = 10
"""After 2^10 steps, how many windows steps take of each group repeats."""
MAX_POOL_WINDOWS = 2**17
"""Windows that are drawn together."""
MAX_WINDOWS = 2**31
"""Windows of an epoch: the square of it fits into 63 bits."""


class BalancedOrder(EqualRuns):
    """Windows of groups by their shares, and in a group by their weights."""

    def __init__(
        self,
        index: WindowIndex,
        groups: Sequence[Group],
        shares: Sequence[float],
        batch_size: int,
        *,
        num_windows: int,
        seed: int,
        replacement: bool = False,
        pool_rows: int = POOL_ROWS,
    ) -> None:
        """`shares` of the groups, with a sum of 1; `num_windows` make an epoch.

        With replacement, each draw is independent of the others of its block.
        """
        assert num_windows < MAX_WINDOWS
        self.index = index
        self.num_steps = num_windows // batch_size
        self.num_dropped = num_windows - self.num_steps * batch_size
        self._groups = groups
        self.batch_size = batch_size
        self._dealt = _dealt(batch_size)
        self._seed = seed
        self._replacement = replacement
        self._counts = _Counts(shares, batch_size)
        self.run_steps = max(1, min(MAX_POOL_WINDOWS // batch_size, self.num_steps))
        while self.run_steps > 1 and self._rows_of_pool(self.run_steps) > pool_rows:
            self.run_steps -= -(-self.run_steps // 8)

    def draw(
        self, epoch: int, step: int, rank: int, world_size: int, within: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """See Order."""
        starts = self.index.starts(self._windows(epoch, step, rank, world_size))
        return starts if within is None else counted_within(within, starts)

    def rows(self, epoch: int, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        """See Order."""
        starts = np.unique(self.draw(epoch, step, rank, world_size))
        ends = self.index.ends(starts)
        apart = starts[1:] >= ends[:-1]  # rows of two stores are never one range
        return np.stack([starts[np.append(True, apart)], ends[np.append(apart, True)]], axis=1)

    def _rows_of_pool(self, num_steps: int) -> float:
        """Roughly, the most rows that a pool of so many steps needs."""
        span, rows = self.index.span, 0.0
        for number, group in enumerate(self._groups):
            strata = self._counts.most(number)
            draws = num_steps * strata
            part = min(1.0, draws / max(1, self._num_points(number))) if self._in_blocks(number) else 1.0
            in_all = len(group) * self.index.stride * part + max(group.num_runs * part, strata) * span
            rows += min(in_all, draws * span)
        return rows

    def _num_points(self, number: int) -> int:
        """Windows that an epoch takes of a group."""
        return int(self._counts.of(number, np.array([self.num_steps]))[0][0])

    def _in_blocks(self, number: int) -> bool:
        group = self._groups[number]
        return group.is_even and len(group) >= self._num_points(number)

    def _windows(self, epoch: int, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        """Numbers of windows (steps, B / world_size) of the run that holds `step`."""
        steps = np.arange(*self.run_of(step))
        share = self.batch_size // world_size
        entry = self._dealt[rank * share : (rank + 1) * share]
        windows = np.empty((len(steps), share), np.int64)
        begins = np.zeros((len(steps), 1), np.int64)
        for number in range(len(self._groups)):
            before, count = self._counts.of(number, steps)
            mine = (entry >= begins) & (entry < begins + count[:, None])
            draws = (before[:, None] - begins + entry)[mine]
            if len(draws):
                windows[mine] = self._drawn(number, epoch, draws)
            begins += count[:, None]
        return windows

    def _drawn(self, number: int, epoch: int, draws: NDArray[np.int64]) -> NDArray[np.int64]:
        """Windows of some draws of a group in an epoch, by their numbers."""
        group = self._groups[number]
        num_points = self._num_points(number)
        num_strata = self._counts.most(number)
        key = derive(self._seed, epoch, BALANCE, number)
        turn = derive(key, 0)
        place, stratum = np.divmod(draws, num_strata)
        size = num_points // num_strata + (stratum < num_points % num_strata)
        first = stratum * (num_points // num_strata) + np.minimum(stratum, num_points % num_strata)

        block_size = np.minimum(self.run_steps, size) if self._in_blocks(number) else size
        num_blocks = size // block_size  # full ones; what is left stays behind them
        block, point = np.divmod(place, block_size)
        is_full = block < num_blocks
        block[is_full] = scrambled(hashes(derive(key, 1), stratum[is_full]), block[is_full], num_blocks[is_full])
        length = np.where(is_full, block_size, size - num_blocks * block_size)
        if self._replacement:
            bits = hashes(derive(key, 2), draws)
            point = (bits % length.astype(np.uint64)).astype(np.int64)
            offset = (hashes(derive(key, 3), draws) % np.uint64(num_points)).astype(np.int64)
        else:
            point = scrambled(hashes(derive(key, 2), stratum * num_points + block), point, length)
            offset = np.full(len(draws), derive(key, 3) % num_points)
        return group.at(first + block * block_size + point, offset, num_points, turn)


def _dealt(batch_size: int) -> NDArray[np.int64]:
    """Permutation of the entries of a batch in which every rank's part of it is spread over all entries.

    The digits of the number of an entry are reversed, where the prime factors of B are the bases.
    """
    entries, left = np.zeros(1, np.int64), batch_size
    while left > 1:
        base = next((base for base in range(2, int(left**0.5) + 1) if left % base == 0), left)
        entries = (entries[:, None] + np.arange(base) * (batch_size // left)).reshape(-1)
        left //= base
    return entries


class _Counts:
    """How many windows a step takes of each group.

    A step lays a grid of B points over the shares, moved by a fraction of the distance. The fractions of 2^10
    steps are all multiples of 2^-10, in an order in which any few steps have fractions far apart.
    """

    def __init__(self, shares: Sequence[float], batch_size: int) -> None:
        period = 1 << PERIOD_BITS
        moved = np.zeros(period)
        for bit in range(PERIOD_BITS):
            moved += (np.arange(period) >> bit & 1) / 2.0 ** (bit + 1)
        moved += 0.5 / period
        edges = np.concatenate([[0.0], np.cumsum(shares[:-1])])[:, None] * batch_size
        stops = np.clip(np.ceil(edges - moved), 0, batch_size).astype(np.int64)
        stops[0] = 0
        counts = np.diff(stops, axis=0, append=np.full((1, period), batch_size))
        self._counts = counts
        self._before = np.concatenate([np.zeros((len(counts), 1), np.int64), np.cumsum(counts, axis=1)], axis=1)

    def of(self, group: int, steps: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Windows of the group in all steps before each of these, and in the step itself."""
        periods, step = np.divmod(steps, self._counts.shape[1])
        return periods * self._before[group, -1] + self._before[group, step], self._counts[group, step]

    def most(self, group: int) -> int:
        """The most windows of the group that a step takes."""
        return int(self._counts[group].max())
