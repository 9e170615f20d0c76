"""Scores: how an error compares with those of normal rows that windows cover in the same way.

The mean error over several windows spreads less than the error of one, and an end of a window is harder than its
middle. So a row is compared with normal rows whose errors are taken at the same positions; a series with enough
normal rows, with its own.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.trainer.calibration.calibration import Calibration
from longstride.trainer.calibration.coverage import MAX_POSITIONS, bits_of_positions
from longstride.trainer.scoring.aggregation import aggregate
from longstride.trainer.scoring.settings import Aggregate

__all__ = ["NormalRows"]

ENOUGH_ROWS = 2000
"""Normal rows that a series needs to be compared with them alone."""
FEW_ROWS = 100
"""Rows that have an error at each of some positions; if there are fewer, rows with an error at any are taken."""
SMALLEST_SPREAD = 0.25
"""Of standardised errors: smaller only where a floor holds their scale, or where a mean is over many windows."""
PARTS = 5
"""Of the normal rows of a series: each is compared with the others."""
HIGH = 0.99
"""The share of normal rows that scores below 1."""


class Usual(NamedTuple):
    """What is usual for rows that are covered in the same way."""

    mean: NDArray[np.float64]
    """(N,)"""
    spread: NDArray[np.float64]
    """(N,)"""
    middle: float
    """The median of the errors that are put together: a score of 0."""
    high: float
    """How far above it one in a hundred begins: a score of 1."""


class NormalRows:
    """Turns errors of rows into scores; one in a hundred normal rows scores above 1, and half of them below 0."""

    def __init__(
        self, calibration: Calibration, how: Aggregate, largest: int, kept: NDArray[np.bool_] | None = None
    ) -> None:
        """Errors of channels are put together as `aggregate` says; rows that are not `kept` (M,) do not count."""
        self._errors = calibration.errors.numpy()
        self._weights = calibration.weights.numpy()
        self._series = calibration.series.numpy()
        self._kept = np.ones(len(self._series), bool) if kept is None else kept
        self._calibration = calibration
        self._how, self._largest = how, largest
        self._known: dict[tuple[int, int], Usual] = {}

    @cached_property
    def series(self) -> dict[str, int]:
        """The series that have enough rows of their own."""
        counts = np.bincount(self._series, minlength=len(self._calibration.series_names))
        names = enumerate(self._calibration.series_names)
        return {name: number for number, name in names if counts[number] >= ENOUGH_ROWS}

    def scores(
        self, errors: NDArray[np.float64], covered: NDArray[np.uint8], series: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores (rows,) and errors (rows, N) in standard deviations from the mean of normal rows.

        `errors` (rows, N) are standardised ones, averaged over the windows that cover a row; `covered` (rows,) are
        the positions at which they do; `series` (rows,) are numbers as in `self.series`, or -1.
        """
        scores, standard = np.full(len(errors), np.nan), np.full(errors.shape, np.nan)
        kind_of = covered + (series + 1) * 256
        for kind in np.flatnonzero(np.bincount(kind_of)).tolist():
            if bits := kind % 256:
                usual, rows = self.usual(bits, kind // 256 - 1), kind_of == kind
                standard[rows] = (errors[rows] - usual.mean) / usual.spread
                together = aggregate(standard[rows], self._how, self._largest)
                scores[rows] = (together - usual.middle) / usual.high
        return scores, standard

    def own_scores(self, stride: int) -> NDArray[np.float64]:
        """Scores of the normal rows themselves, by windows `stride` rows apart; NaN where none covers a row."""
        return self.scores(*self._own_errors(stride))[0]

    def crossed_scores(self, stride: int) -> NDArray[np.float64]:
        """As `own_scores`, but each fifth of the rows of a series is compared with the others.

        A few normal rows say little of the next ones: their own mean and spread fit them too well, and a log that
        wanders is elsewhere later. Rows of another part of the log are as strange as those that will be scored.
        """
        own = self._own_errors(stride)
        part, crossed = _parts(self._series), np.full(len(self._series), np.nan)
        for number in range(PARTS):
            mine = part == number
            if mine.any() and not mine.all():
                others = NormalRows(self._calibration, self._how, self._largest, kept=self._kept & ~mine)
                crossed[mine] = others.scores(*(one[mine] for one in own))[0]
        return np.where(np.isnan(crossed), self.scores(*own)[0], crossed)

    def _own_errors(self, stride: int) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.int64]]:
        """What `scores` takes, of the normal rows themselves, by windows `stride` rows apart."""
        bits, rows = bits_of_positions(len(self._calibration.mean)), self._calibration.rows.numpy()
        stride = min(stride, len(bits))  # farther apart, each row is in one window as well, or in none
        of_phase = np.array([np.bitwise_or.reduce(bits[phase::stride]) for phase in range(stride)], np.uint8)
        covered = of_phase[rows % stride]
        own = np.array(list(self.series.values()), np.int64)
        series = np.where(np.isin(self._series, own), self._series, -1)
        errors = np.full((len(rows), self._errors.shape[2]), np.nan)
        for one in np.unique(covered).tolist():
            errors[covered == one] = self._together(covered == one, one)
        return errors, covered, series

    def usual(self, bits: int, series: int) -> Usual:
        """What is usual for rows that are covered at these positions: of a series, or of all if it is -1."""
        if (bits, series) not in self._known:
            rows = self._kept & ((self._series == series) | (series < 0))
            has_all = rows & (self._weights[:, self._positions(bits)] > 0).all(axis=1)
            together = self._together(has_all if has_all.sum() >= FEW_ROWS else rows, bits)
            with np.errstate(invalid="ignore"):
                is_there = ~np.isnan(together)
                count = is_there.sum(axis=0)
                mean = np.where(is_there, together, 0.0).sum(axis=0) / count
                spread = np.sqrt(np.where(is_there, (together - mean) ** 2, 0.0).sum(axis=0) / count)
            spread = np.fmax(spread, SMALLEST_SPREAD)
            scores = aggregate((together - mean) / spread, self._how, self._largest)
            there = scores[~np.isnan(scores)]
            middle, high = np.quantile(there, [0.5, HIGH]) if len(there) else (np.nan, np.nan)
            self._known[bits, series] = Usual(mean, spread, float(middle), float(max(high - middle, 1e-6)))
        return self._known[bits, series]

    def _together(self, rows: NDArray[np.bool_], bits: int) -> NDArray[np.float64]:
        """Errors (rows, N) of some normal rows: the mean over some positions, of values that are there."""
        shape = (int(rows.sum()), self._errors.shape[2])
        total, count = np.zeros(shape), np.zeros(shape)
        for number in self._positions(bits):
            errors, weights = self._errors[rows, number].astype(np.float64), self._weights[rows, number][:, None]
            is_there = ~np.isnan(errors)
            total += np.where(is_there, weights * errors, 0.0)
            count += weights * is_there
        with np.errstate(invalid="ignore"):
            return total / count

    @staticmethod
    def _positions(bits: int) -> list[int]:
        return [number for number in range(MAX_POSITIONS) if bits & (1 << number)]


def _parts(series: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row (M,), in which of as many parts of its series it lies, from the first to the last."""
    part = np.zeros(len(series), np.int64)
    for one in np.unique(series):
        rows = np.flatnonzero(series == one)
        part[rows] = np.arange(len(rows)) * PARTS // len(rows)
    return part
