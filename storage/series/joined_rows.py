"""Rows of several arrays, one after the other, sliced as one."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["JoinedRows"]

Columns = Sequence[Sequence[int | None]]
"""For each part the column of each channel or label; None for one that it lacks, which is 0 then."""


class JoinedRows:
    """Rows of all parts, numbered through. What lies in one part, with its columns as they are, is not copied."""

    def __init__(self, parts: Sequence[Any], columns: Columns | None = None) -> None:
        """`parts` are arrays, or what is sliced like them; `columns` is left out for rows of one number each."""
        self._parts = list(parts)
        self._columns = columns
        self._first = np.cumsum([0, *map(len, self._parts)])
        self._bounds: list[int] = self._first.tolist()
        width = () if columns is None else (len(columns[0]),)
        self.shape = (self._bounds[-1], *width)
        self.dtype = np.dtype(self._parts[0].dtype)
        self.nbytes = int(np.prod(self.shape)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self._bounds[-1]

    def __getitem__(self, key: Any) -> Any:
        rows, *others = key if isinstance(key, tuple) else (key,)
        if isinstance(rows, int | np.integer):  # a search by bisection asks for many
            found = self._one(int(rows))
            return found[tuple(others)] if others else found
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            found = self._run(start, stop) if step == 1 else self._at(np.arange(start, stop, step))
        else:
            asked = np.asarray(rows)
            asked = np.flatnonzero(asked) if asked.dtype == bool else asked.astype(np.int64)
            found = self._at(asked.reshape(-1)).reshape(*asked.shape, *self.shape[1:])
        return found[(slice(None), *others)] if others else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    def _one(self, row: int) -> Any:
        row = row + len(self) if row < 0 else row
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} is not within the {len(self)} rows there are")
        number = bisect_right(self._bounds, row) - 1
        inside = row - self._bounds[number]
        if self._columns is None:
            return self._parts[number][inside]
        return self._columns_of(number, self._parts[number][inside : inside + 1])[0]

    def _run(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start:stop."""
        found: list[NDArray[Any]] = []
        for number, first in enumerate(self._bounds[:-1]):
            begin, end = max(0, start - first), min(len(self._parts[number]), stop - first)
            if begin < end:
                found.append(self._columns_of(number, self._parts[number][begin:end]))
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.empty((0, *self.shape[1:]), self.dtype)

    def _at(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """These rows, in this order. Raises IndexError for one that is not there."""
        rows = np.where(rows < 0, rows + len(self), rows)
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows {rows.min()} to {rows.max()} are not within the {len(self)} rows there are")
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        part = np.searchsorted(self._first, rows, side="right") - 1
        for number in np.unique(part).tolist():
            mine = part == number
            of_part = self._parts[number][rows[mine] - self._first[number]]
            found[mine] = self._columns_of(number, of_part)
        return found

    def _columns_of(self, number: int, given: Any) -> NDArray[Any]:
        rows: NDArray[Any] = np.asarray(given)
        if self._columns is None:
            return rows
        columns = self._columns[number]
        if list(columns) == list(range(rows.shape[1])):
            return rows
        found = np.zeros((len(rows), len(columns)), self.dtype)
        for place, column in enumerate(columns):
            if column is not None:
                found[:, place] = rows[:, column]
        return found
