"""Samples and what the model makes of them, for the picture and the report of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.pipeline.loading.batch import WindowBatch
from longstride.trainer.engine.model_runner import Outcome
from longstride.trainer.engine.normalisation import Normalisation
from longstride.trainer.engine.state import RunState

__all__ = ["Example", "read_examples", "split_of_examples", "typical_row"]


@dataclass(frozen=True)
class Example:
    """A sample: a window, and its horizon if it has one; S rows of the T channels that are predicted.

    Where labels are predicted, of the channels that the model sees.
    """

    row: int
    """The first, in the store."""
    series: str
    """Name of its series; empty where the log was not keyed."""
    channels: tuple[str, ...]
    units: tuple[str | None, ...]
    time: NDArray[np.int64]
    """(S,), nanoseconds since 1970-01-01 UTC."""
    original: NDArray[np.floating]
    """(S, T), NaN where missing."""
    predicted: NDArray[np.float64]
    """(S, T), in the same units, NaN in rows that are not."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    """Between them a value is expected, as `predicted`: of a forecast of several quantiles."""
    error: float
    """Mean of how far predictions are off, as the task measures it, normalised; NaN where no value is present."""
    channel_errors: NDArray[np.float32]
    """The same of each channel (T,)."""
    labels: dict[str, tuple[float, bool]]
    """How likely each label is, and whether the window has it; empty where labels are not predicted."""

    @property
    def told_labels(self) -> str:
        """The same behind a title."""
        words = {True: "there", False: "not there"}
        return "".join(
            f", {name} {likely:.0%} likely ({words[is_there]})" for name, (likely, is_there) in self.labels.items()
        )


def split_of_examples(state: RunState) -> str:
    """Of which split windows are shown: validation, or training where no window is left to validate on."""
    return "validation" if state.validation_batches else "training"


def typical_row(state: RunState) -> int:
    """First row of the window of median error in the first batch: of validation, or else of training."""
    batches = state.validation_batches or state.batches
    batches.set_epoch(0)
    batch = next(iter(batches))
    starts = batch.start[batch.start >= 0]
    errors = _judge(state, batch).mean_misses().cpu()[batch.start >= 0]
    order = errors.argsort()[: max(1, int((~errors.isnan()).sum()))]  # those without a value are sorted last
    return int(starts[order[(len(order) - 1) // 2]])


def read_examples(state: RunState, rows: Sequence[int]) -> list[Example]:
    """The samples that begin at these rows of the store, as the model is now."""
    store, task = state.store, state.task
    served = [store.channels.index(name) for name in task.channels]
    values = np.stack([store.checked("values")[row : row + task.span][:, served] for row in rows])
    labels = np.stack([_labels(state, row) for row in rows]) if task.label else None
    batch = WindowBatch(
        values=torch.from_numpy(values),
        start=torch.tensor(rows),
        mask=torch.from_numpy(~np.isnan(values)),
        label=None if labels is None else torch.from_numpy(labels),
    )
    judged = _judge(state, batch)
    columns = list(range(len(served))) if task.columns is None else task.columns
    normalisation = state.runner.normalisation
    chosen = Normalisation(normalisation.mean[columns], normalisation.scale[columns])

    def in_units(drawn: torch.Tensor | None) -> NDArray[np.float64]:
        found = np.full((len(rows), task.span, len(columns)), np.nan)
        if drawn is not None:
            found[:, -task.judged :] = chosen.undo(drawn).cpu().numpy()
        return found

    predicted = in_units(task.drawn(judged.predicted))
    low, high = map(in_units, task.drawn_range(judged.predicted) or (None, None))
    errors, channel_errors = judged.mean_misses().tolist(), judged.mean_misses(dim=(1,)).cpu().numpy()
    if task.columns is None:  # errors are of labels
        channel_errors = np.full((len(rows), len(columns)), np.nan, np.float32)
    likely = torch.sigmoid(judged.predicted).tolist() if labels is not None else None
    segments = np.searchsorted(store.segments.stop, rows, side="right")
    return [
        Example(
            row=row,
            series=store.series[store.segments.series[segments[index]]],
            channels=tuple(task.channels[column] for column in columns),
            units=tuple(store.units[served[column]] for column in columns),
            time=np.asarray(store.checked("time")[row : row + task.span]),
            original=values[index][:, columns],
            predicted=predicted[index],
            low=low[index],
            high=high[index],
            error=errors[index],
            channel_errors=channel_errors[index],
            labels={}
            if likely is None or labels is None
            else dict(zip(task.outputs, zip(likely[index], labels[index].tolist(), strict=True), strict=True)),
        )
        for index, row in enumerate(rows)
    ]


def _labels(state: RunState, row: int) -> NDArray[np.bool_]:
    """Which labels (T,) the window that begins at a row has."""
    store, task = state.store, state.task
    columns = [store.label_names.index(name) for name in task.outputs]
    rows = np.asarray(store.checked("labels")[row : row + task.span])[:, columns] != 0
    has: NDArray[np.bool_] = rows[-task.judged :].any(axis=0)
    return has


def _judge(state: RunState, batch: WindowBatch) -> Outcome:
    state.judged.eval()
    # Not called: a compiled model would be compiled once more for as many windows as no batch has.
    return state.runner.judge(state.judged.forward, batch)
