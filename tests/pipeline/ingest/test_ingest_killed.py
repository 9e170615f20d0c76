"""SIGKILL in the middle of an ingest: no store, and a second run makes the one that an undisturbed run makes."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from storage.errors import StoreError
from storage.store import SeriesStore
from tests.pipeline.ingest.logs import log_lines

ROOT = Path(__file__).parents[3]
JOB = """
import sys
from pipeline.ingest import Recipe, ingest
log, out, series = sys.argv[1:]
recipe = Recipe(time="time", series=series or None)
ingest([log], out, recipe, piece_bytes=10_000, progress=lambda _: print(flush=True))
"""


def start(log: Path, out: Path, series: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", JOB, str(log), str(out), series]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def contents(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.mark.parametrize("series", ["", "fault"], ids=["straight", "staged"])
def test_a_killed_ingest_leaves_no_store_and_can_be_repeated(
    tmp_path: Path, write_log: Callable[..., Path], series: str
) -> None:
    log = write_log("log.csv", log_lines(5_000))
    with start(log, tmp_path / "whole", series) as undisturbed:
        assert undisturbed.stdout is not None
        num_steps = len(undisturbed.stdout.readlines())
    assert undisturbed.returncode == 0
    whole = contents(tmp_path / "whole")
    for step in np.linspace(1, num_steps - 1, 3).astype(int).tolist():
        out = tmp_path / f"killed-{step}"
        with start(log, out, series) as job:
            assert job.stdout is not None
            for _ in range(step):
                job.stdout.readline()
            job.send_signal(signal.SIGKILL)
        assert job.returncode == -signal.SIGKILL
        with pytest.raises(StoreError, match=r"holds (an unfinished|no) store"):
            SeriesStore.open(out)
        with start(log, out, series) as again:
            again.communicate()
        assert again.returncode == 0
        assert contents(out) == whole
