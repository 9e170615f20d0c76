"""From the errors of channels to one figure for a row."""

import numpy as np
from numpy.typing import NDArray

from longstride.trainer.scoring.settings import Aggregate

__all__ = ["aggregate"]


def aggregate(errors: NDArray[np.float64], how: Aggregate, largest: int) -> NDArray[np.float64]:
    """One figure for each row (rows,) of standardised errors (rows, N); NaN where no channel is present.

    The mean over channels, the maximum, the mean of the `largest` ones, or the mean of their logarithms, in which
    a single channel, however far off, weighs little.
    """
    is_there = ~np.isnan(errors)
    if how == "log":
        errors = np.log1p(np.maximum(errors, -0.9))
    if how in ("mean", "log"):
        chosen = is_there
    else:
        number = 1 if how == "max" else min(largest, errors.shape[1])
        order = np.sort(np.where(is_there, errors, -np.inf), axis=1)
        errors = order[:, -number:]
        chosen = errors > -np.inf
    with np.errstate(invalid="ignore"):
        together: NDArray[np.float64] = np.where(chosen, errors, 0.0).sum(axis=1) / chosen.sum(axis=1)
    return together
