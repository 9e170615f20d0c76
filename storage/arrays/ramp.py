"""Times of rows that are a fixed step apart, computed when they are asked for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.row_keys import sliced

__all__ = ["Ramp"]


class Ramp:
    """`start + step * row` (T,), int64; it is sliced like the array, which would take 8 bytes a row."""

    def __init__(self, start: int, step: int, num_rows: int) -> None:
        """Nanoseconds of row 0, and between rows."""
        self._start, self._step = start, step
        self.shape = (num_rows,)
        self.dtype = np.dtype(np.int64)
        self.nbytes = 8 * num_rows

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """What the array would give. Raises IndexError outside 0..T."""
        if isinstance(key, slice):
            return self.at(np.arange(*key.indices(len(self)), dtype=np.int64))
        return sliced(key, self.shape, lambda row: np.int64(self.at(row)), lambda a, b: self.at(np.arange(a, b)))

    def at(self, rows: Any) -> Any:
        """Those of rows of any shape and library; nothing checks that they are within 0..T."""
        return self._start + self._step * rows

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)
