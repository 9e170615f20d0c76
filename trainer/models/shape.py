"""What a model takes and gives."""

from typing import NamedTuple

from longstride.trainer.settings.task import TaskName

__all__ = ["Shape"]


class Shape(NamedTuple):
    """A model takes windows (B, K, N), and gives (B, *output)."""

    task: TaskName
    window: int
    """K, rows of a window."""
    channels: int
    """N."""
    output: tuple[int, ...]
    """(K, T) to reconstruct T target channels; (H, T) to forecast H rows, or (H, T, Q) for Q quantiles of each
    value; (L,) to classify by L labels: a number each, above 0 where the label is likely."""
    levels: tuple[int, ...] | None = None
    """Which of the N channels each of the T target channels is; None where one is none of them."""
