"""Which normal rows are kept of a split, and the errors of windows that cover them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.splits import Split
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.trainer.calibration.coverage import kept_positions
from longstride.trainer.calibration.trained_model import TrainedModel

__all__ = ["RowSample", "Runs", "choose_runs", "sample_rows"]

MAX_ROWS = 2**16
"""Rows that are kept: one in a thousand of them is 65, enough to say where the highest begin."""
MAX_VALUES = 2**23
"""Errors that are kept, of two bytes each: of many channels, fewer rows."""
RUN_ROWS = 256
"""Rows that follow each other are chosen together: the windows of one cover the next as well."""


class Runs(NamedTuple):
    """Runs of rows that follow each other, in order, apart, inside one segment each; fields have shape (R,)."""

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    segment: NDArray[np.int64]
    """The segment that a run lies in."""

    def rows(self) -> NDArray[np.int64]:
        """All rows, in order."""
        return np.concatenate([np.arange(*bounds) for bounds in zip(self.start, self.stop, strict=True)])


class RowSample(NamedTuple):
    """Errors of normal rows, before they are standardised."""

    rows: NDArray[np.int64]
    """(M,), in order."""
    series: NDArray[np.int64]
    """(M,), as an index into the series of the store."""
    errors: NDArray[np.float32]
    """(M, G, T): by the window in which the row lies at a kept position; NaN where there is none, or no value."""
    weights: NDArray[np.float32]
    """(M, G): how much that window counts; 0 where there is none."""
    moments: Statistics
    """(J * T,): of the errors of all windows that were looked at, by position and output."""


def choose_runs(segments: Segments, window: int, max_rows: int) -> Runs:
    """Runs of rows that windows cover, spread evenly over segments; all if there are no more than `max_rows`."""
    (longer,) = np.nonzero(segments.stop - segments.start >= window)
    ends = np.cumsum(segments.stop[longer] - segments.start[longer])
    offsets = np.append(0, ends)  # of the segments, if they lay next to each other
    total, length = int(offsets[-1]), min(RUN_ROWS, max_rows)
    if total <= max_rows:
        first = np.arange(0, total, RUN_ROWS)
    else:
        first = np.linspace(0, total - length, max_rows // length).astype(np.int64)
    last = np.minimum(first + (RUN_ROWS if total <= max_rows else length), total)
    edges = np.unique(np.concatenate([first, last, offsets]))
    begin, end = edges[:-1], edges[1:]
    run = np.searchsorted(first, begin, side="right") - 1
    chosen = (run >= 0) & (begin < last[run]) if len(first) else np.zeros(len(begin), bool)
    begin, end = begin[chosen], end[chosen]
    place = np.searchsorted(offsets, begin, side="right") - 1
    shift = segments.start[longer][place] - offsets[place]
    return Runs(begin + shift, end + shift, longer[place])


def sample_rows(
    trained: TrainedModel, data: SeriesData, split: Split, batch_size: int, stopped: Callable[[], bool]
) -> RowSample | None:
    """The errors of normal rows of a split, by windows in which no row has a label.

    None where there is none, and where `stopped` says so meanwhile.
    """
    window, judged, num_outputs = trained.task.span, trained.task.judged, len(trained.outputs)
    positions = kept_positions(judged)
    segments = split.without_labels(data, window=window, stride=1).segments
    max_rows = min(MAX_ROWS, MAX_VALUES // (len(positions) * num_outputs))
    runs = choose_runs(segments, window, max_rows)
    if not len(runs.start):
        return None
    lengths = runs.stop - runs.start
    before = np.cumsum(lengths) - lengths
    errors = np.full((int(lengths.sum()), len(positions), num_outputs), np.nan, np.float32)
    weights = np.zeros(errors.shape[:2], np.float32)
    moments = [Statistics.empty(judged * num_outputs)]
    around = Split(split.name, _around(runs, segments, window))
    for starts, found, weight in trained.errors(data, around, 1, batch_size):
        if stopped():
            return None
        found = np.where(np.isinf(found), np.nan, found)  # of values whose square is beyond float32
        moments = [Statistics.merge([*moments, Statistics.of(found.reshape(len(found), -1))])]
        for number, position in enumerate(positions.tolist()):
            at = starts + position
            run = np.maximum(np.searchsorted(runs.start, at, side="right") - 1, 0)
            inside = (at >= runs.start[run]) & (at < runs.stop[run])
            place = before[run] + at - runs.start[run]
            errors[place[inside], number] = found[inside, position]
            weights[place[inside], number] = weight[inside]
    rows, series = runs.rows(), np.repeat(segments.series[runs.segment], lengths)
    seen = ~np.isnan(errors).all(axis=(1, 2))
    return RowSample(rows[seen], series[seen], errors[seen], weights[seen], moments[0]) if seen.any() else None


def _around(runs: Runs, segments: Segments, window: int) -> Segments:
    """The rows of all windows that cover a row of the runs, each once."""
    first = np.maximum(runs.start - window + 1, segments.start[runs.segment])
    last = np.minimum(runs.stop + window - 1, segments.stop[runs.segment])
    # Runs of one segment whose windows would meet are read as one.
    apart = (np.diff(runs.segment) != 0) | (first[1:] - last[:-1] >= 0)
    begins = np.append(True, apart)
    ends = np.append(apart, True)
    return Segments(first[begins], last[ends], segments.series[runs.segment[begins]])
