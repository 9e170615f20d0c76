"""MosaicML Streaming: windows written out as MDS shards in a local folder, read by `StreamingDataset`.

As its user guide has it: `MDSWriter` with a column of arrays of fixed type and shape, `StreamingDataset` with
`local` alone, `shuffle` and the batch size, and `StreamingDataLoader`; its own algorithm of shuffling.
"""

import multiprocessing
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from benchmarks.harness.case import Case

try:
    import torchvision  # noqa: F401
except RuntimeError:
    # Streaming imports it, and one built for CUDA stops beside a torch for the CPU, which lacks these operators.
    for operator in ("nms", "qnms"):
        torch.library.define(
            f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
from streaming import MDSWriter, StreamingDataLoader, StreamingDataset

__all__ = ["DISTRIBUTION", "WORKERS", "loader", "values", "write"]

DISTRIBUTION = "mosaicml-streaming"
WORKERS = (0, 1, 2)


def write(case: Case) -> None:
    """A window a sample."""
    rows = case.rows()
    columns = {"window": f"ndarray:float32:{case.window},{case.num_channels}"}
    with MDSWriter(out=case.folder, columns=columns, exist_ok=True) as sink:
        for start in case.written.tolist():
            sink.write({"window": rows[start : start + case.window]})


def loader(case: Case) -> Iterable[dict[str, Tensor]]:
    """Shuffled batches (B, K, N), each in a dictionary."""
    multiprocessing.set_forkserver_preload([__name__])  # or each worker takes seconds to import it, and fails
    dataset = StreamingDataset(local=case.folder, shuffle=True, shuffle_seed=case.seed, batch_size=case.batch)
    served: Iterable[dict[str, Any]] = StreamingDataLoader(
        dataset,
        batch_size=case.batch,
        drop_last=True,
        num_workers=case.workers,
        persistent_workers=case.workers > 0,
        multiprocessing_context="forkserver" if case.workers else None,
    )
    return served


def values(batch: dict[str, Tensor]) -> Tensor:
    """The windows of a batch."""
    return batch["window"]
