"""Leaving out windows for labels or missing values: which windows, and the segments of those that are left.

Windows that stay begin at the same rows as before. So a segment is cut into parts of consecutive windows, which
may share rows at their ends.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments

__all__ = ["labelled_windows", "mostly_missing_windows", "without"]

STRIP_ROWS = 2**16
"""Rows that are read at a time."""

Ranges = NDArray[np.int64]
"""Numbers first:stop of windows, (ranges, 2)."""


def without(index: WindowIndex, dropped: Ranges) -> Segments:
    """Segments whose windows, of the same rows, are those of `index` but for the dropped ones."""
    edges = np.unique(np.concatenate([index.offsets, dropped.ravel()]))
    first, stop = edges[:-1], edges[1:]
    begun = np.searchsorted(np.sort(dropped[:, 0]), first, side="right")
    ended = np.searchsorted(np.sort(dropped[:, 1]), first, side="right")
    first, stop = first[begun == ended], stop[begun == ended]
    if not len(first):
        return Segments(first, stop, first)
    start = index.starts(first)
    segment = index.segment_of(first)
    return Segments(start, index.ends(index.starts(stop - 1)), index.segments.series[segment])


def labelled_windows(index: WindowIndex, store: SeriesData, columns: Sequence[int]) -> Ranges:
    """Windows with a row, from the first to the last of the horizon, in which one of these labels is not 0."""
    labels = store.checked("labels")
    edges = [np.empty(0, np.int64)]
    before = False
    # The index may be of one of very many series.
    begin, end = (
        (int(index.segments.start.min()), int(index.segments.stop.max())) if len(index.segments) else (0, 0)
    )
    for start in range(begin, end, STRIP_ROWS):
        labelled = (labels[start : min(start + STRIP_ROWS, end), list(columns)] != 0).any(axis=1)
        edges.append(np.flatnonzero(np.diff(labelled, prepend=before)) + start)
        before = bool(labelled[-1])
    runs = np.concatenate([*edges, [end] if before else []]).astype(np.int64).reshape(-1, 2)
    # Shorter windows may end before, although they begin less than a span before.
    ended = index.offsets[np.searchsorted(index.segments.stop, runs[:, 0], side="right")]
    first = np.maximum(index.num_before(runs[:, 0] - index.span + 1), ended)
    return np.stack([first, index.num_before(runs[:, 1])], axis=1)


def mostly_missing_windows(
    index: WindowIndex, store: SeriesData, columns: Sequence[int], largest_share: float
) -> Ranges:
    """Windows in which more than a share of the K rows of these channels is missing."""
    limit = largest_share * len(columns)
    reach = (index.window - 1) * index.dilation + 1
    edges = []
    for start, stop in _incomplete_rows(store, columns):
        # A window that begins so far before them may reach into them.
        for row in range(max(0, start - reach + 1), stop, STRIP_ROWS):
            first, last = index.num_before(np.array([row, min(row + STRIP_ROWS, stop)])).tolist()
            if first == last:
                continue
            starts = index.starts(np.arange(first, last))
            values = store.checked("values")[starts[0] : starts[-1] + reach][:, list(columns)]
            lengths = index.lengths(starts)
            found = index.sums(np.isnan(values).sum(axis=1), starts - starts[0], lengths) > limit * lengths
            edges.append(np.flatnonzero(np.diff(found, prepend=False, append=False)) + first)
    return np.concatenate([np.empty(0, np.int64), *edges]).reshape(-1, 2)


def _incomplete_rows(store: SeriesData, columns: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of rows outside which no value is missing, known from the statistics of blocks."""
    count = store.block_statistics.count[:, list(columns)]
    rows = np.full(len(count), store.chunk_rows)
    rows[-1] = store.num_rows - store.chunk_rows * (len(count) - 1)
    incomplete = (count < rows[:, None]).any(axis=1)
    edges = np.flatnonzero(np.diff(incomplete, prepend=False, append=False)) * store.chunk_rows
    for start, stop in edges.reshape(-1, 2).tolist():
        yield start, min(stop, store.num_rows)
