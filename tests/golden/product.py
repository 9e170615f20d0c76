"""All that the golden tests use of the product: the one file to change when its parts move or are renamed."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from longstride import (
    IngestReport,
    Recipe,
    ScoreResult,
    WindowLoader,
    append,
    ingest,
    score,
    split_by_time,
    train,
)
from longstride.pipeline.packing.pack import pack, unpack
from longstride.storage.format import StoreLayout
from longstride.storage.open import open_store
from longstride.storage.packed.codecs import CODECS
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.metrics import read_metrics
from longstride.trainer.models import MODELS
from longstride.trainer.reporting import reporter

__all__ = [
    "CODECS",
    "MODELS",
    "IngestReport",
    "ScoreResult",
    "SeriesStore",
    "WindowLoader",
    "make_store",
    "pack_store",
    "score_store",
    "split_by_time",
    "train_model",
    "unpack_store",
]

PIECE_BYTES, BUCKET_BYTES = 100_000, 200_000


def make_store(
    sources: Sequence[Path], out: Path, recipe: dict[str, Any] | None, *, chunk_rows: int | None = None
) -> tuple[SeriesStore, IngestReport]:
    """Ingest files, or append them to the store at `out` where there is no recipe.

    `chunk_rows` makes chunks smaller than real ones.
    """
    small = mock.patch.object(StoreLayout, "chunk_rows", chunk_rows) if chunk_rows else nullcontext()
    sizes = {"piece_bytes": PIECE_BYTES, "bucket_bytes": BUCKET_BYTES}
    with small, mock.patch.object(os, "fsync"):
        if recipe is None:
            report = append(sources, out, **sizes)
        else:
            report = ingest(sources, out, Recipe(**recipe), **sizes)
    return open_store(out), report


def pack_store(store: SeriesStore, dest: Path, codec: str) -> SeriesStore:
    """Pack a store into shards of two chunks."""
    pack(store, dest, codec=codec, shard_bytes=2 * store.chunk_rows * store.values[:1].nbytes)
    return open_store(dest)


def unpack_store(store: SeriesStore, dest: Path) -> SeriesStore:
    unpack(store, dest)
    return open_store(dest)


def train_model(store: Path, out: Path, **wanted: Any) -> list[dict[str, Any]]:
    """Train on one thread of the CPU, with settings by name; return the lines of the metrics."""
    wanted = {"store": str(store), "out": str(out), "device": "cpu", "epochs": 1, "log_every": 1, **wanted}
    no_report = mock.patch.object(reporter, "write_report")  # drawing it takes longer than the training
    with _one_thread(), no_report:
        train(**wanted)
    return read_metrics(out / "metrics.jsonl")


def score_store(run: Path, store: SeriesStore, out: Path) -> ScoreResult:
    with _one_thread():
        return score(run, store, out, batch_size=100, device="cpu")


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
