"""One run of one model, with settings that suit what it is trained on."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from longstride.storage.series.data import SeriesData
from longstride.storage.series.joined import parts_of
from longstride.storage.text import named
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.fitted_run import FittedRun
from longstride.trainer.held_out.run_splits import splits_of_run
from longstride.trainer.loop import Training
from longstride.trainer.reporting.callback import resolved
from longstride.trainer.settings import FITTED, Settings, TrainOptions
from longstride.trainer.starting.shared_rows import shared_series
from longstride.trainer.suitable_sizes import suitable_settings
from longstride.trainer.train_result import TrainResult

__all__ = ["start_run", "train_one", "unlabelled_message"]

logger = logging.getLogger(__name__)


def train_one(options: TrainOptions, ranks: Ranks, data: SeriesData) -> TrainResult:
    """Choose the sizes that are not given, and train; call it on every rank."""
    said: list[str] = []
    settings = ranks.on_first(lambda: _settings(data, options, said.append))
    return start_run(settings, options, ranks, data, said=said)


def _settings(data: SeriesData, options: TrainOptions, say: Callable[[str], None]) -> Settings:
    settings = suitable_settings(data, options, say)
    for said in filter(None, (unlabelled_message(data, options), _doubled_message(data, settings))):
        say(said)
    if settings.data.series is None and settings.data.split != "by-series":
        rows = splits_of_run(data, replace(settings.data, normal_only=False)).train.segments
        trained = set(rows.series[rows.num_windows(settings.data.span, 1) > 0].tolist())
        if left_out := [name for number, name in enumerate(data.series) if number not in trained]:
            say(
                f"{len(left_out):,} of {len(data.series):,} series have no window of {settings.data.span} rows "
                f"to train on: {named(left_out)} (--split within-series cuts each series by itself)"
            )
    return settings


def unlabelled_message(data: SeriesData, options: TrainOptions) -> str:
    """What is to be said where only normal windows are asked for, and some of the stores have no labels."""
    without = [part.name for part in parts_of(data) if not part.label_names]
    if not options.normal_only or not data.label_names or not without:
        return ""
    return f"--normal-only: no labels in {named(without)}, so all windows of it are taken as normal"


def _doubled_message(data: SeriesData, settings: Settings) -> str:
    """What is to be said where two stores hold rows of the same series."""
    if len(parts_of(data)) == 1 or settings.data.series is not None:
        return ""
    pairs = shared_series(data)
    both = named([f"{one} and {other}" for one, other in pairs])
    leak = "" if settings.data.split == "time" else ", and what one holds out may be trained on in the other"
    return f"{both} have the same rows at the same times: they count twice{leak}; leave one out" if pairs else ""


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
    callback = resolved(options.callback) if ranks.is_first else None
    run = kind(settings, ranks, data=data, resume=options.resume, verify=verify, brief=brief, callback=callback)
    for message in said:
        logger.info(message)
    return run.run()
