"""Windows that start where the clock shows a time: the rows, and the segments that hold no other windows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.geometry.clock import Clock
from longstride.pipeline.loading.geometry.sizes import Geometry
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments
from longstride.storage.text import iso_time

__all__ = ["anchored"]

STRIP_ROWS = 2**20
"""Rows whose times are read at a time."""


def anchored(
    stores: Sequence[SeriesData], segments: Sequence[Segments], geometry: Geometry, clock: Clock
) -> tuple[Geometry, list[Segments]]:
    """Segments whose windows are those of `segments` that start at a mark of the clock, and their geometry.

    Marks that are equally far apart become one segment, whose stride is their distance; so the number of segments
    is that of runs of them. Raises LongstrideError where rows have no times, and where no window starts at a mark.
    """
    for store in stores:
        if not store.has_calendar:
            raise LongstrideError(
                f"{clock.shown}: nothing says when the rows of {store.name} are; give time=, or start= and step=, "
                "to from_array",
                code="option-value",
            )
        if clock.apart < store.cadence_ns:
            raise LongstrideError(
                f"{clock.shown} is more often than {store.name} has rows, one every "
                f"{store.cadence_ns / 1e9:,.9g} s: leave it out, and give stride=1",
                code="option-value",
            )
    geometry = replace(geometry, stride=max(1, round(clock.apart / max(1, stores[0].cadence_ns))))
    span = geometry.index(stores[0].segments).span
    found = [
        _in_runs(_rows_at(store, clock), mine, span, geometry)
        for store, mine in zip(stores, segments, strict=True)
    ]
    if not any(len(part) for part in found):
        spans = [store.span_ns for store in stores]
        first, last = iso_time(min(span[0] for span in spans)), iso_time(max(span[1] for span in spans))
        raise LongstrideError(
            f"no window of {span} rows starts at {clock.shown}: the rows are from {first} to {last} UTC",
            code="too-few-windows",
        )
    return geometry, found


def _rows_at(store: SeriesData, clock: Clock) -> NDArray[np.int64]:
    """In each segment, the first row at each mark or after it, if it is less than a step after it."""
    time, step = store.checked("time"), max(1, store.cadence_ns)
    rows = [np.empty(0, np.int64)]
    for start, stop in zip(store.segments.start.tolist(), store.segments.stop.tolist(), strict=True):
        before = -(2**63)
        for first in range(start, stop, STRIP_ROWS):
            times = time[first : min(first + STRIP_ROWS, stop)]
            marks = clock.between(max(before + 1, int(times[0]) - step + 1), int(times[-1]))
            row = np.searchsorted(times, marks)
            rows.append(first + np.unique(row[times[row] - marks < step]))
            before = int(times[-1])
    return np.concatenate(rows)


def _in_runs(rows: NDArray[np.int64], segments: Segments, span: int, geometry: Geometry) -> Segments:
    """Segments of one window for each of the rows that lie in `segments` with all of their window.

    If windows may be shorter, so is the first of each segment that does not fit.
    """
    if not len(segments):
        return segments
    segment = np.searchsorted(segments.start, rows, side="right") - 1
    stop = segments.stop[segment]
    fits = (segment >= 0) & (rows + span <= stop)
    if geometry.ragged:
        left = np.flatnonzero((segment >= 0) & (rows < stop) & ~fits)
        fits[left[np.diff(segment[left], prepend=-1) != 0]] = True
    rows, segment, stop = rows[fits], segment[fits], stop[fits]
    apart = (np.diff(rows) != geometry.stride) | (np.diff(segment) != 0)
    first, last = np.append(True, apart)[: len(rows)], np.append(apart, True)[: len(rows)]
    return Segments(rows[first], np.minimum(rows + span, stop)[last], segments.series[segment[first]])
