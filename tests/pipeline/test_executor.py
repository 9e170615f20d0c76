"""Threads, local processes and a real Dask cluster make the same store; what dies on the way is done again."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest
from click.testing import CliRunner

from longstride import Recipe, RejectsError, SourceError, ingest
from longstride.__main__ import main
from longstride.pipeline import cluster as cluster_of_dask
from longstride.pipeline import cluster_watch
from longstride.pipeline.cluster import WorkersError, on_processes
from tests.helpers.dask_cluster import Cluster
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.ingest_jobs import contents, run_job, write_logs
from tests.helpers.logs.log_lines import log_lines
from tests.helpers.paths import ROOT
from tests.helpers.sessions import assert_none_left, members, started


def test_a_script_without_a_guard_is_told(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("\n".join(log_lines(5)))
    script = tmp_path / "script.py"
    script.write_text('import longstride as ls\nls.ingest("log.csv", "s", ls.Recipe(time="time"), workers=1)\n')
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert "WorkersError: the worker processes did not start" in done.stderr.splitlines()[-1]
    assert "__main__" in done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs") / "logs"
    write_logs(folder)
    return folder


@pytest.fixture(scope="module")
def by_threads(logs: Path) -> tuple[dict[str, bytes], pl.DataFrame]:
    report = run_job(logs, logs.parent / "threads")
    return contents(logs.parent / "threads"), pl.read_parquet(report.rejects or "")


def assert_same(logs: Path, out: Path, by_threads: tuple[dict[str, bytes], pl.DataFrame], **options: Any) -> None:
    """The store and its rejects are those that threads have made, and progress adds up."""
    steps: list[float] = []
    report = run_job(logs, out, progress=steps.append, **options)
    assert contents(out) == by_threads[0]
    assert pl.read_parquet(report.rejects or "").equals(by_threads[1])
    assert sum(steps) == pytest.approx(sum(path.stat().st_size for path in logs.iterdir()))


def workers_here() -> list[psutil.Process]:
    """Processes that work for this one."""
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def test_local_processes(tmp_path: Path, logs: Path, by_threads: Any) -> None:
    assert_same(logs, tmp_path / "out", by_threads, workers=2)
    assert not workers_here()


def test_a_cluster(
    tmp_path: Path, logs: Path, by_threads: Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers have other working directories than the job, which names its files by relative paths."""
    cluster.add_worker("a")
    cluster.add_worker("b")
    assert_same(logs, tmp_path / "out", by_threads, dask=cluster.address)
    assert cluster.tasks("a")
    assert cluster.tasks("b")
    monkeypatch.chdir(logs.parent)
    report = ingest(["logs/a.csv"], "relative", Recipe(time="time", series="pump"), dask=cluster.address)
    assert report.num_rows == 15_000


def test_a_worker_that_is_killed_costs_only_its_tasks(
    tmp_path: Path, logs: Path, by_threads: Any, cluster: Cluster
) -> None:
    cluster.add_worker("mortal", die_at=4)
    cluster.add_worker("other")
    assert_same(logs, tmp_path / "out", by_threads, dask=cluster.address)
    begun = Counter(cluster.tasks("mortal") + cluster.tasks("other"))
    twice = {task for task, count in begun.items() if count > 1}
    assert twice
    assert twice <= set(cluster.tasks("mortal"))
    assert max(begun.values()) == 2


def test_a_local_process_that_is_killed_is_replaced(tmp_path: Path, logs: Path, by_threads: Any) -> None:
    killed = []

    def kill_one(_: float) -> None:
        if not killed:
            killed.append(workers_here()[-1])
            killed[0].kill()

    run_job(logs, tmp_path / "out", workers=2, progress=kill_one)
    assert killed
    assert contents(tmp_path / "out") == by_threads[0]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_no_local_process_outlives_a_job_that_is_killed(
    tmp_path: Path, write_log: Callable[..., Path], number: signal.Signals
) -> None:
    log = write_log("log.csv", log_lines(200_000))
    command = ["-m", "longstride", "ingest", log, "--out", tmp_path / "out", "--time", "time", "--workers", 2]
    with started(*command, log=tmp_path / "errors") as job:
        while len(members(job.pid)) < 3:
            assert job.poll() is None, (tmp_path / "errors").read_text()
        os.kill(job.pid, number)
        assert job.wait() == -number
        assert_none_left(job)


