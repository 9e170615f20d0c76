"""A random sample of the patches of a log, drawn while its windows pass by."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.ordering.hashing import hashes

__all__ = ["PatchSample"]


class PatchSample:
    """Keeps the patches at those rows whose hash is smallest.

    These are the same patches in whatever order, how often and in whichever process their windows come.
    """

    def __init__(self, size: int, key: int) -> None:
        """Keep at most `size` patches; `key` decides which."""
        self.size, self.key = size, key
        self.hashes: NDArray[np.uint64] = np.empty(0, np.uint64)
        """(M,), in order."""
        self.patches = torch.empty(0)
        """(M, P * N), on the CPU, in the order of their hashes, which is a random one."""

    def add(self, windows: Tensor, starts: Tensor, rows: int) -> None:
        """Add the patches of P rows, one at each row, of windows (b, K, N) that begin at these rows (b,)."""
        found = hashes(self.key, starts.cpu().numpy()[:, None] + np.arange(windows.shape[1] - rows + 1))
        is_open = len(self.hashes) < self.size
        (near,) = np.nonzero(np.ones(found.size, bool) if is_open else found.ravel() < self.hashes[-1])
        kept, first = np.unique(found.ravel()[near], return_index=True)  # a row may lie in several windows
        window, offset = np.unravel_index(near[first[: self.size]], found.shape)
        at = torch.from_numpy(offset)[:, None] + torch.arange(rows)
        patches = windows[torch.from_numpy(window)[:, None].to(windows.device), at.to(windows.device)]
        self.merge(kept[: self.size], patches.flatten(1).cpu())

    def merge(self, others: NDArray[np.uint64], patches: Tensor) -> None:
        """Add patches (m, P * N) by the hashes (m,) of their rows."""
        if not len(others):
            return
        together = np.concatenate([self.hashes, others])
        kept, first = np.unique(together, return_index=True)
        self.hashes, chosen = kept[: self.size], torch.from_numpy(first[: self.size])
        self.patches = torch.cat([self.patches.view(-1, patches.shape[1]), patches])[chosen]
