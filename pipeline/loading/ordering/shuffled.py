"""Which windows are served at which step: pure arithmetic on (seed, epoch, step).

Shuffled, an epoch is made like this (`docs/order.md` has a picture):

- Each segment's windows are cut into blocks, runs of windows that begin at multiples of `hop`. All blocks are
  permuted by (seed, epoch); laid end to end in that order, the windows have positions 0..W-1.
- The positions are shared equally among L lanes. A step takes the same number of windows from every lane; rank r
  serves L / world_size of the lanes. So the batch of a step does not depend on the number of ranks.
- A lane's positions are cut into pools, at the same steps in every lane. A pool is a matrix: a column (slot) is
  `hop` consecutive windows of a segment, a row (phase) is the windows whose number is equal modulo hop. Windows of
  one phase never overlap. The pool is served phase by phase: the phases are permuted, and the slots again in each.
- Where a batch straddles two phases, overlap is kept out by the order of slots: the slots of a lane's pool fall
  into two halves that lie apart in the data; every phase serves the first half, then the second.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.blocks import Epochs, Share
from longstride.pipeline.loading.ordering.hashing import derive, shuffled
from longstride.pipeline.loading.ordering.order import POOL_ROWS, runs_in_a_row
from longstride.pipeline.loading.ordering.ranges import counted_within, numbered, rows_of
from longstride.pipeline.loading.ordering.turns import Turns
from longstride.pipeline.loading.ordering.windows import WindowIndex

__all__ = ["BLOCK_ROWS", "ShuffledOrder", "lanes_for"]

BLOCK_ROWS = 2**14
"""Rows of a block, roughly."""

AT_ONCE = 2**15
"""Windows whose order is drawn at a time, roughly."""
TOGETHER = 2**22
"""Limit of windows times groups that are shuffled together: SORTED_BITS of a hash are left then."""


def lanes_for(batch_size: int, world_size: int) -> int:
    """Number of lanes L for a global batch that the world size divides: their largest common divisor with 48.

    Every world size that divides both the batch and 48 so has the same lanes, and serves the same batches. Another
    one (of 5 ranks, or 32) has lanes of its own: the least multiple of L that it divides.
    """
    return math.lcm(math.gcd(batch_size, 48), world_size)


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
        shares: Sequence[Share] | None = None,
    ) -> None:
        """`batch_size` is global and a multiple of `lanes`; `pool_rows` counts over all lanes.

        `shares` say how many windows of which segments are an epoch, if not all of them, once.
        """
        assert batch_size % lanes == 0
        self.index = index
        self.lanes = lanes
        self.seed = seed
        self.lane_share = batch_size // lanes
        shares = [Share(0, len(index.counts), len(index))] if shares is None else shares
        num_windows = sum(share.num_windows for share in shares)
        self.num_steps = num_windows // batch_size
        self.num_dropped = num_windows - self.num_steps * batch_size
        # An epoch is a whole number of batches in every phase, but for a few steps: the phases, at least `hop`,
        # are as many as make it so.
        phase_batches = max(1, self.num_steps // index.hop)
        self._phases = max(index.hop, self.num_steps // phase_batches)
        slot_rows = self._phases * index.stride
        self._epochs = Epochs(index, self._phases * max(1, block_rows // slot_rows), shares, seed)
        # So is a pool: two at least, for the two halves.
        pool_batches = max(2, round(pool_rows / (batch_size * slot_rows)))
        num_pools = max(1, round(phase_batches / pool_batches))
        self._pool_stops = np.arange(1, num_pools + 1) * phase_batches // num_pools * self._phases
        self._pool_stops[-1] = self.num_steps

    def run_of(self, step: int) -> tuple[int, int]:
        """See Order: the steps of one pool."""
        pool = int(np.searchsorted(self._pool_stops, step, side="right"))
        return int(self._pool_stops[pool - 1]) if pool else 0, int(self._pool_stops[pool])

    def draw(
        self, epoch: int, step: int, rank: int, world_size: int, within: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """See Order."""
        first, stop = self.run_of(step)
        key = derive(self.seed, epoch, 1, first)
        starts = np.empty((stop - first, self.lanes // world_size, self.lane_share), np.int64)
        turns = Turns(key, self._phases) if self._phases > 1 else None
        pieces = self._pieces(epoch, [(first, stop)], rank, world_size)
        lane = 0
        for slots in self._some_lanes(pieces, stop - first, key):
            if within is not None:
                slots = self._counted(slots, within)
            # Without turns, a slot is a window. Every lane has as many windows.
            for served in [slots.row] if turns is None else self._phase_by_phase(slots, turns):
                by_lane = served.reshape(-1, stop - first, self.lane_share)
                starts[:, lane : lane + len(by_lane)] = by_lane.swapaxes(0, 1)
                lane += len(by_lane)
        return starts.reshape(stop - first, -1)

    def draw_some(self, epoch: int, step: int, rank: int, world_size: int) -> list[NDArray[np.int64]]:
        """See Order."""
        lanes = self.lanes // world_size
        runs = runs_in_a_row(self, step, lanes * self.lane_share)
        windows, groups = (runs[0][1] - runs[0][0]) * lanes * self.lane_share, 2 * lanes
        together = min(AT_ONCE // windows, math.isqrt(TOGETHER // (windows * groups)))
        if self._phases > 1 or together < 2:
            return [self.draw(epoch, first, rank, world_size) for first, _ in runs]
        return [
            starts
            for begin in range(0, len(runs), together)
            for starts in self._draw_together(epoch, runs[begin : begin + together], rank, world_size)
        ]

    def _draw_together(
        self, epoch: int, runs: Sequence[tuple[int, int]], rank: int, world_size: int
    ) -> Iterator[NDArray[np.int64]]:
        """As `draw`, where a slot is a window: of few windows, the calls of numpy's are what takes time."""
        num_lanes = self.lanes // world_size
        keys = np.array([derive(self.seed, epoch, 1, first) for first, _ in runs], np.uint64).repeat(num_lanes)
        row = self._slots(self._pieces(epoch, runs, rank, world_size), len(keys), keys).row
        begin = 0
        for first, stop in runs:
            end = begin + (stop - first) * num_lanes * self.lane_share
            by_lane = row[begin:end].reshape(num_lanes, stop - first, self.lane_share)
            yield by_lane.swapaxes(0, 1).reshape(stop - first, -1)
            begin = end

    def rows(self, epoch: int, step: int, rank: int, world_size: int) -> NDArray[np.int64]:
        """See Order."""
        pieces = self._pieces(epoch, [self.run_of(step)], rank, world_size)
        start = self.index.segments.start[pieces.segment] + pieces.low * self.index.stride
        return rows_of(self.index, start, pieces.high - pieces.low)

    def _pieces(self, epoch: int, runs: Sequence[tuple[int, int]], rank: int, world_size: int) -> "_Pieces":
        """Parts of blocks that a rank's lanes serve in the first run, then in the next one, by position."""
        mine = np.arange(self.lanes).reshape(world_size, -1)[rank]
        first, stop = np.array(runs).T[:, :, None]
        begin = ((mine * self.num_steps + first) * self.lane_share).reshape(-1)
        end = ((mine * self.num_steps + stop) * self.lane_share).reshape(-1)
        blocks = self._epochs.blocks(epoch)
        first_block = np.searchsorted(blocks.position, begin, side="right") - 1
        stop_block = np.searchsorted(blocks.position, end, side="left")
        block, lane = numbered(first_block, stop_block)
        position, stop = blocks.position[block], blocks.position[block + 1]
        window = blocks.window[block]
        return _Pieces(
            lane=lane,
            segment=blocks.segment[block],
            low=window + np.maximum(begin[lane] - position, 0),
            high=window + np.minimum(end[lane], stop) - position,
        )

    def _some_lanes(self, pieces: "_Pieces", num_steps: int, key: int) -> Iterator["_Slots"]:
        """Slots of a few lanes at a time: so they lie in memory that stays in the cache and is used again."""
        num_lanes = int(pieces.lane[-1]) + 1
        at_once = max(1, AT_ONCE // (num_steps * self.lane_share))
        for lane in range(0, num_lanes, at_once):
            lanes = min(at_once, num_lanes - lane)
            low, high = np.searchsorted(pieces.lane, [lane, lane + lanes])
            some = _Pieces(*(field[low:high] for field in pieces))
            yield self._slots(some._replace(lane=some.lane - lane), lanes, key)

    def _slots(self, pieces: "_Pieces", lanes: int, key: int | NDArray[np.uint64]) -> "_Slots":
        """Slots of pieces, by lane and half, shuffled within each half: by one key, or one a lane (lanes,)."""
        hop = self._phases
        low, high = pieces.low // hop, -(-pieces.high // hop)
        counts = high - low
        base = self.index.segments.start[pieces.segment]
        stops = np.cumsum(counts)
        # Slot i of a piece begins at row (low + i) * hop * stride of its segment.
        row = np.repeat(base + (low - stops + counts) * (hop * self.index.stride), counts)
        row += np.arange(len(row)) * (hop * self.index.stride)
        in_lane = np.bincount(pieces.lane, counts, lanes).astype(np.int64)
        sizes = np.stack([(in_lane + 1) // 2, in_lane // 2], axis=1)
        if not isinstance(key, int):
            key = np.repeat(key[pieces.lane], counts)
        if hop == 1:
            none = np.empty(0, np.int64)
            return _Slots(row.take(shuffled(key, row, sizes.reshape(-1))), none, none, none, sizes)
        # Only the first and the last slot of a piece (which may be one slot) can lack windows.
        first, last = stops - counts, stops - 1
        first_phase, last_phase = pieces.low - low * hop, pieces.high - (high - 1) * hop
        first_window = row.copy()
        first_window[first] += first_phase
        order = shuffled(key, first_window, sizes.reshape(-1))
        is_cut = np.zeros(len(row), bool)
        is_cut[first[first_phase > 0]] = True
        is_cut[last[last_phase < hop]] = True
        cut = np.flatnonzero(is_cut.take(order))
        slot = order[cut]
        piece = np.searchsorted(stops, slot, side="right")
        return _Slots(
            row.take(order),
            cut,
            np.where(slot == first[piece], first_phase[piece], 0),
            np.where(slot == last[piece], last_phase[piece], hop),
            sizes,
        )

    def _counted(self, slots: "_Slots", within: NDArray[np.int64]) -> "_Slots":
        """The same slots, with their rows counted within ranges (ranges, 2).

        A slot's windows lie in one range: looking for each slot takes a fraction of looking for each window.
        """
        skipped = np.zeros_like(slots.row)
        skipped[slots.cut] = slots.cut_first * self.index.stride
        return slots._replace(row=counted_within(within, slots.row + skipped) - skipped)

    def _phase_by_phase(self, slots: "_Slots", turns: Turns) -> Iterator[NDArray[np.int64]]:
        """Starts of all windows in the order in which they are served, lane by lane: those of some at a time."""
        row = slots.row
        if len(slots.cut):  # found again by the negative number that is in place of its row
            row = row.copy()
            row[slots.cut] = ~np.arange(len(slots.cut))
        end = 0
        for (first, second), lanes in groupby(slots.half_sizes.tolist()):
            begin, end = end, end + (first + second) * len(list(lanes))
            starts = row[begin:end].reshape(-1, first + second).take(turns.order(first, second), axis=1)
            if not len(slots.cut):
                starts += turns.phase * self.index.stride
                yield starts
                continue
            cut = np.flatnonzero(starts < 0)
            found, number = starts.reshape(-1), ~starts.reshape(-1)[cut]
            found[cut] = slots.row[slots.cut[number]]
            starts += turns.phase * self.index.stride
            phase = turns.phase[cut // starts.shape[-1] % len(turns.phase), 0]
            is_there = np.ones(len(found), bool)
            is_there[cut] = (slots.cut_first[number] <= phase) & (phase < slots.cut_last[number])
            yield found[is_there]


class _Pieces(NamedTuple):
    """Runs of consecutive windows; each field has shape (pieces,)."""

    lane: NDArray[np.int64]
    """Counted from the first one of the rank, and on through the runs."""
    segment: NDArray[np.int64]
    low: NDArray[np.int64]
    """Number of the first window within its segment."""
    high: NDArray[np.int64]
    """Number of the window after the last."""


class _Slots(NamedTuple):
    """Runs of up to `hop` consecutive windows of a segment."""

    row: NDArray[np.int64]
    """Start of the window of phase 0, whether or not it belongs to the slot, (slots,)."""
    cut: NDArray[np.int64]
    """Numbers of those slots that lack some windows, in order, (cut,)."""
    cut_first: NDArray[np.int64]
    """Phase of the first window that each of them has, (cut,)."""
    cut_last: NDArray[np.int64]
    """Phase after its last one, (cut,)."""
    half_sizes: NDArray[np.int64]
    """Slots of the first and second half of each lane, (lanes, 2), in whose order they lie."""
