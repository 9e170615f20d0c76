"""Worker processes that draw the order and read ahead: they send window starts, never windows.

A window is gathered where it is used, from memory that is mapped there too. So 8 bytes a window cross between
processes, and what workers read of a file is in the page cache that all share.
"""

import multiprocessing
import os
from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from longstride.pipeline.loading.dataset import Steps, WindowDataset
from longstride.pipeline.loading.orphans import end_with_parent
from longstride.storage.errors import LongstrideError

__all__ = ["START_METHOD", "StartsFromWorkers", "WorkerError"]

START_METHOD = "forkserver"


class WorkerError(LongstrideError, RuntimeError):
    """A worker process has died."""


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
        self._loader: DataLoader[NDArray[np.int64]] = DataLoader(
            _Starts(dataset),
            batch_size=None,
            num_workers=num_workers,
            collate_fn=_as_is,  # as a tensor, it would cross by a file in shared memory
            multiprocessing_context=context,
            persistent_workers=True,
        )

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


def _owner_of(dataset: WindowDataset) -> tuple[int, int, int]:
    return os.getpid(), dataset.rank, dataset.world_size


class _Starts(IterableDataset[NDArray[np.int64]]):
    """In a worker: starts of every num_workers-th group of steps."""

    def __init__(self, dataset: WindowDataset) -> None:
        self._dataset = copy(dataset)
        self._dataset.collection = dataset.collection.without_memory()
        # Batches are made elsewhere; a function of the user need not be sent.
        self._dataset.augmenter = self._dataset.normaliser = None

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        end_with_parent()
        worker = get_worker_info()
        assert worker is not None
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
