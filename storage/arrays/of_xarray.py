"""Arrays of xarray: their own coordinates are the times and the names of channels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.storage.arrays.chunked import ChunkedRows
from longstride.storage.errors import LongstrideError

__all__ = ["XarrayRows", "is_of_xarray", "rows_of_xarray"]


class XarrayRows(NamedTuple):
    """What an array says of itself."""

    rows: ChunkedRows
    time: NDArray[Any] | None
    """Times of its rows, if its first dimension has them as coordinates."""
    channels: list[str] | None


def is_of_xarray(source: object) -> bool:
    """Whether it is an xarray `DataArray` or `Dataset`."""
    return all(hasattr(source, name) for name in ("dims", "coords", "sizes", "isel"))


def rows_of_xarray(source: Any, channels: Sequence[str] | None) -> XarrayRows:
    """Rows, times and channels of a `DataArray` (time, channel) or (time,), or of the variables of a `Dataset`.

    `channels` are the variables of a Dataset to take; by default all. Raises LongstrideError for other dimensions.
    """
    if hasattr(source, "data_vars"):
        return _of_variables(source, channels)
    if len(source.dims) not in (1, 2):
        raise LongstrideError(
            f"the DataArray has dimensions {', '.join(map(str, source.dims))}: expected time and channel, in this "
            "order; choose or stack the others first",
            code="array-format",
        )
    names = None
    if len(source.dims) == 2 and source.dims[1] in source.coords:
        names = [str(name) for name in source.coords[source.dims[1]].values.tolist()]
    return XarrayRows(ChunkedRows(_Lazy([source])), _time_of(source, source.dims[0]), names)


def _of_variables(source: Any, channels: Sequence[str] | None) -> XarrayRows:
    chosen = list(source.data_vars) if channels is None else list(channels)
    if absent := [name for name in chosen if name not in source.data_vars]:
        raise LongstrideError(
            f"the Dataset has no variable {absent[0]!r}: it has {', '.join(map(str, source.data_vars))}",
            code="column-missing",
        )
    dimensions = {source[name].dims for name in chosen}
    if len(dimensions) != 1 or any(len(dims) != 1 for dims in dimensions):
        shown = "; ".join(f"{name} ({', '.join(map(str, source[name].dims))})" for name in chosen[:10])
        raise LongstrideError(
            f"the variables of the Dataset have other dimensions than one of time: {shown}. Name those to take "
            "with channels=",
            code="array-format",
        )
    variables = [source[name] for name in chosen]
    return XarrayRows(
        ChunkedRows(_Lazy(variables)), _time_of(source, variables[0].dims[0]), list(map(str, chosen))
    )


def _time_of(source: Any, dimension: Any) -> NDArray[Any] | None:
    if dimension not in source.coords or source.coords[dimension].dtype.kind != "M":
        return None
    time: NDArray[Any] = source.coords[dimension].values
    return time


class _Lazy:
    """One array (T, N) or (T,), or N of (T,) as columns; rows are read when they are sliced."""

    def __init__(self, arrays: Sequence[Any]) -> None:
        first = arrays[0]
        self._arrays = arrays
        self.shape = first.shape if len(arrays) == 1 else (first.shape[0], len(arrays))
        self.dtype = np.result_type(*(array.dtype for array in arrays))
        self.name, self.encoding = [array.name for array in arrays], first.encoding
        self.chunks = first.chunks or first.encoding.get("chunksizes")

    def __getitem__(self, key: slice) -> NDArray[Any]:
        if len(self._arrays) == 1:
            rows: NDArray[Any] = self._arrays[0][key].values
            return rows
        return np.stack([array[key].values for array in self._arrays], axis=1)
