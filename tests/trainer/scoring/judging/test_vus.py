"""VUS-PR, compared with the figures of its authors' program and with its definition written out."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.trainer.scoring.judging.vus import spans_of, vus_pr

Pairs = list[tuple[int, int]]


def sample() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    state, noise = 1, []
    for _ in range(400):
        state = (1103515245 * state + 12345) % 2**31
        noise.append(state % 1000)
    is_labelled = np.zeros(400, bool)
    for start, stop in [(30, 42), (60, 61), (75, 90), (200, 230), (390, 400)]:
        is_labelled[start:stop] = True
    return np.array(noise) / 1000 + 0.05 * np.convolve(is_labelled, np.ones(9), "same").round(2), is_labelled


# Made once by `RangeAUC_volume_opt` of the package vus 0.0.6 from `sample`; None is as many thresholds as rows.
@pytest.mark.parametrize(
    ("buffer", "num_thresholds", "expected"),
    [
        (0, None, 0.5123258187632046),
        (1, None, 0.5123258187632046),
        (8, None, 0.6148800439886569),
        (41, None, 0.7638087930290545),
        (100, None, 0.8463611274602698),
        (41, 50, 0.7535378008420718),
        (100, 250, 0.8456816617090321),
    ],
)
def test_equals_the_program_of_its_authors(buffer: int, num_thresholds: int | None, expected: float) -> None:
    scores, is_labelled = sample()
    spans, within = spans_of(is_labelled, np.array([[0, 400]]))
    found = vus_pr(scores, spans, within, buffer=buffer, num_thresholds=num_thresholds)
    assert found == pytest.approx(expected, abs=1e-12)


def by_definition(
    scores: NDArray[np.float64], is_labelled: NDArray[np.bool_], segments: Pairs, buffer: int
) -> float:
    """Row by row, for each width and threshold; segments lie one after the other."""
    rows = range(len(scores))
    segment = {row: number for number, (start, stop) in enumerate(segments) for row in range(start, stop)}
    scored = [row for row in rows if not math.isnan(scores[row])]
    core = [row for row in scored if is_labelled[row] and row in segment]
    spans: list[list[int]] = []
    for row in (row for row in rows if is_labelled[row] and row in segment):
        if spans and spans[-1][-1] == row - 1 and segment[row - 1] == segment[row]:
            spans[-1].append(row)
        else:
            spans.append([row])
    spans = [span for span in spans if any(not math.isnan(scores[row]) for row in span)]
    areas = []
    for width in range(buffer + 1):
        weight = dict.fromkeys(core, 1.0)
        groups: list[set[int]] = []
        for span in spans:
            first, last, mine = span[0], span[-1], segment[span[0]]
            reached = {
                row
                for row in range(first - width // 2, last + width // 2 + 1)
                if segment.get(row) == mine and 0 <= row < len(scores)
            }
            for row in reached:
                distance = max(first - row, row - last, 0)
                if distance and not is_labelled[row] and not math.isnan(scores[row]):
                    weight[row] = min(1.0, weight.get(row, 0.0) + math.sqrt(1 - distance / width))
            if groups and groups[-1] & reached:
                groups[-1] |= reached
            else:
                groups.append(reached)
        area = recall_before = 0.0
        for threshold in sorted({float(scores[row]) for row in scored}, reverse=True):
            found = [row for row in scored if scores[row] >= threshold]
            hits = sum(weight.get(row, 0.0) for row in found)
            in_buffers = sum(weight.get(row, 0.0) for row in found if not is_labelled[row])
            there = sum(any(scores[row] >= threshold for row in group) for group in groups) / len(groups)
            recall = min(1.0, hits / (len(core) + in_buffers / 2)) * there
            area += (recall - recall_before) * hits / len(found)
            recall_before = recall
        areas.append(area)
    return sum(areas) / len(areas)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_equals_its_definition_with_gaps_and_rows_without_a_score(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 25), min_size=1, max_size=3))
    num_rows = sum(lengths)
    levels = st.one_of(st.integers(0, 9).map(float), st.just(math.nan))
    scores = np.array(data.draw(st.lists(levels, min_size=num_rows, max_size=num_rows)))
    is_labelled = np.array(data.draw(st.lists(st.booleans(), min_size=num_rows, max_size=num_rows)))
    assume((is_labelled & ~np.isnan(scores)).any())
    stops = np.cumsum(lengths)
    segments = [(int(stop - length), int(stop)) for stop, length in zip(stops, lengths, strict=True)]
    buffer = data.draw(st.integers(0, 12))
    spans, within = spans_of(is_labelled, np.array(segments))
    expected = by_definition(scores, is_labelled, segments, buffer)
    assert vus_pr(scores, spans, within, buffer=buffer) == pytest.approx(expected, abs=1e-9)


def test_nothing_to_find_is_no_figure() -> None:
    spans, within = spans_of(np.zeros(5, bool), np.array([[0, 5]]))
    assert math.isnan(vus_pr(np.arange(5.0), spans, within))
