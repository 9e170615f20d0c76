"""Times of rows that are a fixed step apart, computed when they are asked for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ramp"]


class Ramp:
    """`start + step * row` (T,), int64; it is sliced like the array, which would take 8 bytes a row."""

    def __init__(self, start: int, step: int, num_rows: int) -> None:
        """Nanoseconds of row 0, and between rows."""
        self._start, self._step = start, step
        self._rows = range(num_rows)
        self.shape = (num_rows,)
        self.dtype = np.dtype(np.int64)
        self.nbytes = 8 * num_rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> Any:
        """What the array would give. Raises IndexError outside 0..T."""
        if isinstance(key, int | np.integer):
            return np.int64(self._start + self._step * self._rows[int(key)])
        if isinstance(key, slice):
            rows = np.arange(*key.indices(len(self)), dtype=np.int64)
        else:
            rows = np.asarray(key)
            if rows.dtype == bool:
                if rows.shape != self.shape:
                    raise IndexError(f"a mask of {rows.shape} for {len(self):,} rows")
                rows = np.flatnonzero(rows)
            elif rows.size and not (-len(self) <= rows.min() and rows.max() < len(self)):
                raise IndexError(f"rows {rows.min():,} to {rows.max():,} are not within {len(self):,}")
            rows = np.where(rows < 0, rows + len(self), rows).astype(np.int64)
        return self._start + self._step * rows

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)
