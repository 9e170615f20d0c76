"""Segments: the longest runs of rows without a gap. A window never crosses one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError

__all__ = ["Segments"]


@dataclass(frozen=True)
class Segments:
    """S segments in row order; each field is int64 of shape (S,)."""

    start: NDArray[np.int64]
    """First row of each segment."""
    stop: NDArray[np.int64]
    """Row after the last of each segment."""
    series: NDArray[np.int64]
    """Which series each segment belongs to, as an index into the store's series names."""

    def __len__(self) -> int:
        return len(self.start)

    def __eq__(self, other: object) -> bool:
        """Whether they are the same rows of the same series."""
        if not isinstance(other, Segments):
            return NotImplemented
        return all(map(np.array_equal, vars(self).values(), vars(other).values()))

    __hash__ = None  # type: ignore[assignment]

    def check(self, num_rows: int, num_series: int) -> None:
        """Raise StoreError unless segments are in order, apart, not empty, and within rows and series."""
        if not self.start.shape == self.stop.shape == self.series.shape:
            raise StoreError(
                f"segments have {len(self.start)} starts, {len(self.stop)} stops and {len(self.series)} series",
                code="store-input",
            )
        if len(self) == 0:
            return
        if (self.start >= self.stop).any():
            raise StoreError("a segment is empty", code="store-input")
        if (self.start[1:] < self.stop[:-1]).any():
            raise StoreError("segments overlap or are out of order", code="store-input")
        if self.start[0] < 0 or self.stop[-1] > num_rows:
            raise StoreError(f"segments reach outside the {num_rows:,} rows", code="store-input")
        if self.series.min() < 0 or self.series.max() >= num_series:
            raise StoreError(
                f"a segment names a series that is not one of the {num_series} there are", code="store-input"
            )

    def num_windows(self, window: int, stride: int, horizon: int = 0) -> NDArray[np.int64]:
        """Windows of `window` rows, with `horizon` rows after each, that fit in each segment, (S,)."""
        free = (self.stop - self.start) - (window + horizon)
        return np.where(free >= 0, free // stride + 1, 0)
