"""What the rows of a store look like, whether they lie in memory or are decoded: a sliced array."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["RowSource"]


class RowSource(Protocol):
    """Rows of `values` (T, N), `time` (T,) or `labels` (T, L): an array, or what is sliced like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """T, and the shape of one row."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of each value."""

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...

    def __array__(self) -> NDArray[Any]: ...
