"""What judges rows, and what a file of scores says of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.data import SeriesData
from longstride.trainer.calibration.calibration import Calibration
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.scoring.row_errors import NAN_ROWS
from longstride.trainer.scoring.rows.window_errors import WindowErrors
from longstride.trainer.scoring.score_file import series_of_rows
from longstride.trainer.scoring.scorer import Scorer
from longstride.trainer.scoring.settings import ScoreOptions

__all__ = ["Judge", "Judges", "ModelJudge", "Normal", "Scored", "scores_by"]

Scored = Iterator[tuple[NDArray[np.float64], ...]]
"""Rows part by part: scores (rows,), standardised errors (rows, N), and raw ones if asked for."""


class Judge(ABC):
    """Scores rows of a store."""

    @abstractmethod
    def scores(self, store: SeriesData, begin: int, stop: int, options: ScoreOptions) -> Scored:
        """Those of rows begin:stop."""


@dataclass(frozen=True)
class ModelJudge(Judge):
    """A model with the calibration by which it scores."""

    trained: TrainedModel
    calibration: Calibration
    scorer: Scorer
    stride: int
    """Rows between the starts of windows."""

    def scores(self, store: SeriesData, begin: int, stop: int, options: ScoreOptions) -> Scored:
        """See Judge."""
        errors = WindowErrors(
            self.trained,
            self.calibration,
            store,
            stride=self.stride,
            batch_size=options.batch_size,
            raw=options.raw,
        )
        channels = len(self.trained.outputs)
        self.scorer.begin()
        number_of = self.scorer.series_of(store)
        at = max(0, begin - options.smooth + 1)  # what the first scores are smoothed with
        for of_channels, of_windows in errors.of_rows(at, stop):
            numbers = np.arange(at, at + len(of_channels))
            series = number_of[series_of_rows(store, numbers)]
            segment = np.searchsorted(store.segments.start, numbers, side="right")
            scores, standard = self.scorer.score(of_channels[:, :channels], of_windows, series, segment)
            mine = slice(max(0, begin - at), None)
            yield scores[mine], standard[mine], *([of_channels[mine, channels:]] if options.raw else [])
            at += len(of_channels)


def scores_by(
    judge: Judge | None, channels: int, store: SeriesData, begin: int, stop: int, options: ScoreOptions
) -> Scored:
    """Those of rows begin:stop; all are NaN where no model judges the rows."""
    if judge is not None:
        yield from judge.scores(store, begin, stop, options)
        return
    for first in range(begin, stop, NAN_ROWS):
        empty = np.full((min(NAN_ROWS, stop - first), channels), np.nan)
        yield empty[:, 0], empty, *([empty] if options.raw else [])


@dataclass(frozen=True)
class Normal:
    """What the normal rows say: of one model, or of all."""

    threshold: float
    rows: int
    independent_rows: int
    """As how many they count."""


class Judges(ABC):
    """What judges the rows of a store."""

    channels: tuple[str, ...]
    """Whose errors are written: of what all models predict, channels or labels."""
    model: str
    checkpoint: str
    """What is scored by, in words."""
    stride: int
    normal: Normal
    windows: NDArray[np.int64]
    """(G,): rows of a window, for each series of the store."""

    @abstractmethod
    def identity(self) -> list[str]:
        """What changes when a model or a calibration does."""

    @abstractmethod
    def made_by(self) -> dict[str, Any]:
        """The same by names for people, a digest or a number each."""

    @abstractmethod
    def parts(self, begin: int, stop: int) -> Iterator[tuple[int, int, Judge | None]]:
        """Rows begin:stop in parts that one judge takes each, in order; None where there is no model."""
