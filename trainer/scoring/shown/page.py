"""A page of scores for people: what alarms there were, the channels that carry them, and which faults were missed.

Its size is bounded: of many events, the highest are listed and drawn, and of many rows, as many points as a screen
shows.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.html.page import page_from
from longstride.storage.series.data import SeriesData
from longstride.storage.text import readable_time
from longstride.trainer.scoring.events import Event, events_of
from longstride.trainer.scoring.judging.vus import spans_of
from longstride.trainer.scoring.rows.ranges import Ranges, as_ranges, num_rows
from longstride.trainer.scoring.score_reader import Scores, error_channels
from longstride.trainer.scoring.shown.envelope import edges_of, envelope, extremes
from longstride.trainer.scoring.shown.panels import score_panel, signal_panel

__all__ = ["page_of"]

MAX_LISTED = 200
"""Events in the table, and spans in that of spans without an alarm."""
MAX_DRAWN = 40
MAX_CHANNELS = 4
"""Channels that are drawn of an event, those with the largest errors."""
MAX_POINTS = 300
MAX_PLACES = 500
"""Labelled spans and runs of alarms that one picture shows."""


def page_of(
    path: Path, store: SeriesData, scores: Scores, *, rows: tuple[int, int], channels: tuple[str, ...], job: str
) -> str:
    """The page of a file of scores, of rows start:stop, and of some channels: by default those of each event."""
    start, stop = rows
    events = _Highest(
        event
        for event in events_of(path, store, error_channels(path), scores.windows(store))
        if event.last_row >= start and event.first_row < stop
    )
    shown = _Shown(store, scores, channels)
    drawn = {event.first_row for event in heapq.nlargest(MAX_DRAWN, events.kept, key=lambda event: event.peak)}
    spans = shown.spans(start, stop)
    return page_from(
        Path(__file__).with_name("page.html.jinja"),
        job=job,
        name=store.name,
        about=scores.about,
        num_rows=num_rows(np.clip(scores.rows, start, stop)),
        num_alarms=int((scores.scores[start:stop] > shown.threshold).sum()),
        num_events=events.number,
        overview=shown.overview(start, stop),
        events=[shown.event(event, is_drawn=event.first_row in drawn) for event in events.kept],
        num_drawn=len(drawn),
        spans=spans,
    )


class _Highest:
    """The events with the highest peaks, in the order of the rows, and the number of all."""

    def __init__(self, events: Iterator[Event]) -> None:
        self.number = 0
        highest = heapq.nlargest(MAX_LISTED, self._counted(events), key=lambda event: event.peak)
        self.kept = sorted(highest, key=lambda event: event.first_row)

    def _counted(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            self.number += 1
            yield event


@dataclass(frozen=True)
class _Shown:
    """Pictures and tables of a store and its scores."""

    store: SeriesData
    scores: Scores
    channels: tuple[str, ...]

    @property
    def threshold(self) -> float:
        """The one that is kept with the scores."""
        return float(self.scores.about["threshold"])

    def overview(self, start: int, stop: int) -> dict[str, Any]:
        """The scores of all rows, over time, or by row if they are of several series."""
        segments = self.store.segments
        inside = (segments.start < stop) & (segments.stop > start)
        number = len(np.unique(segments.series[inside]))
        ends = self._ends(start, stop) if number < 2 else {"begin": f"row {start:,}", "stop": f"row {stop - 1:,}"}
        return {"score": self._score(start, stop), "num_series": number, **ends}

    def event(self, event: Event, *, is_drawn: bool) -> dict[str, Any]:
        """An event as a line of the table, and its pictures, with some rows before and after it."""
        first, stop = event.first_row, event.last_row + 1
        found: dict[str, Any] = {
            "event": event,
            "start": self._time(first),
            "end": self._time(stop - 1),
            "rows": stop - first,
            "labels": self._labels(first, stop),
            "channels": list(event.channels.items())[:MAX_CHANNELS],
            "num_more": max(0, len(event.channels) - MAX_CHANNELS),
        }
        if not is_drawn:
            return found | {"panels": []}
        segments = self.store.segments
        number = int(np.searchsorted(segments.start, first, side="right")) - 1
        window = int(self.scores.windows(self.store)[segments.series[number]])
        around = max(stop - first, 2 * window)
        begin, end = (
            max(int(segments.start[number]), first - around),
            min(int(segments.stop[number]), stop + around),
        )
        own = self.store.channels
        carrying = tuple(name for name, _ in found["channels"] if name in own)  # a label is no channel
        names = self.channels or carrying or own[:MAX_CHANNELS]
        return found | {
            "panels": self._signals(begin, end, names),
            "score": self._score(begin, end),
            **{f"drawn_{name}": value for name, value in self._ends(begin, end).items()},
        }

    def spans(self, start: int, stop: int) -> dict[str, Any] | None:
        """How many labelled spans have an alarm, and those that have none; None for a store without labels."""
        if not self.store.label_names:
            return None
        segments = np.stack([self.store.segments.start, self.store.segments.stop], axis=1).clip(start, stop)
        segments = segments[segments[:, 0] < segments[:, 1]]
        labelled = np.zeros(stop, bool)
        labelled[start:] = self._labelled(start, stop)
        spans, _ = spans_of(labelled, segments)
        before = np.concatenate([[0], np.cumsum(self.scores.scores[:stop] > self.threshold)])
        is_found = before[spans[:, 1]] > before[spans[:, 0]]
        missed = spans[~is_found]
        return {
            "number": len(spans),
            "found": int(is_found.sum()),
            "missed": [
                {
                    "start": self._time(first),
                    "end": self._time(last - 1),
                    "rows": last - first,
                    "labels": self._labels(first, last),
                    "series": self.store.series[self._series(first)],
                    "highest": self._highest(first, last),
                }
                for first, last in missed[:MAX_LISTED].tolist()
            ],
            "num_more": max(0, len(missed) - MAX_LISTED),
        }

    def _score(self, start: int, stop: int) -> str:
        edges, scores = edges_of(start, stop, MAX_POINTS), self.scores.scores[start:stop]
        low, high = extremes(scores, edges[:-1] - start)
        alarms = as_ranges(scores > self.threshold)
        return score_panel(low, high, self.threshold, self._places(start, stop), _shares(alarms, stop - start))

    def _signals(self, start: int, stop: int, names: tuple[str, ...]) -> list[dict[str, Any]]:
        columns = [self.store.channels.index(name) for name in names]
        lows, highs = envelope(self.store, edges_of(start, stop, MAX_POINTS), columns)
        places = self._places(start, stop)
        return [
            {
                "name": name,
                "unit": self.store.units[column] or "",
                "picture": signal_panel(low, high, places),
                "low": _end(np.nanmin, low),
                "high": _end(np.nanmax, high),
            }
            for name, column, low, high in zip(names, columns, lows.T, highs.T, strict=True)
        ]

    def _places(self, start: int, stop: int) -> list[tuple[float, float]]:
        return _shares(as_ranges(self._labelled(start, stop)), stop - start)

    def _labelled(self, start: int, stop: int) -> NDArray[np.bool_]:
        if not self.store.label_names:
            return np.zeros(stop - start, bool)
        labelled: NDArray[np.bool_] = (np.asarray(self.store.checked("labels")[start:stop]) != 0).any(axis=1)
        return labelled

    def _labels(self, start: int, stop: int) -> list[str]:
        if not self.store.label_names:
            return []
        found = (np.asarray(self.store.checked("labels")[start:stop]) != 0).any(axis=0)
        return [name for name, is_there in zip(self.store.label_names, found.tolist(), strict=True) if is_there]

    def _series(self, row: int) -> int:
        segments = self.store.segments
        return int(segments.series[np.searchsorted(segments.start, row, side="right") - 1])

    def _highest(self, start: int, stop: int) -> float | None:
        found = self.scores.scores[start:stop]
        return None if np.isnan(found).all() else float(np.nanmax(found))

    def _ends(self, start: int, stop: int) -> dict[str, str]:
        return {"begin": self._time(start), "stop": f"{self._time(stop - 1)} UTC"}

    def _time(self, row: int) -> str:
        return readable_time(int(self.store.checked("time")[row]))


def _shares(ranges: Ranges, total: int) -> list[tuple[float, float]]:
    """Where ranges lie, as shares of all rows; those that would be too many are joined to their neighbours."""
    if len(ranges) > MAX_PLACES:
        points = np.zeros(MAX_PLACES + 1, bool)
        first, last = (ranges[:, 0] * MAX_PLACES // total), ((ranges[:, 1] - 1) * MAX_PLACES // total)
        points[first] = points[last] = True
        ranges, total = as_ranges(points), MAX_PLACES
    return [(start / total, stop / total) for start, stop in ranges.tolist()]


def _end(choose: Any, values: NDArray[np.floating]) -> float | None:
    return None if np.isnan(values).all() else float(choose(values))
