"""All that the golden tests use of the product: the one file to change when its parts move or are renamed."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from longstride import IngestReport, Recipe, WindowLoader, append, ingest, split_by_time
from longstride.pipeline.packing.pack import pack, unpack
from longstride.storage.format import StoreLayout
from longstride.storage.open import open_store
from longstride.storage.packed.codecs import CODECS
from longstride.storage.packed.delta import encode_deltas
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.metrics import read_metrics
from longstride.trainer.loop import Training
from longstride.trainer.models import MODELS
from longstride.trainer.pca_run import Fitting
from longstride.trainer.reporting import reporter
from longstride.trainer.scoring.score import Scored, score
from longstride.trainer.settings import DataSettings, ModelSettings, OptimiserSettings, RunSettings, Settings

__all__ = [
    "CODECS",
    "MODELS",
    "IngestReport",
    "Scored",
    "SeriesStore",
    "WindowLoader",
    "encode_deltas",
    "make_store",
    "pack_store",
    "score_store",
    "split_by_time",
    "train_model",
    "unpack_store",
]

PIECE_BYTES, BUCKET_BYTES = 100_000, 200_000
ALONE = Ranks(0, 1, torch.device("cpu"))
GROUPS = {"data": DataSettings, "model": ModelSettings, "optimiser": OptimiserSettings, "run": RunSettings}


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
    groups = {
        group: kind(**{name: wanted.pop(name) for name in kind.__dataclass_fields__ if name in wanted})
        for group, kind in GROUPS.items()
    }
    assert not wanted, f"no such settings: {wanted}"
    settings = Settings(**groups)
    kind = Fitting if settings.model.model == "pca" else Training
    no_report = mock.patch.object(reporter, "write_report")  # drawing it takes longer than the training
    with _one_thread(), no_report:
        kind(settings, ALONE, resume=False).run()
    return read_metrics(out / "metrics.jsonl")


def score_store(run: Path, store: SeriesStore, out: Path) -> Scored:
    with _one_thread():
        return score(run, store, out, ALONE, batch_size=100)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
