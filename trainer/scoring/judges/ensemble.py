"""Several runs as one: the mean of how rare each of their scores is among normal rows.

A score is compared with the normal rows of its own run, never with the rows that are judged: it does not depend on
rows that come later. The threshold is set by the normal rows that all runs have in common.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.location import local_path
from longstride.storage.series.data import SeriesData
from longstride.storage.text import counted
from longstride.trainer.checks import shown
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import RunError
from longstride.trainer.saved.series_index import has_index
from longstride.trainer.scoring.judges.judge import Judge, Judges, Normal, Scored
from longstride.trainer.scoring.judges.of_run import OneModel, judges_of_run
from longstride.trainer.scoring.judges.rarity import Rarity
from longstride.trainer.scoring.normal import HIGH
from longstride.trainer.scoring.rows.earlier import digest
from longstride.trainer.scoring.settings import ScoreOptions, StrPath
from longstride.trainer.scoring.threshold import independent_rows, threshold_of

__all__ = ["judges_of"]


def judges_of(runs: Sequence[StrPath], ranks: Ranks, store: SeriesData, options: ScoreOptions) -> Judges:
    """The models of a run, or of several runs together; call it on every rank.

    Raises RunError where runs and store do not fit, or no model has a calibration.
    """
    paths = [local_path(run) for run in runs]
    if len(paths) == 1:
        return judges_of_run(paths[0], ranks, store, options)
    for path in paths:
        if ranks.on_first(lambda path=path: has_index(path)):  # type: ignore[misc]
            raise RunError(
                f"{path} has a model for each series: only runs of one model can be scored together",
                code="run-differs",
            )
    members = [OneModel(path, ranks, store, options) for path in paths]
    return ranks.together(lambda: _Ensemble(paths, members, options))


class _Ensemble(Judges):
    def __init__(self, paths: list[Path], members: list[OneModel], options: ScoreOptions) -> None:
        self._members = members
        self._names = [str(path) for path in paths]
        self.channels = tuple(dict.fromkeys(name for member in members for name in member.channels))
        self.model = " + ".join(member.model for member in members)
        self.checkpoint = f"{counted(len(members), 'model')} together"
        self.stride = max(member.stride for member in members)
        self.windows = np.max([member.windows for member in members], axis=0)
        self._judge = _Together(members, self.channels, self._in_common())
        scores, rows = self._judge.normal_scores, self._judge.rows
        threshold = threshold_of(scores, options.alarms, options.threshold)
        independent = independent_rows(scores, rows, threshold, int(self.windows.max()))
        self.normal = Normal(threshold, len(scores), independent)

    def identity(self) -> list[str]:
        return [one for member in self._members for one in member.identity()]

    def made_by(self) -> dict[str, Any]:
        models, strides = {}, []
        for number, member in enumerate(self._members, start=1):
            made_by = member.made_by()
            strides.append(made_by.pop("stride"))
            models[f"{member.model} {number}"] = digest(repr(sorted(made_by.items())))
        return {"model or calibration": models, "stride": shown(strides)}

    def parts(self, begin: int, stop: int) -> Iterator[tuple[int, int, Judge | None]]:
        if begin < stop:
            yield begin, stop, self._judge

    def _in_common(self) -> NDArray[np.int64]:
        """The normal rows of all runs. Raises RunError where they are not of the same store, or there are none."""
        first, *others = (member.calibration for member in self._members)
        for name, other in zip(self._names[1:], others, strict=True):
            if not first.data or other.data != first.data:
                raise RunError(
                    f"{self._names[0]} and {name} were calibrated by rows of different stores ({first.of} and "
                    f"{other.of}), or by an older version: no threshold can be set for them together. "
                    "`longstride calibrate` each by the same store",
                    code="calibration-differs",
                )
        rows: NDArray[np.int64] = reduce(np.intersect1d, [member.judge.scorer.numbers for member in self._members])
        if not len(rows):
            raise RunError(
                f"{', '.join(self._names)} have no normal row in common, which the threshold would be set by: "
                "train them with the same split, or `longstride calibrate` each with the same --split",
                code="calibration-differs",
            )
        return rows


class _Together(Judge):
    """Scores rows by the mean of the ranks of all models; NaN where one of them has no score."""

    def __init__(self, members: list[OneModel], channels: tuple[str, ...], rows: NDArray[np.int64]) -> None:
        """`rows` are the normal ones that all models have."""
        self._judges = [member.judge for member in members]
        self._rarity = [Rarity(judge.scorer.normal_scores) for judge in self._judges]
        self._columns = [[channels.index(name) for name in member.channels] for member in members]
        self._num_channels = len(channels)
        self.rows = rows
        ranks = [
            rarity.of(judge.scorer.normal_scores[np.searchsorted(judge.scorer.numbers, rows)])
            for rarity, judge in zip(self._rarity, self._judges, strict=True)
        ]
        together = np.mean(ranks, axis=0)
        self._middle, high = np.quantile(together, [0.5, HIGH])
        self._high = max(float(high - self._middle), 1e-6)
        self.normal_scores = self._rescaled(together)
        """(M,): of the normal rows that all models have, as other rows are scored."""

    def scores(self, store: SeriesData, begin: int, stop: int, options: ScoreOptions) -> Scored:
        """See Judge; errors are means over the models."""
        served = [_Parts(judge.scores(store, begin, stop, options)) for judge in self._judges]
        while begin < stop:
            number = min(one.number() for one in served)
            scores, *errors = zip(*(one.take(number) for one in served), strict=True)
            ranks = [rarity.of(one) for rarity, one in zip(self._rarity, scores, strict=True)]
            yield self._rescaled(np.mean(ranks, axis=0)), *map(self._mean, errors)
            begin += number

    def _rescaled(self, ranks: NDArray[np.float64]) -> NDArray[np.float64]:
        """As all scores are: 0 is the median of normal rows, and one in a hundred is above 1."""
        rescaled: NDArray[np.float64] = (ranks - self._middle) / self._high
        return rescaled

    def _mean(self, errors: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Errors (rows, N) of all channels: the mean over the models that take each."""
        total, count = np.zeros((2, len(errors[0]), self._num_channels))
        for columns, of_model in zip(self._columns, errors, strict=True):
            is_there = ~np.isnan(of_model)
            total[:, columns] += np.where(is_there, of_model, 0.0)
            count[:, columns] += is_there
        with np.errstate(invalid="ignore"):
            return total / count


class _Parts:
    """Rows that come in parts, taken in parts of another length."""

    def __init__(self, served: Scored) -> None:
        self._served = served
        self._held: tuple[NDArray[np.float64], ...] = (np.empty(0),)

    def number(self) -> int:
        """How many rows there are now, at least one; the last ones must not have been taken."""
        while not len(self._held[0]):
            self._held = next(self._served)
        return len(self._held[0])

    def take(self, number: int) -> tuple[NDArray[np.float64], ...]:
        """The next rows, of those that there are."""
        taken = tuple(one[:number] for one in self._held)
        self._held = tuple(one[number:] for one in self._held)
        return taken
