"""An ingest of rows that is killed, or whose disk is full: nothing stays, and the same call makes the store."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest

from longstride import Recipe, ingest
from longstride.pipeline.ingest.sources.rows import batches
from longstride.storage.open import open_store
from tests.helpers.errors import raises
from tests.helpers.paths import ROOT

RECIPE = Recipe(time="time", time_format="s")
FRAME = pl.DataFrame({"time": range(9000), "a": [float(row % 7) for row in range(9000)]})
JOB = """
import os, signal, sys
from tests.pipeline.ingest.sources.rows.test_killed import FRAME, RECIPE, small, parts
from longstride import ingest

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def rows():
    yield from parts()
    kill()

with small():
    if sys.argv[2] == "spooling":
        ingest(rows(), sys.argv[1], RECIPE)
    else:
        ingest(FRAME, sys.argv[1], RECIPE, piece_bytes=2000, progress=lambda share: kill() if share else None)
"""


def small() -> Any:
    return mock.patch.object(batches, "MAX_ROWS", 1024)


def parts() -> Iterator[pl.DataFrame]:
    yield from FRAME.iter_slices(2000)


@pytest.mark.parametrize("moment", ["spooling", "reading"])
def test_after_a_kill_the_same_call_makes_the_same_store(moment: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", JOB, store, moment], cwd=ROOT, env=environment)
    assert ended.returncode == -signal.SIGKILL
    assert list(store.glob(".staged/rows/*"))
    with small():
        report = ingest(FRAME, store, RECIPE, piece_bytes=2000)
    assert (report.parts_reused > 0) == (moment == "reading")
    assert open_store(store).values[:].tobytes() == FRAME["a"].cast(pl.Float32).to_numpy().tobytes()
    assert not list(store.glob(".*"))


def test_another_job_removes_what_a_kill_left(tmp_path: Path) -> None:
    left = tmp_path / "store" / ".staged" / "rows"
    left.mkdir(parents=True)
    (left / "rows of a generator").write_bytes(b"unfinished")
    (tmp_path / "store" / ".longstride.lock").touch()
    FRAME.write_csv(tmp_path / "log.csv")
    ingest(tmp_path / "log.csv", tmp_path / "store", RECIPE)
    assert not list((tmp_path / "store").glob(".*"))


def test_a_full_disk(tmp_path: Path) -> None:
    def full(*_: Any) -> Iterator[Any]:
        raise OSError(28, "No space left on device")
        yield

    with mock.patch.object(batches.Batches, "__iter__", full), raises("file-system", "No space"):
        ingest(FRAME, tmp_path / "store", RECIPE)
    assert not (tmp_path / "store").exists()
