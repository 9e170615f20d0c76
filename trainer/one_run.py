"""One run of one model, with settings that suit what it is trained on."""

import logging

from longstride.storage.series.data import SeriesData
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.fitted_sizes import fitted_settings
from longstride.trainer.loop import Training
from longstride.trainer.pca_run import PCARun
from longstride.trainer.settings import Settings, TrainOptions
from longstride.trainer.train_result import TrainResult

__all__ = ["start_run", "train_one"]

logger = logging.getLogger(__name__)


def train_one(options: TrainOptions, ranks: Ranks, data: SeriesData) -> TrainResult:
    """Choose the sizes that are not given, and train; call it on every rank."""
    settings = ranks.on_first(lambda: fitted_settings(data, options, logger.info))
    return start_run(settings, options, ranks, data)


def start_run(
    settings: Settings, options: TrainOptions, ranks: Ranks, data: SeriesData, *, brief: bool = False
) -> TrainResult:
    """Train with these settings; call it on every rank."""
    kind = PCARun if options.model == "pca" else Training
    return kind(
        settings, ranks, data=data, resume=options.resume, verify=options.verify and not brief, brief=brief
    ).run()
