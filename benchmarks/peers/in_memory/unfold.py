"""The whole log in memory and `Tensor.unfold`: a view of all windows, of which each batch takes some.

The fastest of the ways to write it: `index_select` copies windows as whole runs of memory, where indexing with a
tensor goes element by element, and `sliding_window_view` with an array of indices gives the same view to numpy.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.harness.case import Case

__all__ = ["DISTRIBUTION", "loader"]

DISTRIBUTION = "torch"


class UnfoldedWindows:
    """Shuffled batches (B, K, N), an epoch an iteration."""

    def __init__(self, case: Case) -> None:
        rows = torch.from_numpy(case.rows().copy())
        self.windows = rows.unfold(0, case.window, case.stride).transpose(1, 2)
        self.batch = case.batch
        self.generator = torch.Generator().manual_seed(case.seed)

    def __iter__(self) -> Iterator[Tensor]:
        order = torch.randperm(len(self.windows), generator=self.generator)
        for first in range(0, len(order) - self.batch + 1, self.batch):
            yield self.windows.index_select(0, order[first : first + self.batch])


def loader(case: Case) -> UnfoldedWindows:
    """Read the log into memory."""
    return UnfoldedWindows(case)
