"""The scores of rows that have come."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longstride.trainer.scoring.carriers import carriers, countable

__all__ = ["LiveScores"]


@dataclass(frozen=True, kw_only=True, repr=False)
class LiveScores:
    """Scores of B rows, in the order in which they were given."""

    score: NDArray[np.float64]
    """(B,): NaN for a row that ends no full window, one that is not scored, and one of which no value is there."""
    alarm: NDArray[np.bool_]
    """(B,): whether the score is above the threshold."""
    errors: NDArray[np.float64]
    """(B, N): error of each channel, in standard deviations from the mean of normal rows; NaN where missing."""
    waiting: NDArray[np.int64]
    """(B,): how many more rows of its segment come before one is scored; 0 for a row that was scored."""
    channels: Sequence[str]
    """N names."""
    threshold: float

    def __len__(self) -> int:
        """B."""
        return len(self.score)

    def __repr__(self) -> str:
        scored = int((self.waiting == 0).sum())
        return (
            f"LiveScores({len(self):,} rows, {scored:,} scored, {int(self.alarm.sum()):,} above the threshold "
            f"{self.threshold:.4g})"
        )

    def carriers(self, row: int) -> dict[str, float]:
        """The channels that carry 80% of the error of a row, the largest first, and the share of each."""
        return carriers(countable(self.errors[row]), self.channels)
