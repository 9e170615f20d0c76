"""`longstride.train`: from the windows of a store to a run directory with a trained model."""

import logging

from longstride.storage.cli.keywords import keywords_of
from longstride.storage.errors import coded
from longstride.storage.location import local_path
from longstride.storage.open_data import opened_data
from longstride.storage.series.data import SeriesData
from longstride.trainer.engine.distributed import start_ranks
from longstride.trainer.errors import SettingsError
from longstride.trainer.fitted_sizes import fitted_sizes, shown_sizes
from longstride.trainer.loop import Training
from longstride.trainer.pca_run import PCARun
from longstride.trainer.saved.run_settings import begun_with
from longstride.trainer.settings import USUAL, Settings, TrainOptions
from longstride.trainer.train_result import TrainResult

__all__ = ["train"]

logger = logging.getLogger(__name__)


@coded
@keywords_of(TrainOptions, SettingsError)
def train(options: TrainOptions) -> TrainResult:
    """Train an autoencoder on windows (B, K, N) of a store or an array, and write a run directory.

    Works in a script, in a notebook, and under torchrun, where each process calls it, takes its share of each
    batch, and gets the same result. Ctrl-C and SIGTERM save the run and return with `finished=False`. An import
    path among the settings is imported: give none that you do not trust. Progress is logged by
    `logging.getLogger("longstride")` at level INFO.

    Raises SettingsError for a setting that cannot work or does not suit the store, StoreError for a store that
    cannot be read, RunError where `out` is in use or holds a run (without `resume`, or of other settings or data),
    and DivergenceError where the loss is not a finite number, or stays a million times what it was at first.
    """
    share = 0.0 if options.validation_share is None else options.validation_share
    options.grouped({**USUAL, "validation_share": share})  # what is wrong is told before a store is opened
    with start_ranks(options.device) as ranks:
        data = ranks.together(lambda: opened_data(options.store))
        settings, chosen = ranks.on_first(lambda: _fitted(data, options))
        kind = PCARun if options.model == "pca" else Training
        run = kind(settings, ranks, data=data, resume=options.resume, verify=options.verify)
        if chosen and ranks.is_first:
            logger.info(f"sizes that suit a log of {data.num_rows:,} rows: {chosen}")
        return run.run()


def _fitted(data: SeriesData, options: TrainOptions) -> tuple[Settings, str]:
    """All settings, and the sizes that were chosen because they suit the log.

    Those of a run that is resumed stay as they were.
    """
    begun = begun_with(local_path(options.out)) if options.resume else None
    if begun is not None:
        return options.grouped({**vars(begun.data), **vars(begun.run)}), ""
    sizes = fitted_sizes(data, options)
    return options.grouped(sizes), shown_sizes(sizes, options)
