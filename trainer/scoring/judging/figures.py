"""How well scores and alarms find labelled rows, in figures; rows are judged one by one, without point adjustment.

Point adjustment counts a span as found as a whole when one of its rows is. Such figures mean nothing: a well-known
detector has an F1 of 0.95 with it and 0.02 without (Anomaly-Transformer, issue 34).
"""

from dataclasses import dataclass

import numpy as np

from longstride.storage.packages import needs
from longstride.trainer.scoring.judging.events import EventFigures, event_figures
from longstride.trainer.scoring.judging.judged_rows import JudgedRows
from longstride.trainer.scoring.judging.vus import spans_of, vus_pr

__all__ = ["Figures", "figures_of"]


@dataclass(frozen=True, kw_only=True)
class Figures(EventFigures):
    """How well the scores of one series, or of all series, find rows with one label, or with any label."""

    store: str
    """The store, or `all` where several are judged together."""
    label: str
    series: str
    rows: int
    """Rows that have a score; the others are left out of every figure."""
    labelled: int
    """Rows with a score and a label."""
    spans: int
    """Runs of consecutive labelled rows."""
    unscored: int
    """Labelled rows that no window covers."""
    vus_pr: float
    auc_pr: float
    """Average precision. Random scores reach the share of labelled rows."""
    auc_roc: float
    threshold: float
    """The one that was set without labels, if no other was given; NaN for several files, each with its own."""
    precision: float
    recall: float
    f1: float
    """At that threshold, like precision and recall."""
    best_f1: float
    """At the best threshold, which cannot be found without labels."""
    best_threshold: float


def figures_of(rows: JudgedRows, *, store: str, label: str, series: str, threshold: float, buffer: int) -> Figures:
    """Judge rows of which some are labelled and some are not."""
    metrics = needs("sklearn.metrics")
    spans, within = spans_of(rows.labelled, rows.segments)
    has_score = ~np.isnan(rows.scores)
    scored = np.array([has_score[start:stop].any() for start, stop in spans.tolist()], bool)
    truth, judged = rows.labelled[has_score], rows.scores[has_score]
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, rows.alarms[has_score], average="binary", zero_division=0.0
    )
    precisions, recalls, thresholds = metrics.precision_recall_curve(truth, judged)
    f1s = 2 * precisions * recalls / np.maximum(precisions + recalls, np.finfo(float).tiny)
    best = int(f1s[:-1].argmax())
    return Figures(
        store=store,
        label=label,
        series=series,
        rows=len(judged),
        labelled=int(truth.sum()),
        spans=len(spans),
        unscored=int(rows.labelled.sum() - truth.sum()),
        vus_pr=vus_pr(rows.scores, spans, within, buffer=buffer),
        auc_pr=float(metrics.average_precision_score(truth, judged)),
        auc_roc=float(metrics.roc_auc_score(truth, judged)),
        threshold=threshold,
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        best_f1=float(f1s[best]),
        best_threshold=float(thresholds[best]),
        **vars(event_figures(rows, spans[scored])),
    )
