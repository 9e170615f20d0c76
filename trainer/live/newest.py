"""The score of the newest row of each series: as `longstride score` scores the last row of a segment.

One window alone covers that row. With `smooth`, its score is a mean with those of the rows before it, which other
windows cover as well: those whose starts the stride reaches. Of them, sums of errors are kept for the last rows.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.trainer.calibration.calibration import Calibration
from longstride.trainer.calibration.coverage import bits_of_positions
from longstride.trainer.live.arrivals import Arrivals
from longstride.trainer.live.settings import DetectorOptions
from longstride.trainer.scoring.scorer import Scorer

__all__ = ["Ended", "NewestScores", "Places"]


class Places(NamedTuple):
    """Where sorted rows are in their segments; each field has shape (B,)."""

    length: NDArray[np.int64]
    """Rows of the segment up to this one."""
    restart: NDArray[np.bool_]
    """Whether the row begins a segment of a series that has rows."""
    waiting: NDArray[np.int64]
    """Rows that come before one is scored; 0 if this one is."""
    series: NDArray[np.int64]
    """The normal rows to compare with, as of `Scorer`."""


class Ended(NamedTuple):
    """Windows that some of the sorted rows end."""

    rows: NDArray[np.int64]
    """(b,)"""
    errors: NDArray[np.float32]
    """(b, T, N), of the last rows of each window; NaN where missing."""
    weights: NDArray[np.float64]
    """(b,): how much each window counts."""


class NewestScores:
    """Scores of rows by the windows that they end."""

    def __init__(self, calibration: Calibration, stride: int, options: DetectorOptions) -> None:
        """Raises RunError as `Scorer`."""
        self._scorer = Scorer(calibration, stride, options)
        self._window, num_channels = calibration.mean.shape
        self._stride, self._smooth = stride, options.smooth
        self.threshold, self.doubt = self._scorer.threshold, self._scorer.doubt
        self.rows = min(options.smooth, self._window)
        """How many rows at the end of a window errors are needed of."""
        self._mean = calibration.mean.numpy()[-self.rows :]
        self._scale = calibration.scale.numpy()[-self.rows :]
        self._bits = bits_of_positions(self._window)[-self.rows :]
        self._is_smooth = options.smooth > 1
        shape = (0, options.smooth, num_channels)
        self.empty: dict[str, NDArray[Any]] = (
            {"sums": np.zeros(shape), "counts": np.zeros(shape), "covered": np.zeros(shape[:2], np.uint8)}
            if self._is_smooth
            else {}
        )
        """What is kept of no series yet (S, T, ...): of the last T rows, what windows of the stride add up to."""

    def series(self, names: tuple[str, ...]) -> NDArray[np.int64]:
        """As of `Scorer`."""
        return self._scorer.series(names)[:-1]

    def needs(self, length: NDArray[np.int64], waiting: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows (B,) end a window that is needed: those that are scored, and where one of the stride ends."""
        is_scored: NDArray[np.bool_] = waiting == 0
        return is_scored | self._is_of_stride(length) if self._is_smooth else is_scored

    def scores(
        self, kept: dict[str, NDArray[Any]], rows: Arrivals, at: Places, ended: Ended
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores (B,) and standardised errors (B, N) of sorted rows, NaN where one is not scored.

        `kept` has the arrays of `empty`, of the series that there are now; they are brought up to these rows.
        """
        num_channels = ended.errors.shape[2]
        scores, standard = np.full(len(at.length), np.nan), np.full((len(at.length), num_channels), np.nan)
        errors = (ended.errors - self._mean) / self._scale
        if not self._is_smooth:
            covered = np.full(len(ended.rows), self._bits[-1])
            found = self._scorer.unsmoothed(errors[:, -1].astype(np.float64), covered, at.series[ended.rows])
            scores[ended.rows], standard[ended.rows] = found
            return scores, standard
        (scored,) = np.nonzero(at.waiting == 0)
        means, covered = self._add_up(kept, rows, at, ended._replace(errors=errors), scored)
        series = np.repeat(at.series[scored], self._smooth)
        unsmoothed, all_standard = self._scorer.unsmoothed(
            means.reshape(-1, num_channels), covered.ravel(), series
        )
        begin = np.maximum(self._smooth - at.length[scored], 0) + np.arange(len(scored)) * self._smooth
        smoothed = self._scorer.smoothed(unsmoothed, np.repeat(begin, self._smooth))
        scores[scored] = smoothed[self._smooth - 1 :: self._smooth]
        standard[scored] = all_standard[self._smooth - 1 :: self._smooth]
        return scores, standard

    def _add_up(
        self,
        kept: dict[str, NDArray[Any]],
        rows: Arrivals,
        at: Places,
        ended: Ended,
        scored: NDArray[np.int64],
    ) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Errors (b, T, N) of the last rows up to each scored row, and the positions (b, T) that cover them."""
        means = np.empty((len(scored), self._smooth, ended.errors.shape[2]))
        all_covered = np.empty(means.shape[:2], np.uint8)
        window_of, place_of = np.full(len(at.length), -1), np.full(len(at.length), -1)
        window_of[ended.rows], place_of[scored] = np.arange(len(ended.rows)), np.arange(len(scored))
        for number in range(int(rows.counts.max(initial=0))):  # the next row of each series
            now = rows.first[rows.counts > number] + number
            series = rows.series[rows.group[now]]
            sums, counts, covered = (_moved(kept[name][series], at.restart[now]) for name in self.empty)
            with_window = [sums.copy(), counts.copy(), covered.copy()]
            (has,) = np.nonzero(window_of[now] >= 0)
            windows = window_of[now[has]]
            errors, weights = ended.errors[windows], ended.weights[windows][:, None, None]
            is_present = ~np.isnan(errors)
            with_window[0][has, -self.rows :] += weights * np.where(is_present, errors, 0.0)
            with_window[1][has, -self.rows :] += weights * is_present
            with_window[2][has, -self.rows :] |= self._bits
            is_kept = self._is_of_stride(at.length[now])
            for name, old, new in zip(self.empty, (sums, counts, covered), with_window, strict=True):
                old[is_kept] = new[is_kept]
                kept[name][series] = old
            (chosen,) = np.nonzero(place_of[now] >= 0)
            places = place_of[now[chosen]]
            with np.errstate(invalid="ignore"):
                means[places] = with_window[0][chosen] / with_window[1][chosen]
            all_covered[places] = with_window[2][chosen]
        return means, all_covered

    def _is_of_stride(self, length: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether `longstride score` takes the windows that these rows end, wherever their segment will end."""
        is_full: NDArray[np.bool_] = length >= self._window
        of_stride: NDArray[np.bool_] = is_full & ((length - self._window) % self._stride == 0)
        return of_stride


def _moved(tail: NDArray[Any], restart: NDArray[np.bool_]) -> NDArray[Any]:
    """What is kept of the last rows (R, T, ...), moved by a row, or begun again."""
    moved = np.zeros_like(tail)
    moved[:, :-1] = tail[:, 1:]
    moved[restart] = 0
    return moved
