"""Which windows there are: arithmetic on segments, never a list of windows."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import LongstrideError
from longstride.storage.series.segments import Segments

__all__ = ["WindowIndex"]


class WindowIndex:
    """All windows of K rows (and H rows of horizon after each, or after a gap) that lie inside one segment.

    All of these are every `dilation`-th row. Window i of a segment starts at row `segment start + i * stride`.
    Windows are numbered 0..W-1 in row order, over all segments. Memory is O(segments).

    If `ragged`, the next window of a segment counts as well, where rows are left that no window reaches: a shorter
    one. So each row is reached by a window, unless the stride is larger.
    """

    def __init__(
        self,
        segments: Segments,
        window: int,
        stride: int,
        horizon: int = 0,
        gap: int = 0,
        dilation: int = 1,
        ragged: bool = False,
    ) -> None:
        """Count the windows; raises LongstrideError for a number that is too small."""
        if window < 1 or stride < 1 or horizon < 0 or gap < 0 or dilation < 1:
            raise LongstrideError(
                f"window {window}, stride {stride}, horizon {horizon}, gap {gap}, dilation {dilation}: "
                "expected at least 1, 1, 0, 0 and 1",
                code="option-value",
            )
        self.segments = segments
        self.window = window
        self.stride = stride
        self.horizon = horizon
        self.gap = gap
        self.dilation = dilation
        self.span = (window + gap + horizon - 1) * dilation + 1
        """Rows from the first that one window needs to the last, those of the gap and the horizon too."""
        self.ragged = ragged
        self.counts = segments.num_windows(self.span, stride)
        if ragged:
            length = segments.stop - segments.start
            reached = np.where(self.counts > 0, (self.counts - 1) * stride + self.span, 0)
            self.counts = self.counts + ((reached < length) & (self.counts * stride < length))
        """Windows of each segment (S,)."""
        self.offsets = np.concatenate([[0], np.cumsum(self.counts)])
        """Number of the first window of each segment (S + 1,); the last entry is W."""

    def __len__(self) -> int:
        return int(self.offsets[-1])

    def of(self, segments: Segments) -> "WindowIndex":
        """Windows of the same rows in other segments."""
        sizes = self.window, self.stride, self.horizon, self.gap, self.dilation
        return WindowIndex(segments, *sizes, self.ragged)

    @property
    def ahead(self) -> int:
        """Rows from the start of a window to its first target: without a horizon, those are its own rows."""
        return (self.window + self.gap) * self.dilation if self.horizon else 0

    @cached_property
    def hop(self) -> int:
        """Least distance in window numbers at which two windows of a segment share no row."""
        return -(-self.span // self.stride)

    @property
    def padding(self) -> int:
        """Rows that have to lie behind the last one, so that a shorter window can be read as any other."""
        return self.span - 1 if self.ragged else 0

    def ends(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row after the last that each of the windows that start at these rows needs."""
        ends: NDArray[np.int64] = starts + self.span
        return np.minimum(ends, self.segments.stop[self._segment_at(starts)]) if self.ragged else ends

    def lengths(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many of its K rows each of the windows that start at these rows has."""
        if not self.ragged:
            return np.full(starts.shape, self.window)
        left: NDArray[np.int64] = self.segments.stop[self._segment_at(starts)] - starts
        return np.minimum(-(-left // self.dilation), np.int64(self.window))

    def _segment_at(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self.segments.start, starts, side="right") - 1

    def sums(self, of_rows: NDArray[Any], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[Any]:
        """Sum of what each row has, (T,), over so many rows of each window that starts at `starts`."""
        apart = self.dilation
        # Of each row and those that are `dilation`, twice `dilation`, ... before it.
        padded = np.zeros((-(-len(of_rows) // apart) + 1) * apart, of_rows.dtype)
        padded[apart : apart + len(of_rows)] = of_rows
        before = padded.reshape(-1, apart).cumsum(axis=0).reshape(-1)
        found: NDArray[Any] = before[starts + lengths * apart] - before[starts]
        return found

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

    def are_first(self, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of the windows that start at these rows is the first of its segment."""
        found: NDArray[np.bool_] = self.segments.start[self._segment_at(starts)] == starts
        return found

    def num_before(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many windows start before each of the given rows, int64 of the same shape."""
        if not len(self.segments):
            return np.zeros(rows.shape, np.int64)
        segment = np.searchsorted(self.segments.start, rows, side="left") - 1
        inside = -(-(rows - self.segments.start[segment]) // self.stride)
        before = self.offsets[segment] + np.minimum(inside, self.counts[segment])
        return np.where(segment < 0, 0, before)
