"""What an interrupted job has left is taken over if it is whole and of the same job, and read again if not."""

import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import polars as pl
import psutil
import pytest

from longstride import append, ingest
from longstride.pipeline.ingest.job import PIECE_BYTES
from longstride.storage.format import LOCK_FILE
from tests.helpers.campaigns import count, trials
from tests.helpers.errors import raises
from tests.helpers.logs.ingest_jobs import (
    RECIPE,
    ROOT,
    SIZES,
    SMALL_CHUNKS,
    contents,
    parts_on_disk,
    run_job,
    sources,
    start_job,
    write_logs,
)

ALL_READ = ("writing", 1)
AT_THE_END = ("tidying", 9)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    write_logs(tmp_path / "logs", rows=12_000)
    return tmp_path / "logs"


def killed_at(logs: Path, out: Path, step: tuple[str, int] = ALL_READ) -> list[Path]:
    """Run a job that dies at a step; give the parts that it has left."""
    with start_job(logs, out, *step) as job:
        job.communicate()
    assert job.returncode == -signal.SIGKILL
    return sorted(out.glob(".staged/*/[0-9]*.part"))


def flip(path: Path, place: int = -9) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def blank(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def remove(path: Path) -> None:
    path.unlink()


def test_parts_that_a_power_failure_has_damaged_are_read_again(tmp_path: Path, logs: Path) -> None:
    whole = run_job(logs, tmp_path / "whole")
    parts = killed_at(logs, tmp_path / "out")
    # Of a plain file, of the middle of a compressed one, of Parquet.
    for name, damage in (("0-1-", flip), ("1-0-", remove), ("2-0-1", cut), ("3-0-", blank)):
        damage(next(part for part in parts if part.name.startswith(name)))
    report = run_job(logs, tmp_path / "out")
    assert report.parts_reused == len(parts) - 4
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert pl.read_parquet(report.rejects or "").equals(pl.read_parquet(whole.rejects or ""))


def test_parts_whose_rejects_are_damaged_are_read_again(tmp_path: Path, logs: Path) -> None:
    whole = run_job(logs, tmp_path / "whole")
    parts = killed_at(logs, tmp_path / "out")
    rejects = sorted(parts[0].parent.glob("*.rejects.parquet"))
    for file, damage in zip((rejects[0], rejects[1], rejects[-1]), (flip, cut, blank), strict=True):
        damage(file)
    report = run_job(logs, tmp_path / "out")
    assert report.parts_reused == len(parts) - 3
    assert pl.read_parquet(report.rejects or "").equals(pl.read_parquet(whole.rejects or ""))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.campaign
def test_a_flipped_bit_in_any_staged_file_never_reaches_the_store(tmp_path: Path, logs: Path) -> None:
    """In headers as well, where names of series and counts of rows stand."""
    whole = run_job(logs, tmp_path / "whole")
    killed = tmp_path / "killed"
    num_parts = len(killed_at(logs, killed))
    staged = [path.relative_to(killed) for path in sorted(killed.glob(".staged/*/[0-9]*"))]
    assert len(staged) > num_parts
    random = Random(0)
    for number, name in enumerate(staged * trials(1, 12)):
        out = tmp_path / f"out {number}"
        shutil.copytree(killed, out)
        flip(out / name, random.randrange(200 if number % 2 else (out / name).stat().st_size))
        report = run_job(logs, out)
        assert report.parts_reused == num_parts - 1, name
        assert contents(out) == contents(tmp_path / "whole"), name
        count("flipped bits in staged parts")
        assert pl.read_parquet(report.rejects or "").equals(pl.read_parquet(whole.rejects or ""))


@pytest.mark.parametrize("place", [0, 3, 400, -3])
def test_a_report_that_is_damaged_is_not_given_out(tmp_path: Path, logs: Path, place: int) -> None:
    """That of a job that was killed behind its commit: the one next to the store is whole."""
    out = tmp_path / "out"
    whole = run_job(logs, tmp_path / "whole")
    killed_at(logs, out, AT_THE_END)
    (report,) = out.glob(".staged/*/report.json")
    flip(report, place)
    found = run_job(logs, out)
    assert (found.was_there, found.files, found.num_rows) == (True, whole.files, whole.num_rows)
    assert contents(out) == contents(tmp_path / "whole")


def test_another_source_is_another_job(tmp_path: Path, logs: Path) -> None:
    assert killed_at(logs, tmp_path / "out")
    with (logs / "a.csv").open("a") as file:
        file.write("2025-01-01T00:00:00,p1,1,2,0\n")
    report = run_job(logs, tmp_path / "out")
    assert (report.num_rows, report.parts_reused) == (12_001, 0)
    run_job(logs, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_another_recipe_is_another_job(tmp_path: Path, logs: Path) -> None:
    """Its parts lie in a folder of their own: what workers of the killed job still write is not among them."""
    left = killed_at(logs, tmp_path / "out")[0].parent
    there = []
    report = run_job(
        logs, tmp_path / "out", settings={"null": ("7.25",)}, progress=lambda _: there.append(left.exists())
    )
    assert report.parts_reused == 0
    assert not any(there)
    run_job(logs, tmp_path / "whole", settings={"null": ("7.25",)})
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_job_that_fails_leaves_nothing(tmp_path: Path, logs: Path) -> None:
    killed_at(logs, tmp_path / "out")
    with raises("column-missing", "rate", "'c'"):
        run_job(logs, tmp_path / "out", settings={"rate": ("c",)})
    assert not (tmp_path / "out").exists()


def test_a_kill_after_the_commit_leaves_a_store_that_is_tidied(tmp_path: Path, logs: Path) -> None:
    out = tmp_path / "out"
    whole = run_job(logs, tmp_path / "whole")
    killed_at(logs, out, AT_THE_END)
    assert (out / "zarr.json").exists()
    assert (out / LOCK_FILE).exists()
    # Another job is told that there is a store, the same one that it is done.
    with raises("store-exists"):
        run_job(logs, out, settings={"null": ("3.5",)})
    assert contents(out) == contents(tmp_path / "whole")
    killed_at(logs, tmp_path / "again", AT_THE_END)
    report = run_job(logs, tmp_path / "again")
    assert report.num_rows == whole.num_rows
    assert report.files == whole.files
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


def test_an_interrupted_append_goes_on(tmp_path: Path, logs: Path) -> None:
    new = tmp_path / "new"
    write_logs(new, rows=6_000)
    text = (new / "a.csv").read_text(errors="surrogateescape").replace("2024-03", "2025-03")
    (new / "a.csv").write_text(text, errors="surrogateescape")
    for name in ("whole", "out"):
        run_job(logs, tmp_path / name)

    def interrupt(num_bytes: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt

    calls = 0
    before = contents(tmp_path / "out")
    with SMALL_CHUNKS:
        append([new / "a.csv"], tmp_path / "whole", **SIZES)
    with SMALL_CHUNKS, pytest.raises(KeyboardInterrupt):
        append([new / "a.csv"], tmp_path / "out", progress=interrupt, **SIZES)
    kept = len(parts_on_disk(tmp_path / "out"))
    assert kept >= 1
    assert before.items() <= contents(tmp_path / "out").items()
    # A mistake does not cost what has been read.
    with raises("store-exists"):
        ingest(sources(logs)[:1], tmp_path / "out", RECIPE)
    assert len(parts_on_disk(tmp_path / "out")) == kept
    with SMALL_CHUNKS:
        assert append([new / "a.csv"], tmp_path / "out", **SIZES).parts_reused == kept
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert append([new / "a.csv"], tmp_path / "out", **SIZES).was_there
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Commands inherit whether Ctrl-C is ignored, as it is in what a shell without a terminal runs beside it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
@pytest.mark.parametrize(
    ("name", "flags"), [("log.csv.gz", []), ("log.csv", ["--workers", "2"])], ids=["threads", "processes"]
)
def test_the_command_goes_on_after_ctrl_c(tmp_path: Path, name: str, flags: list[str]) -> None:
    """Nor does it wait for the end of the one task that a compressed file is."""
    log, out = tmp_path / name, tmp_path / "out"
    rows = 2_000_000
    start = pl.datetime(2024, 1, 1)
    frame = pl.select(
        time=pl.datetime_range(start, start + pl.duration(seconds=rows - 1), "1s"),
        a=pl.int_range(rows) / 4,
        b=-pl.int_range(rows) % 1000 / 8,
    )
    text = frame.write_csv().encode()
    log.write_bytes(gzip.compress(text, 1) if log.suffix == ".gz" else text)
    command = [sys.executable, "-m", "longstride", "ingest", str(log), "--out", str(out), "--time", "time", *flags]
    # A terminal sends Ctrl-C to all processes of the command.
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as job:
        while not parts_on_disk(out):
            assert job.poll() is None
            time.sleep(0.005)
        os.killpg(job.pid, signal.SIGINT)
        told, complaint = job.communicate()
    assert (job.returncode, told) == (130, "")
    assert re.fullmatch(r"Interrupted ingest \(SIGINT\): .*\n", complaint)
    gone_by = time.monotonic() + 20
    while any(is_alive_in(one, job.pid) for one in psutil.process_iter()):
        assert time.monotonic() < gone_by, "a process is left"
        time.sleep(0.1)
    kept = len(parts_on_disk(out))
    assert 1 <= kept < len(text) // PIECE_BYTES
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (again.returncode, again.stderr) == (0, "")
    assert f"{kept} parts taken over" in again.stdout
    assert f"{rows:,} in 1 series" in again.stdout


def is_alive_in(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
