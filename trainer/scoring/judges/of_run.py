"""The models of one run: one for all rows, or one for each series."""

import logging
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from longstride.storage.series.data import SeriesData
from longstride.storage.series.joined import known_as
from longstride.storage.text import counted, named
from longstride.trainer.calibration.calibration import read_calibration
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import RunError
from longstride.trainer.saved.series_index import LACKING, has_index, read_index
from longstride.trainer.scoring.judges.judge import Judge, Judges, ModelJudge, Normal
from longstride.trainer.scoring.rows.earlier import digest
from longstride.trainer.scoring.scorer import Scorer
from longstride.trainer.scoring.settings import ScoreOptions
from longstride.trainer.scoring.threshold import independent_rows, threshold_of

__all__ = ["OneModel", "judges_of_run"]

SHORT = 16
"""Digits of a digest that are kept of each of many models."""

logger = logging.getLogger(__name__)


def judges_of_run(run: Path, ranks: Ranks, store: SeriesData, options: ScoreOptions) -> Judges:
    """The models of a run; call it on every rank.

    Raises RunError where run and store do not fit, or no model of the run has a calibration.
    """
    if not ranks.on_first(lambda: has_index(run)):
        return OneModel(run, ranks, store, options)
    return ranks.together(lambda: _EachSeries(run, ranks, store, options))


class OneModel(Judges):
    """One model for all rows."""

    def __init__(self, run: Path, ranks: Ranks, store: SeriesData, options: ScoreOptions) -> None:
        self._trained = trained = TrainedModel(run, ranks, trust=options.trust)
        trained.check(store)
        self.calibration = ranks.together(lambda: trained.fitting(read_calibration(run, trained.digest)))
        self._options = options
        data = trained.settings.data
        self.channels, self.checkpoint, self.model = trained.outputs, trained.name, trained.settings.model.model
        self.stride = options.stride or trained.stride
        self.windows = np.full(len(store.series), data.span)
        if ranks.is_first:
            _warn_of_gaps(run, self.stride, trained.task.judged)

    @cached_property
    def judge(self) -> ModelJudge:
        """The model."""
        scorer = Scorer(self.calibration, self.stride, self._options)
        return ModelJudge(self._trained, self.calibration, scorer, self.stride)

    @cached_property
    def normal(self) -> Normal:  # type: ignore[override]
        """See Judges."""
        scorer = self.judge.scorer
        return Normal(scorer.threshold, scorer.normal_rows, scorer.independent_rows)

    def identity(self) -> list[str]:
        """See Judges."""
        return [self.calibration.digest, *self._trained.identity()]

    def made_by(self) -> dict[str, Any]:
        """See Judges."""
        return {
            "state of the model": self._trained.digest,
            "settings of the run": digest(repr(self._trained.settings)),
            "calibration": self.calibration.digest,
            "stride": self.stride,
        }

    def parts(self, begin: int, stop: int) -> Iterator[tuple[int, int, Judge | None]]:
        """See Judges."""
        if begin < stop:
            yield begin, stop, self.judge


