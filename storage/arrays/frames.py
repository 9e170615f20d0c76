"""Arrays and frames of others as arrays of numpy, with what they say of their rows: names of columns, times."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import LongstrideError

__all__ = ["array_of", "names_of_frame", "time_of_frame"]


def array_of(what: str, given: Any) -> NDArray[Any]:
    """As an array of numpy, not copied where it is one. Raises LongstrideError for one that hides values."""
    if isinstance(given, np.ma.MaskedArray):
        raise LongstrideError(
            f"{what} hides values, and numpy would show them: give array.filled(...), such as with numpy.nan",
            code="array-format",
        )
    return np.asarray(given)


def names_of_frame(source: Any) -> list[str] | None:
    """Names of the columns of a frame of pandas or Polars, or of a table of Arrow; None of anything else."""
    names = getattr(source, "column_names", getattr(source, "columns", None))
    return None if names is None else [str(name) for name in names]


def time_of_frame(source: Any) -> NDArray[Any] | None:
    """The times of an index of pandas, in UTC; None where there is none of times."""
    index = getattr(source, "index", None)
    if getattr(getattr(index, "dtype", None), "kind", "") != "M":
        return None
    if getattr(index, "tz", None) is not None:
        index = index.tz_convert("UTC").tz_localize(None)  # type: ignore[union-attr]
    return np.asarray(index)
