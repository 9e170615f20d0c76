"""`longstride.evaluate`: how well scores find labelled rows, by label, series and store, and in all of them."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from longstride.storage.duration import told_duration
from longstride.storage.errors import coded
from longstride.storage.html.table import html_table
from longstride.storage.location import local_path
from longstride.storage.open_data import DataOrPath, opened_data
from longstride.trainer.checks import at_least, check
from longstride.trainer.errors import ScoresError
from longstride.trainer.scoring.judging.events import Delay
from longstride.trainer.scoring.judging.figures import Figures, figures_of
from longstride.trainer.scoring.judging.judged_rows import ALL, ANY, JudgedRows, JudgedSpan, JudgedStore, pooled
from longstride.trainer.scoring.rows.ranges import chosen_rows, common_rows
from longstride.trainer.scoring.score_reader import read_scores
from longstride.trainer.scoring.settings import BUFFER, StrPath

__all__ = ["Evaluation", "Figures", "evaluate"]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How well scores find labelled rows, and what their alarms are worth; prints as two tables."""

    scores: str
    """Path of the file; of several, separated by commas."""
    run: str
    """Run directory of the model; of several, separated by commas."""
    model: str
    buffer: int
    """Rows, for VUS-PR."""
    figures: tuple[Figures, ...]
    """For each label and series in which it occurs, and for all series and any label where there are several; then
    the same for all stores together, if several are given."""
    spans: tuple[JudgedSpan, ...]
    """Each labelled span of each label and store, and whether it was found, and when."""

    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """The figures of scores and of alarms: a title, the names of columns, and lines."""
        return [
            (
                title,
                self._names + list(columns),
                [self._where(one) + [show(one) for show in columns.values()] for one in self.figures],
            )
            for title, columns in (("scores", SCORES), ("alarms", ALARMS))
        ]

    def __repr__(self) -> str:
        """The figures as tables."""
        lines = [self.title]
        for title, columns, table in self.tables():
            lines += [f"  {title}", *_aligned([columns, *table])]
        lines += [
            f"  {one.unscored:,} rows labelled {one.label} in {one.store}, series {one.series}, have no score"
            for one in self.figures
            if one.unscored and one.store != ALL
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        tables = [html_table(f"{self.title}: {name}", columns, lines) for name, columns, lines in self.tables()]
        return f"<div>{''.join(tables)}</div>"

    @property
    def _names(self) -> list[str]:
        return [*(["store"] if self._has_several else []), "label", "series"]

    def _where(self, one: Figures) -> list[str]:
        return [*([one.store] if self._has_several else []), one.label, one.series]

    @property
    def _has_several(self) -> bool:
        return len({one.store for one in self.figures}) > 1

    @property
    def title(self) -> str:
        """The files, the model and the threshold."""
        limits = {one.threshold for one in self.figures if not math.isnan(one.threshold)}
        threshold = f"threshold {limits.pop():.4g}" if len(limits) == 1 else "each with its own threshold"
        return f"{self.scores}: {self.model} of {self.run}, {threshold}"


def _share(get: Callable[[Figures], float]) -> Callable[[Figures], str]:
    return lambda one: "-" if math.isnan(get(one)) else f"{get(one):.4f}"


def _delay(delay: Delay | None, told: Callable[[float], str]) -> str:
    if delay is None:
        return "-"
    return f"{told(delay.median)} ({told(delay.low)} to {told(delay.high)})"


def _rows(rows: float) -> str:
    return f"{rows:,.4g} rows"


SCORES: dict[str, Callable[[Figures], str]] = {
    "rows": lambda one: f"{one.rows:,}",
    "labelled": lambda one: f"{one.labelled:,}",
    "spans": lambda one: f"{one.spans:,}",
    "chance": _share(lambda one: one.labelled / one.rows),
    "VUS-PR": _share(lambda one: one.vus_pr),
    "AUC-PR": _share(lambda one: one.auc_pr),
    "AUC-ROC": _share(lambda one: one.auc_roc),
    "F1": _share(lambda one: one.f1),
    "precision": _share(lambda one: one.precision),
    "recall": _share(lambda one: one.recall),
    "best F1": _share(lambda one: one.best_f1),
}
ALARMS: dict[str, Callable[[Figures], str]] = {
    "FAR": _share(lambda one: one.false_alarm_rate),
    "MAR": _share(lambda one: one.missed_alarm_rate),
    "found": lambda one: f"{one.spans_found:,}",
    "events": lambda one: f"{one.events:,}",
    "right": lambda one: f"{one.events_right:,}",
    "event precision": _share(lambda one: one.event_precision),
    "event recall": _share(lambda one: one.event_recall),
    "range precision": _share(lambda one: one.range_precision),
    "range recall": _share(lambda one: one.range_recall),
    "false/hour": lambda one: "-" if math.isnan(one.false_events_per_hour) else f"{one.false_events_per_hour:.3g}",
    "delay": lambda one: (
        _delay(one.delay_rows, _rows) if one.delay_seconds is None else _delay(one.delay_seconds, told_duration)
    ),
}


@coded
def evaluate(
    scores: StrPath | Sequence[StrPath],
    store: DataOrPath | Sequence[DataOrPath],
    *,
    threshold: float | None = None,
    buffer: int = BUFFER,
    label: str | None = None,
    rows: tuple[int, int] | None = None,
    since: Any = None,
    until: Any = None,
) -> Evaluation:
    """Judge a file of scores, as `longstride.score` wrote it, by the labels of the store or array.

    A row has an alarm where its score exceeds `threshold`, by default the one that was set without labels and
    is kept with the scores. `buffer` is the number of rows around a labelled span, half on each side, in which a
    score still counts in part, for VUS-PR. `label` is the only label to judge by, or "any". Rows start:stop of
    `rows` alone are judged, those whose time is `since` or later, and those before `until`.

    Two lists of the same length, of files and of their stores, are judged one by one and together: rows of all
    stores are put one behind the other, each with the alarms of its file.

    Raises ScoresError for a file that does not hold scores of its store, for a store without labels, where no
    row with a score has a label, and for a label or rows that are not there; SettingsError for a threshold or a
    buffer that cannot work; StoreError for a store that cannot be read.
    """
    at_least(0, buffer=buffer)
    is_number = threshold is None or (isinstance(threshold, int | float) and not math.isnan(threshold))
    check(is_number, "threshold", threshold, "a number")
    several = isinstance(scores, list | tuple)
    paths: list[Any] = list(scores) if isinstance(scores, list | tuple) else [scores]
    given: list[Any] = list(store) if several and isinstance(store, list | tuple) else [store]
    expected = f"as many files as stores, of which there are {len(given)}"
    check(len(paths) == len(given) > 0, "scores", len(paths), expected)
    judged, told = [], []
    for path, one in zip(paths, given, strict=True):
        opened = opened_data(one)
        found = read_scores(local_path(path), opened)
        _check_labels(opened.name, opened.label_names, label)
        chosen = chosen_rows(opened, rows=rows, since=since, until=until)
        limit = found.about["threshold"] if threshold is None else threshold
        judged.append(JudgedStore(opened, found, common_rows(chosen, found.rows), limit))
        told.append(found.about)
    figures = [
        figures_of(of_rows, store=name, label=of_label, series=series, threshold=limit, buffer=buffer)
        for name, of_label, series, limit, of_rows in _parts(judged, label)
        if of_rows.has_both
    ]
    if not figures:
        raise ScoresError(
            f"no row of {', '.join(one.name for one in judged)} has both a score and a label: there is nothing to "
            "find",
            code="no-labels",
        )
    spans = [
        span
        for one in judged
        for name in (one.label_names if label is None else (label,))
        for span in one.spans(name)
    ]
    names = {key: ", ".join(dict.fromkeys(about[key] for about in told)) for key in ("run", "model")}
    files = ", ".join(map(str, paths))
    return Evaluation(scores=files, buffer=buffer, figures=tuple(figures), spans=tuple(spans), **names)


def _parts(judged: Sequence[JudgedStore], label: str | None) -> Iterator[tuple[str, str, str, float, JudgedRows]]:
    """Store, label, series, threshold and rows of what has figures of its own."""
    for one in judged:
        for name in one.labels if label is None else (label,):
            for series, rows in one.series():
                yield one.name, name, series, one.threshold, one.judged(name, rows)
            yield one.name, name, ALL, one.threshold, one.judged(name)
    if len(judged) < 2:
        return
    names = dict.fromkeys(name for one in judged for name in one.label_names)
    thresholds = {one.threshold for one in judged}
    limit = thresholds.pop() if len(thresholds) == 1 else math.nan
    for name in [*names, *([ANY] if len(names) > 1 else [])] if label is None else [label]:
        # A store that does not know a label says nothing about it.
        parts = [one.judged(name) for one in judged if name in (*one.label_names, ANY)]
        yield ALL, name, ALL, limit, pooled(parts)


def _check_labels(store: str, names: Sequence[str], label: str | None) -> None:
    if not names:
        raise ScoresError(
            f"{store} has no labels to judge scores by: ingest it with --labels, or give labels= to from_array",
            code="no-labels",
        )
    if label is not None and label not in (*names, ANY):
        raise ScoresError(
            f"{store} has no label {label}: it has {', '.join(names)}; {ANY} is any of them", code="column-missing"
        )


def _aligned(lines: list[list[str]]) -> list[str]:
    """Columns as wide as they need to be; names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    num_names = lines[0].index("series") + 1
    return [
        "    "
        + "  ".join(
            text.ljust(width) if number < num_names else text.rjust(width)
            for number, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