class _EachSeries(Judges):
    """Each model is read when its rows come, so that of any number of them one is in memory.

    Before, all are read once, for one threshold: it is set by the normal rows of all series together, each
    compared with those of its own. A few normal rows of one series would not say where the highest begin.
    """

    def __init__(self, run: Path, ranks: Ranks, store: SeriesData, options: ScoreOptions) -> None:
        self._run, self._store, self._options = run, store, options
        self._alone = Ranks(0, 1, ranks.device)
        self._folders = read_index(run).folders
        self._unscored: dict[str, str] = {}
        self._models: dict[str, str] = {}
        """A digest of each, with its calibration, by series."""
        self.windows = np.ones(len(store.series), np.int64)
        scores, rows, judged, seen = [], [], [], 0
        kinds: dict[str, set[str | int]] = {"model": set(), "stride": set()}
        self._known = [known_as(store, number, self._folders) for number in range(len(store.series))]
        """The name by which the run knows each series."""
        for number, name in enumerate(store.series):
            judge = self._first(number)
            if judge is None:
                continue
            trained, scorer = judge.trained, judge.scorer
            self.channels = trained.outputs
            self.windows[number] = trained.settings.data.span
            self._models[name] = digest("\n".join([judge.calibration.digest, *trained.identity()]))
            kinds["model"].add(trained.settings.model.model)
            kinds["stride"].add(judge.stride)
            judged.append(trained.task.judged)
            scores.append(scorer.normal_scores)
            apart = scorer.numbers - scorer.numbers[0] + seen
            rows.append(apart)
            seen = int(apart[-1]) + int(self.windows[number]) + 1
        if not scores:
            _, reason = next(iter(self._unscored.items()))
            raise RunError(
                f"{run} has no model that can score a series of {store.name}: {reason}", code="run-differs"
            )
        if ranks.is_first:
            _warn_of_gaps(run, options.stride or 1, min(judged))
        if self._unscored and ranks.is_first:
            logger.warning(self._without())
        together, numbers = np.concatenate(scores), np.concatenate(rows)
        threshold = threshold_of(together, options.alarms, options.threshold)
        independent = independent_rows(together, numbers, threshold, int(self.windows.max()))
        self.normal = Normal(threshold, len(together), independent)
        self.model = ", ".join(sorted(map(str, kinds["model"])))
        self.stride = max(int(stride) for stride in kinds["stride"])
        self.checkpoint = counted(len(scores), "model") + " of one series each"

    def identity(self) -> list[str]:
        return [repr(self._models), repr(sorted(self._unscored))]

    def made_by(self) -> dict[str, Any]:
        return {
            "model or calibration": {name: text[:SHORT] for name, text in self._models.items()},
            "stride": self.stride,
        }

    def parts(self, begin: int, stop: int) -> Iterator[tuple[int, int, Judge | None]]:
        at = begin
        segments = self._store.segments
        # An append puts rows of a series behind those of the others, so a series may come more than once.
        runs = np.flatnonzero(np.diff(segments.series, prepend=-1))
        ends = [*(runs[1:] - 1).tolist(), len(segments) - 1]
        for first, last in zip(runs.tolist(), ends, strict=False):
            start, end = max(at, int(segments.start[first])), min(stop, int(segments.stop[last]))
            if start >= end:
                continue
            if at < start:  # rows between two series
                yield at, start, None
            number = int(segments.series[first])
            yield start, end, None if self._store.series[number] in self._unscored else self._judge(number)
            at = end
        if at < stop:
            yield at, stop, None

    def _first(self, number: int) -> ModelJudge | None:
        """The model of a series; None, and a reason is kept, where the series cannot be scored."""
        name = self._store.series[number]
        if self._known[number] is None:
            self._unscored[name] = f"{name!r} has no model in it, which has those of {named(list(self._folders))}"
            return None
        try:
            return self._judge(number)
        except RunError as error:
            if error.code not in LACKING:
                raise
            self._unscored[name] = str(error)
            return None

    def _judge(self, number: int) -> ModelJudge:
        name = self._known[number] or ""
        folder = self._folders[name]
        trained = TrainedModel.of_series(self._run, name, folder, self._alone, trust=self._options.trust)
        trained.check(self._store)
        calibration = trained.fitting(read_calibration(self._run / folder, trained.digest))
        stride = self._options.stride or trained.stride
        return ModelJudge(trained, calibration, Scorer(calibration, stride, self._options), stride)

    def _without(self) -> str:
        reason = next(iter(self._unscored.values()))
        return (
            f"{len(self._unscored):,} of {len(self._store.series):,} series have no score, since "
            f"{self._run} has no model or no calibration for them: {named(list(self._unscored))} ({reason})"
        )


def _warn_of_gaps(run: Path, stride: int, judged: int) -> None:
    if stride > judged:
        logger.warning(
            f"--stride {stride} is more than the {counted(judged, 'row')} of a window that {run} gives a score: "
            "the rows between have none"
        )
