"""Windows and what the model makes of them, for the picture and the report of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.pipeline.loading.batch import WindowBatch
from longstride.trainer.engine.model_runner import Reconstruction
from longstride.trainer.engine.state import RunState

__all__ = ["Example", "read_examples", "typical_row"]


@dataclass(frozen=True)
class Example:
    """A window of K rows of N channels."""

    row: int
    """The first, in the store."""
    series: str
    """Name of its series; empty where the log was not keyed."""
    time: NDArray[np.int64]
    """(K,), nanoseconds since 1970-01-01 UTC."""
    original: NDArray[np.floating]
    """(K, N), NaN where missing."""
    reconstruction: NDArray[np.float64]
    """(K, N), in the same units."""
    error: float
    """Mean squared error of the normalised values; NaN where there are none."""
    channel_errors: NDArray[np.float32]
    """The same of each channel (N,)."""


def typical_row(state: RunState) -> int:
    """First row of the window of median error in the first batch: of validation, or else of training."""
    batches = state.validation_batches or state.batches
    batches.set_epoch(0)
    batch = next(iter(batches))
    starts = batch.start[batch.start >= 0]
    errors = _judge(state, batch).mean_errors().cpu()[batch.start >= 0]
    order = errors.argsort()[: max(1, int((~errors.isnan()).sum()))]  # those without a value are sorted last
    return int(starts[order[(len(order) - 1) // 2]])


def read_examples(state: RunState, rows: Sequence[int]) -> list[Example]:
    """The windows that begin at these rows of the store, as the model is now."""
    store, window = state.store, state.settings.data.window
    values = np.stack([store.checked("values")[row : row + window] for row in rows])
    batch = WindowBatch(torch.from_numpy(values), torch.tensor(rows), torch.from_numpy(~np.isnan(values)))
    judged = _judge(state, batch)
    reconstructions = state.runner.normalisation.undo(judged.windows).cpu().numpy()
    errors, channel_errors = judged.mean_errors().tolist(), judged.mean_errors(dim=(1,)).cpu().numpy()
    segments = np.searchsorted(store.segments.stop, rows, side="right")
    return [
        Example(
            row=row,
            series=store.series[store.segments.series[segments[index]]],
            time=np.asarray(store.checked("time")[row : row + window]),
            original=values[index],
            reconstruction=reconstructions[index],
            error=errors[index],
            channel_errors=channel_errors[index],
        )
        for index, row in enumerate(rows)
    ]


def _judge(state: RunState, batch: WindowBatch) -> Reconstruction:
    state.judged.eval()
    # Not called: a compiled model would be compiled once more for as many windows as no batch has.
    return state.runner.judge(state.judged.forward, batch)
