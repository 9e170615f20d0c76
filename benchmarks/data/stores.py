"""Stores of random values to measure on, made once and kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.harness.case import Case
from benchmarks.harness.results import SEED
from longstride.storage.format import ROOT, StoreLayout
from longstride.storage.open import open_mapped
from longstride.storage.series.segments import Segments
from longstride.storage.writing.writer import StoreWriter

__all__ = ["case_of", "prepare_files", "prepare_raw", "prepare_store", "warm", "write_store"]


def prepare_store(folder: Path, num_rows: int, num_channels: int) -> Path:
    """Make a store of normal values in a folder, unless it is there."""
    store = folder / f"windows-{num_rows}x{num_channels}.zarr"
    if not (store / ROOT).exists():
        generator = np.random.default_rng(SEED)
        write_store(
            store, num_rows, num_channels, lambda rows: generator.standard_normal((rows, num_channels), np.float32)
        )
    return store


def write_store(path: Path, num_rows: int, num_channels: int, draw: Callable[[int], NDArray[np.float32]]) -> None:
    """Write a store of values (rows, N) drawn chunk by chunk; a second between rows, in one segment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    layout = StoreLayout(channels=tuple(f"c{index}" for index in range(num_channels)))
    with StoreWriter(path, layout) as writer:
        for row in tqdm(range(0, num_rows, layout.chunk_rows), desc="prepare", unit="chunk", disable=None):
            rows = min(layout.chunk_rows, num_rows - row)
            writer.append(np.arange(row, row + rows, dtype=np.int64) * 10**9, draw(rows))
        writer.commit(Segments(np.array([0]), np.array([num_rows]), np.array([0])), ("",), cadence_ns=10**9)


def prepare_raw(store: Path) -> Path:
    """Make a file of the values of a store, in row order, unless it is there."""
    raw = store.with_suffix(".f32")
    values = open_mapped(store).values
    if not raw.exists() or raw.stat().st_size != values.nbytes:
        values.tofile(raw)
    return raw


def prepare_files(store: Path) -> list[Path]:
    """Make a .npy and a safetensors file of the values of a store, unless they are there."""
    from safetensors.numpy import save_file

    values = open_mapped(store).values
    npy, safetensors = (store.with_suffix(suffix) for suffix in (".npy", ".safetensors"))
    if not npy.exists() or np.load(npy, mmap_mode="r").shape != values.shape:
        np.save(npy, values)
    if not safetensors.exists():
        save_file({"values": values}, safetensors)
    return [npy, safetensors]


def case_of(folder: Path, num_rows: int, num_channels: int, window: int, stride: int, batch: int) -> Case:
    """A case over a log that is made in a folder, unless it is there."""
    store = prepare_store(folder, num_rows, num_channels).resolve()
    return Case(
        store=str(store),
        raw=str(prepare_raw(store)),
        num_rows=num_rows,
        num_channels=num_channels,
        window=window,
        stride=stride,
        batch=batch,
        seed=SEED,
    )


def warm(store: Path, raw: Path) -> None:
    """Have the values of both in memory."""
    open_mapped(store).values.sum()
    np.memmap(raw, np.float32, "r").sum()
