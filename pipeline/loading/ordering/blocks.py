"""Which windows an epoch has, as blocks: runs of consecutive windows, in the order of the epoch.

Usually all of them, once. An epoch may also take a number of windows of each share of the segments (a store):

- fewer than there are: then the windows of a share, permuted block by block, are a pass, and each epoch takes the
  next slice of it. No window comes twice before the pass is used up; its rest of less than a slice is left out.
- more: then some whole copies of all of them, and for the rest a slice of a pass.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.hashing import derive, permutation
from longstride.pipeline.loading.ordering.windows import WindowIndex

__all__ = ["Blocks", "Epochs", "Share"]

ORDER, PASS = 0, 2
"""What a key is for; pools have keys of their own."""


class Share(NamedTuple):
    """How many windows of an epoch come from segments first:stop."""

    first_segment: int
    stop_segment: int
    num_windows: int


class Blocks(NamedTuple):
    """Blocks laid end to end, (blocks,) each."""

    segment: NDArray[np.int64]
    window: NDArray[np.int64]
    """Number of the first window within the segment."""
    position: NDArray[np.int64]
    """Position of the first window of each block in the epoch, and where the last block ends, (blocks + 1,)."""


class _Parts(NamedTuple):
    """Consecutive windows of a segment, (parts,) each."""

    segment: NDArray[np.int64]
    window: NDArray[np.int64]
    length: NDArray[np.int64]
    """Windows of each part."""


class Epochs:
    """The blocks of every epoch. Memory is O(blocks)."""

    def __init__(self, index: WindowIndex, block_windows: int, shares: Sequence[Share], seed: int) -> None:
        """Blocks of `block_windows` windows, the last of each segment shorter."""
        self._index = index
        self._block_windows = block_windows
        self._shares = shares
        self._seed = seed
        self._first_block = np.concatenate([[0], np.cumsum(-(-index.counts // block_windows))])
        self._last: tuple[int, Blocks] | None = None

    def blocks(self, epoch: int) -> Blocks:
        """Blocks of an epoch, permuted."""
        if self._last is None or self._last[0] != epoch:
            parts = [self._located(np.empty(0, np.int64))]
            for share in self._shares:
                parts += self._of_share(share, epoch)
            segment, window, length = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
            order = permutation(derive(self._seed, epoch, ORDER), len(segment))
            position = np.concatenate([[0], np.cumsum(length[order])])
            self._last = epoch, Blocks(segment[order], window[order], position)
        return self._last[1]

    def _of_share(self, share: Share, epoch: int) -> list[_Parts]:
        offsets = self._index.offsets
        total = int(offsets[share.stop_segment] - offsets[share.first_segment])
        blocks = np.arange(self._first_block[share.first_segment], self._first_block[share.stop_segment])
        copies, rest = divmod(share.num_windows, total) if total else (0, 0)
        parts = [self._located(blocks)] * copies
        if rest:
            passes, slice_ = divmod(epoch, total // rest)
            key = derive(self._seed, passes, PASS, share.first_segment)
            parts.append(_cut(self._located(blocks[permutation(key, len(blocks))]), slice_ * rest, rest))
        return parts

    def _located(self, blocks: NDArray[np.int64]) -> _Parts:
        segment = np.searchsorted(self._first_block, blocks, side="right") - 1
        window = (blocks - self._first_block[segment]) * self._block_windows
        return _Parts(segment, window, np.minimum(self._block_windows, self._index.counts[segment] - window))


def _cut(parts: _Parts, begin: int, length: int) -> _Parts:
    """Windows begin:begin + length of parts laid end to end."""
    stop = np.cumsum(parts.length)
    start = stop - parts.length
    low = np.clip(begin - start, 0, parts.length)
    high = np.clip(begin + length - start, 0, parts.length)
    kept = low < high
    return _Parts(parts.segment[kept], (parts.window + low)[kept], (high - low)[kept])
