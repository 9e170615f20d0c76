"""The channels that carry an alarm or an event: those with most of its errors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["carriers", "countable"]

CARRIED = 0.8
"""The share of the errors that the channels carry that are named."""


def countable(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those above 0, to be added up: what was infinite as float32 counts as the largest of these."""
    return np.where(errors > 0, np.minimum(errors, np.finfo(np.float32).max), 0.0)


def carriers(errors: NDArray[np.float64], channels: Sequence[str]) -> dict[str, float]:
    """Channels with the largest of some countable errors (N,), the largest first, and the share of each."""
    shares = errors / max(float(errors.sum()), np.finfo(float).tiny)
    order = np.argsort(-shares, kind="stable")
    number = 1 + int(np.searchsorted(np.cumsum(shares[order]), CARRIED))
    return {channels[one]: round(float(shares[one]), 3) for one in order[:number].tolist()}
