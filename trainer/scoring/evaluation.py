"""How well scores find labelled rows: by label and series, without point adjustment.

Point adjustment, by which a span counts as found as a whole when one of its rows is, tells nothing: a well-known
detector has an F1 of 0.95 with it and 0.02 without (Anomaly-Transformer, issue 34).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from longstride.storage.packages import needs
from longstride.storage.store import SeriesStore
from longstride.trainer.errors import ScoresError
from longstride.trainer.scoring.vus import BUFFER, spans_of, vus_pr

if TYPE_CHECKING:
    from longstride.trainer.scoring.score_file import Scores

__all__ = ["Figures", "evaluate"]

ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of the scores of one series, or of all, by one label, or by any."""

    label: str
    series: str
    rows: int
    """Rows that have a score; the others are left out of every figure."""
    labelled: int
    """Of them."""
    spans: int
    """Runs of labelled rows."""
    unscored: int
    """Labelled rows that no window reaches."""
    vus_pr: float
    auc_pr: float
    """Average precision. Scores by chance reach the share of labelled rows."""
    auc_roc: float
    threshold: float
    """Set without labels."""
    precision: float
    recall: float
    f1: float
    """At that threshold, as the two before."""
    best_f1: float
    """At the threshold that labels choose: no detector can know it."""
    best_threshold: float


def evaluate(
    scores: "Scores", store: SeriesStore, *, threshold: float | None = None, buffer: int = BUFFER
) -> list[Figures]:
    """Judge scores by the labels of a store, at their own threshold, if no other is given.

    Figures for each label and series in which it occurs, and for all series and any label where there are several.
    `buffer` is that of VUS-PR, in rows. Raises ScoresError for a store without labels, or none in a scored row.
    """
    if store.labels is None:
        raise ScoresError(f"{store.name} has no labels to judge scores by: ingest it with --labels")
    threshold = scores.about["threshold"] if threshold is None else threshold
    found = [
        _figures(label, series, scores.scores[rows], is_labelled[rows], segments, threshold, buffer)
        for label, is_labelled in _labels(store)
        for series, rows, segments in _series(store)
        if _is_judged(scores.scores[rows], is_labelled[rows])
    ]
    if not found:
        raise ScoresError(f"no row of {store.name} that has a score has a label: there is nothing to find")
    return found


def _labels(store: SeriesStore) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    assert store.labels is not None
    labels = np.asarray(store.labels[:]) != 0
    yield from zip(store.label_names, labels.T, strict=True)
    if labels.shape[1] > 1:
        yield "any", labels.any(axis=1)


def _series(store: SeriesStore) -> Iterator[tuple[str, slice, NDArray[np.int64]]]:
    """Rows of each series, which lie together, and its segments (S, 2) in them; then of all."""
    segments = store.segments
    bounds = np.stack([segments.start, segments.stop], axis=1)
    if len(store.series) > 1:
        for number, name in enumerate(store.series):
            mine = bounds[segments.series == number]
            if len(mine):
                first, last = int(mine.min()), int(mine.max())
                yield name, slice(first, last), mine - first
    yield ALL, slice(0, store.num_rows), bounds


def _is_judged(scores: NDArray[np.float64], is_labelled: NDArray[np.bool_]) -> bool:
    """Whether there are labelled rows that have a score, and others."""
    found = is_labelled[~np.isnan(scores)]
    return bool(found.any() and not found.all())


def _figures(
    label: str,
    series: str,
    scores: NDArray[np.float64],
    is_labelled: NDArray[np.bool_],
    segments: NDArray[np.int64],
    threshold: float,
    buffer: int,
) -> Figures:
    metrics = needs("sklearn.metrics")
    spans, within = spans_of(is_labelled, segments)
    has_score = ~np.isnan(scores)
    truth, judged = is_labelled[has_score], scores[has_score]
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, judged > threshold, average="binary", zero_division=0.0
    )
    precisions, recalls, thresholds = metrics.precision_recall_curve(truth, judged)
    f1s = 2 * precisions * recalls / np.maximum(precisions + recalls, np.finfo(float).tiny)
    best = int(f1s[:-1].argmax())
    return Figures(
        label=label,
        series=series,
        rows=len(judged),
        labelled=int(truth.sum()),
        spans=len(spans),
        unscored=int(is_labelled.sum() - truth.sum()),
        vus_pr=vus_pr(scores, spans, within, buffer=buffer),
        auc_pr=float(metrics.average_precision_score(truth, judged)),
        auc_roc=float(metrics.roc_auc_score(truth, judged)),
        threshold=threshold,
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        best_f1=float(f1s[best]),
        best_threshold=float(thresholds[best]),
    )
