"""A pipeline of SPDL over Longstride's mapped view: a source of shuffled first rows, threads that gather batches.

As its documentation has it: a continuous source, so that a pipeline outlives its epochs, a pipe that runs several
threads at once, and a sink that holds batches ready. The source gives the first rows of a whole batch: `aggregate`
would collect them one by one, which costs far more than to gather the windows.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spdl.pipeline import PipelineBuilder

from benchmarks.harness.case import Case
from longstride.storage.open import open_mapped

__all__ = ["DISTRIBUTION", "WORKERS", "loader"]

DISTRIBUTION = "spdl-core"
WORKERS = (1, 2)


class ShuffledStarts:
    """First rows of the windows of each batch, an epoch an iteration."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.generator = np.random.default_rng(case.seed)

    def __iter__(self) -> Iterator[list[int]]:
        order = self.generator.permutation(self.case.starts)
        batch = self.case.batch
        for first in range(0, len(order) - batch + 1, batch):
            yield order[first : first + batch].tolist()


class Epochs:
    """An epoch an iteration, by the pipeline of the last one."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.values = open_mapped(case.store).values
        self.between_epochs: list[Any] = []

    def __iter__(self) -> Iterator[NDArray[np.floating]]:
        pipeline = self.between_epochs.pop() if self.between_epochs else self.start()
        yield from pipeline.get_iterator()
        self.between_epochs.append(pipeline)

    def start(self) -> Any:
        """Start a pipeline."""
        threads = max(1, self.case.workers)  # it has no way to gather in the thread that takes the batches
        pipeline = (
            PipelineBuilder()
            .add_source(ShuffledStarts(self.case), continuous=True)
            .pipe(self.gather, concurrency=threads)
            .add_sink()
            .build(num_threads=threads, use_thread_output_queue=True)
        )
        pipeline.start()
        return pipeline

    def gather(self, starts: list[int]) -> NDArray[np.floating]:
        """Windows that begin at these rows."""
        return np.stack([self.values[start : start + self.case.window] for start in starts])


def loader(case: Case) -> Epochs:
    """Shuffled batches (B, K, N)."""
    return Epochs(case)
