"""Lance: windows written out as one column of lists of fixed size, of which each batch takes rows at random.

The map-style way that its documentation recommends where rows can be read at random, opened in each process and
asked by `take` for a batch at a time, as its `SafeLanceDataset` is. That class itself makes Python lists of all
values, which costs 5 to 50 times as much as reading them: here Arrow's memory is served as it comes.
"""

from collections.abc import Iterator
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.harness.case import Case
from benchmarks.peers.data_loader import WORKERS, shuffled

__all__ = ["DISTRIBUTION", "WORKERS", "loader", "write"]

DISTRIBUTION = "pylance"
BATCH_BYTES = 2**24
"""Rows that are handed to the writer at once."""


class LanceWindows(Dataset[Any]):
    """Window i is row i of the column `window`."""

    def __init__(self, case: Case) -> None:
        self.folder = case.folder
        self.shape = (case.window, case.num_channels)
        self.num_windows = len(case.written)
        self.dataset: Any = None

    def __len__(self) -> int:
        return self.num_windows

    def __getitems__(self, indices: list[int]) -> NDArray[np.float32]:
        """A batch (B, K, N)."""
        if self.dataset is None:
            self.dataset = lance.dataset(self.folder)
        column = self.dataset.take(np.array(indices)).column("window").combine_chunks()
        windows: NDArray[np.float32] = column.flatten().to_numpy().reshape(-1, *self.shape)
        return windows


def _batches(case: Case, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = case.rows()
    size = case.window * case.num_channels
    step = max(1, BATCH_BYTES // (4 * size))
    for first in range(0, len(case.written), step):
        values = np.stack([rows[start : start + case.window] for start in case.written[first : first + step]])
        column = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), size)
        yield pa.record_batch([column], schema=schema)


def write(case: Case) -> None:
    """Windows as one column."""
    schema = pa.schema([("window", pa.list_(pa.float32(), case.window * case.num_channels))])
    lance.write_dataset(_batches(case, schema), case.folder, schema)


def loader(case: Case) -> DataLoader[Tensor]:
    """Shuffled batches (B, K, N)."""
    batches: DataLoader[Tensor] = shuffled(LanceWindows(case), case)
    batches.collate_fn = torch.from_numpy  # a batch is taken as a whole
    return batches
