"""Lengths of windows: rows, or durations, of which the step of a store makes rows."""

import operator
from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from longstride.storage.arrays.ramp import Ramp
from longstride.storage.arrays.times import nanoseconds
from longstride.storage.duration import read_duration
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments

__all__ = [
    "Length",
    "RowsOf",
    "check_dilation",
    "check_steps",
    "checked_length",
    "checked_lengths",
]

Length = int | str | timedelta | np.timedelta64
"""Rows, or a duration: "10min", "1h30m", `datetime.timedelta` or `numpy.timedelta64`."""

LEAST = {"window": 1, "stride": 1, "horizon": 0, "gap": 0}
MAX_ROWS, MAX_DILATION = 2**40, 2**20
"""The product of both, a few times, is still an int64."""
TOO_MANY = ", at most 2^40"
ROUNDED = Fraction(1, 100)
"""Part of a step that a duration may miss, where the times themselves are rounded to nanoseconds."""
STRIP_ROWS = 2**20
"""Rows that are read at a time."""


def checked_length(option: str, given: Length) -> Length:
    """A number of rows as a plain int, a duration as it is. Raises LongstrideError for what is neither."""
    least = LEAST[option]
    if isinstance(given, str | timedelta | np.timedelta64):
        duration = _nanoseconds(option, given)
        if duration < least:
            raise _error(f"{option}={given!s}: expected a duration{' above 0' * least}")
        return given
    try:
        if isinstance(given, bool | np.bool_):
            raise TypeError
        rows = operator.index(given)
    except TypeError:
        raise _error(
            f"{option} is {given!r:.80}: expected a whole number of rows, or a duration such as '10min'"
        ) from None
    if not least <= rows <= MAX_ROWS:
        raise _error(f"{option}={rows}: expected {least} or more rows{TOO_MANY * (rows > MAX_ROWS)}")
    return rows


def checked_lengths(given: Sequence[Length]) -> tuple[Length, ...]:
    """Several lengths of windows, the shortest first, each once.

    Raises LongstrideError for one that is none, and where rows and durations are mixed.
    """
    lengths = [checked_length("window", one) for one in given]
    rows = [one for one in lengths if isinstance(one, int)]
    if not lengths or (rows and len(rows) < len(lengths)):
        raise _error(f"window={given!r:.80}: expected lengths that are all rows, or all durations")
    found = {one if isinstance(one, int) else _nanoseconds("window", one): one for one in lengths}
    return tuple(found[size] for size in sorted(found))


def check_dilation(dilation: int) -> None:
    """Raise LongstrideError for steps that cannot be taken."""
    if not 1 <= dilation <= MAX_DILATION:
        raise _error(f"dilation={dilation}: expected 1 for every row, 2 for every second, to {MAX_DILATION:,}")


class RowsOf:
    """Makes rows of durations, by the step of one store."""

    def __init__(self, store: SeriesData) -> None:
        """Nothing is read unless a duration is given."""
        self._store = store

    def __call__(self, option: str, given: Length, dilation: int = 1) -> int:
        """Rows that are `dilation` steps apart, for a length that `checked_length` returned.

        Raises LongstrideError where nothing says how far apart rows are, and for a duration that is not a whole
        number of steps.
        """
        if isinstance(given, int):
            return given
        step = self.step * dilation
        number = Fraction(_nanoseconds(option, given)) / step
        rows = round(number)
        allowed = 0 if self.step == self._store.cadence_ns else ROUNDED
        if abs(number - rows) > allowed or not LEAST[option] <= rows <= MAX_ROWS:
            raise _error(
                f"{option}={given!s} is {float(number):.6g} times {_seconds(step)} in {self._store.name}: "
                f"expected a whole number of steps{TOO_MANY * (rows > MAX_ROWS)}; give rows, such as "
                f"{option}={min(max(rows, 1), MAX_ROWS)}"
            )
        return rows

    @cached_property
    def step(self) -> Fraction:
        """Nanoseconds from row to row: the usual step, or the mean where times are rounded to nanoseconds."""
        store = self._store
        if not store.has_cadence:
            raise _error(
                f"durations need to know how far apart rows are, and nothing says it of {store.name}: give step= "
                "or time= to from_array, or numbers of rows"
            )
        if store.cadence_ns <= 0:
            raise _error(f"{store.name} has no two rows that follow each other: give numbers of rows")
        segments = store.segments
        num_steps = int((segments.stop - segments.start - 1).sum())
        if isinstance(store.time, Ramp) or not num_steps:
            return Fraction(store.cadence_ns)
        time = store.checked("time")
        # Python's numbers: the sum may be longer than int64 nanoseconds.
        elapsed = sum((time[segments.stop - 1] - time[segments.start]).tolist())
        mean = Fraction(elapsed, num_steps)
        return mean if abs(mean - store.cadence_ns) < 1 else Fraction(store.cadence_ns)


def check_steps(store: SeriesData, segments: Segments, step: Fraction, max_jitter: float) -> None:
    """Raise LongstrideError where a step inside a segment differs from the usual one by more than this share."""
    if isinstance(store.time, Ramp) or not len(segments):
        return
    worst, place, found = max_jitter, -1, 0
    for row, steps in _steps(store, segments):
        away = np.abs(steps - float(step)) / float(step)
        at = int(away.argmax())
        if away[at] > worst:
            worst, place, found = float(away[at]), int(row[at]), int(steps[at])
    if place >= 0:
        raise _error(
            f"rows {place:,} and {place + 1:,} of {store.name} are {_seconds(Fraction(found))} apart, and the "
            f"usual step is {_seconds(step)}, so windows of a duration would have other numbers of rows: allow it "
            f"with max_jitter={_rounded_up(worst)}, give numbers of rows, or ingest with --every"
        )


def _steps(store: SeriesData, segments: Segments) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows whose next row is in the same segment, and nanoseconds to that, in strips."""
    time = store.checked("time")
    last = int(segments.stop.max()) - 1
    for first in range(int(segments.start[0]), last, STRIP_ROWS):
        times = time[first : min(first + STRIP_ROWS, last) + 1]
        rows = first + np.arange(len(times) - 1)
        segment = np.searchsorted(segments.start, rows, side="right") - 1
        inside = rows + 1 < segments.stop[segment]
        if inside.any():
            yield rows[inside], np.diff(times)[inside]


def _seconds(step: Fraction) -> str:
    """Nanoseconds as text."""
    return f"{float(step) / 1e9:,.9g} s"


def _rounded_up(share: float) -> float:
    """A share of two digits or so that is not less."""
    digits = 2
    while round(share, digits) < share:
        share = share + 10**-digits / 2
    return round(share, digits)


def _nanoseconds(option: str, given: str | timedelta | np.timedelta64) -> Fraction:
    if not isinstance(given, str):
        return Fraction(nanoseconds(option, given))
    found = read_duration(given)
    if found is None:
        raise _error(
            f"{option}={given!r:.80}: expected a number of rows, or a duration such as '10min', '1h30m' or '500ms'"
        )
    return found


def _error(message: str) -> LongstrideError:
    return LongstrideError(message, code="option-value")
