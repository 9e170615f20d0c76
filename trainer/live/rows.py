"""Rows as somebody has them, as values of the model's channels: a dict, an array, a table."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.storage.arrays.frames import array_of, names_of_frame
from longstride.storage.arrays.times import instants
from longstride.storage.text import counted
from longstride.trainer.errors import ScoresError

__all__ = ["SERIES", "TIME", "Rows", "rows_of"]

TIME, SERIES = "time", "series"
"""Fields of a dict, a table or a line, unless channels are called so."""


class Rows(NamedTuple):
    """B rows, in order of arrival."""

    values: NDArray[np.float64]
    """(B, N), NaN where missing."""
    series: list[str]
    """The series of each row; an empty name where none is given."""
    time: NDArray[np.int64] | None
    """(B,), nanoseconds since 1970-01-01 UTC; None where rows have none."""


def rows_of(given: Any, channels: tuple[str, ...], series: Any, time: Any) -> Rows:
    """Rows from a dict or a table, in which channels are found by name, or an array with all of them in order.

    Raises ScoresError for what cannot be rows of these channels.
    """
    names = list(given) if isinstance(given, Mapping) else names_of_frame(given)
    if names is None and hasattr(given, "schema"):  # a batch of Arrow
        names = list(given.schema.names)
    if names is None:
        values = _array(given, channels)
    else:
        columns = given if isinstance(given, Mapping) else {name: given[name] for name in names}
        values = _columns(columns, channels)
        if time is None and TIME not in channels:
            time = columns.get(TIME)
        if series is None and SERIES not in channels:
            series = columns.get(SERIES)
    return Rows(values, _series(series, len(values)), _time(time, len(values)))


def _array(given: Any, channels: tuple[str, ...]) -> NDArray[np.float64]:
    values = _numbers("the rows", given)
    values = values[None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] != len(channels):
        raise ScoresError(
            f"the rows have shape {np.shape(given)}: expected (N,) or (B, N), of the "
            f"{counted(len(channels), 'channel')} {', '.join(channels)} in this order",
            code="row-format",
        )
    return values


def _columns(columns: Mapping[Any, Any], channels: tuple[str, ...]) -> NDArray[np.float64]:
    """Values of channels by name. One that is not there is missing, but not all of them."""
    found = {name: _numbers(name, columns[name]).ravel() for name in channels if name in columns}
    if not found:
        raise ScoresError(
            f"the row has none of the model's channels: it has {', '.join(map(str, columns))[:200]}, expected "
            f"{', '.join(channels)}",
            code="row-format",
        )
    lengths = {len(column) for column in found.values()}
    if len(lengths) > 1:
        raise ScoresError(f"columns have {sorted(lengths)} values: expected as many in each", code="row-format")
    values = np.full((lengths.pop(), len(channels)), np.nan)
    for number, name in enumerate(channels):
        if name in found:
            values[:, number] = found[name]
    return values


def _numbers(what: str, given: Any) -> NDArray[np.float64]:
    """Numbers as float64; None is a missing one."""
    values = array_of(what, given)
    if values.dtype.kind == "O":
        plain = [np.nan if one is None else one for one in values.ravel().tolist()]
        is_plain = all(isinstance(one, int | float | np.number | np.bool_) for one in plain)
        values = np.array(plain, np.float64).reshape(values.shape) if is_plain else values
    if values.dtype.kind not in "fiub":
        shown = " ".join(repr(given).split())[:80]
        raise ScoresError(f"{what}: {shown} is not a number: expected numbers, or None", code="row-format")
    return values.astype(np.float64)


def _series(given: Any, num_rows: int) -> list[str]:
    if given is None or isinstance(given, str | int):
        return ["" if given is None else str(given)] * num_rows
    names = given if isinstance(given, Sequence) else np.asarray(given).tolist()
    names = [str(name) for name in (names if isinstance(names, Sequence) else [names])]
    if len(names) != num_rows:
        raise ScoresError(
            f"series has {len(names):,} names: expected one, or one for each of the {num_rows:,} rows",
            code="row-format",
        )
    return names


def _time(given: Any, num_rows: int) -> NDArray[np.int64] | None:
    if given is None:
        return None
    times = np.atleast_1d(instants("time", array_of("time", given)))
    if times.shape != (num_rows,):
        raise ScoresError(
            f"time has shape {times.shape}: expected one time for each of the {num_rows:,} rows",
            code="row-format",
        )
    return times
