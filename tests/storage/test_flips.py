"""Bits that flip anywhere in a store: verify tells, or the store is not opened."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from longstride.pipeline.packing.pack import pack
from longstride.storage.errors import LongstrideError
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_store
from tests.helpers.campaigns import count, trials

ROWS = 2 * 1024
"""Whole chunks: padding is not data."""


@pytest.fixture(params=["mapped", "packed"])
def store(request: pytest.FixtureRequest, make_store: Callable[..., SeriesStore], tmp_path: Path) -> Path:
    labels = np.ones((ROWS, 1), np.int8)
    mapped = make_store(tmp_path / "plant.zarr", rows=ROWS, channels=3, labels=labels, chunk_rows=1024)
    if request.param == "mapped":
        return mapped.path
    pack(mapped, tmp_path / "packed.zarr", codec="blosc-zstd")
    return tmp_path / "packed.zarr"


def flips(path: Path, draw: random.Random, count: int) -> Iterator[tuple[int, int]]:
    """Flip one bit of a file at a time, and flip it back."""
    whole = path.read_bytes()
    for _ in range(count):
        at, bit = draw.randrange(len(whole)), draw.randrange(8)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        yield at, bit
    path.write_bytes(whole)


def is_told(store: Path) -> bool:
    try:
        return any(check.fault for check in check_store(open_store(store)))
    except LongstrideError:
        return True


def silent(store: Path, count: int) -> list[str]:
    """Flips that are not told, of `count` in each file."""
    draw = random.Random(0)
    return [
        f"{path}: bit {bit} of byte {at:,}"
        for path in sorted(store.rglob("*"))
        if path.is_file()
        for at, bit in flips(path, draw, count)
        if not is_told(store)
    ]


@pytest.mark.campaign
def test_every_flip_is_told(store: Path) -> None:
    number = trials(12, 600)
    assert silent(store, number) == []
    count("flipped bits in a store", number * sum(path.is_file() for path in store.rglob("*")))
    assert not is_told(store)
