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

    def __init__(self, calibration: Calibration, window: int, stride: int, options: DetectorOptions) -> None:
        """Of samples of `window` rows. Raises RunError as `Scorer`."""
        self._scorer = Scorer(calibration, stride, options)
        judged, num_outputs = calibration.mean.shape
        self._window = window
        self._stride, self._smooth = stride, options.smooth
        self.threshold, self.doubt = self._scorer.threshold, self._scorer.doubt
        self.rows = min(options.smooth, judged)
        """How many rows at the end of a window errors are needed of."""
        self._mean = calibration.mean.numpy()[-self.rows :]
        self._scale = calibration.scale.numpy()[-self.rows :]
        self._bits = bits_of_positions(judged)[-self.rows :]
        self._is_smooth = options.smooth > 1
        shape = (0, options.smooth - 1, num_outputs)
        self.empty: dict[str, NDArray[Any]] = (
            {"sums": np.zeros(shape), "counts": np.zeros(shape), "covered": np.zeros(shape[:2], np.uint8)}
            if self._is_smooth
            else {}
        )
        """What is kept (S, T - 1, ...), of no series yet: of the last rows, sums over windows of the stride."""

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
        # Rows before those of the segment have no score, so they count in no mean.
        begin = np.repeat(np.arange(len(scored)) * self._smooth, self._smooth)
        smoothed = self._scorer.smoothed(unsmoothed, begin)
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
        length, behind = self._smooth, self._smooth - 1
        means = np.full((len(scored), length, ended.errors.shape[2]), np.nan)
        all_covered = np.zeros(means.shape[:2], np.uint8)
        window_of, place_of = np.full(len(at.length), -1), np.full(len(at.length), -1)
        window_of[ended.rows], place_of[scored] = np.arange(len(ended.rows)), np.arange(len(scored))
        is_kept = self._is_of_stride(at.length)
        # The rows of each series, behind the last ones from before.
        before = (rows.first + np.arange(len(rows.first)) * behind)[:, None] + np.arange(behind)
        row_at = rows.first[rows.group] + (rows.group + 1) * behind + rows.within
        sums, counts, covered = (_behind(kept[name][rows.series], before, len(row_at)) for name in self.empty)
        # Of each row of the segment, with what the row that is so far behind it in time adds.
        for distance in range(length):
            (now,) = np.nonzero(at.length > distance)
            row = row_at[now] - distance
            total, count, bits = sums[row], counts[row], covered[row]
            if distance < self.rows:
                (has,) = np.nonzero(window_of[now] >= 0)
                windows = window_of[now[has]]
                errors, weights = ended.errors[windows, -1 - distance], ended.weights[windows][:, None]
                is_present = ~np.isnan(errors)
                total[has] += weights * np.where(is_present, errors, 0.0)
                count[has] += weights * is_present
                bits[has] |= self._bits[-1 - distance]
                stays = is_kept[now]
                sums[row[stays]], counts[row[stays]], covered[row[stays]] = total[stays], count[stays], bits[stays]
            (chosen,) = np.nonzero(place_of[now] >= 0)
            place = place_of[now[chosen]]
            with np.errstate(invalid="ignore"):
                means[place, -1 - distance] = total[chosen] / count[chosen]
            all_covered[place, -1 - distance] = bits[chosen]
        last = before + rows.counts[:, None]
        for name, array in zip(self.empty, (sums, counts, covered), strict=True):
            kept[name][rows.series] = array[last]
        return means, all_covered

    def _is_of_stride(self, length: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether `longstride score` takes the windows that these rows end, wherever their segment will end."""
        is_full: NDArray[np.bool_] = length >= self._window
        of_stride: NDArray[np.bool_] = is_full & ((length - self._window) % self._stride == 0)
        return of_stride


def _behind(kept: NDArray[Any], before: NDArray[np.int64], num_rows: int) -> NDArray[Any]:
    """What is kept of each series (G, T - 1, ...), at its places, among as many more rows of which nothing is."""
    together = np.zeros((num_rows + before.size, *kept.shape[2:]), kept.dtype)
    together[before] = kept
    return together
