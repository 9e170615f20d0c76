"""Packed stores for tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from longstride.pipeline.packing.pack import pack
from longstride.storage.open import open_store
from longstride.storage.packed.store import PackedStore
from longstride.storage.store import SeriesStore

__all__ = ["ROWS", "make_pair", "quantised"]

ROWS = 9 * 1024 + 55


def quantised(rows: int, channels: int, seed: int = 0) -> Any:
    """Random walks of three decimals (rows, channels), some values missing."""
    random = np.random.default_rng(seed)
    values = np.cumsum(random.standard_normal((rows, channels)), axis=0).round(3).astype(np.float32)
    values[random.random(values.shape) < 0.02] = np.nan
    return values


def make_pair(
    make_store: Callable[..., SeriesStore], folder: Path, codec: str, **options: Any
) -> tuple[SeriesStore, PackedStore]:
    """A mapped store of 10 chunks, with labels and two series, and a packed one of the same rows, in 3 shards."""
    rows = options.pop("rows", ROWS)
    store = make_store(
        folder / "plant.zarr",
        options.pop("values", quantised(rows, 3)),
        channels=("pressure", "flow", "größe"),
        labels=(np.arange(rows) % 2).astype(np.int8).reshape(-1, 1),
        label_names=("anomaly",),
        segments=[(0, 1000, 0), (1000, rows, 1)],
        series=("a", "b"),
        chunk_rows=1024,
        **options,
    )
    shard_bytes = 4 * 1024 * store.values[:1].nbytes
    pack(store, folder / "packed.zarr", codec=codec, shard_bytes=shard_bytes)
    packed = open_store(folder / "packed.zarr")
    assert isinstance(packed, PackedStore)
    return store, packed
