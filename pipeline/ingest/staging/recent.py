"""The blocks of the parts that were written last, for the process that wrote them: it need not read them again."""

import threading
from typing import Any

from numpy.typing import NDArray

__all__ = ["Blocks", "RecentParts"]

Blocks = dict[str, NDArray[Any]]
Place = tuple[int, int, int]
"""Source, section and piece of a part."""


class RecentParts:
    """Holds so many bytes at most: the oldest part goes first. In any other process it holds nothing."""

    def __init__(self, max_bytes: int = 0) -> None:
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._blocks: dict[Place, Blocks] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["RecentParts"], tuple[()]]:
        return RecentParts, ()

    def keep(self, place: Place, blocks: Blocks) -> None:
        """Hold the blocks of a part that lies on disk."""
        with self._lock:
            self._blocks[place] = blocks
            self._num_bytes += _size(blocks)
            while self._num_bytes > self._max_bytes:
                self._num_bytes -= _size(self._blocks.pop(next(iter(self._blocks))))

    def get(self, place: Place) -> Blocks | None:
        """The blocks of a part, where they are held."""
        return self._blocks.get(place)

    def drop(self, place: Place) -> None:
        """Let go of a part."""
        with self._lock:
            if place in self._blocks:
                self._num_bytes -= _size(self._blocks.pop(place))

    def close(self) -> None:
        """Let go of all, and hold nothing from now on."""
        with self._lock:
            self._max_bytes = self._num_bytes = 0
            self._blocks.clear()


def _size(blocks: Blocks) -> int:
    return sum(block.nbytes for block in blocks.values())
