"""Arrays of numpy as columns of Arrow, whatever a file holds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["column_of", "distinct", "nanoseconds"]

NS = 10**9


def column_of(values: NDArray[Any], invalid: NDArray[np.bool_] | None = None) -> Any:
    """A column of Arrow. Rows of several values are lists, records and complex numbers are structs."""
    import pyarrow as pa

    if values.dtype.names is not None:
        fields = [column_of(values[name]) for name in values.dtype.names]
        return pa.StructArray.from_arrays(fields, list(values.dtype.names))
    if values.ndim > 1:
        flat = values.reshape(len(values), -1) if values.size else values.reshape(len(values), 1)[:0]
        return pa.FixedSizeListArray.from_arrays(column_of(flat.ravel()), max(1, flat.shape[1]))
    if values.dtype.kind == "c":
        parts = [np.ascontiguousarray(values.real), np.ascontiguousarray(values.imag)]
        return pa.StructArray.from_arrays([column_of(part) for part in parts], ["real", "imag"])
    mask = invalid if invalid is not None and invalid.any() else None
    return pa.array(_plain(values), mask=mask, from_pandas=False)


def _plain(values: NDArray[Any]) -> Any:
    kind = values.dtype.kind
    if kind in "biu":
        return np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    if kind == "f":
        size = min(8, max(4, values.dtype.itemsize))
        return np.ascontiguousarray(values, f"f{size}")
    if kind in "Mm":
        return values.astype(f"{kind}8[ns]")
    return [_text(value) for value in values.tolist()]


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return None if value is None else str(value)


def nanoseconds(seconds: NDArray[np.floating], start: int = 0) -> NDArray[np.int64]:
    """Seconds after a start, which has nanoseconds. Raises ValueError where they are no times."""
    whole = np.floor(seconds)
    if not (np.abs(whole) < 2**33).all():  # neither are infinite ones, nor those that are not numbers
        raise ValueError(f"seconds of a clock are {seconds[~(np.abs(whole) < 2**33)][0]}")
    # Apart, as a float64 cannot hold both.
    time: NDArray[np.int64] = whole.astype(np.int64) * NS + np.rint((seconds - whole) * NS).astype(np.int64)
    return time + start


def distinct(names: list[str]) -> tuple[list[str], dict[str, str]]:
    """Names of columns, each once, as name_2 where it comes again; and by such a name, the one that came again."""
    found: dict[str, str] = {}
    taken = set(names)
    for name in names:
        number, free = 2, name
        while free in found or (free != name and free in taken):
            free, number = f"{name}_{number}", number + 1
        found[free] = name
    return list(found), {free: name for free, name in found.items() if free != name}
