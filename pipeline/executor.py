"""Tasks run by threads, processes of this machine, or a Dask cluster. A task is callable and can be pickled."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any, TypeVar

__all__ = ["TaskRunner", "executor", "in_threads"]

Result = TypeVar("Result")
TaskRunner = Callable[[Iterator[Callable[[], Iterable[Result]]]], Iterator[list[Result]]]
"""Runs tasks, some of them at a time, and gives results as they come: those of one task in order."""

THREADS = 2
"""Pieces parsed at the same time. Polars uses all cores for one; the second fills the pauses between its steps."""
WAKE_SECONDS = 0.5
"""How long Ctrl-C may go unseen. It does not wake a thread that waits: Polars handles the signal first."""


def executor(workers: int | None, dask: str | None) -> AbstractContextManager[TaskRunner[Any]]:
    """Local processes, a cluster by its address, or else threads. Raises WorkersError where both are named."""
    if workers is None and dask is None:
        return in_threads()
    from longstride.pipeline.cluster import WorkersError, on_cluster, on_processes

    if workers is not None and dask is not None:
        raise WorkersError("workers and dask contradict each other: name one of them", code="workers-conflict")
    if dask is not None:
        return on_cluster(dask)
    if not isinstance(workers, int) or workers < 1:
        raise WorkersError(f"workers={workers}: expected at least 1", code="option-value")
    return on_processes(workers)


@contextmanager
def in_threads() -> Iterator[TaskRunner[Any]]:
    """Threads of this process."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="longstride-reader") as pool:

        def run(tasks: Iterator[Callable[[], Iterable[Any]]]) -> Iterator[list[Any]]:
            pending: set[Future[None]] = set()
            found: SimpleQueue[Any] = SimpleQueue()
            """Results, and tasks that have ended, each behind its results."""
            stopped = Event()

            def work(task: Callable[[], Iterable[Any]]) -> None:
                for result in task():
                    found.put(result)
                    if stopped.is_set():  # an interrupted job does not wait for the end of a long task
                        return

            def results(at_most: int) -> Iterator[list[Any]]:
                """What is found until at most so many tasks are pending."""
                while not found.empty() or len(pending) > at_most:
                    try:
                        one = found.get(timeout=WAKE_SECONDS)
                    except Empty:
                        continue
                    if isinstance(one, Future):
                        pending.remove(one)
                        one.result()
                    else:
                        yield [one]

            try:
                for task in tasks:
                    future = pool.submit(work, task)
                    pending.add(future)
                    future.add_done_callback(found.put)
                    yield from results(THREADS)
                yield from results(0)
            finally:
                stopped.set()
                for future in pending:
                    future.cancel()

        yield run
