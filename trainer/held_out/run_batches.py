"""The batches of windows that a run trains on and validates on, and whether there is anything to learn in them."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.pipeline.loading.loader import WindowLoader
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.select import labelled_windows
from longstride.pipeline.loading.splits import Split
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.storage.series.joined import parts_of
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.text import named
from longstride.trainer.errors import SettingsError
from longstride.trainer.held_out.run_splits import splits_of_run
from longstride.trainer.settings import Settings
from longstride.trainer.tasks import Task

__all__ = ["NOTHING_TO_LEARN", "RunBatches", "batches_of_run"]

NOTHING_TO_LEARN = ("too-few-windows", "no-values", "no-labels")
"""Codes of what the rows of a run may lack."""


class RunBatches(NamedTuple):
    """Those of one rank."""

    training: WindowLoader
    validation: WindowLoader | None
    """None where no window is left to validate on."""
    held_out: Split
    """The rows to validate on."""
    statistics: Statistics
    """Of the rows to train on, of all channels of the store."""


def batches_of_run(
    store: SeriesData,
    settings: Settings,
    task: Task,
    *,
    rank: int = 0,
    world_size: int = 1,
    device: torch.device | None = None,
) -> RunBatches:
    """Cut a store, and make the loaders of both parts, for one rank of some and, if one is given, a CUDA device.

    Raises LongstrideError where the training windows are too few, hold no value of what is seen or predicted, or
    lack a label that is to be learned.
    """
    data = settings.data

    def loader(split: Split, *, shuffle: bool) -> WindowLoader:
        return WindowLoader(
            store,
            window=data.span,
            stride=data.stride,
            channels=task.channels,
            label=task.label,
            label_names=task.outputs if task.label else None,
            max_missing=data.max_missing,
            batch_size=data.batch_size,
            shuffle=shuffle,
            seed=settings.run.seed,
            rank=rank,
            world_size=world_size,
            split=split,
            weights=data.weights if shuffle else None,
            cache_dir=data.cache_dir,
            device=device,
        )

    _check_labels_of_stores(store, task)
    splits = splits_of_run(store, data)
    training = loader(splits.train, shuffle=True)
    try:
        validation = loader(splits.validation, shuffle=False)
    except LongstrideError as error:
        if error.code != "too-few-windows":
            raise
        validation = None
    statistics = splits.train.stats(store)
    _check_values(statistics, store, settings, task)
    _check_examples(splits.train, store, settings, task)
    return RunBatches(training, validation, splits.validation, statistics)


def _check_values(statistics: Statistics, store: SeriesData, settings: Settings, task: Task) -> None:
    targets = task.outputs if task.label is None else ()
    for what, names in (("channels", settings.data.channels or store.channels), ("targets", targets)):
        columns = [store.channels.index(name) for name in names]
        if columns and not statistics.count[columns].any():
            raise SettingsError(
                f"{store.name} has no value of {named(list(names), most=5)} in the rows to train on: give other "
                f"--{what}, or other rows by --split or --train-share",
                code="no-values",
            )


def _check_labels_of_stores(store: SeriesData, task: Task) -> None:
    """Raise SettingsError for a label that one of several stores lacks: nobody said that it has none."""
    for part in parts_of(store) if task.label else ():
        if missing := [name for name in task.outputs if name not in part.label_names]:
            raise SettingsError(
                f"--task classify: {part.name} has no label {missing[0]!r}: name labels that all stores have in "
                "--targets, leave this one out, or ingest it with the label",
                code="no-labels",
            )


def _check_examples(split: Split, store: SeriesData, settings: Settings, task: Task) -> None:
    """Raise SettingsError for a label that no training window has: a model would learn that it never comes."""
    if task.label is None:
        return
    index = _judged_rows(split.segments, settings.data.stride, task)
    found = [
        name
        for name in task.outputs
        if _counts(labelled_windows(index, store, [store.label_names.index(name)])) > 0
    ]
    if missing := [name for name in task.outputs if name not in found]:
        remedy = f"leave it out by --targets {','.join(found)}, or give" if found else "give"
        raise SettingsError(
            f"no window of {store.name} to train on has the label {missing[0]!r}: {remedy} other rows by --split "
            "or --train-share",
            code="no-labels",
        )


def _judged_rows(segments: Segments, stride: int, task: Task) -> WindowIndex:
    """The rows of each window that say whether it has a label."""
    long = segments.stop - segments.start >= task.span
    start = segments.start[long] + task.span - task.judged
    return WindowIndex(Segments(start, segments.stop[long], segments.series[long]), task.judged, stride)


def _counts(ranges: NDArray[np.int64]) -> int:
    return int((ranges[:, 1] - ranges[:, 0]).clip(min=0).sum())
