"""Which windows are served at which step: pure arithmetic on (seed, epoch, step).

Shuffled, an epoch is made like this (`docs/order.md` has a picture):

- Each segment's windows are cut into blocks, runs of windows that begin at multiples of `hop`. All blocks are
  permuted by (seed, epoch); laid end to end in that order, the windows have positions 0..W-1.
- The positions are shared equally among L lanes. A step takes the same number of windows from every lane; rank r
  serves L / world_size of the lanes. So the batch of a step does not depend on who serves it.
- A lane's positions are cut into pools, at the same steps in every lane. A pool is a matrix: a column (slot) is
  `hop` consecutive windows of a segment, a row (phase) is the windows whose number is equal modulo hop. Windows of
  one phase never overlap. The pool is served phase by phase, the phases permuted, the slots permuted anew in each.
- Where a batch straddles two phases, overlap is kept out by the order of slots: the slots of a lane's pool fall
  into two halves that lie apart in the data; every phase serves the first half, then the second.
"""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.loading.keyed import derive, hashes, permutation, shuffled
from pipeline.loading.windows import WindowIndex

__all__ = ["BLOCK_ROWS", "POOL_ROWS", "Order", "SequentialOrder", "ShuffledOrder", "lanes_for"]

POOL_ROWS = 2**20
"""Rows that are mixed at a time, over all lanes."""
BLOCK_ROWS = 2**13
"""Rows of a block, about."""

PADDING = -1
"""Start of a window that only fills the last batch."""

PRIMES = 2**31 - np.array([1, 19, 61, 69, 85, 99, 105, 151, 159, 171, 225, 249, 295, 325, 379, 399])
"""Multipliers of slot orders: coprime to every number of slots, since each is a larger prime."""


def lanes_for(batch_size: int, world_size: int) -> int:
    """Number of lanes L for a global batch that the world size divides: their largest common divisor with 48.

    Every world size that divides both the batch and 48 so has the same lanes, and serves the same batches. Another
    one (of 5 ranks, or 32) has lanes of its own: the least multiple of L that it divides.
    """
    return math.lcm(math.gcd(batch_size, 48), world_size)


