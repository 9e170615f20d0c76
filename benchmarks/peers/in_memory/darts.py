"""Darts: its `SequentialTorchTrainingDataset` over a `TimeSeries`, in a `DataLoader` as its models make one.

Its performance recommendations are followed: values of 32 bits, held in memory as a whole, and a number of loading
workers that is tuned. Its dataset has a stride, counted from the end of a series: this one ends where the last
window's target of one row does.
"""

import multiprocessing

import numpy as np
import torch
from darts import TimeSeries
from darts.utils.data import SequentialTorchTrainingDataset, TorchTrainingBatch, TorchTrainingSample
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.harness.case import Case
from benchmarks.peers.data_loader import WORKERS, shuffled

__all__ = ["DISTRIBUTION", "WORKERS", "loader", "values"]

DISTRIBUTION = "darts"
TARGET_ROWS = 1


def loader(case: Case) -> DataLoader[TorchTrainingBatch]:
    """Shuffled batches of input chunks (B, K, N) and output chunks (B, 1, N)."""
    sample_rows = case.window + TARGET_ROWS
    num_rows = (case.num_rows - sample_rows) // case.stride * case.stride + sample_rows
    samples = SequentialTorchTrainingDataset(
        TimeSeries.from_values(np.array(case.rows()[:num_rows]), copy=False),
        input_chunk_length=case.window,
        output_chunk_length=TARGET_ROWS,
        stride=case.stride,
    )
    batches = shuffled(samples, case)
    batches.collate_fn = collate
    multiprocessing.set_forkserver_preload([__name__])
    return batches


def collate(samples: list[TorchTrainingSample]) -> TorchTrainingBatch:
    """What its models collate with, which is not public."""
    return TorchTrainingBatch(
        past_target=torch.from_numpy(np.stack([sample.past_target for sample in samples])),
        future_target=torch.from_numpy(np.stack([sample.future_target for sample in samples])),
    )


def values(batch: TorchTrainingBatch) -> Tensor:
    """Its input chunks."""
    past: Tensor = batch.past_target
    return past
