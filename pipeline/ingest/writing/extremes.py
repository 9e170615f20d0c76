"""Values far from all others, such as -9999 in a few rows.

The statistics of blocks, which a commit needs anyway, say where they are; a few of these blocks are read.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.statistics import Statistics
from longstride.storage.text import counted
from longstride.storage.writing.writer import StoreWriter

__all__ = ["Extreme", "far_values", "is_made_up"]

POWERS = {2.0**bits - less for bits in (15, 16, 31, 32) for less in (0, 1)}
FAR_STD = 3
"""A value of fewer than a tenth of all is that many standard deviations away, if it is far."""
FAR = 10
"""Times the range of all others."""
FAR_MADE_UP = 0.5
MAX_BLOCKS = 4
"""In which a value is counted."""
MIN_BLOCKS_READ = 8
SHARE_READ = 0.005


class Extreme(NamedTuple):
    """A value at the end of a channel, far from all others."""

    channel: int
    value: float
    num_values: int
    is_least: bool
    """Whether there are more, in blocks that were not read."""
    low: float
    high: float
    """Of all others."""

    def told(self, name: str, null: str | None) -> str:
        """In words; `null` is the entry of a recipe by which it means missing."""
        more = "at least " if self.is_least else ""
        remedy = "" if null is None else f": if that means missing, null = [{null}]"
        return (
            f"{name}: {more}{counted(self.num_values, 'value')} of {self.value:.7g}, all others {self.low:.7g} to "
            f"{self.high:.7g}{remedy}"
        )


def is_made_up(value: float) -> bool:
    """Whether people or registers write such a number for a missing one."""
    size = abs(value)
    is_round = value <= -100 and value % 100 == 0
    return is_round or size in POWERS or size >= 1e30 or re.fullmatch(r"99+(\.[09]+)?", f"{size:.7g}") is not None


def far_values(writer: StoreWriter) -> Iterator[Extreme]:
    """Find the ends of channels that are far from all other values; all rows have been written."""
    blocks = writer.block_statistics()
    total = Statistics.merge(blocks)
    ends = {
        side: np.vstack([getattr(block, side) for block in blocks]) for side in ("minimum", "maximum")
    }  # (blocks, N)
    wanted: dict[int, list[tuple[int, str]]] = defaultdict(list)
    num_left: dict[tuple[int, str], int] = {}
    max_read = max(MIN_BLOCKS_READ, int(SHARE_READ * len(blocks)))
    for channel, side in _candidates(total):
        where = np.flatnonzero(ends[side][:, channel] == getattr(total, side)[channel])
        read = [block for block in where.tolist() if block in wanted or len(wanted) < max_read][:MAX_BLOCKS]
        for block in read:
            wanted[block].append((channel, side))
        if read:
            num_left[channel, side] = len(where) - len(read)
    found = {one: _Others(ends, *one) for one in num_left}
    for block, some in sorted(wanted.items()):
        channels = sorted({channel for channel, _ in some})
        values = writer.written_values(block)[:, channels]
        for channel, side in some:
            found[channel, side].look(block, values[:, channels.index(channel)])
    for one in sorted(found):
        extreme = found[one].extreme(num_left[one])
        if extreme is not None:
            yield extreme


def _candidates(total: Statistics) -> Iterator[tuple[int, str]]:
    with np.errstate(invalid="ignore"):
        far = {
            "minimum": total.mean - total.minimum > FAR_STD * total.std,
            "maximum": total.maximum - total.mean > FAR_STD * total.std,
        }
    varies = total.minimum < total.maximum
    for side, is_far in far.items():
        made_up = np.array([is_made_up(value) for value in getattr(total, side).tolist()], bool)
        yield from ((int(channel), side) for channel in np.flatnonzero((is_far | made_up) & varies))


class _Others:
    """How often an end of a channel occurs, and the range of all other values."""

    def __init__(self, ends: dict[str, NDArray[np.float64]], channel: int, side: str) -> None:
        self.channel = channel
        least, most = ends["minimum"][:, channel], ends["maximum"][:, channel]
        self.value = float(np.nanmin(least) if side == "minimum" else np.nanmax(most))
        self.count = 0
        rest = [least[least != self.value], most[most != self.value]]
        self._rest = np.concatenate(rest)

    def look(self, block: int, values: NDArray[np.floating]) -> None:
        """Count in a block that holds it."""
        others = values[(values != self.value) & ~np.isnan(values)]
        self.count += int((values == self.value).sum())
        if len(others):
            self._rest = np.append(self._rest, [float(others.min()), float(others.max())])

    def extreme(self, num_left: int) -> Extreme | None:
        """None where it is not far from the others."""
        rest = self._rest[~np.isnan(self._rest)]
        if not len(rest):
            return None
        low, high = float(rest.min()), float(rest.max())
        distance, spread = max(low - self.value, self.value - high), high - low
        if is_made_up(self.value):
            is_far = distance > 0 and distance >= FAR_MADE_UP * spread
        else:
            is_far = spread > 0 and distance >= FAR * spread
        return Extreme(self.channel, self.value, self.count, num_left > 0, low, high) if is_far else None
