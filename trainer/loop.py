"""The training loop: every rank runs it, and all of them take each step together."""

import math
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Never

import torch
from torch.nn.utils import clip_grad_norm_
from tqdm import tqdm

from pipeline.loading import WindowBatch
from trainer.checkpoint import save_checkpoint
from trainer.distributed import Ranks
from trainer.errors import DivergenceError
from trainer.loss import num_valid, share_of_mean, squared_error
from trainer.metrics import Interval, MetricsLog, Summary, read_metrics
from trainer.picture import draw_reconstruction, typical_window
from trainer.rundir import RunDirectory
from trainer.settings import Settings
from trainer.signals import StopWish
from trainer.state import TrainingState

__all__ = ["Training"]


class Training:
    """One run: `Training(settings, ranks, resume=False).run()`, on every rank."""

    def __init__(self, settings: Settings, ranks: Ranks, *, resume: bool) -> None:
        """Begin in a new run directory, or go on from the newest checkpoint of the run that is there.

        Raises LongstrideError, on every rank, where store, settings and run do not fit each other.
        """
        settings = replace(settings, run=replace(settings.run, device=ranks.device.type))  # auto is resolved
        self.settings = settings
        self.ranks = ranks
        self.directory = RunDirectory(settings.run.out)
        self.wish = StopWish()
        self.log: MetricsLog | None = None
        self.gradient_norm = torch.tensor(math.nan)
        self.state = state = ranks.together(lambda: TrainingState(settings, ranks))
        checkpoint = ranks.on_first(
            lambda: self.directory.open(settings, state.batches.fingerprint, resume=resume)
        )
        if checkpoint:
            state.restore(checkpoint)
        self.progress = state.progress
        self.parallel = ranks.parallel(state.model)

    def run(self) -> Summary | None:
        """Train, validate after each epoch, and end with a picture and a summary.

        Returns the summary on rank 0. Returns None on other ranks, and when a signal stopped the run, saved.
        """
        run, progress = self.settings.run, self.progress
        self.last_step = min(run.epochs * len(self.state.batches), run.max_steps or sys.maxsize)
        self.deadline = time.monotonic() + 60 * (run.minutes or math.inf)
        with ExitStack() as stack:
            stack.enter_context(self.wish)
            self.bar = stack.enter_context(self._open_bar())
            if self.ranks.is_first:
                stack.callback(self.directory.release)
                self.log = stack.enter_context(self._open_log())
            self._say_start()
            while True:
                signalled, time_is_up = self._train_epoch()
                self._save()
                if signalled or self._validate():
                    self._say(f"stopped by a signal after step {progress.step:,}, saved: add --resume to go on")
                    return None
                if time_is_up or progress.step >= self.last_step:
                    return self._finish() if self.ranks.is_first else None
                progress.epoch += 1
                progress.position = 0

    def _train_epoch(self) -> tuple[bool, bool]:
        """Take the steps that are left of this epoch; return whether a signal came, and whether time is up."""
        run, progress, batches = self.settings.run, self.progress, self.state.batches
        batch_size = self.settings.data.batch_size
        self.parallel.train()
        batches.set_epoch(progress.epoch, progress.position)
        served = iter(batches)
        signalled = time_is_up = False
        while progress.position < len(batches) and progress.step < self.last_step:
            began = time.perf_counter()
            batch = next(served)
            waited = time.perf_counter() - began
            error, valid, signalled, time_is_up = self._step(batch)
            seconds = time.perf_counter() - began
            progress.position += 1
            progress.step += 1
            progress.interval.add(error, valid, batch_size, seconds, waited)
            progress.total.add(error, valid, batch_size, seconds, waited)
            self.bar.set_postfix_str(f"loss {error / max(valid, 1):.4g}", refresh=False)
            self.bar.update(batch_size)
            if progress.step % run.log_every == 0:
                self._log_interval()
                progress.interval = Interval(start=progress.step)
            if signalled or time_is_up:
                break
            if progress.step % run.checkpoint_every == 0:
                self._save()
        return signalled, time_is_up

    def _step(self, batch: WindowBatch) -> tuple[float, float, bool, bool]:
        """Take one step.

        Returns the squared error and the number of valid values of all ranks, whether any of them had a signal,
        and whether any is out of time.
        """
        state = self.state
        inputs, mask = state.inputs(batch)
        with state.autocast():
            reconstruction = self.parallel(inputs)
        error = squared_error(reconstruction, inputs, mask)
        # The one exchange of a step: what ranks must know of each other to do the same thing next.
        total_error, total_valid, signals, late = self.ranks.sum(
            error.detach(), num_valid(inputs, mask), self.wish.came, time.monotonic() > self.deadline
        )
        if not math.isfinite(total_error):
            raise self._divergence()
        state.optimiser.zero_grad()
        loss = share_of_mean(error, total_valid, self.ranks.world_size)
        state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        state.scaler.unscale_(state.optimiser)
        self.gradient_norm = clip_grad_norm_(state.model.parameters(), self.settings.optimiser.clip_norm)
        state.scaler.step(state.optimiser)
        state.scaler.update()
        return total_error, total_valid, signals > 0, late > 0

    @torch.no_grad()
    def _validate(self) -> bool:
        """Log the loss of the whole validation split; return True, and log nothing, if a signal came."""
        state, progress = self.state, self.progress
        if state.validation_batches is None:
            return False
        state.model.eval()
        error = valid = 0.0
        for batch in state.validation_batches:
            inputs, mask = state.inputs(batch)
            with state.autocast():
                reconstruction = state.model(inputs)
            batch_error, batch_valid, signals = self.ranks.sum(
                squared_error(reconstruction, inputs, mask), num_valid(inputs, mask), self.wish.came
            )
            if signals:
                return True
            error += batch_error
            valid += batch_valid
        loss = error / valid if valid else math.nan
        self._say(f"epoch {progress.epoch + 1}, step {progress.step:,}: validation loss {loss:.6g}")
        if self.log:
            self.log.write("validation", progress.step, epoch=progress.epoch, loss=loss)
        return False

    def _save(self) -> None:
        checkpoint = self.state.as_checkpoint()
        if self.ranks.is_first:
            save_checkpoint(self.directory.checkpoints, self.progress.step, checkpoint)

    def _divergence(self) -> DivergenceError:
        progress = self.progress
        return DivergenceError(
            f"the loss of step {progress.step + 1:,} (epoch {progress.epoch + 1}) is not a finite number; the "
            f"weights were left as they were. Lower --lr in a new run, or look for values far out of range with "
            f"`python -m storage inspect {self.settings.data.store}`"
        )

    def _log_interval(self) -> None:
        if self.log:
            interval = self.progress.interval
            self.log.write(
                "train",
                self.progress.step,
                epoch=self.progress.epoch,
                loss=interval.loss,
                lr=self.state.optimiser.param_groups[0]["lr"],
                grad_norm=float(self.gradient_norm),
                windows_per_second=interval.windows_per_second,
                data_wait_share=interval.data_wait_share,
            )

    def _finish(self) -> Summary:
        """Log what is left, draw the picture and sum up; on rank 0."""
        assert self.log
        if self.progress.interval.num_windows:
            self._log_interval()
        self._draw_picture()
        lines = read_metrics(self.directory.metrics)
        summary = Summary.of(lines, self.progress.total, self.progress.step, self.directory.picture)
        self.log.write("summary", self.progress.step, **asdict(summary))
        return summary

    @torch.no_grad()
    def _draw_picture(self) -> None:
        state = self.state
        batches = state.validation_batches or state.batches
        batches.set_epoch(0)
        batch = next(iter(batches))
        inputs, mask = state.inputs(batch)
        state.model.eval()
        with state.autocast():
            reconstruction = state.model(inputs).float()
        chosen = typical_window(reconstruction, inputs, mask)
        row = int(batch.start[chosen])
        draw_reconstruction(
            self.directory.picture,
            original=batch.values[chosen].cpu().numpy(),
            reconstruction=state.normalisation.undo(reconstruction[chosen]).cpu().numpy(),
            time=state.store.time[row : row + self.settings.data.window],
            channels=state.store.channels,
            units=state.store.units,
            title=f"{'Validation' if state.validation_batches else 'Training'} window at row {row:,}, "
            f"after {self.progress.step:,} steps",
        )

    def _open_bar(self) -> "tqdm[Never]":
        batch_size = self.settings.data.batch_size
        return tqdm(
            total=self.last_step * batch_size,
            initial=self.progress.step * batch_size,
            unit=" windows",
            unit_scale=True,
            desc="train",
            disable=None if self.ranks.is_first else True,  # None: quiet where there is no terminal
        )

    def _open_log(self) -> MetricsLog:
        return MetricsLog(
            self.directory.metrics,
            self.directory.tensorboard,
            epoch=self.progress.epoch,
            step=self.progress.interval.start,
        )

    def _say_start(self) -> None:
        batches, validation = self.state.batches, self.state.validation_batches
        if self.progress.step:
            self._say(f"going on after step {self.progress.step:,}")
        self._say(
            f"training on {batches.num_windows:,} windows, {len(batches):,} steps an epoch"
            + (f"; {batches.num_dropped:,} windows that fill no batch are left out" if batches.num_dropped else "")
        )
        if validation is None:
            self._say("no validation: its split is shorter than a window (raise --validation-share)")

    def _say(self, message: str) -> None:
        if self.ranks.is_first:
            tqdm.write(message, file=sys.stderr)
