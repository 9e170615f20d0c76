"""What the rows of a store look like, whether they lie in memory or are decoded: a sliced array."""

from collections.abc import Sequence
from typing import Any, Protocol

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError

__all__ = ["CheckedRows", "DecodedRows", "RowSource"]


class Rows(Protocol):
    """What is known of rows without reading them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """T, and the shape of one row."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of each value."""

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""


class RowSource(Rows, Protocol):
    """Rows of `values` (T, N), `time` (T,) or `labels` (T, L): an array, or what is sliced like one."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...

    def __array__(self) -> NDArray[Any]: ...


class DecodedRows(Rows, Protocol):
    """Rows (T, N) that are made when they are asked for, many ranges at a time."""

    def read_many(self, ranges: Sequence[tuple[int, int]], outs: Sequence[NDArray[Any]], /) -> None:
        """Read several ranges of rows (start, stop), each into its array."""


class CheckedRows:
    """An array of rows, sliced as ever; each chunk is checked once, when one of its rows is first asked for.

    Training reads rows without it: `longstride verify` is for that. Whatever makes a file, a figure or a score of
    rows reads them through this, since damage would look like data in it.
    """

    def __init__(
        self, rows: NDArray[Any], checksums: Sequence[int], chunk_rows: int, *, store: str, array: str
    ) -> None:
        """`rows` (T, ...) lie in chunks of `chunk_rows`, each with one of `checksums`; names are for messages."""
        self.shape = rows.shape
        self.dtype = rows.dtype
        self.nbytes = rows.nbytes
        self._rows = rows
        self._checksums = checksums
        self._chunk_rows = chunk_rows
        self._is_checked = np.zeros(len(checksums), bool)
        self._where = store, array

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> Any:
        """What the array gives for a slice, a row or a list of rows. Raises StoreError where it is damaged."""
        rows = key[0] if isinstance(key, tuple) else key
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            self.check(start, stop)
        elif isinstance(rows, int | np.integer):  # a search by bisection asks for many
            self._check_chunk((int(rows) + len(self) if rows < 0 else int(rows)) // self._chunk_rows)
        else:
            asked = np.atleast_1d(np.asarray(rows, np.int64))
            for chunk in np.unique(np.where(asked < 0, asked + len(self), asked) // self._chunk_rows).tolist():
                self._check_chunk(chunk)
        return self._rows[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    def check(self, start: int, stop: int) -> None:
        """Check the chunks of rows start:stop that were not yet. Raises StoreError where one is damaged."""
        if start < stop:
            for chunk in range(start // self._chunk_rows, -(-stop // self._chunk_rows)):
                self._check_chunk(chunk)

    def _check_chunk(self, chunk: int) -> None:
        if not 0 <= chunk < len(self._is_checked) or self._is_checked[chunk]:
            return  # of rows that are not there, the array itself says so
        first = chunk * self._chunk_rows
        rows = self._rows[first : first + self._chunk_rows]
        if google_crc32c.value(np.ascontiguousarray(rows)) != self._checksums[chunk]:
            store, array = self._where
            raise StoreError(
                f"{store}: rows {first:,} to {first + len(rows) - 1:,} of {array} are damaged: restore them from "
                "a backup, or ingest again; `longstride verify` names all damaged chunks",
                code="store-damaged",
            )
        self._is_checked[chunk] = True
