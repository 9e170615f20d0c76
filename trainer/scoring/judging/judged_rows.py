"""The rows that are judged: of a series, of all series, or of several stores, put one behind the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.data import SeriesData
from longstride.storage.text import utc_time
from longstride.trainer.scoring.events import are_apart
from longstride.trainer.scoring.judging.vus import spans_of
from longstride.trainer.scoring.rows.ranges import Ranges, common_rows, num_rows, rows_at
from longstride.trainer.scoring.score_reader import Scores

__all__ = ["ALL", "ANY", "JudgedRows", "JudgedSpan", "JudgedStore", "pooled"]

ALL, ANY = "all", "any"
NS_PER_HOUR = 3600 * 10**9


@dataclass(frozen=True)
class JudgedRows:
    """Rows with scores and a label, with the segments that they lie in."""

    scores: NDArray[np.float64]
    """(R,), NaN where a row has none."""
    labelled: NDArray[np.bool_]
    """(R,)"""
    alarms: NDArray[np.bool_]
    """(R,): whether a score is above the threshold of its file."""
    time: NDArray[np.int64]
    """(R,), nanoseconds."""
    segments: NDArray[np.int64]
    """(S, 2), in these rows."""
    events: NDArray[np.int64]
    """(E, 2): from the first alarm of an event to behind its last, in these rows."""
    row_hours: NDArray[np.float64]
    """(R,): how long a row lasts; NaN where nobody knows."""

    @property
    def has_both(self) -> bool:
        """Whether some rows with a score are labelled and some are not."""
        found = self.labelled[~np.isnan(self.scores)]
        return bool(found.any() and not found.all())


@dataclass(frozen=True, kw_only=True)
class JudgedSpan:
    """A labelled span, and the alarms in it."""

    store: str
    series: str
    label: str
    start: str
    """Time of its first row, UTC."""
    end: str
    """Time of its last row."""
    rows: int
    alarms: int
    """Rows with an alarm; the span was found if there is one."""
    delay_rows: int | None
    """From its first row to the first alarm; None where it was not found."""
    highest: float | None
    """The highest score; None where no row has one."""


class JudgedStore:
    """A store and its scores."""

    def __init__(self, store: SeriesData, scores: Scores, rows: Ranges, threshold: float) -> None:
        """Judge `rows` of a store with labels. An alarm is a score above `threshold`."""
        self.name = store.name
        self.threshold = threshold
        self.label_names = store.label_names
        self._store = store
        self._scores = scores.scores
        self._rows = rows
        self._time = np.asarray(store.checked("time")[:])
        self._windows = scores.windows(store)
        self._labels = np.asarray(store.checked("labels")[:]) != 0

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its labels, and one for any of them where there are several."""
        return (*self.label_names, *([ANY] if len(self.label_names) > 1 else []))

    def series(self) -> Iterator[tuple[str, Ranges]]:
        """The rows of each series, where there are several."""
        segments = self._store.segments
        follows = np.append(np.diff(segments.series) == 0, False)
        stop = np.where(follows, np.append(segments.start[1:], 0), segments.stop)  # with the rows up to the next
        bounds = np.stack([segments.start, stop], axis=1)
        for number, name in enumerate(self._store.series if len(self._store.series) > 1 else ()):
            mine = common_rows(bounds[segments.series == number], self._rows)
            if len(mine):
                yield name, mine

    def judged(self, label: str, rows: Ranges | None = None) -> JudgedRows:
        """Some of its rows, by default all, with one label; with any of its labels for a name that is none."""
        store = self._store
        rows = self._rows if rows is None else rows
        at = rows_at(rows, 0, num_rows(rows))
        columns = [self.label_names.index(label)] if label in self.label_names else slice(None)
        labels: NDArray[np.bool_] = self._labels[at][:, columns].any(axis=1)
        scores = self._scores[at]
        segments, windows = self._segments(at)
        alarms = scores > self.threshold
        known = store.cadence_ns / NS_PER_HOUR if store.has_cadence and store.cadence_ns else np.nan
        return JudgedRows(
            scores=scores,
            labelled=labels,
            alarms=alarms,
            time=self._time[at],
            segments=segments,
            events=_events(alarms, segments, windows),
            row_hours=np.full(len(at), known),
        )

    def spans(self, label: str) -> Iterator[JudgedSpan]:
        """Each labelled span, in the order of the rows, and what alarms it has."""
        rows, at = self.judged(label), rows_at(self._rows, 0, num_rows(self._rows))
        series = np.searchsorted(self._store.segments.start, at, side="right") - 1
        for start, stop in spans_of(rows.labelled, rows.segments)[0].tolist():
            alarms, scores = np.flatnonzero(rows.alarms[start:stop]), rows.scores[start:stop]
            yield JudgedSpan(
                store=self.name,
                series=self._store.series[int(self._store.segments.series[series[start]])],
                label=label,
                start=utc_time(int(rows.time[start])),
                end=utc_time(int(rows.time[stop - 1])),
                rows=stop - start,
                alarms=len(alarms),
                delay_rows=int(alarms[0]) if len(alarms) else None,
                highest=None if np.isnan(scores).all() else float(np.nanmax(scores)),
            )

    def _segments(self, at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Runs of rows that follow each other in one segment, (S, 2), counted in `at`; and their windows (S,)."""
        segments = self._store.segments
        number = np.searchsorted(segments.start, at, side="right") - 1
        inside = at < np.append(segments.stop, 0)[number]  # before the first segment, the number is -1
        edges = (np.diff(number) != 0) | (np.diff(at) != 1) | (np.diff(inside) != 0)
        first = np.flatnonzero(inside & np.append(True, edges)[: len(at)])
        last = np.flatnonzero(inside & np.append(edges, True)[: len(at)])
        return np.stack([first, last + 1], axis=1), self._windows[segments.series[number[first]]]


def pooled(parts: Sequence[JudgedRows]) -> JudgedRows:
    """The rows of all parts, one behind the other."""
    before = np.cumsum([0, *(len(part.scores) for part in parts)])[:-1]
    return JudgedRows(
        scores=np.concatenate([part.scores for part in parts]),
        labelled=np.concatenate([part.labelled for part in parts]),
        alarms=np.concatenate([part.alarms for part in parts]),
        time=np.concatenate([part.time for part in parts]),
        segments=np.concatenate([part.segments + by for part, by in zip(parts, before, strict=True)]),
        events=np.concatenate([part.events + by for part, by in zip(parts, before, strict=True)]),
        row_hours=np.concatenate([part.row_hours for part in parts]),
    )


def _events(
    alarms: NDArray[np.bool_], segments: NDArray[np.int64], windows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Alarms fewer than a window (S,) of their segment apart, as `score --events` joins them."""
    (rows,) = np.nonzero(alarms)
    number = np.searchsorted(segments[:, 0], rows, side="right") - 1
    apart = are_apart(rows, number, windows)
    first = rows[np.append(True, apart)] if len(rows) else rows
    last = rows[np.append(apart, True)] if len(rows) else rows
    return np.stack([first, last + 1], axis=1)
