"""Values of series that do not change with time, as the caller gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.storage.arrays.frames import array_of
from longstride.storage.errors import LongstrideError

__all__ = ["static_of"]


def static_of(given: Any, series: Sequence[str]) -> Tensor:
    """Values (G, S) of the named series: int64 where all are whole numbers, float32 otherwise.

    `given` maps names to one value or S of them, or is an array (G, S) or (G,). Raises LongstrideError for
    anything else, and for a series without values.
    """
    if hasattr(given, "columns") and not isinstance(given, Mapping):
        raise _error("is a table, whose rows may be in another order: give dict(zip(names, table.to_numpy()))")
    rows = _rows_of(given, series) if isinstance(given, Mapping) else given
    try:
        values: NDArray[Any] = array_of("static", rows)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise _error(f"cannot be taken as an array of numbers: {reason:.200}") from None
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != len(series) or not values.shape[1]:
        raise _error(
            f"has shape {values.shape}: expected one or S values for each of the {len(series)} series, "
            f"{', '.join(map(repr, series)):.200}"
        )
    if values.dtype.kind not in "biuf" or (values.dtype == np.uint64 and values.max() >= 2**63):
        raise _error(f"holds {values.dtype}: expected numbers; give categories as whole numbers")
    return torch.from_numpy(values.astype(np.float32 if values.dtype.kind == "f" else np.int64))


def _rows_of(given: Mapping[Any, Any], series: Sequence[str]) -> list[NDArray[Any]]:
    if absent := [name for name in series if name not in given]:
        raise _error(f"has no values for {absent[0]!r}: give some for each of {', '.join(map(repr, series)):.200}")
    rows = [np.atleast_1d(array_of("static", given[name])) for name in series]
    first = rows[0]
    for name, row in zip(series, rows, strict=True):
        if row.ndim != 1 or len(row) != len(first):
            raise _error(f"has {row.size} values for {name!r} and {first.size} for {series[0]!r}: give S for each")
    return rows


def _error(fault: str) -> LongstrideError:
    return LongstrideError(f"static {fault}", code="option-value")
