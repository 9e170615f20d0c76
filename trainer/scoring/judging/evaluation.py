"""`longstride.evaluate`: how well scores find labelled rows, by label and series, without point adjustment.

Point adjustment counts a span as found as a whole when one of its rows is. Such figures mean nothing: a well-known
detector has an F1 of 0.95 with it and 0.02 without (Anomaly-Transformer, issue 34).
"""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import coded
from longstride.storage.html.table import html_table
from longstride.storage.location import local_path
from longstride.storage.open_data import DataOrPath, opened_data
from longstride.storage.packages import needs
from longstride.storage.series.data import SeriesData
from longstride.trainer.errors import ScoresError
from longstride.trainer.scoring.judging.vus import spans_of, vus_pr
from longstride.trainer.scoring.score_reader import read_scores
from longstride.trainer.scoring.settings import BUFFER
from longstride.trainer.settings import at_least, check

__all__ = ["Evaluation", "Figures", "evaluate"]

ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How well the scores of one series, or of all series, find rows with one label, or with any label."""

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
    """The one that was set without labels, if no other was given."""
    precision: float
    recall: float
    f1: float
    """At that threshold, like precision and recall."""
    best_f1: float
    """At the best threshold, which cannot be found without labels."""
    best_threshold: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How well a file of scores finds labelled rows; prints as a table."""

    scores: str
    """Path of the file."""
    run: str
    """Run directory of the model."""
    model: str
    buffer: int
    """Rows, for VUS-PR."""
    figures: tuple[Figures, ...]
    """For each label and series in which it occurs, and for all series and any label where there are several."""

    def __repr__(self) -> str:
        """The figures as a table."""
        lines = [self._title, HEAD + " ".join(f"{name:>9}" for name in COLUMNS)]
        for one in self.figures:
            lines.append(
                f"  {one.label:<12} {one.series:<12} {one.rows:>11,} {one.labelled:>9,} {one.spans:>6,} "
                + " ".join(f"{figure(one):>9.4f}" for figure in COLUMNS.values())
                + (f"  ({one.unscored:,} labelled rows have no score)" if one.unscored else "")
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        names = ["label", "series", "rows", "labelled", "spans", *COLUMNS]
        rows = [
            (one.label, one.series, one.rows, one.labelled, one.spans, *(get(one) for get in COLUMNS.values()))
            for one in self.figures
        ]
        return html_table(self._title, names, rows)

    @property
    def _title(self) -> str:
        return f"{self.scores}: {self.model} of {self.run}, threshold {self.figures[0].threshold:.4g}"


COLUMNS: dict[str, Callable[[Figures], float]] = {
    "chance": lambda one: one.labelled / one.rows,
    "VUS-PR": lambda one: one.vus_pr,
    "AUC-PR": lambda one: one.auc_pr,
    "AUC-ROC": lambda one: one.auc_roc,
    "F1": lambda one: one.f1,
    "precision": lambda one: one.precision,
    "recall": lambda one: one.recall,
    "best F1": lambda one: one.best_f1,
}
HEAD = f"  {'label':<12} {'series':<12} {'rows':>11} {'labelled':>9} {'spans':>6} "


@coded
def evaluate(
    scores: str | os.PathLike[str], store: DataOrPath, *, threshold: float | None = None, buffer: int = BUFFER
) -> Evaluation:
    """Judge a file of scores, as `longstride.score` wrote it, by the labels of the store or array.

    A row counts as found where its score exceeds `threshold`, by default the one that was set without labels and
    is kept with the scores. `buffer` is the number of rows around a labelled span, half on each side, in which a
    score still counts in part, for VUS-PR.

    Raises ScoresError for a file that does not hold scores of this store, for a store without labels, and where no
    row with a score has a label; SettingsError for a threshold or a buffer that
    cannot work; StoreError for a store that cannot be read.
    """
    at_least(0, buffer=buffer)
    is_number = threshold is None or (isinstance(threshold, int | float) and not math.isnan(threshold))
    check(is_number, "threshold", threshold, "a number")
    opened_store = opened_data(store)
    found = read_scores(local_path(scores), opened_store)
    if not opened_store.label_names:
        raise ScoresError(
            f"{opened_store.name} has no labels to judge scores by: ingest it with --labels, or give labels= to "
            "from_array",
            code="no-labels",
        )
    limit = found.about["threshold"] if threshold is None else threshold
    figures = tuple(
        _figures(label, series, found.scores[rows], is_labelled[rows], segments, limit, buffer)
        for label, is_labelled in _labels(opened_store)
        for series, rows, segments in _series(opened_store)
        if _is_judged(found.scores[rows], is_labelled[rows])
    )
    if not figures:
        raise ScoresError(
            f"no row of {opened_store.name} has both a score and a label: there is nothing to find",
            code="no-labels",
        )
    run, model = found.about["run"], found.about["model"]
    return Evaluation(scores=str(scores), run=run, model=model, buffer=buffer, figures=figures)


def _labels(store: SeriesData) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    labels = np.asarray(store.checked("labels")[:]) != 0
    yield from zip(store.label_names, labels.T, strict=True)
    if labels.shape[1] > 1:
        yield "any", labels.any(axis=1)


def _series(store: SeriesData) -> Iterator[tuple[str, slice, NDArray[np.int64]]]:
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
    """Whether some rows with a score are labelled and some are not."""
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
