"""Scores, which compare errors with those of normal rows, and the threshold, which few normal rows exceed."""

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.storage.series.statistics import Statistics
from longstride.trainer.engine.distributed import Ranks

__all__ = ["ScoreCounts", "row_scores"]

EPSILON = 1e-12
"""Errors are divided by no smaller spread."""
LOWEST, STEP, NUM_BINS = -10.0, 0.001, 40_000


def row_scores(errors: NDArray[np.float64], normal: Statistics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores (rows,) and errors (rows, N), in standard deviations from the mean error of normal rows.

    A score is the mean over the channels that are present, NaN where none is.
    """
    standard = (errors - normal.mean) / np.maximum(normal.std, EPSILON)
    is_present = ~np.isnan(standard)
    with np.errstate(invalid="ignore"):
        return np.where(is_present, standard, 0.0).sum(axis=1) / is_present.sum(axis=1), standard


class ScoreCounts:
    """A histogram of scores, for quantiles to a thousandth of their size, however many there are.

    Bins are even in asinh(score): as wide as a thousandth around 0, and a thousandth of the score far from it.
    """

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._counts = torch.zeros(NUM_BINS, dtype=torch.int64)

    def add(self, scores: NDArray[np.float64]) -> None:
        """Count scores (rows,), except NaN."""
        bins = (np.arcsinh(scores[~np.isnan(scores)]) - LOWEST) / STEP
        found = np.bincount(np.clip(bins, 0, NUM_BINS - 1).astype(np.int64), minlength=NUM_BINS)
        self._counts += torch.from_numpy(found)

    def exceeded_by(self, share: float, ranks: Ranks) -> float:
        """The score that at most a share of those of all ranks exceed; call it on every rank, once."""
        counts = self._counts.to(ranks.device)
        ranks.add_up(counts)
        above = counts.flip(0).cumsum(0).flip(0).cpu().numpy()  # in each bin and those after it
        (few,) = np.nonzero(np.append(above, 0) <= share * above[0])
        return float(np.sinh(LOWEST + STEP * few[0]))
