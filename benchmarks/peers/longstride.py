"""Longstride's loader, asked as the peers are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.harness.case import Case
from benchmarks.harness.results import SEED
from benchmarks.harness.sizes import Sizes
from longstride import WindowBatch, WindowLoader

__all__ = ["WORKERS", "loader", "loader_of", "serve", "values"]

WORKERS = (0,)


def loader(case: Case) -> WindowLoader:
    """Shuffled batches of the store."""
    sizes = Sizes(case.window, case.stride, case.batch)
    return loader_of(case.store, sizes, num_workers=case.workers, seed=case.seed)


def values(batch: WindowBatch) -> Tensor:
    """The windows (B, K, N)."""
    return batch.values


def loader_of(store: str | Path, sizes: Sizes, *, seed: int = SEED, **options: Any) -> WindowLoader:
    """Shuffled batches of such sizes."""
    return WindowLoader(
        store, window=sizes.window, stride=sizes.stride, batch_size=sizes.batch, seed=seed, **options
    )


def serve(batches: WindowLoader) -> Iterator[int]:
    """Windows of each batch, epoch after epoch."""
    while True:
        for batch in batches:
            yield len(batch.values)
