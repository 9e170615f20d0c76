"""Who runs the tasks: threads here, processes here, or a Dask cluster. Tasks are callables that can be pickled."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from pipeline.ingest.errors import RecipeError

__all__ = ["Run", "in_threads", "on_cluster", "on_processes"]

Result = TypeVar("Result")
Run = Callable[[Iterator[Callable[[], Result]]], Iterator[Result]]
"""Runs tasks, some of them at a time, and gives their results as they are done, in any order."""

THREADS = 2
"""Pieces parsed at the same time. Polars uses all cores for one; the second fills the pauses between its steps."""
CONNECT_TIMEOUT = "10s"


@contextmanager
def in_threads() -> Iterator[Run[Any]]:
    """Threads of this process."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="longstride-reader") as pool:

        def run(tasks: Iterator[Callable[[], Any]]) -> Iterator[Any]:
            pending: set[Future[Any]] = set()
            try:
                for task in tasks:
                    pending.add(pool.submit(task))
                    if len(pending) > THREADS:
                        done, pending = wait(pending, return_when=FIRST_COMPLETED)
                        yield from (future.result() for future in done)
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            finally:
                for future in pending:
                    future.cancel()

        yield run


@contextmanager
def on_processes(num_workers: int) -> Iterator[Run[Any]]:
    """Worker processes of this machine; one that dies is replaced, and what it was doing done again."""
    dask = _distributed()

    threads = max(1, (os.cpu_count() or 1) // num_workers)
    with (
        dask.LocalCluster(
            n_workers=num_workers,
            threads_per_worker=1,
            dashboard_address=None,
            memory_limit=0,
            env={"POLARS_MAX_THREADS": str(threads)},
        ) as cluster,
        on_cluster(cluster.scheduler_address) as run,
    ):
        yield run


def on_cluster(address: str) -> AbstractContextManager[Run[Any]]:
    """The workers of a `dask.distributed` scheduler. Raises RecipeError where none answers."""
    return _on_cluster(address)


@contextmanager
def _on_cluster(address: str) -> Iterator[Run[Any]]:
    dask = _distributed()

    try:
        client = dask.Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RecipeError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:

        def run(tasks: Iterator[Callable[[], Any]]) -> Iterator[Any]:
            limit = 2 * max(1, sum(client.nthreads().values()))
            done = dask.as_completed()
            for task in tasks:
                # A name of its own, so that no two runs share a result.
                done.add(client.submit(_call, task, pure=False))
                if done.count() > limit:
                    yield next(done).result()
            for future in done:
                yield future.result()

        yield run


def _distributed() -> Any:
    # Without types; and only who asks for workers waits for the import.
    import distributed

    return distributed


def _call(task: Callable[[], Any]) -> Any:
    return task()
