"""Where segments begin and end: gaps in time, changes of series, long spans of rows without any value."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.elapsed import steps_between
from longstride.storage.series.segments import Segments

__all__ = ["default_max_gap", "find_segments", "usual_step"]

GAP_OF_STEPS = Fraction(3, 2)
MAX_STEPS_SAMPLED = 2**17


def usual_step(times: Iterable[NDArray[np.int64]], num_rows: int, series_start: Sequence[int]) -> int:
    """Median step in nanoseconds between rows of one series, of evenly spread steps; 0 where there is no step.

    `times` has blocks (rows,) of `num_rows` in all; `series_start` has the first row of each series. Of an even
    number of steps the smaller middle one is taken, so that it is a step that occurs.
    """
    spacing = max(1, num_rows // MAX_STEPS_SAMPLED)
    sampled = []
    for row, steps in _steps(times):
        first = -row % spacing
        rows = np.arange(row + first, row + len(steps), spacing)
        sampled.append(steps[first::spacing][~np.isin(rows, series_start)])
    found = np.sort(np.concatenate(sampled))
    return int(found[(len(found) - 1) // 2]) if len(found) else 0


def default_max_gap(step_ns: int) -> int:
    """The longest step that is not a gap, in nanoseconds."""
    return int(step_ns * GAP_OF_STEPS)


def find_segments(
    times: Iterable[NDArray[np.int64]], series_start: Sequence[int], max_gap_ns: int, missing: NDArray[np.int64]
) -> Segments:
    """Cut rows into segments where a step exceeds `max_gap_ns`, where the series changes, and around `missing`.

    `times` has blocks (rows,); `missing` (spans, 2) has first row and row after the last of spans that belong to
    no segment.
    """
    starts = np.asarray(series_start, np.int64)
    num_rows = 0
    cuts = [starts, missing.ravel()]
    for row, steps in _steps(times):
        cuts.append(np.flatnonzero(steps > max_gap_ns) + row)
        num_rows = row + len(steps)
    edges = np.unique(np.concatenate([*cuts, [num_rows]]))
    start, stop = edges[:-1], edges[1:]
    span = np.searchsorted(missing[:, 0], start, side="right") - 1
    within = (span >= 0) & (start < missing[span, 1]) if len(missing) else np.zeros(len(start), bool)
    start, stop = start[~within], stop[~within]
    return Segments(start, stop, np.searchsorted(starts, start, side="right") - 1)


def _steps(times: Iterable[NDArray[np.int64]]) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """For each block its first row, and the step that leads to each of its rows (to the first row of all: 0).

    The step to the first row of another series means nothing.
    """
    row = 0
    last: NDArray[np.int64] | None = None
    for time in times:
        yield row, steps_between(np.concatenate([time[:1] if last is None else last, time]))
        row += len(time)
        last = time[-1:]
