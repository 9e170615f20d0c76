"""An ingest to be killed: `python -m tests.helpers.logs.ingest_jobs FOLDER OUT [STAGE STEP]`.

It reads the logs of FOLDER and prints a line for each step that it takes: the stage, and what it is about to do.
With STAGE and STEP, it kills itself in front of that step of that stage.
"""

import gzip
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import numpy as np
import polars as pl

import longstride.pipeline.ingest.job
import longstride.pipeline.ingest.staging.task
from longstride import IngestReport, Recipe, ingest
from longstride.pipeline.ingest.staging.folder import StagedFolder
from longstride.pipeline.ingest.staging.read import ReadSources
from longstride.storage.format import StoreLayout
from tests.helpers.paths import ROOT

RECIPE = Recipe(time="time", series="pump", labels=("fault",), max_rejects="1%")
STAGES = ("reading", "writing", "committing", "tidying")
START = np.datetime64("2024-03-01T00:00:00", "s")
SECOND = np.timedelta64(1, "s")
HEADER = "time,pump,a,b,fault"
DAMAGED = (
    b"{time},p1,1,2",
    b"{time},p1,broken,2,0",
    b"yesterday,p1,1,2,0",
    b"{time},p1,\xff,2,0",
    b'{time},p1,5" x,2,0',
)
SIZES = {"piece_bytes": 40_000, "bucket_bytes": 100_000}
SMALL_CHUNKS = mock.patch.object(StoreLayout, "chunk_rows", 4096)


def write_logs(folder: Path, rows: int = 60_000, *, in_order: bool = False) -> list[Path]:
    """Rows of three series in any order, in files of all times: damaged CSV, gz, Parquet.

    Where they are `in_order` of series and time, each file has what follows in the store.
    """
    folder.mkdir()
    random = Random(0)
    order = random.sample(range(rows), rows)
    if in_order:
        order.sort(key=lambda row: (row % 3, row))
    lines = [
        f"{START + row // 3 * 60 * SECOND},p{row % 3},{row / 4},{-row},{int(row % 10 == 0)}".encode()
        for row in order
    ]
    share = rows // 4
    for name, part in (
        ("a.csv", lines[:share]),
        ("b.csv", lines[share : 2 * share]),
        ("c.csv.gz", lines[2 * share : 3 * share]),
    ):
        for bad in DAMAGED:
            at = random.randrange(len(part))
            part.insert(at, bad.replace(b"{time}", part[at].split(b",")[0]))
        data = b"\n".join([HEADER.encode(), *part, b""])
        (folder / name).write_bytes(gzip.compress(data, 1, mtime=0) if name.endswith(".gz") else data)
    rest = order[3 * share :]
    frame = pl.DataFrame(
        {
            "time": [str(START + row // 3 * 60 * SECOND) for row in rest],
            "pump": [f"p{row % 3}" for row in rest],
            "a": [row / 4 for row in rest],
            "b": [float(-row) for row in rest],
            "fault": [row % 10 == 0 for row in rest],
        }
    )
    frame.write_parquet(folder / "d.parquet", row_group_size=2_000)
    return sources(folder)


def sources(folder: Path) -> list[Path]:
    """The logs of a folder."""
    return sorted(path for path in folder.iterdir() if path.is_file())


def run_job(folder: Path, out: Path, **options: Any) -> IngestReport:
    """Ingest the logs of a folder, in this process."""
    with SMALL_CHUNKS:
        return ingest(sources(folder), out, replace(RECIPE, **options.pop("settings", {})), **SIZES, **options)


def start_job(folder: Path, out: Path, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """The same in a process of its own; its steps are on its stdout."""
    command = [sys.executable, "-m", "tests.helpers.logs.ingest_jobs", str(folder), str(out), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, **options)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def parts_on_disk(out: Path) -> set[str]:
    """Names of the parts that a job has left."""
    return {path.name for path in out.glob(".staged/*/*.part") if not path.name.startswith(".")}


class _Steps:
    """Says each step, and dies in front of one."""

    def __init__(self, stage: str | None, number: int) -> None:
        self._last = stage, number
        self._counts: Counter[str] = Counter()
        self.stage = "planning"

    def step(self, what: object) -> None:
        self._counts[self.stage] += 1
        if (self.stage, self._counts[self.stage]) == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(1, f"{self.stage} {what}\n".encode())

    def before(self, owner: Any, name: str, *, stage: str | None = None) -> None:
        """Call `step` in front of each call of a function; it may begin a stage."""
        function = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.stage = stage or self.stage
            self.step(name)
            return function(*args, **kwargs)

        setattr(owner, name, call)

    def part(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def call(folder: Path, part: Any, *rows: Any) -> Any:
            written = write(folder, part, *rows)
            os.write(1, f"part {part.source}-{part.section}-{part.piece}.part\n".encode())
            return written

        return call


def main(folder: str, out: str, stage: str | None = None, number: str = "0") -> None:
    """Ingest, step by step."""
    steps = _Steps(stage, int(number))
    for name in ("replace", "mkdir", "unlink", "rmdir"):
        steps.before(os, name)
    steps.before(ReadSources, "run", stage="reading")
    steps.before(longstride.pipeline.ingest.job, "write_store", stage="writing")
    steps.before(longstride.pipeline.ingest.job, "collect_rejects", stage="committing")
    steps.before(StagedFolder, "remove_parts", stage="tidying")
    longstride.pipeline.ingest.staging.task.write_part = steps.part(
        longstride.pipeline.ingest.staging.task.write_part
    )
    report = run_job(Path(folder), Path(out), progress=steps.step)
    print("reused", report.parts_reused, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
