"""WebDataset: windows written out in random order as samples of tar files, read in sequence, shuffled on the way.

As its README and its ImageNet examples have it: samples written in random order, `shardshuffle`, a shuffle buffer
of 1000, batches made in the pipeline, `WebLoader` with `batch_size=None`. Samples are bytes, which `collation_fn`
makes a batch of: `decode` makes an array of each, in a third of all time. It is a stream: one epoch's order
differs from another's by the order of shards and by what the buffer holds, and no more.
"""

import math
import multiprocessing
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import webdataset as wds
from torch import Tensor

from benchmarks.harness.case import Case

__all__ = ["DISTRIBUTION", "WORKERS", "loader", "write"]

DISTRIBUTION = "webdataset"
WORKERS = (0, 1, 2)
BUFFER = 1000
NUM_SHARDS = 16


def write(case: Case) -> None:
    """A window a sample."""
    rows = case.rows()
    order = np.random.default_rng(case.seed).permutation(case.written)
    with wds.ShardWriter(
        f"{case.folder}/%06d.tar", maxcount=math.ceil(len(order) / NUM_SHARDS), verbose=0
    ) as sink:
        for index, start in enumerate(order.tolist()):
            sink.write({"__key__": f"{index:09d}", "window": rows[start : start + case.window].tobytes()})


def _batch(samples: list[tuple[bytes]], shape: tuple[int, int]) -> Tensor:
    values = bytearray().join(window for (window,) in samples)
    return torch.frombuffer(values, dtype=torch.float32).reshape(-1, *shape)


def loader(case: Case) -> Iterable[Tensor]:
    """Shuffled batches (B, K, N)."""
    multiprocessing.set_forkserver_preload(["torch"])  # or each worker takes seconds to import it
    shards = sorted(str(path) for path in Path(case.folder).glob("*.tar"))
    samples = wds.WebDataset(shards, shardshuffle=len(shards)).shuffle(BUFFER).to_tuple("window")
    collate = partial(_batch, shape=(case.window, case.num_channels))
    served: Iterable[Tensor] = wds.WebLoader(
        samples.batched(case.batch, collation_fn=collate, partial=False),
        batch_size=None,
        num_workers=case.workers,
        persistent_workers=case.workers > 0,
        multiprocessing_context="forkserver" if case.workers else None,
    )
    return served
