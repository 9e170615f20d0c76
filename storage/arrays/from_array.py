"""From somebody's array to series that windows are served of."""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.arrays.chunked import ChunkedRows
from longstride.storage.arrays.data import ArrayData
from longstride.storage.arrays.files import map_file
from longstride.storage.arrays.frames import array_of, names_of_frame, time_of_frame
from longstride.storage.arrays.of_xarray import is_of_xarray, rows_of_xarray
from longstride.storage.arrays.parts import labels_of, segments_of, series_of
from longstride.storage.arrays.times import times_of
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import LongstrideError, coded

__all__ = ["from_array"]

SERVED = "float16, float32, float64, uint8, or int8 to int64"


@coded
@typed
def from_array(
    source: Any,
    *,
    time: Any = None,
    start: Any = None,
    step: str | timedelta | np.timedelta64 | None = None,
    max_gap: str | timedelta | np.timedelta64 | None = None,
    segments: Sequence[tuple[int, int]] | NDArray[np.integer] | None = None,
    series: Mapping[str, int] | Sequence[int] | None = None,
    labels: Any = None,
    channels: Sequence[str] | None = None,
    missing: bool | None = None,
    dtype: Any = None,
    width: int | None = None,
    offset: int = 0,
    key: str | None = None,
) -> ArrayData:
    """Rows of channels of an array that is there, as `WindowLoader`, `split_by_time` and `train` take them.

        import numpy
        import longstride

        data = longstride.from_array(numpy.zeros((1000, 3), "float32"), channels=["a", "b", "c"])
        loader = longstride.WindowLoader(data, window=64, batch_size=32)

    - source: a numpy array (T, N) or (T,), also a memmap; a tensor in memory; the path of a .npy or .safetensors
      file (`key` names one of several arrays), or of a file of plain numbers (`dtype`, `width` numbers in a row,
      after `offset` bytes). Nothing is copied.
    - or, read piece by piece: an array of Zarr, h5py or Dask, or a DataArray or Dataset of xarray, which has
      times and channels of its own; `cache_dir` of a loader keeps what was read.
    - time: one time for each row, rising within a series: datetime64, or int64 nanoseconds since 1970 UTC. Or
      `start` and `step`, for rows that are so far apart. Without any, time is the number of the row, in seconds.
    - series: names and numbers of rows of the series that lie one after another, or the numbers alone.
    - segments: first row and row after the last of each run that windows may lie in. By default a segment ends
      where a series does, and where the next time is more than `max_gap` away (1.5 usual steps by default).
    - labels: one for each row (T,), several (T, L), or a mapping of names to (T,); 0 means normal.
    - channels: N names; by default c0, c1 and so on.
    - missing: whether any value is NaN. By default up to 4 GiB are looked through; more are taken to have some, so
      that each batch has a mask.

    Raises LongstrideError for an array that cannot be served as it lies, and for parts that do not fit it.
    """
    name, found, own_time, own_names = _found(source, channels, dtype=dtype, width=width, offset=offset, key=key)
    values = _served(found, name)
    names = _channels(own_names if channels is None else channels, values.shape[1], name)
    time = own_time if time is None and start is None and step is None else time
    lengths = series_of(series, len(values), name)
    times, cadence_ns = times_of(time, start, step, len(values), list(lengths.values()), name)
    label_names, label_rows = labels_of(labels, len(values), name)
    return ArrayData(
        values,
        name=name,
        channels=names,
        time=times,
        cadence_ns=cadence_ns,
        segments=segments_of(segments, max_gap, times, cadence_ns, list(lengths.values()), name),
        series=list(lengths),
        labels=label_rows,
        label_names=label_names,
        missing=missing,
        has_calendar=time is not None or start is not None,
        has_cadence=time is not None or step is not None,
    )


def _found(
    source: Any, channels: Sequence[str] | None, **of_file: Any
) -> tuple[str, NDArray[Any] | ChunkedRows, NDArray[Any] | None, list[str] | None]:
    """What it is called in messages, the array, and the times and channels that it says itself."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source), map_file(source, **of_file), None, None
    if given := [name for name, value in of_file.items() if value]:
        raise LongstrideError(f"{given[0]} describes a file, and an array was given", code="option-value")
    name = type(source).__name__
    if is_of_xarray(source):
        return f"the {name}", *rows_of_xarray(source, channels)
    if not isinstance(source, np.ndarray) and getattr(source, "chunks", None) and len(source.shape) in (1, 2):
        return f"the {name}", ChunkedRows(source), None, None
    if not hasattr(source, "__array__"):
        raise LongstrideError(
            f"the source is a {name}: expected an array, a tensor, or the path of a file", code="array-format"
        )
    try:
        return f"the {name}", array_of(f"the {name}", source), time_of_frame(source), names_of_frame(source)
    except LongstrideError:
        raise
    except (TypeError, RuntimeError, ValueError) as error:  # of a tensor on a device, or of a type numpy lacks
        reason = " ".join(str(error).split())
        raise LongstrideError(f"the {name} cannot be taken as an array: {reason}", code="array-format") from None


def _served(found: NDArray[Any] | ChunkedRows, name: str) -> NDArray[Any] | ChunkedRows:
    """The array (T, N) as torch can serve it, without a copy."""
    values = found
    if isinstance(values, np.ndarray):
        values = values.view(np.ndarray) if values.ndim != 1 else values.view(np.ndarray)[:, None]
    if len(values.shape) != 2:
        raise LongstrideError(
            f"{name} has shape {found.shape}: expected rows and channels (T, N); of series of equal length "
            "(S, T, N), give array.reshape(-1, N) and series=[T] * S",
            code="array-format",
        )
    if 0 in values.shape:
        raise LongstrideError(f"{name} has shape {found.shape}: it holds no value", code="array-format")
    if values.dtype.kind not in "fiu" or values.dtype.itemsize > 8 or values.dtype.str[1:] in ("u2", "u4", "u8"):
        raise LongstrideError(
            f"{name} holds {values.dtype}: expected {SERVED}; give array.astype('float32')", code="array-format"
        )
    if not values.dtype.isnative:
        raise LongstrideError(
            f"{name} holds {values.dtype}, in the byte order of other machines: give array.astype("
            f"{values.dtype.newbyteorder('=').name!r})",
            code="array-format",
        )
    if isinstance(values, np.ndarray) and any(
        stride < 0 or stride % values.dtype.itemsize for stride in values.strides
    ):
        raise LongstrideError(
            f"{name} runs backwards, or its rows do not lie on whole numbers: give numpy.ascontiguousarray(array)",
            code="array-format",
        )
    return values


def _channels(channels: Sequence[str] | None, num_channels: int, name: str) -> list[str]:
    if channels is None:
        return [f"c{number}" for number in range(num_channels)]
    names = [channels] if isinstance(channels, str) or not isinstance(channels, Iterable) else list(channels)
    if len(names) != num_channels or len(set(names)) != len(names) or not all(map(_is_name, names)):
        raise LongstrideError(
            f"channels={names!r:.80}: expected {num_channels} different names, one for each column of {name}",
            code="option-value",
        )
    return names


def _is_name(name: object) -> bool:
    """Whether it is a text that a store could hold as well."""
    return isinstance(name, str) and bool(name) and name.isprintable()
