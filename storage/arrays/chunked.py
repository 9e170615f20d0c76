"""Arrays that are read piece by piece: of Zarr, HDF5, Dask, or anything that gives an array when it is sliced."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from longstride.storage.arrays.frames import array_of
from longstride.storage.arrays.origin import origin_of
from longstride.storage.series.row_keys import sliced

__all__ = ["ChunkedRows", "Sliceable"]

MAX_PIECE_BYTES = 2**28
"""A larger chunk is not decoded as a whole for a few of its rows."""
DEFAULT_PIECE_BYTES = 2**23
"""Of arrays that do not say how they are cut."""


class Sliceable(Protocol):
    """What `zarr.Array`, `h5py.Dataset` and `dask.array.Array` have in common."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, key: Any, /) -> Any: ...


class ChunkedRows:
    """Rows (T, N) of an array that is not in memory; it is sliced like an array, and reads like `PackedRows`."""

    def __init__(self, array: Sliceable) -> None:
        """`array` is (T, N) or (T,). Nothing is read yet."""
        self._array = array
        self.shape = (array.shape[0], array.shape[1] if len(array.shape) > 1 else 1)
        self.dtype = np.dtype(array.dtype)
        row_bytes = self.shape[1] * self.dtype.itemsize
        self.nbytes = self.shape[0] * row_bytes
        self.piece_rows = min(_rows_of_chunk(array), max(1, MAX_PIECE_BYTES // row_bytes))
        """Rows that are decoded together."""

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Rows as numpy gives them. Raises IndexError as `sliced`."""
        return sliced(key, self.shape, lambda row: self.read(row, row + 1)[0], self.read)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.read(0, len(self)).astype(dtype or self.dtype, copy=False)

    @property
    def origin(self) -> list[Any] | None:
        """What changes when the rows do, as plain JSON; None where that is not known."""
        return origin_of(self._array)

    @property
    def in_memory(self) -> None:
        """None: rows have to be read."""
        return None

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start:stop."""
        part = self._array[start:stop]
        if hasattr(part, "compute"):
            part = part.compute()  # of Dask: numpy would not see that values are hidden
        rows = array_of("the array", part).astype(self.dtype, copy=False)
        return rows.reshape(stop - start, self.shape[1])

    def read_many(self, ranges: Sequence[tuple[int, int]], outs: Sequence[NDArray[Any]]) -> None:
        """Read several ranges of rows (start, stop), each into its array; a piece is read once for all."""
        pieces: dict[int, list[tuple[int, int, NDArray[Any]]]] = {}
        for (start, stop), out in zip(ranges, outs, strict=True):
            for piece in range(start // self.piece_rows, -(-stop // self.piece_rows)):
                begin, end = max(start, piece * self.piece_rows), min(stop, (piece + 1) * self.piece_rows)
                pieces.setdefault(piece, []).append((begin, end, out[begin - start : end - start]))
        for wanted in pieces.values():
            first, last = min(begin for begin, _, _ in wanted), max(end for _, end, _ in wanted)
            rows = self.read(first, last)
            for begin, end, out in wanted:
                out[:] = rows[begin - first : end - first]


def _rows_of_chunk(array: Sliceable) -> int:
    """Rows of the chunks of an array, as Zarr and HDF5 (a number) or Dask (all lengths) say them."""
    chunks: Any = getattr(array, "chunks", None)
    along = chunks[0] if chunks else None
    if isinstance(along, tuple):
        along = max(along)
    if along:
        return int(along)
    width = array.shape[1] if len(array.shape) > 1 else 1
    return max(1, DEFAULT_PIECE_BYTES // (width * np.dtype(array.dtype).itemsize))
