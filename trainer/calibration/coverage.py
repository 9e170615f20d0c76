"""By which windows a row is covered: where in them it lies, and how much each of them counts.

An end of a window is harder to reconstruct than its middle. At which positions windows cover a row depends on the
stride, and on how far the row is from the ends of its segment. The errors of a normal row are therefore kept at
several positions, from the first to the last, each of which stands for those near it. Which of them cover a row is
a set of bits.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_POSITIONS", "JudgedWindows", "bits_of_positions", "kept_positions", "weights_of"]

MAX_POSITIONS = 8
"""As many as a byte has bits."""
POWER = 8
"""A window of which a tenth is missing counts less than half."""


class JudgedWindows(NamedTuple):
    """Some windows, in row order, and the errors of their judged rows."""

    first: NDArray[np.int64]
    """(b,): the first judged row of each."""
    errors: NDArray[np.floating]
    """(b, J, T), NaN where a value is missing."""
    weights: NDArray[np.float64]
    """(b,): how much each counts."""

    def take(self, which: "NDArray[np.int64] | slice") -> "JudgedWindows":
        """Some of them."""
        return JudgedWindows(self.first[which], self.errors[which], self.weights[which])


def kept_positions(window: int) -> NDArray[np.int64]:
    """The positions (G,) in a window of K rows, in order, the first and the last among them."""
    spread = np.linspace(0, window - 1, min(window, MAX_POSITIONS))
    return np.unique(spread.round().astype(np.int64))


def bits_of_positions(window: int) -> NDArray[np.uint8]:
    """For each position (K,), the bit of the kept position that is nearest to it."""
    kept = kept_positions(window)
    nearest = np.abs(np.arange(window)[:, None] - kept).argmin(axis=1)
    bits: NDArray[np.uint8] = (1 << nearest).astype(np.uint8)
    return bits


def weights_of(is_there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How much windows (b, K, N) count for the rows in them, (b,).

    The more values are missing, the worse those that are there can be reconstructed. Next to missing rows, the
    windows that reach least into them count most.
    """
    weights: NDArray[np.float64] = is_there.mean(axis=(1, 2)) ** POWER
    return weights
