"""`train --per-series`: a model and a calibration for each series of a store, one after the other."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from longstride.storage.errors import LongstrideError
from longstride.storage.location import local_path
from longstride.storage.series.data import SeriesData
from longstride.storage.text import counted
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.signals import StopWish
from longstride.trainer.engine.verify import verify_data
from longstride.trainer.errors import DivergenceError, SettingsError
from longstride.trainer.held_out.run_batches import NOTHING_TO_LEARN, batches_of_run
from longstride.trainer.held_out.run_splits import rows_of_run
from longstride.trainer.reporting.series_report import write_series_report
from longstride.trainer.saved.run_settings import begun_with
from longstride.trainer.saved.rundir import RunDirectory
from longstride.trainer.saved.series_index import SeriesDirectory, SeriesIndex
from longstride.trainer.settings import Settings, TrainOptions
from longstride.trainer.starting.one_run import start_run, unlabelled_message
from longstride.trainer.suitable_sizes import suitable_settings
from longstride.trainer.tasks import make_task
from longstride.trainer.train_result import TrainResult, loss_text

__all__ = ["train_each_series"]

MAX_SHOWN = 5
"""Names in a message."""
ENDS_WHEN = ("epochs", "max_steps", "minutes", "patience")
"""Settings that say when a run ends; one that has ended goes on where they have changed."""

logger = logging.getLogger(__name__)


def train_each_series(options: TrainOptions, ranks: Ranks, data: SeriesData) -> TrainResult:
    """Train all of them in one run directory; call it on every rank, which share the batches of each.

    Raises SettingsError where no series has rows enough, DivergenceError, when the others have been trained, where
    the training of some has diverged, and else what a run of one model raises.
    """
    if options.verify:
        verify_data(data, ranks)
    directory = SeriesDirectory(local_path(options.out))
    index = ranks.on_first(lambda: directory.open(_planned(options, data), resume=options.resume))
    results: dict[str, TrainResult] = {}
    diverged: dict[str, DivergenceError] = {}
    with ExitStack() as stack:
        if ranks.is_first:
            stack.push(lambda kind, error, trace: _leave(directory, error))
        wish = stack.enter_context(StopWish())
        say = stack.enter_context(_progress(len(index.folders), ranks))
        if said := unlabelled_message(data, options):
            say(said)
        if index.skipped:
            say(f"no model for {_named(index.skipped)}")
        for number, (name, folder) in enumerate(index.folders.items(), start=1):
            result = None
            try:
                result = _train(_options_for(options, name, directory.path / folder), ranks, data)
            except DivergenceError as error:
                diverged[name] = error
            stopped_by = max(ranks.gather(wish.number)) or (result.stopped_by if result else None)
            if result:
                results[name] = result
            say(f"{name} ({number:,} of {len(index.folders):,}): {_told(result, diverged.get(name))}", number)
            if stopped_by:
                say(f"stopped by a signal in {name}, saved: resume it by --resume")
                return TrainResult.of_series(directory.path, results, index.skipped, stopped_by=stopped_by)
        if bare := [name for name in results if not RunDirectory(results[name].out).calibration.exists()]:
            say(
                f"no calibration, so nothing can be scored yet, for {_named(dict.fromkeys(bare, ''))}: no normal "
                f"row lies in what is held out of each; `longstride calibrate {directory.path} STORE` says more"
            )
        total = TrainResult.of_series(directory.path, results, index.skipped, report=directory.report)
        drawn = ranks.on_first(lambda: write_series_report(directory.report, data.name, total, diverged))
    if diverged:
        first = next(iter(diverged.values()))
        raise DivergenceError(
            f"the training of {_named(dict.fromkeys(diverged, ''))} has diverged; the other {len(results):,} "
            f"models in {directory.path} can be used. The first: {first}",
            code=first.code,
        )
    return total if drawn else replace(total, report=None)


def _leave(directory: SeriesDirectory, error: BaseException | None) -> None:
    if isinstance(error, LongstrideError) and not isinstance(error, DivergenceError):
        directory.withdraw()
    else:
        directory.release()


def _options_for(options: TrainOptions, name: str, folder: Path) -> TrainOptions:
    return replace(options, out=folder, series=name, per_series=False)


def _planned(options: TrainOptions, data: SeriesData) -> SeriesIndex:
    """Which series can be trained on, before any is."""
    fingerprint = hashlib.sha256(data.fingerprint)
    for part in (repr(data.series).encode(), *vars(data.segments).values()):
        fingerprint.update(part)
    trained, skipped = {}, {}
    for name in data.series:
        lacking = _lacking(_options_for(options, name, Path(str(options.out))), data)
        if lacking:
            skipped[name] = lacking
        else:
            trained[name] = ""
    if not trained:
        name, lacking = next(iter(skipped.items()))
        raise SettingsError(
            f"no series of {data.name} has enough to train a model of its own; {name!r} {lacking}: train one "
            "model for all, or lower --window, --stride and --batch-size",
            code="option-value",
        )
    return SeriesIndex(of=data.name, fingerprint=fingerprint.hexdigest(), folders=trained, skipped=skipped)


def _lacking(options: TrainOptions, data: SeriesData) -> str | None:
    """What a series lacks to be trained on; None where it lacks nothing."""
    settings = suitable_settings(data, options, lambda message: None)
    rows = rows_of_run(data, settings.data)
    has = f"has {counted(int((rows.stop - rows.start).sum()), 'row')}"
    task = make_task(settings, data.name, data.channels, data.label_names)
    try:
        batches = batches_of_run(data, settings, task)
    except LongstrideError as error:
        if error.code not in NOTHING_TO_LEARN:
            raise
        return f"{has}: {error}"
    if settings.data.validation_share and batches.validation is None:
        return f"{has}: no window of {settings.data.span} rows is left to validate on and to set a threshold by"
    return None


def _train(options: TrainOptions, ranks: Ranks, data: SeriesData) -> TrainResult:
    settings = ranks.on_first(lambda: suitable_settings(data, options, logger.debug))
    if options.resume and (before := ranks.on_first(lambda: _finished(settings))) is not None:
        return before
    return start_run(settings, options, ranks, data, brief=True)


def _finished(settings: Settings) -> TrainResult | None:
    """What came of a run that has ended before with the same settings."""
    directory = RunDirectory(settings.run.out)
    begun = begun_with(directory.path)
    if begun is None or begun.that_shape_the_curve() != settings.that_shape_the_curve():
        return None
    if any(getattr(begun.run, name) != getattr(settings.run, name) for name in ENDS_WHEN):
        return None
    return TrainResult.of_finished(directory)


@contextmanager
def _progress(total: int, ranks: Ranks) -> Iterator[Callable[..., None]]:
    """Say things once for all ranks, and show how many series have been trained."""
    with tqdm(total=total, unit=" series", desc="train", disable=None if ranks.is_first else True) as bar:

        def say(message: str, done: int | None = None) -> None:
            if ranks.is_first:
                logger.info(message)
            if done is not None:
                bar.update(done - bar.n)

        yield say


def _told(result: TrainResult | None, error: DivergenceError | None) -> str:
    if result is None:
        return str(error)
    return f"{counted(result.steps, 'step')}, best validation loss {loss_text(result.best_validation_loss)}"


def _named(reasons: Mapping[str, str]) -> str:
    """Series with the reason of each; of many, the first."""
    shown = [f"{name!r}" + (f" ({reason})" if reason else "") for name, reason in reasons.items()][:MAX_SHOWN]
    more = f" and {len(reasons) - MAX_SHOWN:,} more" if len(reasons) > MAX_SHOWN else ""
    return f"{len(reasons):,} series: {', '.join(shown)}{more}"
