"""Slicing rows that are made when they are asked for: keys mean what they mean to numpy, or are refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["sliced"]


def sliced(
    key: Any,
    shape: tuple[int, ...],
    row: Callable[[int], Any],
    between: Callable[[int, int], NDArray[Any]],
) -> Any:
    """What an array of this shape, (T, ...), gives for a key.

    `row` makes one row, `between` rows start:stop. Raises IndexError for rows that are not there, and for keys
    whose first index does not tell the rows: new axes, masks of more than one axis, slices with a step.
    """
    first, *rest = _whole(key, len(shape))
    num_rows = shape[0]
    if isinstance(first, slice):
        start, stop, step = first.indices(num_rows)
        if step != 1:
            raise IndexError(
                f"these rows are read one after the other, not in steps of {step}: take rows[a:b][::n]"
            )
        found = between(start, max(start, stop))
        return found[(slice(None), *rest)] if rest else found
    if isinstance(first, int | np.integer) and not isinstance(first, bool):
        found = row(_checked(np.asarray(first), num_rows).item())
        return found[tuple(rest)] if rest else found
    rows = np.asarray(first)
    if rows.dtype == bool:
        if rows.shape != (num_rows,):
            raise IndexError(f"a mask of shape {rows.shape} was given for {num_rows:,} rows")
        rows = np.flatnonzero(rows)
    elif not rows.size:
        rows = rows.astype(np.int64)
    elif rows.dtype.kind not in "iu":
        raise IndexError(f"rows are chosen by whole numbers, slices or a mask, not by {first!r:.80}")
    different, place = np.unique(_checked(rows, num_rows), return_inverse=True)
    made = [row(number) for number in different.tolist()]
    found = np.stack(made) if made else between(0, 0)
    return found[(place.reshape(rows.shape), *rest)]


def _whole(key: Any, num_axes: int) -> tuple[Any, ...]:
    """The key with one index for the rows, and what follows, without an ellipsis at the front."""
    parts = key if isinstance(key, tuple) else (key,)
    if sum(part is Ellipsis for part in parts) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if parts and parts[0] is Ellipsis:
        parts = (slice(None),) * (num_axes - len(parts) + 1) + parts[1:]
    if not parts:
        return (slice(None),)
    if parts[0] is None:
        raise IndexError("an axis cannot be put before the rows: slice them first")
    return parts


def _checked(rows: NDArray[Any], num_rows: int) -> NDArray[np.int64]:
    """Rows from 0 on. Raises IndexError where one is not there."""
    outside = rows[(rows < -num_rows) | (rows >= num_rows)]
    if outside.size:
        raise IndexError(f"row {outside.flat[0]} is not within the {num_rows:,} rows")
    return np.where(rows < 0, rows + num_rows, rows).astype(np.int64)
