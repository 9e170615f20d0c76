"""Worker processes that draw the order and read ahead: they send window starts, never windows.

A window is gathered where it is used, from memory that is mapped there too. So 8 bytes a window cross between
processes, and what workers read of a file is in the page cache that all share.
"""

import multiprocessing
import os
import time
import warnings
import weakref
from collections.abc import Iterator
from copy import copy
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from longstride.pipeline.loading.dataset import Steps, WindowDataset
from longstride.pipeline.loading.orphans import end_with_parent
from longstride.storage.errors import LongstrideError

__all__ = ["START_METHOD", "StartsFromWorkers", "WorkerError", "warn_of_workers"]

START_METHOD = "forkserver"
MAX_START_SECONDS = 30


class WorkerError(LongstrideError, RuntimeError):
    """A worker process has died."""


@cache  # so once in a process
def warn_of_workers(stacklevel: int) -> None:
    """Say that workers do not help where rows stay in memory: to wake them takes longer than to draw the order."""
    warnings.warn(
        "num_workers: workers draw the order and read ahead from disk. These rows stay in memory, and are served "
        "faster without: leave num_workers=0",
        stacklevel=stacklevel + 1,
    )


class StartsFromWorkers:
    """Worker processes of one dataset, which live from the first epoch to the last."""

    def __init__(
        self, dataset: WindowDataset, num_workers: int, instead_of: "StartsFromWorkers | None" = None
    ) -> None:
        """Start nothing yet. `instead_of` others end if they are of this process, and are left alone otherwise."""
        self._owner = _owner_of(dataset)
        self._left = instead_of if instead_of and instead_of._owner[0] != self._owner[0] else None
        context = multiprocessing.get_context(START_METHOD)
        # torch is imported once, in the process that workers are forked from, instead of in each of them.
        context.set_forkserver_preload(["__main__", __name__])
        self._dataset = dataset
        begun: Tensor = torch.zeros(num_workers, dtype=torch.uint8).share_memory_()  # type: ignore[no-untyped-call]
        self._loader: DataLoader[NDArray[np.int64]] = DataLoader(
            _Starts(dataset, begun),
            batch_size=None,
            num_workers=num_workers,
            collate_fn=_as_is,  # as a tensor, it would cross by a file in shared memory
            multiprocessing_context=context,
            persistent_workers=True,
        )
        weakref.finalize(self, _let_begin, self._loader, begun, os.getpid())

    def are_for(self, dataset: WindowDataset) -> bool:
        """Whether they were made in this process, and serve the rank that it has now."""
        return self._owner == _owner_of(dataset)

    def steps(self, epoch: int, step: int) -> Iterator[Steps]:
        """The steps of an epoch from `step` on, those that are drawn together at a time.

        Raises WorkerError where a worker dies.
        """
        self._dataset.set_epoch(epoch, step)
        try:
            for starts in self._loader:
                yield Steps(step, starts)
                step += len(starts)
        except ChildProcessError as error:
            raise WorkerError(
                "this process was forked from one that had workers, and can start none: make loaders with "
                "num_workers before it is forked without iterating them, or start it by spawn",
                code="workers-lost",
            ) from error
        except RuntimeError as error:
            if not str(error).startswith("DataLoader worker"):
                raise
            raise WorkerError(
                f"{str(error).strip()}: resume from the last checkpoint. If workers die at once: they import the "
                "main script again, so it must be a file, with its work under `if __name__ == '__main__':`",
                code="workers-lost",
            ) from error


def _let_begin(loader: DataLoader[Any], begun: Tensor, process: int) -> None:
    """Wait, before workers are ended, for those that still start: the semaphores that they open are about to go.

    A worker that finds none prints a traceback. An epoch may need the steps of its first worker alone.
    """
    workers = getattr(loader._iterator, "_workers", [])
    if os.getpid() != process:
        return
    end = time.monotonic() + MAX_START_SECONDS
    for number, worker in enumerate(workers):
        while not begun[number] and worker.is_alive() and time.monotonic() < end:
            time.sleep(0.002)


def _owner_of(dataset: WindowDataset) -> tuple[int, int, int]:
    return os.getpid(), dataset.rank, dataset.world_size


class _Starts(IterableDataset[NDArray[np.int64]]):
    """In a worker: starts of every num_workers-th group of steps."""

    def __init__(self, dataset: WindowDataset, begun: Tensor) -> None:
        self._begun = begun
        self._dataset = copy(dataset)
        self._dataset.collection = dataset.collection.without_memory()
        # Batches are made elsewhere; a function of the user need not be sent.
        self._dataset.augmenter = self._dataset.normaliser = None

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        end_with_parent()
        worker = get_worker_info()
        assert worker is not None
        self._begun[worker.id] = 1
        return self._deal(worker.id, worker.num_workers)

    def _deal(self, worker: int, num_workers: int) -> Iterator[NDArray[np.int64]]:
        dataset, order = self._dataset, self._dataset.order
        epoch, step = dataset.begin
        number = 0
        while step < order.num_steps:
            first, stop = order.run_of(step)
            if number % num_workers == worker:
                dataset.read_ahead(epoch, first)
                yield order.draw(epoch, first, dataset.rank, dataset.world_size)[step - first :]
            number += 1
            step = stop


def _as_is(starts: Any) -> Any:
    return starts
