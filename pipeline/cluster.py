"""Tasks run by a Dask cluster: processes of this machine, or the workers of a scheduler by its address."""

import logging
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any

from longstride.pipeline.cluster_watch import ClusterWatch, WorkersError
from longstride.pipeline.scheduler_address import check_address
from longstride.storage.errors import LongstrideError
from longstride.storage.packages import needs

__all__ = ["WorkersError", "on_cluster", "on_processes"]

Runner = Callable[[Iterator[Callable[[], Iterable[Any]]]], Iterator[list[Any]]]

CONNECT_SECONDS = 10
"""How long a scheduler may take to answer first."""
LEAVE_SECONDS = 5
"""How long tasks may take to end that a failed job no longer needs, and a scheduler to note that it is over."""
LOGGERS = (
    "distributed",
    "distributed.client",
    "distributed.worker",
    "distributed.scheduler",
    "tornado.application",
)
"""Those to which Dask gives handlers of its own."""


@contextmanager
def on_processes(num_workers: int) -> Iterator[Runner]:
    """Worker processes of this machine; one that dies or is silent is replaced, and its task is done again."""
    dask = needs("distributed")
    threads = max(1, (os.cpu_count() or 1) // num_workers)
    with _deaf_to_ctrl_c(), _told_of_script():
        cluster = dask.LocalCluster(
            n_workers=num_workers,
            threads_per_worker=1,
            # Dask starts a server even without a dashboard: it gets a free port, for this machine alone.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            env={"POLARS_MAX_THREADS": str(threads)},
        )
    with cluster, on_cluster(cluster.scheduler_address) as run:
        yield run


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let threads and processes that start now not hear Ctrl-C: it reaches them too, but the job is to end them.

    It waits for the end of this. Their own children, such as a worker that takes the place of one that died, do
    not hear it either.
    """
    resource_tracker.ensure_running()  # it would unblock the signal when the first process is started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _told_of_script() -> Iterator[None]:
    """Raise WorkersError where processes do not start: each of them runs the script that starts them, at first."""
    try:
        yield
    except RuntimeError as error:
        raise WorkersError(
            f"the worker processes did not start ({error}): a script starts them below the line "
            "`if __name__ == '__main__':`, as each process runs the lines above it too",
            code="workers-lost",
        ) from error


@contextmanager
def on_cluster(address: str) -> Iterator[Runner]:
    """The workers of a `dask.distributed` scheduler.

    Raises WorkersError where none answers, it has no workers, or they die, are lost or fall silent on the way.
    """
    dask = needs("distributed")
    check_address(address)
    with _quiet():
        try:
            client = dask.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkersError(
                f"no Dask scheduler answers at {address}: {error}", code="workers-unreachable"
            ) from None
        try:
            with client.as_current():
                yield lambda tasks: _run(client, address, tasks)
        finally:
            with suppress(TimeoutError, OSError):  # one that is gone does not hear it
                client.close(timeout=LEAVE_SECONDS)


def _run(client: Any, address: str, tasks: Iterator[Callable[[], Iterable[Any]]]) -> Iterator[list[Any]]:
    dask = needs("distributed")
    pending: set[Any] = set()
    try:
        watch = ClusterWatch(client, address)
        for task in tasks:
            # A name of its own, so that no two jobs share a result.
            pending.add(client.submit(_results, task, pure=False))
            if len(pending) > 2 * watch.num_threads:
                done, pending = watch.first_done(pending)
                yield from map(watch.result, done)
        while pending:
            done, pending = watch.first_done(pending)
            yield from map(watch.result, done)
    except dask.scheduler.KilledWorker as error:
        raise WorkersError(
            f"the workers of {address} died, one after the other, when they read the same piece "
            f"({error.last_worker.address} was the last): give them more memory, or use smaller pieces",
            code="workers-lost",
        ) from None
    except (CancelledError, dask.comm.CommClosedError):
        raise WorkersError(
            f"the Dask scheduler at {address} is gone, and its work is lost", code="workers-lost"
        ) from None
    except WorkersError:
        raise
    except (Exception, GeneratorExit):
        # What is still running would write into a folder that is about to be removed.
        with suppress(Exception):
            dask.wait(pending, timeout=LEAVE_SECONDS)
        raise


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from printing tracebacks of what is told as an error of ours."""
    handlers = [handler for name in LOGGERS for handler in logging.getLogger(name).handlers]
    for handler in handlers:
        handler.addFilter(_nothing)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(_nothing)


def _nothing(record: logging.LogRecord) -> bool:
    return False


def _results(task: Callable[[], Iterable[Any]]) -> list[Any]:
    try:
        return list(task())
    except (LongstrideError, OSError):
        raise
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
    # Raised out here, it drags no other along: one that cannot be pickled would never reach the job.
    raise RuntimeError(fault)
