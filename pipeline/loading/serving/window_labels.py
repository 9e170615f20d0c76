"""Labels of windows, made of those of their rows."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["label_of"]

RowLabels = Callable[[int, int], Tensor]
"""Labels (B, rows, L) of so many rows of each window, from one of its rows on."""


def label_of(rule: str, window: int, rows: RowLabels, absent: Tensor | None = None) -> Tensor:
    """Labels (B, L) of windows of K rows by a rule, or (B, K, L) of their rows; whole numbers are int8 as stored.

    "any" is bool, "share" float32: both are of labels that are not 0. Rows that are `absent` (B, K) do not count.
    """
    if rule == "first":
        return rows(0, 1)[:, 0]
    if rule == "last" and absent is None:
        return rows(window - 1, 1)[:, 0]
    found = rows(0, window)
    if absent is not None:
        return _of_shorter(rule, found, absent)
    if rule == "any":
        return (found != 0).any(dim=1)
    if rule == "share":
        return (found != 0).float().mean(dim=1)
    return _most_frequent(found) if rule == "majority" else found


def _of_shorter(rule: str, found: Tensor, absent: Tensor) -> Tensor:
    """The same of labels (B, K, L), of which some rows do not count."""
    if rule == "rows":
        return found
    length = (~absent).sum(dim=1)
    if rule == "last":
        return found[torch.arange(len(found), device=found.device), (length - 1).clamp(min=0)]
    if rule == "majority":
        # Each absent row gets a label of its own, larger than all others: the most frequent is none of them.
        others = 2**7 + torch.arange(found.shape[1], device=found.device, dtype=torch.int32)
        return _most_frequent(torch.where(absent[..., None], others[:, None], found.int())).to(found.dtype)
    there = (found != 0) & ~absent[..., None]
    return there.any(dim=1) if rule == "any" else there.sum(dim=1) / length.clamp(min=1)[:, None]


def _most_frequent(labels: Tensor) -> Tensor:
    """The most frequent of (B, K, L) along the rows, (B, L); of several, the smallest."""
    ordered = labels.sort(dim=1).values
    row = torch.arange(labels.shape[1], device=labels.device)[:, None].expand_as(labels)
    is_first = torch.ones_like(ordered, dtype=torch.bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    # How often each one was there so far: most at the end of the longest run; the first such run is the smallest.
    times = row - torch.where(is_first, row, 0).cummax(dim=1).values
    return ordered.gather(1, times.argmax(dim=1, keepdim=True))[:, 0]
