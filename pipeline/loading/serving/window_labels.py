"""Labels of windows, made of those of their rows."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["label_of"]

RowLabels = Callable[[int, int], Tensor]
"""Labels (B, rows, L) of so many rows of each window, from one of its rows on."""


def label_of(rule: str, window: int, rows: RowLabels) -> Tensor:
    """Labels (B, L) of windows of K rows by a rule, or (B, K, L) of their rows; whole numbers are int8 as stored.

    "any" is bool, "share" float32: both are of labels that are not 0.
    """
    if rule == "first":
        return rows(0, 1)[:, 0]
    if rule == "last":
        return rows(window - 1, 1)[:, 0]
    found = rows(0, window)
    if rule == "any":
        return (found != 0).any(dim=1)
    if rule == "share":
        return (found != 0).float().mean(dim=1)
    return _most_frequent(found) if rule == "majority" else found


def _most_frequent(labels: Tensor) -> Tensor:
    """The most frequent of (B, K, L) along the rows, (B, L); of several, the smallest."""
    ordered = labels.sort(dim=1).values
    row = torch.arange(labels.shape[1], device=labels.device)[:, None].expand_as(labels)
    is_first = torch.ones_like(ordered, dtype=torch.bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    # How often each one was there so far: most at the end of the longest run; the first such run is the smallest.
    times = row - torch.where(is_first, row, 0).cummax(dim=1).values
    return ordered.gather(1, times.argmax(dim=1, keepdim=True))[:, 0]
