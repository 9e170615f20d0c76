"""The windows that a model writes again worst, found while it is validated."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.trainer.engine.distributed import Ranks

__all__ = ["NUM_WORST", "WorstWindows", "mean_errors"]

NUM_WORST = 4


def mean_errors(
    reconstruction: Tensor, inputs: Tensor, mask: Tensor | None, dim: tuple[int, ...] = (1, 2)
) -> Tensor:
    """Mean squared error over the values that are there; all three are (b, K, N). NaN where there is none.

    One for each window (b,); with `dim=(1,)` one for each of its channels (b, N).
    """
    error = (reconstruction.float() - inputs).square()
    if mask is None:
        return error.mean(dim)
    return torch.where(mask, error, 0.0).sum(dim) / mask.sum(dim)


class WorstWindows:
    """Those of the largest error among all that are added; no two overlap, or all would show one event."""

    def __init__(self, window: int, stride: int) -> None:
        """For windows of so many rows, so many rows apart."""
        self._window = window
        # A window overlaps so few, itself among them, that the worst can be chosen from these as well as from all.
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
        """First rows of the worst windows of all ranks, the worst first; call it on every rank."""
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
