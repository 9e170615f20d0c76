"""Which windows weights stand for: a line along which each window has a part as long as its weight."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Group", "RunsOfWindows", "WeightedWindows"]


class Group(Protocol):
    """Windows that points of a line stand for."""

    def __len__(self) -> int:
        """Number of windows."""
        ...

    is_even: bool
    """Whether all windows weigh the same."""
    num_runs: int
    """Runs of windows that follow each other, about."""

    def at(
        self, points: NDArray[np.int64], offsets: NDArray[np.int64], num_points: int, turn: int
    ) -> NDArray[np.int64]:
        """Windows at points 0..num_points-1, which are equally far apart, moved on by offset / num_points of that.

        The line is closed to a ring, and turned by `turn` / 2^64.
        """
        ...


class RunsOfWindows:
    """Windows that all weigh the same, as runs. Memory is 16 bytes a run."""

    def __init__(self, first: NDArray[np.int64], stop: NDArray[np.int64]) -> None:
        """Windows first:stop of each run."""
        self.is_even = True
        self.num_runs = len(first)
        self._first = first
        self._before = np.concatenate([[0], np.cumsum(stop - first)])

    def __len__(self) -> int:
        return int(self._before[-1])

    def at(
        self, points: NDArray[np.int64], offsets: NDArray[np.int64], num_points: int, turn: int
    ) -> NDArray[np.int64]:
        """See Group."""
        # floor((point + offset / M) * W / M) in whole numbers, none of which is above W + 2 M^2.
        whole, rest = divmod(len(self), num_points)
        place = points * whole + (points * rest + offsets * whole + offsets * rest // num_points) // num_points
        place = (place + turn % len(self)) % len(self)
        run = np.searchsorted(self._before, place, side="right") - 1
        windows: NDArray[np.int64] = self._first[run] + place - self._before[run]
        return windows


class WeightedWindows:
    """All windows, each with a weight of its own. Memory is 8 bytes a window."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        """Weights (W,) from 0 on, not all of them 0."""
        self.is_even = bool(weights.min() == weights.max())
        self.num_runs = 1
        self._ends = np.cumsum(weights)
        self._last = int(np.flatnonzero(weights)[-1])

    def __len__(self) -> int:
        return len(self._ends)

    def at(
        self, points: NDArray[np.int64], offsets: NDArray[np.int64], num_points: int, turn: int
    ) -> NDArray[np.int64]:
        """See Group."""
        place = (points + offsets / num_points) / num_points + turn / 2**64
        place -= np.floor(place)
        # A window of no weight ends where it begins, and is passed over.
        found: NDArray[np.int64] = np.searchsorted(self._ends, place * self._ends[-1], side="right")
        return np.minimum(found, np.int64(self._last))
