"""One run of one model, with settings that suit what it is trained on."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from longstride.storage.series.data import SeriesData
from longstride.storage.text import named
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.run_splits import splits_of_run
from longstride.trainer.fitted_run import FittedRun
from longstride.trainer.fitted_sizes import fitted_settings
from longstride.trainer.loop import Training
from longstride.trainer.settings import FITTED, Settings, TrainOptions
from longstride.trainer.train_result import TrainResult

__all__ = ["start_run", "train_one"]

logger = logging.getLogger(__name__)


def train_one(options: TrainOptions, ranks: Ranks, data: SeriesData) -> TrainResult:
    """Choose the sizes that are not given, and train; call it on every rank."""
    said: list[str] = []
    settings = ranks.on_first(lambda: _fitted(data, options, said.append))
    return start_run(settings, options, ranks, data, said=said)


def _fitted(data: SeriesData, options: TrainOptions, say: Callable[[str], None]) -> Settings:
    settings = fitted_settings(data, options, say)
    if settings.data.series is None and settings.data.split != "by-series":
        rows = splits_of_run(data, replace(settings.data, normal_only=False)).train.segments
        trained = set(rows.series[rows.num_windows(settings.data.window, 1) > 0].tolist())
        if left_out := [name for number, name in enumerate(data.series) if number not in trained]:
            say(
                f"{len(left_out):,} of {len(data.series):,} series have no window of {settings.data.window} rows "
                f"to train on: {named(left_out)} (--split within-series cuts each series by itself)"
            )
    return settings


def start_run(
    settings: Settings,
    options: TrainOptions,
    ranks: Ranks,
    data: SeriesData,
    *,
    brief: bool = False,
    said: Sequence[str] = (),
) -> TrainResult:
    """Train with these settings; call it on every rank. `said` is logged where the run can begin."""
    kind = FittedRun if options.model in FITTED else Training
    verify = options.verify and not brief
    run = kind(settings, ranks, data=data, resume=options.resume, verify=verify, brief=brief)
    for message in said:
        logger.info(message)
    return run.run()
