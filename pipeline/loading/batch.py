"""What a loader serves."""

from typing import NamedTuple

from torch import Tensor

__all__ = ["WindowBatch"]


class WindowBatch(NamedTuple):
    """B windows of K rows of N channels."""

    values: Tensor
    """(B, K, N), float as stored, NaN where missing."""
    start: Tensor
    """(B,) int64, row of the store at which each window starts; -1 marks a window that only fills the batch."""
    mask: Tensor | None
    """(B, K, N) bool, True where a value is present and counts; None when all do."""
    target: Tensor | None = None
    """What is to be predicted, NaN where missing: M target channels in the H rows after each window, (B, H, M),
    or without a horizon in its own rows, (B, K, M). None without a horizon and targets."""
    target_mask: Tensor | None = None
    """The same shape as `target`, True where a value is present and counts; None when all do."""
    store: Tensor | None = None
    """(B,) int64, which store each window is of; None where there is only one."""
