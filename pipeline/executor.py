"""Tasks run by threads, processes of this machine, or a Dask cluster. A task is callable and can be pickled."""

import logging
import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import resource_tracker
from queue import SimpleQueue
from threading import Event
from typing import Any, TypeVar

from longstride.storage.errors import LongstrideError
from longstride.storage.packages import needs

__all__ = ["TaskRunner", "WorkersError", "executor", "in_threads", "on_cluster", "on_processes"]

Result = TypeVar("Result")
TaskRunner = Callable[[Iterator[Callable[[], Iterable[Result]]]], Iterator[list[Result]]]
"""Runs tasks, some of them at a time, and gives results as they come: those of one task in order."""

THREADS = 2
"""Pieces parsed at the same time. Polars uses all cores for one; the second fills the pauses between its steps."""
WAKE_SECONDS = 0.5
"""How long Ctrl-C may go unseen. It does not wake a thread that waits: Polars handles the signal first."""
CONNECT_SECONDS = 10
"""How long a scheduler may take to answer."""
WORKERS_SECONDS = 10
"""How long a cluster may have no workers."""
LEAVE_SECONDS = 5
"""How long tasks may take to end that a failed job no longer needs."""


ADDRESS = re.compile(r"(inproc://.+|([a-z]+://)?[^/\s]+:\d+/?)")


class WorkersError(LongstrideError):
    """Workers do not come, die, or are lost."""


def executor(workers: int | None, dask: str | None) -> AbstractContextManager[TaskRunner[Any]]:
    """Local processes, a cluster by its address, or else threads. Raises WorkersError where both are named."""
    if workers is not None and dask is not None:
        raise WorkersError("workers and dask contradict each other: name one of them", code="workers-conflict")
    if workers is not None and workers < 1:
        raise WorkersError(f"workers={workers}: expected at least 1", code="option-value")
    if dask is not None:
        if not ADDRESS.fullmatch(dask):
            raise WorkersError(
                f"{dask!r} is not the address of a Dask scheduler: expected one such as tcp://host:8786",
                code="option-value",
            )
        return on_cluster(dask)
    return in_threads() if workers is None else on_processes(workers)


@contextmanager
def in_threads() -> Iterator[TaskRunner[Any]]:
    """Threads of this process."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="longstride-reader") as pool:

        def run(tasks: Iterator[Callable[[], Iterable[Any]]]) -> Iterator[list[Any]]:
            pending: set[Future[None]] = set()
            found: SimpleQueue[Any] = SimpleQueue()
            stopped = Event()

            def work(task: Callable[[], Iterable[Any]]) -> None:
                for result in task():
                    found.put(result)
                    if stopped.is_set():  # an interrupted job does not wait for the end of a long task
                        return

            def results(at_most: int) -> Iterator[list[Any]]:
                """What is found until at most so many tasks are pending."""
                while True:
                    while not found.empty():
                        yield [found.get()]
                    if len(pending) <= at_most:
                        return
                    done, _ = wait(pending, timeout=WAKE_SECONDS, return_when=FIRST_COMPLETED)
                    for future in done:
                        pending.remove(future)
                        future.result()

            try:
                for task in tasks:
                    pending.add(pool.submit(work, task))
                    yield from results(THREADS)
                yield from results(0)
            finally:
                stopped.set()
                for future in pending:
                    future.cancel()

        yield run


@contextmanager
def on_processes(num_workers: int) -> Iterator[TaskRunner[Any]]:
    """Worker processes of this machine; one that dies is replaced, and its task is done again."""
    dask = _distributed()
    threads = max(1, (os.cpu_count() or 1) // num_workers)
    with _deaf_to_ctrl_c():
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
def on_cluster(address: str) -> Iterator[TaskRunner[Any]]:
    """The workers of a `dask.distributed` scheduler.

    Raises WorkersError where none answers, it has no workers, or they die or are lost on the way.
    """
    dask = _distributed()
    try:
        client = dask.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise WorkersError(
            f"no Dask scheduler answers at {address}: {error}", code="workers-unreachable"
        ) from None
    with client, client.as_current():

        def run(tasks: Iterator[Callable[[], Iterable[Any]]]) -> Iterator[list[Any]]:
            pending: set[Any] = set()
            num_threads = _num_threads(client, address)
            try:
                for task in tasks:
                    # A name of its own, so that no two jobs share a result.
                    pending.add(client.submit(_results, task, pure=False))
                    if len(pending) > 2 * num_threads:
                        done, pending = _first_done(client, address, pending)
                        yield from (future.result() for future in done)
                        num_threads = _num_threads(client, address)
                while pending:
                    done, pending = _first_done(client, address, pending)
                    yield from (future.result() for future in done)
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
            except (Exception, GeneratorExit):
                # What is still running would write into a folder that is about to be removed.
                with suppress(Exception):
                    dask.wait(pending, timeout=LEAVE_SECONDS)
                raise

        yield run


def _first_done(client: Any, address: str, pending: set[Any]) -> tuple[set[Any], set[Any]]:
    """Wait for a task, but not for workers that do not come."""
    while True:
        try:
            done, rest = _distributed().wait(pending, timeout=WAKE_SECONDS, return_when="FIRST_COMPLETED")
            return done, rest
        except TimeoutError:
            _num_threads(client, address)


def _num_threads(client: Any, address: str) -> int:
    """Tasks that run at the same time; at least one."""
    num_threads: int = sum(client.nthreads().values())
    if not num_threads:
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            raise WorkersError(
                f"the Dask scheduler at {address} has no workers: start some with `dask worker {address}`",
                code="workers-missing",
            ) from None
    return max(1, num_threads)


def _distributed() -> Any:
    # Only a job that asks for workers waits for the import.
    return needs("distributed")


def _results(task: Callable[[], Iterable[Any]]) -> list[Any]:
    try:
        return list(task())
    except (LongstrideError, OSError):
        raise
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
    # Raised out here, it drags no other along: one that cannot be pickled would never reach the job.
    raise RuntimeError(fault)
