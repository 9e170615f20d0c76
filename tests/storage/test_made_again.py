"""A store that is made again under a reader: what was opened is served to its end, or the reader is told."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longstride.pipeline.packing.pack import pack
from longstride.storage.atomic import exchange
from longstride.storage.open import open_store
from longstride.storage.packed.cache import cache_of
from longstride.storage.packed.store import PackedStore
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_store
from tests.helpers.errors import raises

ROWS = 3 * 1024
SHARD = 1024 * 12
Make = Callable[[str, int], Path]


@pytest.fixture(params=["mapped", "packed"])
def make(request: pytest.FixtureRequest, make_store: Callable[..., SeriesStore], tmp_path: Path) -> Make:
    """Stores of one shape whose rows differ; random values, so that packed ones have shards of one size."""

    def make(name: str, seed: int) -> Path:
        values = np.random.default_rng(seed).standard_normal((ROWS, 3), np.float32)
        mapped = make_store(tmp_path / f"{name}.mapped", values, chunk_rows=1024)
        if request.param == "mapped":
            return mapped.path
        pack(mapped, tmp_path / name, codec="blosc-lz4", shard_bytes=SHARD)
        return tmp_path / name

    return make


def replaced_by_removal(store: Path, other: Path) -> None:
    shutil.rmtree(store)
    shutil.copytree(other, store)


@pytest.mark.parametrize("replace", [exchange, replaced_by_removal])
def test_files_of_another_store_are_not_taken_for_its_own(
    make: Make, replace: Callable[[Path, Path], None]
) -> None:
    first, second = make("first.zarr", 1), make("second.zarr", 2)
    store, expected = open_store(first), np.array(open_store(second).values[0:10])
    replace(first, second)
    with raises("store-changed", first):
        store.values[0:10]
    assert open_store(first).values[0:10].tobytes() == expected.tobytes()


@pytest.mark.parametrize("replace", [exchange, replaced_by_removal])
def test_what_was_opened_before_stays_or_is_refused(make: Make, replace: Callable[[Path, Path], None]) -> None:
    first, second = make("first.zarr", 1), make("second.zarr", 2)
    expected = np.array(open_store(first).values[0:ROWS])
    store = open_store(first)
    store.values[0:10]
    copy = pickle.loads(pickle.dumps(store))
    replace(first, second)
    if isinstance(store, PackedStore):
        for rows in (slice(20, 30), slice(1024, 2000)):  # of a shard that was opened, and of one that was not
            with raises("store-changed", first):
                store.rows("values").read(rows.start, rows.stop)
            with raises("store-changed", first):
                store.values[rows]
    else:
        assert store.values[0:ROWS].tobytes() == expected.tobytes()
    with raises("store-changed", first):
        copy.values[0:10]


@pytest.mark.parametrize("replace", [exchange, replaced_by_removal])
@pytest.mark.parametrize("part", ["block_statistics", "segments", "time", "values"])
def test_no_part_of_another_store_is_called_damaged(
    make: Make, replace: Callable[[Path, Path], None], part: str
) -> None:
    """Nobody is sent for a backup where a store is whole, but another one."""
    first, second = make("first.zarr", 1), make("second.zarr", 2)
    store = open_store(first)
    replace(first, second)
    if part == "segments":  # both have the same
        assert len(store.segments) == 1
        return
    with raises("store-changed", first):
        getattr(store, part)[:1] if part in ("time", "values") else getattr(store, part)
    assert not any(check.fault for check in check_store(open_store(first)))


def test_what_is_damaged_and_no_other_store_is_called_damaged(make: Make) -> None:
    store = open_store(make("first.zarr", 1))
    file = store.path / f"commits/{store.generation}/block_mean/c/0/0"
    file.write_bytes(bytes(file.stat().st_size))
    with raises("store-damaged", file):
        store.block_statistics  # noqa: B018


def test_the_same_rows_again_are_no_other_store(make: Make) -> None:
    first, again = make("first.zarr", 1), make("again.zarr", 1)
    store = open_store(first)
    exchange(first, again)
    assert store.values[0:10].tobytes() == open_store(first).values[0:10].tobytes()
    assert not any(check.fault for check in check_store(store))


@pytest.mark.parametrize("make", ["packed"], indirect=True)
def test_a_cache_is_not_filled_from_another_store(make: Make, tmp_path: Path) -> None:
    first, second = make("first.zarr", 1), make("second.zarr", 2)
    store = open_store(first)
    assert isinstance(store, PackedStore)
    cache = cache_of(store, tmp_path / "cache")
    exchange(first, second)
    with raises("store-changed", first):
        cache.read_many([(0, 10)], [np.empty((10, 3), np.float32)])
    assert not cache.is_complete
