"""The mapped layout: the chunk files of a folder as arrays in memory.

Zarr is not needed to read it: a chunk file is the bytes of its rows, and the root document says the rest. A
training worker so starts without importing it.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError
from longstride.storage.format import chunk_file
from longstride.storage.mapped.mapping import map_chunk_files
from longstride.storage.store import SeriesStore

__all__ = ["MappedStore"]


class MappedStore(SeriesStore):
    """A store in the mapped layout, in a folder: its rows are read-only views of the chunk files."""

    @cached_property
    def values(self) -> NDArray[np.floating]:
        """All values (T, N), NaN being missing; nothing is copied."""
        return self._map("values")

    @cached_property
    def time(self) -> NDArray[np.int64]:
        """Time of each row (T,), nanoseconds since 1970-01-01 UTC."""
        return self._map("time")

    @cached_property
    def labels(self) -> NDArray[np.int8] | None:
        """Labels (T, L), or None where the store has none: for evaluation, never an input."""
        return self._map("labels") if self.label_names else None

    def chunk_files(self, array: str) -> list[Path]:
        """Chunk files of `values`, `time` or `labels`, in row order."""
        num_chunks = -(-self.num_rows // self.chunk_rows)
        num_dimensions = len(self.layout.row_arrays[array].dimensions)
        self.folder.check_inside(array)
        return [self.path / chunk_file(array, index, num_dimensions) for index in range(num_chunks)]

    def _map(self, name: str) -> NDArray[Any]:
        array = self.layout.row_arrays[name]
        try:
            mapped = map_chunk_files(self.chunk_files(name), self.chunk_rows * array.row_bytes)
        except StoreError:
            self.check_unchanged()
            raise
        self.check_unchanged()  # else the files may be those of a store that was made in its place
        view: NDArray[Any] = mapped.view(array.dtype).reshape(-1, *array.row_shape)
        return view[: self.num_rows]
