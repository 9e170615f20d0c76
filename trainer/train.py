"""`longstride.train`: from the windows of a store to a run directory with a trained model."""

import os

from longstride.storage.cli.keywords import keywords_of
from longstride.storage.errors import coded
from longstride.storage.open_data import opened_data
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import start_ranks
from longstride.trainer.errors import SettingsError
from longstride.trainer.loop import Training
from longstride.trainer.pca_run import PCARun
from longstride.trainer.settings import TrainOptions
from longstride.trainer.train_result import TrainResult

__all__ = ["train"]


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
    settings = options.grouped()
    is_named = isinstance(options.store, str | os.PathLike | SeriesStore)
    data = None if is_named else opened_data(options.store)
    kind = PCARun if settings.model.model == "pca" else Training
    with start_ranks(settings.run.device) as ranks:
        return kind(settings, ranks, data=data, resume=options.resume, verify=options.verify).run()
