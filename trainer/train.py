"""`longstride.train`: from the windows of a store to a run directory with a trained model."""

import logging
from dataclasses import replace

from longstride.pipeline.kept_memory import memory_kept
from longstride.storage.cli.keywords import keywords_of
from longstride.storage.errors import coded
from longstride.storage.open_data import opened_together
from longstride.trainer.engine.distributed import start_ranks
from longstride.trainer.engine.precision import slow_precision
from longstride.trainer.errors import SettingsError
from longstride.trainer.reporting.callback import resolved
from longstride.trainer.settings import USUAL, TrainOptions
from longstride.trainer.starting.each_series import train_each_series
from longstride.trainer.starting.one_run import train_one
from longstride.trainer.train_result import TrainResult

__all__ = ["train"]

logger = logging.getLogger(__name__)


@coded
@keywords_of(TrainOptions, SettingsError)
def train(options: TrainOptions) -> TrainResult:
    """Train a model on windows (B, K, N) of stores or arrays, one or several, and write a run directory.

    It reconstructs windows, or, as `task` says, forecasts the rows after them or tells which labels they have.

    Works in a script, in a notebook, and under torchrun, where each process calls it, takes its share of each
    batch, and gets the same result. Ctrl-C and SIGTERM save the run and return with `finished=False`. An import
    path among the settings is imported: give none that you do not trust. Progress is logged by
    `logging.getLogger("longstride")` at level INFO.

    Raises SettingsError for a setting that cannot work or does not suit the store, StoreError for a store that
    cannot be read, RunError where `out` is in use or holds a run (without `resume`, or of other settings or data)
    and where the callback failed, and DivergenceError where the loss is not a finite number, or stays a million
    times what it was at first.
    """
    share = 0.0 if options.validation_share is None else options.validation_share
    # What is wrong is reported before a store is opened; the name of a series stands for each of them.
    one = replace(options, series=options.series or "") if options.per_series else options
    one.grouped({**USUAL, "validation_share": share})
    if options.per_series and options.series is not None:
        raise SettingsError(
            f"--series names {options.series!r}, and --per-series means all: leave one out", code="option-value"
        )
    with memory_kept(), start_ranks(options.device) as ranks:
        ranks.together(lambda: resolved(options.callback) if ranks.is_first else None)
        data = ranks.together(lambda: opened_together(options.store))
        if ranks.is_first and (slow := slow_precision(options.precision, ranks.device)):
            logger.warning(slow)
        return (train_each_series if options.per_series else train_one)(options, ranks, data)
