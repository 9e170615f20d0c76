"""Stores of random values to measure on, made once and kept."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from longstride.storage.format import StoreLayout
from longstride.storage.open import open_mapped
from longstride.storage.segments import Segments
from longstride.storage.writing.writer import StoreWriter

__all__ = ["prepare_raw", "prepare_store", "warm"]

SEED = 0


def prepare_store(folder: Path, num_rows: int, num_channels: int) -> Path:
    """Make a store of normal values in a folder, unless it is there; a second between rows, in one segment."""
    store = folder / f"windows-{num_rows}x{num_channels}.zarr"
    if (store / "zarr.json").exists():
        return store
    folder.mkdir(parents=True, exist_ok=True)
    layout = StoreLayout(channels=tuple(f"c{index}" for index in range(num_channels)))
    generator = np.random.default_rng(SEED)
    with StoreWriter(store, layout) as writer:
        for row in tqdm(range(0, num_rows, layout.chunk_rows), desc="prepare", unit="chunk", disable=None):
            rows = min(layout.chunk_rows, num_rows - row)
            seconds = np.arange(row, row + rows, dtype=np.int64) * 10**9
            writer.append(seconds, generator.standard_normal((rows, num_channels), np.float32))
        writer.commit(Segments(np.array([0]), np.array([num_rows]), np.array([0])), ("",), cadence_ns=10**9)
    return store


def prepare_raw(store: Path) -> Path:
    """Make a file of the values of a store, in row order, unless it is there."""
    raw = store.with_suffix(".f32")
    values = open_mapped(store).values
    if not raw.exists() or raw.stat().st_size != values.nbytes:
        values.tofile(raw)
    return raw


def warm(store: Path, raw: Path) -> None:
    """Have the values of both in memory."""
    open_mapped(store).values.sum()
    np.memmap(raw, np.float32, "r").sum()