class Order(Protocol):
    """The steps of an epoch, drawn in runs of consecutive steps."""

    num_steps: int
    num_dropped: int

    def run_of(self, step: int) -> tuple[int, int]:
        """First step and step after the last of the run that holds `step`."""
        ...

    def draw(self, epoch: int, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        """Window starts (steps, B / world_size) that a rank serves in the run that begins at `step`."""
        ...


class SequentialOrder:
    """Windows in row order; the last batch is filled with PADDING, so that every window is served once."""

    RUN_STEPS = 64

    def __init__(self, index: WindowIndex, batch_size: int) -> None:
        self.index = index
        self.batch_size = batch_size
        self.num_steps = -(-len(index) // batch_size)
        self.num_dropped = 0

    def run_of(self, step: int) -> tuple[int, int]:
        """See Order."""
        first = step - step % self.RUN_STEPS
        return first, min(first + self.RUN_STEPS, self.num_steps)

    def draw(self, epoch: int, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        """See Order; the epoch makes no difference."""
        first, stop = self.run_of(step)
        share = self.batch_size // world_size
        begin = np.arange(first, stop) * self.batch_size + rank * share
        windows = begin[:, None] + np.arange(share)
        inside = windows < len(self.index)
        starts = self.index.starts(np.where(inside, windows, 0))
        return np.where(inside, starts, PADDING)


class ShuffledOrder:
    """Every window once an epoch, in an order that mixes widely and keeps overlapping windows out of a batch.

    Fewer than one global batch of windows is left out of an epoch, another choice each time.
    """

    def __init__(
        self,
        index: WindowIndex,
        batch_size: int,
        *,
        lanes: int,
        seed: int,
        pool_rows: int = POOL_ROWS,
        block_rows: int = BLOCK_ROWS,
    ) -> None:
        """`batch_size` is global and a multiple of `lanes`; `pool_rows` counts over all lanes."""
        assert batch_size % lanes == 0
        self.index = index
        self.lanes = lanes
        self.seed = seed
        self.lane_share = batch_size // lanes
        self.num_steps = len(index) // batch_size
        self.num_dropped = len(index) - self.num_steps * batch_size
        # An epoch is a whole number of batches in every phase, but for a few steps: the phases, at least `hop`,
        # are as many as make it so.
        phase_batches = max(1, self.num_steps // index.hop)
        self._phases = max(index.hop, self.num_steps // phase_batches)
        slot_rows = self._phases * index.stride
        self._block_windows = self._phases * max(1, block_rows // slot_rows)
        self._blocks = np.concatenate([[0], np.cumsum(-(-index.counts // self._block_windows))])
        # So is a pool: two at least, for the two halves.
        pool_batches = max(2, round(pool_rows / (batch_size * slot_rows)))
        num_pools = max(1, round(phase_batches / pool_batches))
        self._pool_stops = np.arange(1, num_pools + 1) * phase_batches // num_pools * self._phases
        self._pool_stops[-1] = self.num_steps
        self._epoch: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None

    def run_of(self, step: int) -> tuple[int, int]:
        """See Order: the steps of one pool."""
        pool = int(np.searchsorted(self._pool_stops, step, side="right"))
        return int(self._pool_stops[pool - 1]) if pool else 0, int(self._pool_stops[pool])

    def draw(self, epoch: int, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        """See Order."""
        first, stop = self.run_of(step)
        mine = np.arange(self.lanes).reshape(world_size, -1)[rank]
        begin = (mine * self.num_steps + first) * self.lane_share
        end = (mine * self.num_steps + stop) * self.lane_share
        slots = self._slots(epoch, begin, end)
        starts = self._phase_by_phase(slots, len(mine), derive(self.seed, epoch, 1, first))
        steps = starts.reshape(len(mine), stop - first, self.lane_share).swapaxes(0, 1)
        return np.ascontiguousarray(steps).reshape(stop - first, -1)

    def _block_order(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Blocks in the order of the epoch, and the position of each one's first window (blocks + 1,)."""
        if self._epoch is None or self._epoch[0] != epoch:
            blocks = permutation(derive(self.seed, epoch, 0), int(self._blocks[-1]))
            _, _, counts = self._locate(blocks)
            self._epoch = (epoch, blocks, np.concatenate([[0], np.cumsum(counts)]))
        return self._epoch[1:]

    def _locate(self, blocks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Segment of each block, the number of its first window within it, and its windows."""
        segment = np.searchsorted(self._blocks, blocks, side="right") - 1
        first = (blocks - self._blocks[segment]) * self._block_windows
        return segment, first, np.minimum(self._block_windows, self.index.counts[segment] - first)

    def _slots(self, epoch: int, begin: NDArray[np.int64], end: NDArray[np.int64]) -> "_Slots":
        """Slots of positions begin:end of each lane, lane after lane, in the order of positions."""
        blocks, positions = self._block_order(epoch)
        first = np.searchsorted(positions, begin, side="right") - 1
        last = np.searchsorted(positions, end, side="left")
        piece, lane = _ranges(first, last)
        segment, window, _ = self._locate(blocks[piece])
        low = window + np.maximum(begin[lane] - positions[piece], 0)
        high = window + np.minimum(end[lane], positions[piece + 1]) - positions[piece]
        hop = self._phases
        slot, owner = _ranges(low // hop, -(-high // hop))
        return _Slots(
            lane=lane[owner],
            row=self.index.segments.start[segment[owner]] + slot * (hop * self.index.stride),
            first_phase=np.maximum(low[owner] - slot * hop, 0),
            last_phase=np.minimum(high[owner] - slot * hop, hop),
        )

    def _phase_by_phase(self, slots: "_Slots", lanes: int, key: int) -> NDArray[np.int64]:
        """Starts of all windows of the slots, lane after lane, each lane in the order in which it is served."""
        hop, stride = self._phases, self.index.stride
        slots, sizes = slots.shuffled_in_halves(lanes, key)
        if hop == 1:
            return slots.row
        half_start = np.cumsum(sizes) - sizes
        phases = permutation(derive(key, 1), hop)
        column = np.arange(int(sizes.max()))
        bits = hashes(derive(key, 2), phases)
        factor = PRIMES[(bits & np.uint64(len(PRIMES) - 1)).astype(np.int64)]
        shift = (bits >> np.uint64(33)).astype(np.int64)
        modulus = np.maximum(sizes, 1)[:, None]
        turned = (factor % modulus)[:, :, None] * column + (shift % modulus)[:, :, None]
        turned %= modulus[:, :, None]
        # (half of a lane, phase, column) -> (lane, phase, half, column): the order of serving.
        slot = turned + half_start[:, None, None]
        slot = slot.reshape(lanes, 2, hop, -1).swapaxes(1, 2)
        inside = (column < sizes[:, None]).reshape(lanes, 1, 2, -1)
        slot = np.where(inside, slot, 0)
        phase = phases[None, :, None, None]
        served = inside & (slots.first_phase[slot] <= phase) & (phase < slots.last_phase[slot])
        return (slots.row[slot] + phase * stride)[served]


class _Slots:
    """Runs of up to `hop` consecutive windows; each field has shape (slots,)."""

    def __init__(
        self,
        *,
        lane: NDArray[np.int64],
        row: NDArray[np.int64],
        first_phase: NDArray[np.int64],
        last_phase: NDArray[np.int64],
    ) -> None:
        self.lane = lane
        self.row = row  # start of the window of phase 0, whether or not it belongs to the slot
        self.first_phase = first_phase
        self.last_phase = last_phase

    def shuffled_in_halves(self, lanes: int, key: int) -> tuple["_Slots", NDArray[np.int64]]:
        """Slots sorted by lane and half, shuffled within each half; and the size of each half (2 * lanes,)."""
        counts = np.bincount(self.lane, minlength=lanes)
        place = np.arange(len(self.lane)) - (np.cumsum(counts) - counts)[self.lane]
        half = 2 * self.lane + (place >= (counts[self.lane] + 1) // 2)
        order = shuffled(key, self.row + self.first_phase, half)
        slots = _Slots(
            lane=self.lane[order],
            row=self.row[order],
            first_phase=self.first_phase[order],
            last_phase=self.last_phase[order],
        )
        return slots, np.bincount(half, minlength=2 * lanes)


def _ranges(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Concatenate first[i]:last[i] for all i, and say for each number which i it came from."""
    counts = last - first
    owner = np.repeat(np.arange(len(first)), counts)
    return np.arange(len(owner)) - (np.cumsum(counts) - counts - first)[owner], owner
