"""The windows that a model predicts worst, found while it is validated."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from longstride.trainer.engine.distributed import Ranks

__all__ = ["NUM_WORST", "WorstWindows"]

NUM_WORST = 4


class WorstWindows:
    """The windows of the largest error that do not overlap; if they could, all would show one event."""

    def __init__(self, window: int, stride: int) -> None:
        """For windows of `window` rows that start `stride` rows apart."""
        self._window = window
        # A window overlaps so few windows, itself included, that the worst can be chosen from these as from all.
        overlapping = 2 * -(-window // stride) - 1
        self._enough = (NUM_WORST - 1) * overlapping + 1
        self._errors = np.empty(0, np.float32)
        self._starts = np.empty(0, np.int64)

    def add(self, starts: Tensor, errors: Tensor) -> None:
        """Count a batch of this rank: first rows (b,), -1 where a window only fills the batch, and errors (b,).

        A window whose error is NaN does not count.
        """
        errors = errors.cpu()
        counted = (starts >= 0) & ~errors.isnan()
        all_errors = np.concatenate([self._errors, errors[counted].numpy()])
        all_starts = np.concatenate([self._starts, starts[counted].numpy()])
        kept = _from_the_worst(all_errors, all_starts)[: self._enough]
        self._errors, self._starts = all_errors[kept], all_starts[kept]

    def rows(self, ranks: Ranks) -> list[int]:
        """First rows of the worst windows of all ranks, the worst one first; call it on every rank."""
        of_ranks = ranks.gather((self._errors, self._starts))
        errors, starts = (np.concatenate(parts) for parts in zip(*of_ranks, strict=True))
        chosen: list[int] = []
        for start in starts[_from_the_worst(errors, starts)].tolist():
            if all(abs(start - other) >= self._window for other in chosen):
                chosen.append(start)
        return chosen[:NUM_WORST]


def _from_the_worst(errors: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    # Of equal errors the first row, so that it does not matter which rank had them.
    return np.lexsort((starts, -errors))
