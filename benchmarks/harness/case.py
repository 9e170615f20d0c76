"""What a way of serving windows is asked for. Knows numpy alone: each peer has an environment of its own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Case"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Windows of `window` rows of a log, `stride` apart, `batch` at a time, shuffled."""

    store: str
    """Longstride's store of the log: a Zarr group with the array `values` (T, N)."""
    raw: str
    """The same rows as one file of float32, in row order."""
    num_rows: int
    num_channels: int
    window: int
    stride: int
    batch: int
    workers: int = 0
    """Processes or threads besides the one that takes the batches, for ways that have such a setting."""
    seed: int = 0
    folder: str = ""
    """Where a way that has windows written out beforehand finds them."""
    most_written_bytes: int = 2**29
    """Such a way is asked to write no more than this: it is timed on a share of the windows."""

    @property
    def starts(self) -> NDArray[np.int64]:
        """First row of each window of the log, (W,)."""
        return np.arange(0, self.num_rows - self.window + 1, self.stride)

    @property
    def written(self) -> NDArray[np.int64]:
        """First row of each window to write out beforehand, evenly spread over the log."""
        starts = self.starts
        window_bytes = self.window * self.num_channels * 4
        number = min(len(starts), max(self.batch, self.most_written_bytes // window_bytes))
        return starts[np.arange(number) * len(starts) // number]

    def rows(self) -> NDArray[np.float32]:
        """The log (T, N), mapped."""
        return np.memmap(self.raw, np.float32, "r", shape=(self.num_rows, self.num_channels))
