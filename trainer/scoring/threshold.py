"""What errors normal rows have: others are told beside theirs, and the threshold is a score that few reach."""

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.storage.statistics import Statistics
from longstride.trainer.engine.distributed import Ranks

__all__ = ["ScoreCounts", "row_scores"]

EPSILON = 1e-12
"""Smallest spread of errors that anything is divided by."""
LOWEST, STEP, NUM_BINS = -10.0, 0.001, 40_000


def row_scores(errors: NDArray[np.float64], usual: Statistics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores (rows,) and errors (rows, N) in standard deviations of the usual ones, from their mean.

    A score is the mean over the channels that are there; NaN where none is.
    """
    standard = (errors - usual.mean) / np.maximum(usual.std, EPSILON)
    is_there = ~np.isnan(standard)
    with np.errstate(invalid="ignore"):
        return np.where(is_there, standard, 0.0).sum(axis=1) / is_there.sum(axis=1), standard


class ScoreCounts:
    """How many scores lie where, for quantiles of any number of them to a thousandth of their size.

    Bins are even in asinh(score): as wide as a thousandth around 0, and a thousandth of the score far from it.
    """

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._counts = torch.zeros(NUM_BINS, dtype=torch.int64)

    def add(self, scores: NDArray[np.float64]) -> None:
        """Count scores (rows,); NaN counts nowhere."""
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
