"""How well alarms find labelled spans, as a person who is called by them counts: faults, calls, and how late.

A span is found where one of its rows has an alarm; an event, which is alarms fewer than a window apart, is right
where one of its alarms lies in a span.

Range-based precision and recall count how much of each range is hit, and no range more than another, however long.
Source: Tatbul, Lee, Zdonik, Alam, Gottschlich, "Precision and Recall for Time Series" (NeurIPS 2018), with a flat
bias, no reward for existence alone, and 1/x for a range that x others overlap.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longstride.trainer.scoring.judging.judged_rows import JudgedRows

__all__ = ["Delay", "EventFigures", "event_figures", "range_share"]

NS_PER_SECOND = 1e9
Spans = NDArray[np.int64]


@dataclass(frozen=True)
class Delay:
    """From the start of a span to its first alarm, over the spans that were found."""

    low: float
    """A quarter of them are found at least as early."""
    median: float
    high: float
    """A quarter of them are found at least as late."""


@dataclass(frozen=True, kw_only=True)
class EventFigures:
    """Alarms as events; NaN where there is nothing to count."""

    false_alarm_rate: float
    """The share of the rows without the label that have an alarm."""
    missed_alarm_rate: float
    """The share of the labelled rows that have none."""
    spans_found: int
    events: int
    """Alarms fewer than a window apart are one."""
    events_right: int
    event_precision: float
    event_recall: float
    range_precision: float
    range_recall: float
    false_events_per_hour: float
    """Events that are not right, in an hour of rows without the label."""
    delay_rows: Delay | None
    delay_seconds: Delay | None


def event_figures(rows: JudgedRows, spans: Spans) -> EventFigures:
    """Figures of alarms and labelled `spans` (L, 2), of which each has a row with a score."""
    has_score = ~np.isnan(rows.scores)
    hit = rows.alarms & rows.labelled
    wrong = rows.alarms & ~rows.labelled
    normal, labelled = has_score & ~rows.labelled, has_score & rows.labelled
    found, right = _count(hit, spans) > 0, _count(hit, rows.events) > 0
    hours = float(rows.row_hours[normal].sum())
    runs = _runs(rows.alarms, rows.segments)
    first = _first(hit, spans[found])
    seconds = (rows.time[first] - rows.time[spans[found, 0]]) / NS_PER_SECOND
    return EventFigures(
        false_alarm_rate=_share(int(wrong.sum()), int(normal.sum())),
        missed_alarm_rate=_share(int((labelled & ~rows.alarms).sum()), int(labelled.sum())),
        spans_found=int(found.sum()),
        events=len(rows.events),
        events_right=int(right.sum()),
        event_precision=_share(int(right.sum()), len(right)),
        event_recall=_share(int(found.sum()), len(found)),
        range_precision=range_share(runs, spans, has_score),
        range_recall=range_share(spans, runs, has_score),
        false_events_per_hour=int((~right).sum()) / hours if hours > 0 else float("nan"),
        delay_rows=_delay(first - spans[found, 0]),
        delay_seconds=None if np.isnan(rows.row_hours).any() else _delay(seconds),
    )


def range_share(ranges: Spans, others: Spans, counted: NDArray[np.bool_]) -> float:
    """The mean share of each range that lies in one of the others, divided by how many of them it meets.

    Rows that do not count are left out. NaN where there is no range. The others are in order and apart.
    """
    if not len(ranges):
        return float("nan")
    inside = np.zeros(len(counted) + 1, np.int8)
    inside[others[:, 0]] += 1
    inside[others[:, 1]] -= 1
    covered = np.cumsum(inside[:-1]) > 0
    meets = np.searchsorted(others[:, 0], ranges[:, 1]) - np.searchsorted(others[:, 1], ranges[:, 0], side="right")
    shares = _count(covered & counted, ranges) / np.maximum(_count(counted, ranges), 1)
    return float((shares / np.maximum(meets, 1)).mean())


def _runs(alarms: NDArray[np.bool_], segments: Spans) -> Spans:
    """Alarms that follow each other in a segment."""
    is_first = np.zeros(len(alarms) + 1, bool)
    is_first[segments[:, 0]] = True
    before = np.append(False, alarms[:-1]) & ~is_first[:-1]
    after = np.append(alarms[1:], False) & ~is_first[1:]
    return np.stack([np.flatnonzero(alarms & ~before), np.flatnonzero(alarms & ~after) + 1], axis=1)


def _count(chosen: NDArray[np.bool_], spans: Spans) -> NDArray[np.int64]:
    """How many rows of each span are chosen."""
    before = np.concatenate([[0], np.cumsum(chosen)])
    found: NDArray[np.int64] = before[spans[:, 1]] - before[spans[:, 0]]
    return found


def _first(chosen: NDArray[np.bool_], spans: Spans) -> NDArray[np.int64]:
    """The first chosen row of each span that has one."""
    (at,) = np.nonzero(chosen)
    return at[np.searchsorted(at, spans[:, 0])]


def _delay(values: NDArray[np.floating] | NDArray[np.integer]) -> Delay | None:
    return Delay(*np.quantile(values, [0.25, 0.5, 0.75]).tolist()) if len(values) else None


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
