"""Where in a batch of windows that continue those of the batch before a run of windows begins."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.ordering.windows import WindowIndex

__all__ = ["with_restarts"]


def with_restarts(
    batches: Iterator[WindowBatch], index: WindowIndex, first_row: NDArray[np.int64], step: int, every: int = 1
) -> Iterator[WindowBatch]:
    """The batches of every so many-th step from `step` on, with `restart` (B,): true where a run begins.

    `first_row` (stores,) is where the rows of each store begin among those of all.
    """
    for number, batch in enumerate(batches):
        start = batch.start.numpy()
        rows = start if batch.store is None else start + first_row[batch.store.numpy()]
        restart = (index.are_first(rows) | (step + number * every == 0)) & (start >= 0)
        yield batch._replace(restart=torch.from_numpy(restart).to(batch.values.device))
