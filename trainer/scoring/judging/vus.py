"""VUS-PR: how well scores rank labelled rows first, when a label is allowed to be a little off in time.

Labels are rarely exact, and a score that rises some rows early is of use. So each labelled span is given buffers
on both sides, in which a row counts in part, the less the farther it is; the area under the curve of precision and
recall is taken for every width of the buffers from none on, and the mean of all is the volume under their surface.
Nothing is adjusted to the best row of a span.

Source: Paparrizos, Boniol, Palpanas, Tsay, Elmore, Franklin, "Volume Under the Surface: A New Accuracy Evaluation
Measure for Time-Series Anomaly Detection" (VLDB 2022). Their program visits all rows for each threshold and
each width; here every distinct score is a threshold, and only rows near a span are looked at.
"""

import numpy as np
from numpy.typing import NDArray

from longstride.trainer.scoring.settings import BUFFER

__all__ = ["spans_of", "vus_pr"]

Ranges = NDArray[np.int64]
"""Rows start:stop, (spans, 2), in order."""


def spans_of(is_labelled: NDArray[np.bool_], segments: Ranges) -> tuple[Ranges, Ranges]:
    """Spans of labelled rows (spans, 2), cut where a segment ends, and the segment (spans, 2) of each."""
    spans, within = [np.empty((0, 2), np.int64)], [np.empty((0, 2), np.int64)]
    for start, stop in segments.tolist():
        edges = np.flatnonzero(np.diff(is_labelled[start:stop], prepend=False, append=False))
        spans.append(edges.reshape(-1, 2) + start)
        within.append(np.broadcast_to([start, stop], spans[-1].shape))
    return np.concatenate(spans), np.concatenate(within)


def vus_pr(
    scores: NDArray[np.floating],
    spans: Ranges,
    within: Ranges,
    *,
    buffer: int = BUFFER,
    num_thresholds: int | None = None,
) -> float:
    """Volume under the surface of precision and recall, 0 to 1.

    `scores` (T,) are larger where a row is more likely to be labelled; rows that are NaN do not count. Buffers of
    the labelled `spans` stay `within` their segments. Thresholds are all distinct scores, or, as in published
    tables, the scores of `num_thresholds` evenly spaced ranks. NaN where no labelled row has a score.
    """
    ranked = np.sort(_present(scores))
    thresholds = None
    if num_thresholds is not None:
        thresholds = ranked[::-1][np.linspace(0, len(ranked) - 1, num_thresholds).astype(int)]
    has_score = np.array([not np.isnan(scores[start:stop]).all() for start, stop in spans.tolist()], bool)
    spans, within = spans[has_score], within[has_score]
    if not len(spans):
        return float("nan")
    areas = [_area(scores, ranked, spans, within, width, thresholds) for width in range(buffer + 1)]
    return float(np.mean(areas))


def _area(
    scores: NDArray[np.floating],
    ranked: NDArray[np.floating],
    spans: Ranges,
    within: Ranges,
    width: int,
    thresholds: NDArray[np.floating] | None,
) -> float:
    """The area under the curve of precision and recall, for buffers of `width` rows, half of them on each side."""
    labelled = np.sort(_present(scores[_rows(spans)]))
    near, weights = _buffers(spans, within, width)
    there = ~np.isnan(scores[near])
    near, weights = scores[near[there]], weights[there]
    order = np.argsort(near)[::-1]
    near, counted = near[order], np.concatenate([[0.0], np.cumsum(weights[order])])
    if thresholds is None:
        thresholds = np.unique(np.concatenate([labelled, near]))[::-1]
    in_buffers = counted[np.searchsorted(-near, -thresholds, side="right")]
    hits = _at_least(labelled, thresholds) + in_buffers
    # As published: half of what was found in buffers, so that they neither help nor harm.
    recall = np.minimum(1.0, hits / (len(labelled) + in_buffers / 2))
    highest = _highest(scores, spans, within, width)
    recall = recall * _at_least(highest, thresholds) / len(highest)
    precision = hits / _at_least(ranked, thresholds)
    return float(np.diff(recall, prepend=0.0) @ precision)


def _buffers(spans: Ranges, within: Ranges, width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows near the spans, in none of them, and the weight of each, from 0 to 1."""
    distance = np.arange(1, width // 2 + 1)
    before, after = spans[:, :1] - distance, spans[:, 1:] - 1 + distance
    rows = np.concatenate([before, after], axis=1)
    inside = (rows >= within[:, :1]) & (rows < within[:, 1:])
    weight = np.tile(np.sqrt(1 - distance / max(width, 1)), 2)
    near, place = np.unique(rows[inside], return_inverse=True)
    weights = np.minimum(1.0, np.bincount(place, np.broadcast_to(weight, rows.shape)[inside], len(near)))
    span = np.searchsorted(spans[:, 0], near, side="right") - 1
    outside = (span < 0) | (near >= spans[span, 1])
    return near[outside], weights[outside]


def _highest(scores: NDArray[np.floating], spans: Ranges, within: Ranges, width: int) -> NDArray[np.floating]:
    """The highest score of each span and its buffers, in rising order; spans whose buffers meet are one."""
    first = np.maximum(spans[:, 0] - width // 2, within[:, 0])
    last = np.minimum(spans[:, 1] - 1 + width // 2, within[:, 1] - 1)
    apart = (first[1:] > last[:-1]) | (within[1:, 0] != within[:-1, 0])
    begins, ends = first[np.append(True, apart)], last[np.append(apart, True)]
    found = [np.nanmax(scores[begin : end + 1]) for begin, end in zip(begins, ends, strict=True)]
    return np.sort(np.array(found, scores.dtype))


def _rows(spans: Ranges) -> NDArray[np.int64]:
    return np.concatenate([np.arange(start, stop) for start, stop in spans.tolist()])


def _present(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    present: NDArray[np.floating] = scores[~np.isnan(scores)]
    return present


def _at_least(rising: NDArray[np.floating], thresholds: NDArray[np.floating]) -> NDArray[np.int64]:
    """How many of the values reach each threshold."""
    return len(rising) - np.searchsorted(rising, thresholds, side="left")
