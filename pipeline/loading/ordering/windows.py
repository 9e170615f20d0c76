"""Which windows there are: arithmetic on segments, never a list of windows."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import LongstrideError
from longstride.storage.series.segments import Segments

__all__ = ["WindowIndex"]


class WindowIndex:
    """All windows of K rows (and H rows of horizon after each, or after a gap) that lie inside one segment.

    Window i of a segment starts at row `segment start + i * stride`. Windows are numbered 0..W-1 in row order,
    over all segments. Memory is O(segments).
    """

    def __init__(self, segments: Segments, window: int, stride: int, horizon: int = 0, gap: int = 0) -> None:
        """Count the windows; raises LongstrideError for a window or stride below 1, a negative horizon or gap."""
        if window < 1 or stride < 1 or horizon < 0 or gap < 0:
            raise LongstrideError(
                f"window {window}, stride {stride}, horizon {horizon}, gap {gap}: expected at least 1, 1, 0 and 0 "
                "rows",
                code="option-value",
            )
        self.segments = segments
        self.window = window
        self.stride = stride
        self.horizon = horizon
        self.gap = gap
        self.counts = segments.num_windows(window, stride, gap + horizon)
        """Windows of each segment (S,)."""
        self.offsets = np.concatenate([[0], np.cumsum(self.counts)])
        """Number of the first window of each segment (S + 1,); the last entry is W."""

    def __len__(self) -> int:
        return int(self.offsets[-1])

    @property
    def span(self) -> int:
        """Rows that one window needs, K + H and those of the gap."""
        return self.window + self.gap + self.horizon

    @property
    def ahead(self) -> int:
        """Rows from the start of a window to its first target: without a horizon, those are its own rows."""
        return self.window + self.gap if self.horizon else 0

    @cached_property
    def hop(self) -> int:
        """Least distance in window numbers at which two windows of a segment share no row."""
        return -(-self.span // self.stride)

    def starts(self, windows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Row at which each of the given windows starts, int64 of the same shape.

        Raises IndexError for a number outside 0..W-1.
        """
        windows = np.asarray(windows, np.int64)
        if windows.size and not 0 <= windows.min() <= windows.max() < len(self):
            raise IndexError(f"windows are numbered 0 to {len(self) - 1}, not {windows.min()} to {windows.max()}")
        segment = self.segment_of(windows)
        starts: NDArray[np.int64] = self.segments.start[segment] + (windows - self.offsets[segment]) * self.stride
        return starts

    def segment_of(self, windows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Segment that each of the given windows lies in, int64 of the same shape."""
        return np.searchsorted(self.offsets, windows, side="right") - 1

    def num_before(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many windows start before each of the given rows, int64 of the same shape."""
        if not len(self.segments):
            return np.zeros(rows.shape, np.int64)
        segment = np.searchsorted(self.segments.start, rows, side="left") - 1
        inside = -(-(rows - self.segments.start[segment]) // self.stride)
        before = self.offsets[segment] + np.minimum(inside, self.counts[segment])
        return np.where(segment < 0, 0, before)
