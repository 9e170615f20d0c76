"""Worker processes: the same batches, next to nothing through the queue, and no hang when one dies."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from longstride import WindowDataset, WindowLoader
from longstride.pipeline.loading.workers import WorkerError
from longstride.pipeline.packing.pack import pack
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.store_of import StoreOf

LITTLE_POOLS = {"pool_rows": 2048, "block_rows": 256}


@pytest.fixture
def store(store_of: StoreOf) -> SeriesStore:
    values = np.random.default_rng(0).standard_normal((20_000, 4)).astype(np.float32)
    return store_of(values, [(0, 12_000), (13_000, 20_000)])


def starts_of(loader: "WindowLoader | DataLoader[object]") -> list[list[int]]:
    return [batch.start.tolist() for batch in loader]  # type: ignore[union-attr]


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_serve_the_same_batches_in_every_epoch(store: SeriesStore, num_workers: int) -> None:
    alone = WindowLoader(store, window=16, batch_size=32, **LITTLE_POOLS)
    loader = WindowLoader(store, window=16, batch_size=32, num_workers=num_workers, **LITTLE_POOLS)
    for _ in range(2):
        for expected, batch in zip(alone, loader, strict=True):
            assert torch.equal(batch.start, expected.start)
            assert torch.equal(batch.values, expected.values)
    next(iter(loader))  # broken off
    loader.set_epoch(5, 11)
    alone.set_epoch(5, 11)
    assert starts_of(loader) == starts_of(alone)
    pids = {process.pid for process in multiprocessing.active_children()}
    assert starts_of(loader) == starts_of(alone)
    assert {process.pid for process in multiprocessing.active_children()} == pids


def bytes_read() -> int:
    """By this process from files and pipes; mapped memory is not counted."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not count what a process reads")
def test_what_crosses_is_less_than_a_hundredth_of_a_window(store: SeriesStore) -> None:
    loader = WindowLoader(store, window=512, batch_size=32, num_workers=1)
    before = bytes_read()
    num_windows = sum(len(batch.values) for batch in loader)
    a_window = (bytes_read() - before) / num_windows
    assert 8 <= a_window < 0.01 * 512 * 4 * 4


WARNED_LOADERS = """
import sys
import warnings

import numpy as np

from longstride import WindowLoader

stored, packed, first = sys.argv[1:]
array = np.zeros((100, 2), np.float32)
more_than_memory = np.broadcast_to(np.float32(0), (2**32, 2**10))


def warned(store, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        WindowLoader(store, window=16, batch_size=2, **options)
    return [(one.filename == __file__, "num_workers=0" in str(one.message)) for one in caught]


assert warned(stored) == []
assert warned(packed, num_workers=1) == []
assert warned(more_than_memory, num_workers=1) == []
assert warned(stored, num_workers=1, device="cpu") == []
assert warned(stored if first == "store" else array, num_workers=1) == [(True, True)]
assert warned(stored, num_workers=2) == warned(array, num_workers=1) == []
"""


@pytest.mark.parametrize("first", ["store", "array"])
def test_workers_that_do_not_help_are_warned_of_once(store: SeriesStore, tmp_path: Path, first: str) -> None:
    pack(store.path, tmp_path / "packed.zarr")
    script = tmp_path / "warned.py"
    script.write_text(WARNED_LOADERS)
    done = subprocess.run(
        [sys.executable, script, store.path, tmp_path / "packed.zarr", first],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_worker_that_dies_is_named(store: SeriesStore) -> None:
    loader = WindowLoader(store, window=16, batch_size=32, num_workers=2, **LITTLE_POOLS)
    batches = iter(loader)
    next(batches)
    victim = multiprocessing.active_children()[0]
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    with raises("workers-lost", victim.pid, kind=WorkerError):
        for _ in batches:
            pass


KILLED_LOADER = """
import os, signal, sys
from pathlib import Path
from longstride import WindowLoader

if __name__ == "__main__":
    loader = WindowLoader(sys.argv[1], window=16, batch_size=32, num_workers=2)
    next(iter(loader))
    maps = Path("/proc/self/maps").read_text().split()
    shared = {word for word in maps if word.startswith("/dev/shm/")}
    print(*{word for word in shared if not word.startswith(sys.argv[1])}, flush=True)  # but for the store itself
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/dev/shm").exists(), reason="shared memory has no folder here")
def test_nothing_is_left_in_shared_memory_after_a_kill(store: SeriesStore, tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED_LOADER)
    # To a file: the workers hold a pipe open for a while.
    with open(tmp_path / "out", "w") as out:
        done = subprocess.run(
            [sys.executable, script, store.path],
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            stdout=out,
            check=False,
        )
    assert done.returncode == -signal.SIGKILL
    used = [Path(name) for name in (tmp_path / "out").read_text().split()]
    assert used
    # The last worker to leave takes all with it.
    deadline = time.monotonic() + 60
    while any(path.exists() for path in used):
        assert time.monotonic() < deadline, f"{used} are left"
        time.sleep(0.1)


@pytest.mark.parametrize("context", ["fork", "forkserver", "spawn"])
def test_a_plain_dataloader_keeps_order_and_values_however_its_workers_start(
    store: SeriesStore, context: str
) -> None:
    dataset = WindowDataset(store, window=16, stride=16, batch_size=32)
    expected = [(batch.start.tolist(), batch.values.clone()) for batch in dataset]
    served = list(DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context=context))
    assert [batch.start.tolist() for batch in served] == [start for start, _ in expected]
    assert all(torch.equal(batch.values, values) for batch, (_, values) in zip(served, expected, strict=True))


def test_workers_that_stay_alive_see_the_epoch_that_is_set(store: SeriesStore) -> None:
    dataset = WindowDataset(store, window=16, stride=16, batch_size=32)
    loader = DataLoader(
        dataset, batch_size=None, num_workers=2, multiprocessing_context="forkserver", persistent_workers=True
    )
    for epoch, step in [(0, 0), (1, 5), (2, 0)]:
        dataset.set_epoch(epoch, step)
        served = starts_of(loader)
        dataset.set_epoch(epoch, step)
        assert served == [batch.start.tolist() for batch in dataset]
        assert len(served) == len(dataset) - step


def test_workers_that_still_start_are_not_ended(store: SeriesStore) -> None:
    """They would find the semaphores gone that they are given, and print a traceback each."""
    for _ in range(6):
        loader = WindowLoader(store, window=16, batch_size=32, num_workers=2, **LITTLE_POOLS)
        next(iter(loader))  # which needs the first of them
        assert loader._workers is not None
        iterator = loader._workers._loader._iterator
        assert iterator is not None
        processes = iterator._workers  # type: ignore[attr-defined]
        del loader, iterator
        assert [process.exitcode for process in processes] == [0, 0]
