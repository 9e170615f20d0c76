"""A store of random walks, its packed copies, and what its reader can do by itself."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.stores import write_store
from benchmarks.harness.results import SEED
from longstride.pipeline.packing.pack import pack
from longstride.storage.format import ROOT
from longstride.storage.location import place_of
from longstride.storage.open import open_store
from longstride.storage.packed.store import PackedStore

__all__ = ["DECODED_ROWS", "Copies", "decode", "packed_by", "prepare_copies", "ratio_of"]

DECIMALS = 3
DECODED_ROWS = 2**18
"""At a time."""


@dataclass(frozen=True, kw_only=True)
class Copies:
    """What was measured on."""

    mapped: Path
    packed: Path
    cache: Path
    url: str | None
    num_rows: int
    num_channels: int
    codec: str
    ratio: float
    """How many times smaller the values are."""


def prepare_copies(folder: Path, num_rows: int, num_channels: int, codec: str, url: str | None) -> Copies:
    """Make a store of random walks of three decimals, its packed copies and its cache, unless they are there."""
    mapped = folder / f"walk-{num_rows}x{num_channels}.zarr"
    if not (mapped / ROOT).exists():
        _write_walk(mapped, num_rows, num_channels)
    store = open_store(mapped)
    packed = folder / f"walk-{num_rows}x{num_channels}-{codec}.zarr"
    for place in [str(packed), *([url] if url else [])]:
        try:
            place_of(place).get(ROOT)
        except FileNotFoundError:
            pack(store, place, codec=codec)
    return Copies(
        mapped=mapped,
        packed=packed,
        cache=folder / "cache",
        url=url,
        num_rows=num_rows,
        num_channels=num_channels,
        codec=codec,
        ratio=ratio_of(packed),
    )


def ratio_of(packed: Path) -> float:
    """How many times smaller its values are than as they lie in a mapped store."""
    store = open_store(packed)
    assert isinstance(store, PackedStore)
    rows = store.rows("values")
    num_bytes: int = len(rows) * rows[:1].nbytes
    size: int = sum(store.attributes["packed"]["shard_bytes"]["values"])
    return num_bytes / size


def packed_by(checkout: Path, copies: Copies) -> Path:
    """A copy that another checkout packs, by its codec."""
    path = copies.mapped.with_suffix(f".before-{checkout.name}.zarr")
    if not (path / ROOT).exists():
        command = [sys.executable, "-m", "longstride", "pack", str(copies.mapped.resolve()), str(path.resolve())]
        subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    return path.resolve()


def _write_walk(path: Path, num_rows: int, num_channels: int) -> None:
    generator = np.random.default_rng(SEED)
    last = np.zeros(num_channels)

    def walk(rows: int) -> NDArray[np.float32]:
        steps = generator.standard_normal((rows, num_channels))
        values = last + np.cumsum(steps, axis=0)
        last[:] = values[-1]
        return values.round(DECIMALS).astype(np.float32)

    write_store(path, num_rows, num_channels, walk)


def decode(path: Path) -> Iterator[int]:
    """Rows decoded from end to end, by the threads of the reader, into memory that is used again."""
    store = open_store(path)
    assert isinstance(store, PackedStore)
    rows = store.rows("values")
    out = np.empty((DECODED_ROWS, *rows.shape[1:]), rows.dtype)
    step = DECODED_ROWS // 16
    while True:
        for start in range(0, len(rows) - DECODED_ROWS + 1, DECODED_ROWS):
            parts = range(0, DECODED_ROWS, step)
            rows.read_many(
                [(start + part, start + part + step) for part in parts],
                [out[part : part + step] for part in parts],
            )
            yield DECODED_ROWS
