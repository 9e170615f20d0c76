"""Figures of alarms as events, compared with counting row by row."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.trainer.scoring.judging.events import Delay, event_figures, range_share
from longstride.trainer.scoring.judging.judged_rows import JudgedRows, _events, pooled
from longstride.trainer.scoring.judging.vus import spans_of
from longstride.trainer.scoring.rows.ranges import as_ranges

NUM_ROWS = 60


@st.composite
def judged(draw: Any) -> tuple[JudgedRows, int]:
    """Rows of a few segments, with gaps between them, some without a score, and the window of events."""
    masks = [np.array(draw(st.lists(st.booleans(), min_size=NUM_ROWS, max_size=NUM_ROWS))) for _ in range(3)]
    edges = sorted(draw(st.sets(st.integers(0, NUM_ROWS), min_size=2, max_size=7)))
    bounds = [(start, stop) for number, (start, stop) in enumerate(pairwise(edges))
              if draw(st.booleans()) or number == 0]  # fmt: skip
    segments = np.array(bounds, np.int64)
    inside = np.zeros(NUM_ROWS, bool)
    for start, stop in bounds:
        inside[start:stop] = True
    alarms, labelled, unscored = masks
    scores = np.where(inside & ~(unscored & (np.arange(NUM_ROWS) % 5 == 0)), alarms * 1.0, np.nan)
    alarms, window = scores > 0.5, draw(st.integers(1, 9))
    return JudgedRows(
        scores=scores, labelled=labelled, alarms=alarms, time=np.arange(NUM_ROWS) * 2 * 10**9, segments=segments,
        events=_events(alarms, segments, np.full(len(segments), window)), row_hours=np.full(NUM_ROWS, 0.5),
    ), window  # fmt: skip


def segment_of(rows: JudgedRows, row: int) -> int | None:
    return next(
        (number for number, (start, stop) in enumerate(rows.segments.tolist()) if start <= row < stop), None
    )


def groups(rows: JudgedRows, chosen: NDArray[np.bool_], window: int) -> list[list[int]]:
    """Chosen rows, together where they are fewer than a window apart in one segment."""
    found: list[list[int]] = []
    for row in np.flatnonzero(chosen).tolist():
        if segment_of(rows, row) is None:
            continue
        if found and row - found[-1][-1] < window and segment_of(rows, row) == segment_of(rows, found[-1][-1]):
            found[-1].append(row)
        else:
            found.append([row])
    return found


def range_based(ranges: list[list[int]], others: list[list[int]], has_score: NDArray[np.bool_]) -> float:
    shares = []
    for one in ranges:
        counted = [row for row in one if has_score[row]]
        hit = sum(len(set(counted) & set(other)) for other in others)
        meets = sum(bool(set(one) & set(other)) for other in others)
        shares.append(hit / max(len(counted), 1) / max(meets, 1))
    return float(np.mean(shares)) if shares else float("nan")


@given(judged())
def test_they_equal_counting(given_rows: tuple[JudgedRows, int]) -> None:
    rows, window = given_rows
    has_score = ~np.isnan(rows.scores)
    spans, _ = spans_of(rows.labelled, rows.segments)
    spans = spans[[bool(has_score[start:stop].any()) for start, stop in spans.tolist()]]
    found = event_figures(rows, spans)
    of_spans = [list(range(start, stop)) for start, stop in spans.tolist()]
    events = groups(rows, rows.alarms, window)
    right = [event for event in events if rows.labelled[event].any()]
    hit = [span for span in of_spans if rows.alarms[span].any()]
    assert (found.events, found.events_right, found.spans_found) == (len(events), len(right), len(hit))
    normal = has_score & ~rows.labelled
    expected = {
        "false_alarm_rate": rows.alarms[normal].mean() if normal.any() else np.nan,
        "missed_alarm_rate": (~rows.alarms[has_score & rows.labelled]).mean()
        if (has_score & rows.labelled).any() else np.nan,
        "event_precision": len(right) / len(events) if events else np.nan,
        "event_recall": len(hit) / len(of_spans) if of_spans else np.nan,
        "false_events_per_hour": (len(events) - len(right)) / (0.5 * normal.sum()) if normal.any() else np.nan,
        "range_precision": range_based(groups(rows, rows.alarms, 2), of_spans, has_score),
        "range_recall": range_based(of_spans, groups(rows, rows.alarms, 2), has_score),
    }  # fmt: skip
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, nan_ok=True), name
    delays = [next(row for row in span if rows.alarms[row]) - span[0] for span in hit]
    if delays:
        assert found.delay_rows == Delay(*np.quantile(delays, [0.25, 0.5, 0.75]).tolist())
        assert found.delay_seconds == Delay(*np.quantile(2.0 * np.array(delays), [0.25, 0.5, 0.75]).tolist())
    else:
        assert found.delay_rows is found.delay_seconds is None


@given(judged(), judged())
def test_pooled_rows_are_counted_once(one: tuple[JudgedRows, int], other: tuple[JudgedRows, int]) -> None:
    parts = [one[0], other[0]]
    whole = pooled(parts)
    found = event_figures(whole, spans_of(whole.labelled, whole.segments)[0])
    single = [event_figures(part, spans_of(part.labelled, part.segments)[0]) for part in parts]
    for name in ("events", "events_right", "spans_found"):
        assert getattr(found, name) == sum(getattr(each, name) for each in single)


def test_the_published_example() -> None:
    """One real range of ten rows, half of it found by two predictions: a fourth, as two of them share it."""
    real, predicted = np.array([[10, 20]]), np.array([[5, 12], [17, 22]])
    every = np.ones(30, bool)
    assert range_share(real, predicted, every) == pytest.approx(0.5 / 2)
    assert range_share(predicted, real, every) == pytest.approx((2 / 7 + 3 / 5) / 2)
    assert np.isnan(range_share(as_ranges(np.zeros(3, bool)), real, every))
