"""What every kind of run does: begin or resume, validate, save, stop and finish."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, Required, TypedDict, TypeVar, Unpack, cast

import torch

from longstride.storage.atomic import naming
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.trainer.calibration.calibrate import calibrated
from longstride.trainer.calibration.calibration import write_calibration
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.divergence import RUINED, is_ruined
from longstride.trainer.engine.signals import StopWish
from longstride.trainer.engine.state import RunState
from longstride.trainer.engine.verify import verify_data
from longstride.trainer.errors import DivergenceError, RunError
from longstride.trainer.reporting.callback import Callback, Listener
from longstride.trainer.reporting.reporter import Reporter
from longstride.trainer.reporting.worst_windows import WorstWindows
from longstride.trainer.saved.checkpoint import (
    Checkpoint,
    all_checkpoints,
    best_checkpoint,
    fitting,
    mark_best,
    remove_old,
    save_checkpoint,
)
from longstride.trainer.saved.rundir import RunDirectory
from longstride.trainer.saved.store_facts import StoreFacts
from longstride.trainer.settings import Device, Settings
from longstride.trainer.train_result import TrainResult
from longstride.trainer.warm_start import weights_of

__all__ = ["How", "Run"]

State = TypeVar("State", bound=RunState)


class How(TypedDict, total=False):
    """How a run begins."""

    resume: Required[bool]
    """Resume from the newest checkpoint, if there is one."""
    verify: bool
    """Check every chunk of the store first."""
    data: SeriesData | None
    """What is served instead of the store that the settings name."""
    brief: bool
    """Say nothing and draw nothing: the run is one of many."""
    callback: Callback | None
    """What is told of the run, on rank 0."""


class Run(Generic[State]):
    """A run of one rank: its state, its directory, and its reports."""

    def __init__(
        self,
        make_state: Callable[[Settings, Ranks, SeriesData | None], State],
        settings: Settings,
        ranks: Ranks,
        **how: Unpack[How],
    ) -> None:
        """Begin in a new run directory, or resume from the newest checkpoint that is there, as `How` says.

        Raises LongstrideError, on every rank, where store, settings and run do not fit each other.
        """
        device = cast(Device, ranks.device.type)  # auto is resolved
        settings = replace(settings, run=replace(settings.run, device=device))
        self.settings = settings
        self.ranks = ranks
        self.directory = RunDirectory(settings.run.out)
        self.wish = StopWish()
        ranks.on_first(self.directory.check)
        self.state = state = ranks.together(lambda: make_state(settings, ranks, how.get("data")))
        if how.get("verify"):
            verify_data(state.store, ranks)
        weights = self._first_weights(resume=how["resume"])
        checkpoint = ranks.on_first(
            lambda: self.directory.open(settings, state.batches.fingerprint, resume=how["resume"])
        )
        if checkpoint:
            self._or_withdraw(lambda: ranks.together(lambda: self._restore(checkpoint)))
        elif weights is not None:
            self._or_withdraw(lambda: ranks.together(lambda: self._begin_with(weights)))
        self.progress = state.progress
        listener = Listener(how.get("callback") if ranks.is_first else None, self.wish, settings.data.series)
        self.reporter = Reporter(state, self.directory, listener, brief=how.get("brief", False))
        if settings.run.compile:
            state.model.compile()

    def _first_weights(self, *, resume: bool) -> dict[str, Any] | None:
        """Those of the run that this one begins with; None where it draws its own, or resumes."""
        run = self.settings.run.from_
        if run is None:
            return None
        is_begun = resume and self.ranks.on_first(lambda: bool(all_checkpoints(self.directory.checkpoints)))
        return None if is_begun else self.ranks.on_first(lambda: weights_of(Path(run), self.state))

    def _begin_with(self, weights: dict[str, Any]) -> None:
        with fitting(Path(str(self.settings.run.from_))):
            self.state.begin_with(weights)

    def _or_withdraw(self, begin: Callable[[], None]) -> None:
        """Begin, and leave the directory as it was where that cannot be."""
        try:
            begin()
        except LongstrideError:
            if self.ranks.is_first:
                self.directory.withdraw()
            raise

    def _restore(self, checkpoint: Checkpoint) -> None:
        with fitting(checkpoint.path):
            self.state.restore(checkpoint.state)

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """Report, and note signals, for as long as the run trains; then release its directory."""
        with ExitStack() as stack:
            if self.ranks.is_first:
                stack.push(self._leave)
            stack.enter_context(naming(self.directory.path))
            stack.enter_context(self.wish)
            stack.enter_context(self.reporter)
            self.ranks.on_first(self.reporter.tell_start)
            yield

    def _leave(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Release the directory; where something was refused before the first step, leave it as it was."""
        is_refused = isinstance(error, LongstrideError) and not isinstance(error, DivergenceError)
        if is_refused and not self.progress.step:
            self.directory.withdraw()
        else:
            self.directory.release()

    def validate(self) -> bool:
        """Judge the model on the whole validation split; return True, without a judgement, if a signal came."""
        state, progress = self.state, self.progress
        if state.validation_batches is None:
            return False
        state.judged.eval()
        error = of_means = valid = 0.0
        worst_windows = WorstWindows(self.settings.data.span, self.settings.data.stride)
        for batch in state.validation_batches:
            judged = state.runner.judge(state.judged, batch)
            batch_error, batch_of_means, batch_valid, signals = self.ranks.sum(
                judged.total_error(state.loss),
                judged.error_of_means(state.loss),
                judged.samples.num_valid(),
                self.wish.came,
            )
            if signals:
                return True
            error += batch_error
            of_means += batch_of_means
            valid += batch_valid
            worst_windows.add(batch.start, judged.mean_misses())
        loss = error / valid if valid else math.nan
        progress.is_judged_ruined = valid > 0 and is_ruined(loss, max(of_means / valid, progress.first_loss))
        if valid and not progress.is_judged_ruined:
            progress.ruined_steps = 0  # it has seen more than the batch of one step
        self.reporter.validation(loss, worst_windows.rows(self.ranks))
        progress.stale += 1
        if loss < progress.best_loss and not progress.is_judged_ruined:
            progress.best_loss, progress.stale = loss, 0
            self.ranks.on_first(self._mark_best)
        return False

    def _mark_best(self) -> None:
        mark_best(self.directory.checkpoints, self.progress.step)
        remove_old(self.directory.checkpoints, self.settings.run.keep)

    def save(self) -> None:
        """Write a checkpoint; call it on every rank."""
        checkpoint = self.state.as_checkpoint() | {
            "facts": vars(StoreFacts.of(self.state.store, self.state.task.channels))
        }
        self.ranks.on_first(lambda: self._write(checkpoint))

    def _write(self, checkpoint: dict[str, Any]) -> None:
        save_checkpoint(self.directory.checkpoints, self.progress.step, checkpoint)
        remove_old(self.directory.checkpoints, self.settings.run.keep)

    def stop(self) -> TrainResult:
        """End a run that a signal stopped; returns the same on every rank.

        Raises RunError, on every rank, where it was a callback that failed.
        """
        self.ranks.on_first(self.reporter.check_callback)
        number = max(self.ranks.gather(self.wish.number))
        self.reporter.say(f"stopped by a signal after step {self.progress.step:,}, saved: resume it by --resume")
        return self.ranks.on_first(lambda: self.reporter.stop(number))

    def finish(self) -> TrainResult:
        """End a run with a calibration, a picture and a report; returns the same on every rank.

        Raises DivergenceError, on every rank, where the last steps or the last validation are ruined.
        """
        if self.progress.ruined_steps or self.progress.is_judged_ruined:
            raise self.diverged()
        if self._calibrate():
            return self.stop()
        return self.ranks.on_first(self.reporter.finish)

    def _calibrate(self) -> bool:
        """Keep the errors of held-out rows; return whether a signal came. Call it on every rank."""
        with torch.random.fork_rng(devices=[]):  # a model that is made draws weights
            trained = TrainedModel(self.directory.path, self.ranks, trust=True)  # it was trained just now

        def make() -> bool:
            try:
                made = calibrated(trained, self.state.store, self.state.held_out, stopped=lambda: self.wish.came)
            except RunError as error:
                if error.code != "no-normal-rows":
                    raise
                self.reporter.say(f"no calibration, so nothing can be scored yet: {error}")
                return False
            if made is not None:
                write_calibration(self.directory.path, made)
            return made is None

        return self.ranks.on_first(make)

    def diverged(self) -> DivergenceError:
        """What to say where the loss is finite, and the model worth nothing; call it on every rank."""
        progress, directory = self.progress, self.directory
        best = self.ranks.on_first(lambda: best_checkpoint(directory.checkpoints))
        if progress.ruined_steps:
            what = (
                f"since step {progress.step - progress.ruined_steps + 1:,} the loss is over {RUINED:,.0f} times "
                f"what it was ({progress.first_loss:.3g} in the first step)"
            )
        else:
            what = (
                f"after step {progress.step:,} the validation loss is not finite, or over {RUINED:,.0f} times "
                "that of a model that always predicts the mean"
            )
        return DivergenceError(
            f"training has diverged: {what}. Lower --lr, or raise --warmup-steps, in a new run; "
            + (f"{best} is the best state before" if best else f"no state in {directory.path} is of use"),
            code="loss-diverged",
        )
