"""No worker outlives the process that started it, however that was killed and whatever the worker did then."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from longstride.storage.store import SeriesStore
from tests.helpers.campaigns import count
from tests.helpers.sessions import assert_none_left, members, started
from tests.helpers.stores.store_of import StoreOf

pytestmark = pytest.mark.campaign

PROGRAM = """
import sys, time
from torch.utils.data import DataLoader
from longstride import WindowDataset, WindowLoader
SHAPE = {"window": 16, "batch_size": 32, "pool_rows": 2048, "block_rows": 256}

if __name__ == "__main__":
    store, moment = sys.argv[1:]
    if moment.startswith("plain"):
        dataset, context = WindowDataset(store, **SHAPE), moment.split()[1]
        loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context=context)
    else:
        loader = WindowLoader(store, num_workers=2, **SHAPE)
    if moment == "starting":
        print("now", flush=True)
    batches = iter(loader)
    next(batches)
    if moment == "idle":
        for _ in batches:
            pass
    print("now", flush=True)
    if moment in ("idle", "blocked"):  # blocked: nobody takes what the workers have
        time.sleep(600)
    while True:
        for _ in loader:
            pass
"""


@pytest.fixture
def store(store_of: StoreOf) -> SeriesStore:
    return store_of(np.random.default_rng(0).standard_normal((20_000, 4)).astype(np.float32))


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("starting", signal.SIGKILL),
        ("serving", signal.SIGTERM),
        ("serving", signal.SIGKILL),
        ("blocked", signal.SIGHUP),
        ("idle", signal.SIGKILL),
        ("plain forkserver", signal.SIGKILL),
        ("plain fork", signal.SIGKILL),
    ],
)
def test_no_worker_outlives_its_parent(
    store: SeriesStore, tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with started(program, store.path, moment, log=tmp_path / "log") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n", (tmp_path / "log").read_text()
        if moment == "starting":
            # Killed when the first worker is there, and the second is not yet.
            while len(members(process.pid)) < 4:
                assert process.poll() is None
        else:
            assert len(members(process.pid)) >= 3
        os.kill(process.pid, number)
        assert process.wait() == -number
        assert_none_left(process)
    count("kills of programs with workers")
