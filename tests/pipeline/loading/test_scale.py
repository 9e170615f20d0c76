"""A billion rows: a loader needs memory for a pool, not for its windows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.data.sparse import sparse_store
from longstride import WindowLoader
from longstride.storage.open import open_store

SERVE = """
import resource, sys
from pathlib import Path
import torch
from longstride import WindowLoader

torch.arange(10_000_000).sort()  # threads, and what they need, are there
lines = Path("/proc/self/status").read_text().splitlines()
(used,) = (int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (used + int(sys.argv[2]) * 2**20,) * 2)
for shuffle in (True, False):
    loader = WindowLoader(sys.argv[1], window=512, batch_size=256, shuffle=shuffle)
    for epoch in range(3):
        loader.set_epoch(epoch, len(loader) // 3 * epoch)
        batches = iter(loader)
        for _ in range(3):
            assert next(batches).values.shape == (256, 512, 32)
"""


@pytest.fixture(scope="module")
def billion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sparse_store(tmp_path_factory.mktemp("billion") / "rows.zarr", 10**9, 32)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell what a process uses")
@pytest.mark.parametrize(("megabytes", "suffice"), [(256, True), (8, False)])
def test_batches_of_any_step_need_little_memory(billion: Path, megabytes: int, suffice: bool) -> None:
    command = [sys.executable, "-c", SERVE, str(billion), str(megabytes)]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == suffice, done.stderr


def test_the_last_step_is_as_near_as_the_first(billion: Path) -> None:
    loader = WindowLoader(billion, window=512, batch_size=256)
    assert len(loader) == (10**9 - 511) // 256
    loader.set_epoch(0, len(loader) - 1)
    (batch,) = loader
    assert batch.values.shape == (256, 512, 32)
    assert open_store(billion).stats(10**9 - 5).count.tolist() == [5] * 32
