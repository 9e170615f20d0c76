"""How rare a score is among normal rows: what scores of different models can be compared by."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rarity"]

TAIL = 0.02
"""Share of the normal rows whose scores say how fast chances fall beyond the largest of them."""


class Rarity:
    """Turns scores into powers of ten: 2 is a score that one normal row in a hundred reaches.

    Beyond the largest normal score, the chance falls as that of a Pareto distribution would: a score that is
    farther off ranks higher, but by its logarithm, so that no model drowns the others.
    """

    def __init__(self, normal_scores: NDArray[np.float64]) -> None:
        """By scores (M,) of normal rows, none of them NaN."""
        number = len(normal_scores)
        self._scores, counts = np.unique(normal_scores, return_counts=True)
        reached = number - (np.cumsum(counts) - counts)  # by how many rows each score is reached
        self._powers = -np.log10(reached / (number + 1))
        start = np.quantile(normal_scores, 1 - TAIL)
        excess = normal_scores[normal_scores > start] - start
        self._scale = max(float(excess.mean()) if len(excess) else 0.0, 1e-6)

    def of(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ranks (rows,) of scores (rows,); NaN stays NaN."""
        beyond = np.maximum(scores - self._scores[-1], 0.0)
        ranks: NDArray[np.float64] = np.interp(scores, self._scores, self._powers)
        ranks += np.log10(1 + beyond / self._scale)
        return ranks
