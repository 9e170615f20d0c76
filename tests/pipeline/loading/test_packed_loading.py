"""Packed stores, with a cache or without: the same batches as from the mapped one, decoded once a pool."""

import errno
import hashlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import DataLoader

from longstride import WindowDataset, WindowLoader
from longstride.pipeline.packing.pack import pack
from longstride.storage.errors import StoreError
from longstride.storage.packed.cache import THERE, cache_of
from longstride.storage.packed.store import PackedStore
from longstride.storage.store import SeriesStore
from tests.helpers.stores.packed_stores import ROWS, make_pair, quantised

Make = Callable[..., SeriesStore]
Pair = tuple[SeriesStore, PackedStore]
SMALL: dict[str, Any] = {"window": 24, "stride": 2, "batch_size": 32, "pool_rows": 2048, "block_rows": 256}


@pytest.fixture(scope="module")
def pair(make_store: Make, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(make_store, tmp_path_factory.mktemp("packed"), "pcodec")


def digest(batches: Any) -> str:
    found = hashlib.sha256()
    for batch in batches:
        for field in batch:
            if field is not None:
                found.update(np.ascontiguousarray(field.cpu().numpy()).tobytes())
    return found.hexdigest()


OPTIONS: list[dict[str, Any]] = [
    {},
    {"shuffle": False},
    {"stride": 30},
    {"channels": ["flow", "größe"], "targets": ["pressure"], "horizon": 5},
    {"max_missing": 0.02, "windows_per_epoch": 500, "without_labels": ()},
    {"rank": 1, "world_size": 2},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("way", ["plain", "workers", "device", "cache", "small cache"])
def test_batches_are_those_of_the_mapped_store(
    pair: Pair, tmp_path: Path, options: dict[str, Any], way: str
) -> None:
    store, packed = pair
    more: dict[str, Any] = {
        "plain": {},
        "workers": {"num_workers": 2},
        "device": {"device": "cpu"},
        "cache": {"cache_dir": tmp_path},
        "small cache": {"cache_dir": tmp_path, "cache_bytes": store.values.nbytes // 3},
    }[way]
    expected = WindowLoader(store, **{**SMALL, **options}, **({"device": "cpu"} if way == "device" else {}))
    found = WindowLoader(packed, **{**SMALL, **options}, **more)
    assert found.fingerprint == expected.fingerprint
    for _ in range(2):
        assert digest(found) == digest(expected)
    found.set_epoch(0, 5)
    expected.set_epoch(0, 5)
    assert digest(found) == digest(expected)


def test_a_plain_data_loader_with_workers(pair: Pair) -> None:
    store, packed = pair
    plain = DataLoader(
        WindowDataset(packed, **SMALL), batch_size=None, num_workers=2, multiprocessing_context="forkserver"
    )
    assert digest(plain) == digest(WindowLoader(store, **SMALL))


def test_several_stores(pair: Pair, make_store: Make, tmp_path: Path) -> None:
    store, packed = pair
    other = make_store(tmp_path / "other.zarr", quantised(3000, 3, seed=1), channels=("größe", "pressure", "flow"))
    assert digest(WindowLoader([packed, other], **SMALL)) == digest(WindowLoader([store, other], **SMALL))


def test_kept_batches_hold_what_they_should(pair: Pair) -> None:
    store, packed = pair
    for batch in list(WindowLoader(packed, **SMALL)):
        for window, start in zip(batch.values.numpy(), batch.start.tolist(), strict=True):
            assert np.array_equal(window, store.values[start : start + 24], equal_nan=True)


def test_little_is_decoded_more_than_once(make_store: Make, tmp_path: Path) -> None:
    store = make_store(tmp_path / "long.zarr", rows=300_000, channels=8)
    pack(store, tmp_path / "packed.zarr", codec="blosc-lz4")
    loader = WindowLoader(tmp_path / "packed.zarr", window=64, batch_size=256)
    for _ in loader:
        pass
    rows = loader.dataset.collection.stores[0].values
    decoded: int = rows.bytes_decoded  # type: ignore[attr-defined]
    assert decoded < 1.3 * store.values.nbytes


SERVE = """
import resource, sys
from pathlib import Path
import torch
from longstride import WindowLoader

torch.arange(10_000_000).sort()  # threads, and what they need, are there
loader = WindowLoader(sys.argv[1], window=64, batch_size=256, pool_rows=2**17)
next(iter(loader))
lines = Path("/proc/self/status").read_text().splitlines()
(used,) = (int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (used + int(sys.argv[2]) * 2**20,) * 2)
for _ in loader:
    pass
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell what a process uses")
def test_memory_is_that_of_two_pools(make_store: Make, tmp_path: Path) -> None:
    """A store of 96 MB in pools of 8."""
    store = make_store(tmp_path / "long.zarr", rows=1_500_000, channels=16)
    pack(store, tmp_path / "packed.zarr", codec="blosc-lz4")
    for megabytes, suffice in ((48, True), (1, False)):
        command = [sys.executable, "-c", SERVE, str(tmp_path / "packed.zarr"), str(megabytes)]
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "2"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (done.returncode == 0) == suffice, done.stderr


def test_a_complete_cache_is_read_as_it_is(pair: Pair, tmp_path: Path) -> None:
    _, packed = pair
    loader = WindowLoader(packed, **SMALL, cache_dir=tmp_path)
    assert loader.dataset.collection.arrays is None
    for _ in range(2):  # the last windows of an epoch are left out, others each time
        for _ in loader:
            pass
    cache = cache_of(packed, tmp_path)
    if not cache.is_complete:
        cache.read_many([(0, ROWS)], [np.empty((ROWS, 3), np.float32)])
    assert loader.dataset.collection.arrays is not None
    before = loader.dataset.collection.rows[0]._rows.bytes_decoded
    for _ in loader:
        pass
    assert loader.dataset.collection.rows[0]._rows.bytes_decoded == before


def serve_share(name: str, folder: Path, rank: int, out: Any) -> None:
    loader = WindowLoader(name, **SMALL, rank=rank, world_size=2, cache_dir=folder)
    for _ in loader:
        pass
    out.put(loader.dataset.collection.rows[0]._rows.bytes_decoded)


def test_ranks_of_a_machine_share_a_cache(pair: Pair, tmp_path: Path) -> None:
    """Each chunk is decoded once, by one of them."""
    store, packed = pair
    context = multiprocessing.get_context("forkserver")
    out = context.Queue()
    ranks = [context.Process(target=serve_share, args=(packed.name, tmp_path, rank, out)) for rank in range(2)]
    for process in ranks:
        process.start()
    decoded = [out.get(timeout=60) for _ in ranks]
    for process in ranks:
        process.join()
    chunk = packed.packing.chunk_rows * 12
    assert sum(decoded) <= -(-store.values.nbytes // chunk) * chunk


def test_the_limit_counts_what_others_are_at_and_what_the_dead_had_reserved(pair: Pair, tmp_path: Path) -> None:
    _, packed = pair
    cache = cache_of(packed, tmp_path, 4 * packed.packing.chunk_rows * 12 + 5)
    cache._reserve(np.array([3, 5]))  # and then died: its locks are free
    out = np.empty((ROWS, 3), np.float32)
    for _ in range(2):
        cache_of(packed, tmp_path, 4 * packed.packing.chunk_rows * 12 + 5).read_many([(0, ROWS)], [out])
        np.testing.assert_array_equal(out, pair[0].values)
    assert {3, 5} < set(np.flatnonzero(cache._there == THERE).tolist())
    assert ((cache._there == THERE).sum(), (cache._there != 0).sum()) == (4, 4)


def test_a_full_disk_keeps_nothing_and_stops_nobody(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, packed = pair

    def full(*arguments: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    loader, expected = WindowLoader(packed, **SMALL, cache_dir=tmp_path), WindowLoader(store, **SMALL)
    for _ in range(2):
        assert digest(loader) == digest(expected)
    assert loader.dataset.collection.arrays is None


ON_A_FULL_DISK = """
import sys
import numpy as np
from longstride.storage.open import open_store
from longstride.storage.packed.cache import cache_of
packed = open_store(sys.argv[1])
for _ in range(2):
    cache = cache_of(packed, sys.argv[2])
    out = np.empty(packed.values.shape, np.float32)
    cache.read_many([(0, len(out))], [out])
    assert out.tobytes() == packed.values[:].tobytes()
"""


@pytest.mark.parametrize(("kilobytes", "filled"), [(64, 64), (4, 0), (16, 0), (64, 0), (100, 0)])
def test_a_disk_that_is_really_full(pair: Pair, tmp_path: Path, kilobytes: int, filled: int) -> None:
    """Room for nothing, for the marks alone, and for some of the rows."""
    (tmp_path / "disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(tmp_path / "disk")]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        (tmp_path / "disk" / "filler").write_bytes(bytes(1024 * filled))
        arguments = [sys.executable, "-c", ON_A_FULL_DISK, pair[1].name, str(tmp_path / "disk")]
        done = subprocess.run(arguments, capture_output=True, text=True)
        assert done.returncode == 0, (done.returncode, done.stderr)
    finally:
        subprocess.run(["umount", str(tmp_path / "disk")], check=True)


@pytest.mark.parametrize("way", ["mapped whole", "copied"])
def test_a_bit_that_flips_in_the_cache_is_decoded_again(pair: Pair, tmp_path: Path, way: str) -> None:
    store, packed = pair
    cache_of(packed, tmp_path).read_many([(0, ROWS)], [np.empty((ROWS, 3), np.float32)])
    (values,) = tmp_path.glob("*.values")
    for at in (0, 7777, values.stat().st_size - 1):
        data = bytearray(values.read_bytes())
        data[at] ^= 4
        with open(values, "r+b") as file:
            file.write(data)
    cache = cache_of(packed, tmp_path)
    assert cache.is_complete
    if way == "mapped whole":
        assert cache.in_memory is None
    out = np.empty((ROWS, 3), np.float32)
    cache.read_many([(0, ROWS)], [out])
    assert out.tobytes() == store.values[:].tobytes()
    again = cache_of(packed, tmp_path).in_memory
    assert again is not None
    assert again.tobytes() == out.tobytes()


def test_a_folder_that_cannot_be(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=str(tmp_path / "file")):
        next(iter(WindowLoader(pair[1], **SMALL, cache_dir=tmp_path / "file")))


def test_a_damaged_shard_ends_the_epoch_with_its_name(make_store: Make, tmp_path: Path) -> None:
    _, packed = make_pair(make_store, tmp_path, "zstd")
    path = tmp_path / "packed.zarr/values/c.1.0"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(StoreError, match=r"values/c\.1\.0"):
        list(WindowLoader(packed, **SMALL))


FORKED = """
import os, sys, signal
import numpy as np
from torch.utils.data import DataLoader
import longstride

store = longstride.open(sys.argv[1])
dataset = longstride.WindowDataset(store, window=24, stride=2, batch_size=32, pool_rows=2048, block_rows=256)
first = next(iter(dataset)).values.nan_to_num()
store.time[: store.num_rows]
loader = DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context="fork")
assert (next(iter(loader)).values.nan_to_num() == first).all()
child = os.fork()
if child == 0:
    os._exit(0 if len(store.time[: store.num_rows]) == store.num_rows else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("same")
"""


def test_a_process_that_was_forked_decodes_after_its_parent_did(pair: Pair) -> None:
    command = [sys.executable, "-c", FORKED, str(pair[1].path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "same\n", done.stderr


def test_a_pool_without_rows_of_one_of_the_cached_stores(pair: Pair, tmp_path: Path) -> None:
    store, packed = pair
    options = {**SMALL, "shuffle": False, "stride": 30}
    expected = digest(WindowLoader([store, store], **options))
    assert digest(WindowLoader([packed, packed], cache_dir=tmp_path, **options)) == expected