def test_a_fault_on_a_worker_is_told_as_if_it_were_here(
    tmp_path: Path, write_log: Callable[..., Path], cluster: Cluster
) -> None:
    cluster.add_worker("a")
    cut = write_log("cut.csv.gz", log_lines(1000))
    cut.write_bytes(cut.read_bytes()[:-100])
    bad = write_log("bad.csv", [*log_lines(100), "yesterday,1,2,0"])
    for log, kind in ((cut, SourceError), (bad, RejectsError)):
        told = set()
        for options in ({}, {"dask": cluster.address}):
            with pytest.raises(kind) as caught:
                ingest([log], tmp_path / "out", Recipe(time="time", max_rejects="0"), **options)
            told.add(str(caught.value))
            assert not (tmp_path / "out").exists()
        assert len(told) == 1
        assert log.name in told.pop()


def test_no_scheduler(tmp_path: Path, write_log: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster_of_dask.CONNECT_SECONDS <= 15
    monkeypatch.setattr(cluster_of_dask, "CONNECT_SECONDS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    log = write_log("log.csv", log_lines(9))
    command = ["ingest", str(log), "--time", "time", "--out", str(tmp_path / "out"), "--dask", address]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert_refused(result.output, "workers-unreachable", address)
    assert result.output.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_no_workers(
    tmp_path: Path, write_log: Callable[..., Path], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_watch, "WORKERS_SECONDS", 1)
    log = write_log("log.csv", log_lines(9))
    with raises("workers-missing", cluster.address, kind=WorkersError):
        ingest([log], tmp_path / "out", Recipe(time="time"), dask=cluster.address)
    cluster.add_worker("mortal", die_at=1)
    with raises("workers-missing", cluster.address, kind=WorkersError):
        ingest([log], tmp_path / "out", Recipe(time="time"), dask=cluster.address)
    assert not (tmp_path / "out").exists()


def test_a_scheduler_that_is_killed(
    tmp_path: Path, logs: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.add_worker("a")
    with raises("workers-lost", cluster.address):
        run_job(logs, tmp_path / "out", dask=cluster.address, progress=lambda _: cluster.scheduler.kill())
    assert not (tmp_path / "out").exists()


def test_a_piece_that_kills_its_workers(
    tmp_path: Path, write_log: Callable[..., Path], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_watch, "WORKERS_SECONDS", 90)  # on a busy machine some die before others have come
    for name in "abcde":
        cluster.add_worker(name, die_at=1)
    with raises("workers-lost", cluster.address):
        ingest([write_log("log.csv", log_lines(9))], tmp_path / "out", Recipe(time="time"), dask=cluster.address)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("sees", ["nothing", "another folder"])
def test_workers_of_other_machines_share_the_folder(
    tmp_path: Path, write_log: Callable[..., Path], cluster: Cluster, sees: str
) -> None:
    cluster.add_worker("a", sees=sees)
    with raises("files-not-shared", "0-0-0.part"):
        ingest([write_log("log.csv", log_lines(9))], tmp_path / "out", Recipe(time="time"), dask=cluster.address)
    assert not (tmp_path / "out").exists()


class Bottomless:
    """A fault that takes too long to pickle: it holds one that holds one, and so on."""

    def __call__(self) -> list[int]:
        return self()


def test_a_fault_that_cannot_be_pickled_does_not_hang() -> None:
    with on_processes(1) as run, pytest.raises(RuntimeError, match="RecursionError: maximum recursion"):
        list(run(iter([Bottomless()])))


def test_workers_and_dask_contradict_each_other(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    with raises("workers-conflict", "workers", "dask"):
        ingest(
            [write_log("log.csv", log_lines(9))],
            tmp_path / "out",
            Recipe(time="time"),
            workers=2,
            dask="tcp://x:1",
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("flags", [[], ["--workers", "2"]], ids=["threads", "processes"])
def test_the_command_is_quiet_and_leaves_no_process(
    tmp_path: Path, write_log: Callable[..., Path], flags: list[str]
) -> None:
    log = write_log("log.csv", log_lines(1000))
    command = [
        sys.executable,
        "-m",
        "longstride",
        "ingest",
        str(log),
        "--out",
        str(tmp_path / "out"),
        "--time",
        "time",
    ]
    job = subprocess.run([*command, *flags], cwd=ROOT, capture_output=True, text=True, start_new_session=True)
    assert (job.returncode, job.stderr) == (0, "")
    assert "1,000 in 1 series" in job.stdout
