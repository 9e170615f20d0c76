"""Times of the rows of an array."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from longstride.storage.arrays.frames import array_of
from longstride.storage.arrays.ramp import Ramp
from longstride.storage.duration import read_duration
from longstride.storage.errors import LongstrideError
from longstride.storage.series.gaps import usual_step
from longstride.storage.series.row_source import RowSource

__all__ = ["instants", "nanoseconds", "times_of"]

SECOND = 10**9
STRIP_ROWS = 2**20
"""Rows that are looked at together."""


def times_of(
    time: Any, start: Any, step: Any, num_rows: int, lengths: Sequence[int], name: str
) -> tuple[RowSource, int]:
    """Nanoseconds (T,) since 1970 UTC, and the usual step. `lengths` are the rows of each series.

    Raises LongstrideError where they do not fit the rows, or do not rise within a series.
    """
    if time is None:
        step_ns = SECOND if step is None else nanoseconds("step", step)
        if step_ns <= 0:
            raise LongstrideError(f"step={step!r}: expected more than 0", code="option-value")
        start_ns = 0 if start is None else int(instants("start", np.asarray(start))[()])
        if start_ns + step_ns * num_rows >= 2**63:
            raise LongstrideError(f"{num_rows:,} rows of {step!r} end after the year 2262", code="option-value")
        return Ramp(start_ns, step_ns, num_rows), step_ns
    if start is not None or step is not None:
        raise LongstrideError("time says when each row is: leave start and step out", code="option-value")
    times = instants("time", array_of("time", time))
    if times.shape != (num_rows,):
        raise LongstrideError(
            f"time has shape {times.shape}: expected one for each of the {num_rows:,} rows of {name}",
            code="option-value",
        )
    bounds = list(pairwise([0, *accumulate(lengths)]))
    for first, stop in bounds:
        for row in range(first, stop, STRIP_ROWS):
            part = times[row : min(row + STRIP_ROWS + 1, stop)]
            fallen = np.flatnonzero(part[1:] <= part[:-1])
            if len(fallen):
                at = row + int(fallen[0])
                raise LongstrideError(
                    f"time does not rise from row {at:,} to row {at + 1:,}: sort the rows, or say where a series "
                    "begins with series=",
                    code="option-value",
                )
    blocks = (times[row : row + STRIP_ROWS] for row in range(0, num_rows, STRIP_ROWS))
    return times, usual_step(blocks, num_rows, [first for first, _ in bounds])


def nanoseconds(option: str, value: Any) -> int:
    """A length of time in nanoseconds. Raises LongstrideError for anything else."""
    if isinstance(value, timedelta):
        return (value.days * 86_400 + value.seconds) * SECOND + value.microseconds * 1_000
    # A month or a year is of no length.
    if isinstance(value, np.timedelta64) and not np.isnat(value) and np.datetime_data(value)[0] not in ("M", "Y"):
        return int(value.astype("timedelta64[ns]").astype(np.int64))
    found = read_duration(value) if isinstance(value, str) else None
    if found is not None and found.denominator == 1:
        return int(found)
    raise LongstrideError(
        f"{option}={value!r:.80}: expected a duration of whole nanoseconds, such as '10min', or a "
        "datetime.timedelta or numpy.timedelta64",
        code="option-value",
    )


def _plain(one: Any) -> Any:
    """A time with a zone in UTC, which numpy's times are."""
    if isinstance(one, str):
        one = datetime.fromisoformat(one)
    if isinstance(one, datetime) and one.tzinfo:
        one = one.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(one)


def instants(option: str, given: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Times as int64 nanoseconds, which are not copied if they are that already."""
    if given.dtype.kind in "UO":
        try:
            given = np.array([_plain(one) for one in given.ravel().tolist()], "datetime64").reshape(given.shape)
        except (TypeError, ValueError) as error:
            raise LongstrideError(
                f"{option}: {error}; expected times such as 2024-03-01T08:00", code="option-value"
            ) from None
    if given.dtype.kind == "M":
        if np.isnat(given).any():
            raise LongstrideError(f"{option} has rows without a time (NaT): leave them out", code="option-value")
        times = given.astype("datetime64[ns]", copy=False)
        if given.dtype != times.dtype and (times.astype(given.dtype) != given).any():
            raise LongstrideError(
                f"{option} has times outside the years 1678 to 2261, or finer than nanoseconds",
                code="option-value",
            )
        return times.view(np.int64)
    if given.dtype == np.int64:
        return given
    raise LongstrideError(
        f"{option} holds {given.dtype}: expected datetime64, or int64 nanoseconds since 1970 UTC",
        code="option-value",
    )
