"""What every kind of run does: begin or resume, validate, save, stop and finish."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Generic, TypeVar, cast

from longstride.trainer.saved.checkpoint import Checkpoint, fitting, mark_best, remove_old, save_checkpoint
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.saved.rundir import RunDirectory
from longstride.trainer.engine.signals import StopWish
from longstride.trainer.engine.state import RunState
from longstride.trainer.reporting.reporter import Reporter
from longstride.trainer.reporting.worst_windows import WorstWindows
from longstride.trainer.settings import Device, Settings
from longstride.trainer.train_result import TrainResult

__all__ = ["Run"]

State = TypeVar("State", bound=RunState)


class Run(Generic[State]):
    """A run of one rank: its state, its directory, and its reports."""

    def __init__(
        self, make_state: Callable[[Settings, Ranks], State], settings: Settings, ranks: Ranks, *, resume: bool
    ) -> None:
        """Begin in a new run directory, or resume from the newest checkpoint of the run that is there.

        Raises LongstrideError, on every rank, where store, settings and run do not fit each other.
        """
        device = cast(Device, ranks.device.type)  # auto is resolved
        settings = replace(settings, run=replace(settings.run, device=device))
        self.settings = settings
        self.ranks = ranks
        self.directory = RunDirectory(settings.run.out)
        self.wish = StopWish()
        self.state = state = ranks.together(lambda: make_state(settings, ranks))
        checkpoint = ranks.on_first(
            lambda: self.directory.open(settings, state.batches.fingerprint, resume=resume)
        )
        if checkpoint:
            ranks.together(lambda: self._restore(checkpoint))
        self.progress = state.progress
        self.reporter = Reporter(state, self.directory)
        if settings.run.compile:
            state.model.compile()

    def _restore(self, checkpoint: Checkpoint) -> None:
        with fitting(checkpoint.path):
            self.state.restore(checkpoint.state)

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """Report, and note signals, for as long as the run trains; then release its directory."""
        with ExitStack() as stack:
            if self.ranks.is_first:
                stack.callback(self.directory.release)
            stack.enter_context(self.wish)
            stack.enter_context(self.reporter)
            yield

    def validate(self) -> bool:
        """Judge the model on the whole validation split; return True, without a judgement, if a signal came."""
        state, progress = self.state, self.progress
        if state.validation_batches is None:
            return False
        state.judged.eval()
        error = valid = 0.0
        worst_windows = WorstWindows(self.settings.data.window, self.settings.data.stride)
        for batch in state.validation_batches:
            judged = state.runner.judge(state.judged, batch)
            batch_error, batch_valid, signals = self.ranks.sum(
                judged.total_error(state.loss), judged.num_valid(), self.wish.came
            )
            if signals:
                return True
            error += batch_error
            valid += batch_valid
            worst_windows.add(batch.start, judged.mean_errors())
        loss = error / valid if valid else math.nan
        self.reporter.validation(loss, worst_windows.rows(self.ranks))
        progress.stale += 1
        if loss < progress.best_loss:
            progress.best_loss, progress.stale = loss, 0
            if self.ranks.is_first:
                mark_best(self.directory.checkpoints, progress.step)
                remove_old(self.directory.checkpoints, self.settings.run.keep)
        return False

    def save(self) -> None:
        """Write a checkpoint; call it on every rank."""
        checkpoint = self.state.as_checkpoint()
        if self.ranks.is_first:
            save_checkpoint(self.directory.checkpoints, self.progress.step, checkpoint)
            remove_old(self.directory.checkpoints, self.settings.run.keep)

    def stop(self) -> TrainResult:
        """End a run that a signal stopped; returns the same on every rank."""
        self.reporter.say(f"stopped by a signal after step {self.progress.step:,}, saved: resume it by --resume")
        return self.ranks.on_first(lambda: self.reporter.result(finished=False))

    def finish(self) -> TrainResult:
        """End a run with a picture and a report; returns the same on every rank."""
        return self.ranks.on_first(self.reporter.finish)
