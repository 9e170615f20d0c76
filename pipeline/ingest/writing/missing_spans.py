"""Long spans of rows without any value, which belong to no segment."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["MissingSpans"]


class MissingSpans:
    """Finds, as rows come by, the spans of rows without any value that last longer than a limit.

    A span lasts from its first row until the row after it; at the end of a series, until its last row.
    """

    def __init__(self, limit_ns: int) -> None:
        self._limit_ns = limit_ns
        self._num_rows = 0
        self._last_time = 0
        self._open: tuple[int, int] | None = None
        """Row and time of the start of a span that has not ended."""
        self._found: list[tuple[int, int]] = []

    def add(self, time: NDArray[np.int64], values: NDArray[np.floating]) -> None:
        """Look at the next rows of a series: time (rows,) in nanoseconds, values (rows, N)."""
        missing = np.isnan(values).all(axis=1)
        change = np.flatnonzero(np.diff(missing, prepend=self._open is not None))
        for row in change.tolist():
            if missing[row]:
                self._open = (self._num_rows + row, int(time[row]))
            else:
                self._close(self._num_rows + row, int(time[row]))
        self._num_rows += len(time)
        self._last_time = int(time[-1])

    def end_series(self) -> None:
        """Say that the next rows are of another series."""
        if self._open is not None:
            self._close(self._num_rows, self._last_time)

    def found(self) -> NDArray[np.int64]:
        """First row, and row after the last, of each long span, (spans, 2)."""
        return np.array(self._found, np.int64).reshape(-1, 2)

    def _close(self, row: int, time: int) -> None:
        assert self._open is not None
        start, start_time = self._open
        if time - start_time > self._limit_ns:
            self._found.append((start, row))
        self._open = None
