"""Longstride's loader, asked as the peers are."""

from torch import Tensor

from benchmarks.peers.case import Case
from longstride import WindowBatch, WindowLoader

__all__ = ["WORKERS", "loader", "values"]

WORKERS = (0,)


def loader(case: Case) -> WindowLoader:
    """Shuffled batches of the store."""
    return WindowLoader(
        case.store,
        window=case.window,
        stride=case.stride,
        batch_size=case.batch,
        num_workers=case.workers,
        seed=case.seed,
    )


def values(batch: WindowBatch) -> Tensor:
    """The windows (B, K, N)."""
    return batch.values
