"""A scheduler or a worker that is frozen keeps all its connections: a job must not wait for it."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from longstride.pipeline import cluster_watch
from longstride.pipeline.cluster import on_cluster, on_processes
from tests.helpers.campaigns import count
from tests.helpers.dask_cluster import Cluster
from tests.helpers.errors import raises

pytestmark = pytest.mark.campaign


@pytest.fixture(autouse=True)
def counted() -> Iterator[None]:
    yield
    count("frozen or killed members of a Dask cluster")


SILENT_SECONDS = 5


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster_watch.SILENT_SECONDS <= 60
    monkeypatch.setattr(cluster_watch, "SILENT_SECONDS", SILENT_SECONDS)
    monkeypatch.setattr(cluster_watch, "WARN_SECONDS", 1)
    monkeypatch.setattr(cluster_watch, "RESTART_SECONDS", 3)


@dataclass
class FreezeOnce:
    """A task that freezes the process that does it, unless one has been frozen before."""

    mark: Path

    def __call__(self) -> Iterable[int]:
        if not self.mark.exists():
            self.mark.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)
        return [1]


@dataclass
class Sleep:
    """A task that takes a while."""

    def __call__(self) -> Iterable[int]:
        time.sleep(0.2)
        return [1]


def tasks(mark: Path) -> list[Callable[[], Iterable[int]]]:
    return [FreezeOnce(mark), *(Sleep() for _ in range(9))]


def let_end(mark: Path) -> None:
    """End the process that was frozen."""
    try:
        psutil.Process(int(mark.read_text())).kill()
    except psutil.NoSuchProcess:
        return


@pytest.mark.parametrize("nanny", [True, False], ids=["nanny", "no nanny"])
def test_tasks_of_a_frozen_worker_are_given_to_others(tmp_path: Path, cluster: Cluster, nanny: bool) -> None:
    cluster.add_worker("a", nanny=nanny)
    cluster.add_worker("b", nanny=nanny)
    mark = tmp_path / "mark"
    try:
        with on_cluster(cluster.address) as run:
            assert list(run(iter(tasks(mark)))) == [[1]] * 10
    finally:
        let_end(mark)


def test_a_worker_that_is_frozen_with_its_nanny_is_forgotten(tmp_path: Path, cluster: Cluster) -> None:
    frozen = cluster.add_worker("a", nanny=True)
    mark = tmp_path / "mark"
    try:
        with on_cluster(cluster.address) as run:
            results = run(iter([*(Sleep() for _ in range(3)), FreezeOnce(mark), *(Sleep() for _ in range(9))]))
            assert next(results) == [1]
            frozen.send_signal(signal.SIGSTOP)
            cluster.add_worker("b")
            assert len(list(results)) == 12
    finally:
        let_end(mark)


def test_a_local_process_that_is_frozen_is_replaced(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with on_processes(1) as run:
        assert list(run(iter(tasks(mark)))) == [[1]] * 10
    assert not psutil.pid_exists(int(mark.read_text()))


def test_a_frozen_scheduler_ends_the_job(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.add_worker("a")
    with raises("workers-lost", cluster.address, SILENT_SECONDS), on_cluster(cluster.address) as run:
        results = run(Sleep() for _ in range(100))
        next(results)
        cluster.scheduler.send_signal(signal.SIGSTOP)
        list(results)
    assert cluster.address in caplog.text
