"""Where the bytes of a mapped array lie, so that another process maps them too, instead of being sent a copy."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MappedPart", "part_of"]


class MappedPart(NamedTuple):
    """Part of a file as an array."""

    path: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]

    def map(self) -> NDArray[Any]:
        """The array, read-only."""
        return np.ndarray(
            self.shape, self.dtype, np.memmap(self.path, np.uint8, "r"), offset=self.offset, strides=self.strides
        )


def part_of(values: NDArray[Any]) -> MappedPart | None:
    """The part of a file that an array is a view of; None where it is not, or may differ from the file."""
    whole: Any = values
    while isinstance(getattr(whole, "base", None), np.ndarray):
        whole = whole.base
    if not isinstance(whole, np.memmap) or whole.filename is None or whole.mode == "c":
        return None
    start = whole.offset + values.ctypes.data - whole.ctypes.data
    return MappedPart(str(whole.filename), start, values.shape, values.strides, values.dtype)
