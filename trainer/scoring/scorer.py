"""From standardised errors of rows to scores and a threshold, by the normal rows of a calibration."""

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.data import SeriesData
from longstride.storage.series.joined import known_as
from longstride.trainer.calibration.calibration import Calibration
from longstride.trainer.errors import RunError
from longstride.trainer.scoring.normal import HIGH, NormalRows
from longstride.trainer.scoring.settings import ScorerOptions
from longstride.trainer.scoring.smoothing import trailing_means
from longstride.trainer.scoring.threshold import independent_rows, threshold_of

__all__ = ["Scorer", "doubt_of"]

FEW = 5
"""Independent normal rows above the threshold; with fewer it is a guess."""


class Scorer:
    """Scores rows of any origin.

    `score` takes rows in order, part by part; what it scored since `begin` is what the next part is smoothed with.
    """

    def __init__(self, calibration: Calibration, stride: int, options: ScorerOptions) -> None:
        """Score normal rows as others will be scored, and set the threshold by them.

        Raises RunError where none of them has a score.
        """
        self._normal = NormalRows(calibration, options.aggregate, options.largest)
        self._length = options.smooth
        rows = calibration.rows.numpy()
        new = (np.diff(rows, prepend=-1) != 1) | (np.diff(calibration.series.numpy(), prepend=-1) != 0)
        first = np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))
        self._usual = self._usual_means(stride, first)
        crossed = self._normal.crossed_scores(stride)
        means, number = trailing_means(crossed, first, self._length)
        whole = number >= min(self._length, number.max(initial=1))  # as most rows of a log are
        chosen = whole & ~np.isnan(means)
        scores = self._rescaled(means, number)[chosen]
        if not len(scores):
            raise RunError(
                f"of the {len(rows):,} normal rows of the calibration, windows {stride} rows apart give none a "
                "score to compare others with: `longstride calibrate` with more rows, or score with --stride 1",
                code="no-normal-rows",
            )
        self.normal_scores, self.numbers = scores, rows[chosen]
        """Of normal rows, in order, and their numbers in the store."""
        self.normal_rows = len(scores)
        self.threshold = threshold_of(scores, options.alarms, options.threshold)
        self.independent_rows = independent_rows(scores, rows[chosen], self.threshold, len(calibration.mean))
        self.doubt = doubt_of(self.normal_rows, self.independent_rows, options)
        """What is to be said of a threshold that is a guess; nothing of others."""
        self.begin()

    def begin(self) -> None:
        """Forget the rows that were scored: those that come next do not follow them."""
        self._before = np.empty(0), np.empty(0, np.int64)

    def score(
        self,
        errors: NDArray[np.float64],
        covered: NDArray[np.uint8],
        series: NDArray[np.int64],
        segment: NDArray[np.int64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores (rows,) and standardised errors (rows, N) of the next rows.

        `segment` (rows,) tells apart the segments that the rows lie in.
        """
        scores, standard = self.unsmoothed(errors, covered, series)
        if self._length == 1:
            return scores, standard
        number_before = len(self._before[0])
        all_scores = np.concatenate([self._before[0], scores])
        segment = np.concatenate([self._before[1], segment])
        new = np.diff(segment, prepend=-2) != 0
        first = np.maximum.accumulate(np.where(new, np.arange(len(segment)), 0))
        kept = max(0, len(all_scores) - self._length + 1)
        self._before = all_scores[kept:], segment[kept:]
        return self.smoothed(all_scores, first)[number_before:], standard

    def unsmoothed(
        self, errors: NDArray[np.float64], covered: NDArray[np.uint8], series: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """As `score`, of rows that need not follow each other, before they are smoothed."""
        return self._normal.scores(errors, covered, series)

    def smoothed(self, scores: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.float64]:
        """Each of some scores (rows,) averaged with those before it, none of them before `first` (rows,)."""
        means, number = trailing_means(scores, first, self._length)
        return self._rescaled(means, number)

    def series_of(self, store: SeriesData) -> NDArray[np.int64]:
        """For the series of a store, and at the end for rows of none, the normal rows to compare them with.

        The calibration may know a series of one store by the name that it had among several.
        """
        names, known = list(store.series), self._normal.series
        if known.keys() - set(names):
            names = [known_as(store, number, known) or name for number, name in enumerate(names)]
        return self.series(tuple(names))

    def series(self, names: tuple[str, ...]) -> NDArray[np.int64]:
        """The same for names."""
        return np.array([*(self._normal.series.get(name, -1) for name in names), -1], np.int64)

    def _usual_means(
        self, stride: int, first: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For means of 0, 1, 2, ... scores: the median, and how far above it one in a hundred begins."""
        middle, high = np.zeros(self._length + 1), np.ones(self._length + 1)
        own = self._normal.own_scores(stride) if self._length > 1 else np.empty(0)
        for length in range(2, self._length + 1):
            means, number = trailing_means(own, first, length)
            whole = means[(number == length) & ~np.isnan(means)]
            middle[length], high[length] = middle[length - 1], high[length - 1]
            if len(whole):
                median, quantile = np.quantile(whole, [0.5, HIGH])
                middle[length], high[length] = median, max(quantile - median, 1e-6)
        return middle, high

    def _rescaled(self, means: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
        middle, high = self._usual
        return (means - middle[number]) / high[number]


def doubt_of(normal_rows: int, independent_rows: int, options: ScorerOptions) -> str:
    """What is to be said of a threshold that is a guess; nothing of others.

    `independent_rows` is as how many rows the normal ones count.
    """
    if independent_rows * options.alarms >= FEW:
        return ""
    alike = ""
    if independent_rows < normal_rows:
        alike = f" (rows that follow each other are alike: they count as {independent_rows:,})"
    fitted, other = "", ", or --threshold tail, which extrapolates"
    if options.threshold == "tail":
        fitted, other = "; the threshold is extrapolated from their highest scores", ""
    return (
        f"{normal_rows:,} normal rows{alike} are too few to say which score a share of {options.alarms:g} of them "
        f"exceeds{fitted}: more false alarms may come, or fewer. Calibrate with more rows, or give a larger "
        f"--alarms{other}"
    )
