"""Noise of made-up logs."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["persistent"]


def persistent(steps: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Each row a share of the one before, and a step: noise that keeps its direction for a while."""
    rows = steps.copy()
    for row in range(1, len(rows)):
        rows[row] += share * rows[row - 1]
    return rows
