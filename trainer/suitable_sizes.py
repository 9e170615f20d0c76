"""Sizes of a run that were not given: the usual ones for a long log, and smaller ones for a short log."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.splits import Splits
from longstride.storage.cli.flags import flag_name
from longstride.storage.location import local_path
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments
from longstride.trainer.held_out.run_splits import splits_of_run
from longstride.trainer.saved.run_settings import begun_with
from longstride.trainer.settings import FITTED, USUAL, Settings, TrainOptions

__all__ = ["shown_sizes", "suitable_settings", "suitable_sizes"]

SMALLEST_WINDOW = 8
FEWEST_WINDOWS = 16
"""Windows side by side in the rows to train on; with fewer, windows are shorter."""
FEWEST_HELD_OUT = 8
"""Windows side by side in the rows to validate on; with fewer, no rows are left for a test."""
SMALLEST_BATCH = 16
FEWEST_BATCHES = 8
"""Usual batches of an epoch; with fewer, windows begin closer to each other."""
FEWEST_SMALL_BATCHES = 32
"""Batches of an epoch; with fewer, they are smaller: such steps cost less and teach as much."""
FEWEST_STEPS = 500
"""Steps of a run; with fewer, there are more epochs."""


def suitable_settings(data: SeriesData, options: TrainOptions, say: Callable[[str], None]) -> Settings:
    """All settings. Sizes that were not given suit the log; those of a run that is resumed stay as they were."""
    begun = begun_with(local_path(options.out)) if options.resume else None
    if options.train_rows is not None and options.validation_rows is None and options.validation_share is None:
        # The rest of a series is what the model is to be tried on.
        options = replace(options, validation_rows=-(-options.train_rows // 4))
    if begun is not None:
        return options.grouped({**vars(begun.data), **vars(begun.run)})
    sizes = suitable_sizes(data, options)
    if shown := shown_sizes(sizes, options):
        say(f"sizes that suit a log of {data.num_rows:,} rows: {shown}")
    return options.grouped(sizes)


def suitable_sizes(data: SeriesData, options: TrainOptions) -> dict[str, Any]:
    """All sizes of a run, by name: those that the options give, and those that suit the rows to train on."""
    given = {name: getattr(options, name) for name in USUAL}
    sizes = {name: USUAL[name] if value is None else value for name, value in given.items()}

    def is_open(name: str) -> bool:
        return given[name] is None

    rest = round(1 - sizes["train_share"], 9)
    if is_open("validation_share"):
        sizes["validation_share"] = min(sizes["validation_share"], rest)
    horizon = options.grouped(sizes).data.horizon
    while (
        is_open("window")
        and sizes["window"] > SMALLEST_WINDOW
        and _side_by_side(_splits(data, options, sizes).train.segments, sizes["window"] + horizon) < FEWEST_WINDOWS
    ):
        sizes["window"] //= 2
    splits = _splits(data, options, sizes)
    if (
        is_open("validation_share")
        and options.validation_rows is None
        and _side_by_side(splits.validation.segments, sizes["window"] + horizon) < FEWEST_HELD_OUT
    ):
        sizes["validation_share"] = rest
    if is_open("stride"):
        sizes["stride"] = max(1, sizes["window"] * USUAL["stride"] // USUAL["window"])
    while is_open("stride") and sizes["stride"] > 1 and _num_batches(splits, sizes, horizon) < FEWEST_BATCHES:
        sizes["stride"] //= 2
    while (
        is_open("batch_size")
        and sizes["batch_size"] > SMALLEST_BATCH
        and _num_batches(splits, sizes, horizon) < FEWEST_SMALL_BATCHES
    ):
        sizes["batch_size"] //= 2
    if is_open("epochs") and options.model not in FITTED:
        steps = max(1, _num_batches(splits, sizes, horizon))
        sizes["epochs"] = max(sizes["epochs"], -(-FEWEST_STEPS // steps))
    return sizes


def shown_sizes(sizes: Mapping[str, Any], options: TrainOptions) -> str:
    """Those sizes that were chosen and are not the usual ones, as flags; empty where there is none."""
    chosen = {name: value for name, value in sizes.items() if getattr(options, name) is None}
    return ", ".join(f"{flag_name(name)} {value:g}" for name, value in chosen.items() if value != USUAL[name])


def _splits(data: SeriesData, options: TrainOptions, sizes: Mapping[str, Any]) -> Splits:
    # Labels are not looked for: it would take long in a long log.
    return splits_of_run(data, replace(options.grouped(sizes).data, normal_only=False))


def _side_by_side(segments: Segments, window: int) -> int:
    return int(segments.num_windows(window, window).sum())


def _num_batches(splits: Splits, sizes: Mapping[str, Any], horizon: int) -> int:
    index = WindowIndex(splits.train.segments, sizes["window"] + horizon, sizes["stride"])
    return len(index) // int(sizes["batch_size"])
