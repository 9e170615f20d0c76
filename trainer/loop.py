"""The training loop: every rank runs it, and all of them take each step together."""

import math
import time
from typing import Unpack

import torch
from torch.nn.utils import clip_grad_norm_

from longstride.pipeline.loading.batch import WindowBatch
from longstride.storage.series.joined import parts_of
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.divergence import MANY_STEPS
from longstride.trainer.engine.gradients import add_gradients, rescale_gradients
from longstride.trainer.engine.metrics import Interval
from longstride.trainer.engine.training_state import TrainingState
from longstride.trainer.errors import DivergenceError
from longstride.trainer.run import How, Run
from longstride.trainer.settings import Settings
from longstride.trainer.train_result import TrainResult

__all__ = ["Training"]


class Training(Run[TrainingState]):
    """A run that trains a model step by step: `Training(settings, ranks, resume=False).run()`, on every rank."""

    def __init__(self, settings: Settings, ranks: Ranks, **how: Unpack[How]) -> None:
        """See Run."""
        super().__init__(TrainingState, settings, ranks, **how)
        self.gradient_norm = torch.tensor(math.nan)
        self.parallel = ranks.parallel(self.state.model)

    def run(self) -> TrainResult:
        """Train, validate after each epoch, end with a picture and a report; returns the same on every rank."""
        run, progress = self.settings.run, self.progress
        self.deadline = time.monotonic() + 60 * (run.minutes or math.inf)
        with self.in_progress():
            self._save_again_later()
            while True:
                signalled, time_is_up = self._train_epoch()
                self._save()
                if signalled or self.validate():
                    return self.stop()
                is_stale = progress.stale >= (run.patience or math.inf)
                if time_is_up or is_stale or progress.step >= self.state.last_step:
                    break
                progress.epoch += 1
                progress.position = 0
            if is_stale:
                self.reporter.say(f"no better for {progress.stale} epochs: stopped (--patience)")
            if progress.interval.num_windows:
                self.reporter.interval(self.gradient_norm)
            return self.finish()

    def _train_epoch(self) -> tuple[bool, bool]:
        """Take the steps that are left of this epoch; return whether a signal came, and whether time is up."""
        run, progress, batches = self.settings.run, self.progress, self.state.batches
        batch_size = self.settings.data.batch_size
        self.parallel.train()
        batches.set_epoch(progress.epoch, progress.position)
        served = iter(batches)
        signalled = time_is_up = False
        while progress.position < len(batches) and progress.step < self.state.last_step:
            began = time.perf_counter()
            batch = next(served)
            waited = time.perf_counter() - began
            progress.interval.lr = float(self.state.schedule.get_last_lr()[0])
            error, valid, signalled, time_is_up, save = self._step(batch)
            seconds = time.perf_counter() - began
            progress.position += 1
            progress.step += 1
            if valid:
                progress.watch(error / valid)
            for interval in (progress.interval, progress.total):
                interval.add(error, valid, batch_size, seconds, waited)
            progress.interval.step_seconds.append(seconds)
            self.reporter.step(error / max(valid, 1))
            if progress.step % run.log_every == 0:
                self.reporter.interval(self.gradient_norm)
                progress.interval = Interval(start=progress.step)
            if progress.ruined_steps >= MANY_STEPS:
                raise self.diverged()
            if signalled or time_is_up:
                break
            if save or progress.step % run.checkpoint_every == 0:
                self._save()
        return signalled, time_is_up

    def _step(self, batch: WindowBatch) -> tuple[float, float, bool, bool, bool]:
        """Take one step.

        Returns the error and the number of valid values of all ranks, whether any of them had a signal, whether
        any is out of time, and whether it is time to save.
        """
        state, data = self.state, self.settings.data
        samples = state.runner.samples(batch)
        # How many values are there is not known yet: as if none were missing, until then.
        num_values = data.batch_size * samples.expected[0].numel()
        state.optimiser.zero_grad()
        error = add_gradients(
            state.runner,
            self.parallel,
            state.loss,
            samples,
            parts=self.settings.optimiser.accumulate,
            scale=self.ranks.world_size / num_values,  # DDP takes the mean over ranks, we want the sum
            scaler=state.scaler,
        )
        now = time.monotonic()
        save = self.ranks.is_first and now > self.save_at
        # The one exchange of a step: what ranks must know of each other to do the same thing next.
        total, valid, signals, late, saving = self.ranks.sum(
            error, samples.num_valid(), self.wish.came, now > self.deadline, save
        )
        if not math.isfinite(total):
            raise self._divergence(batch)
        state.scaler.unscale_(state.optimiser)
        rescale_gradients(state.model, num_values / max(valid, 1))
        self.gradient_norm = clip_grad_norm_(state.model.parameters(), self.settings.optimiser.clip_norm)
        state.scaler.step(state.optimiser)
        state.scaler.update()
        state.schedule.step()
        if state.average is not None:
            state.average.update_parameters(state.model)
        return total, valid, signals > 0, late > 0, saving > 0

    def _save(self) -> None:
        self.save()
        self._save_again_later()

    def _save_again_later(self) -> None:
        self.save_at = time.monotonic() + 60 * (self.settings.run.checkpoint_minutes or math.inf)

    def _divergence(self, batch: WindowBatch) -> DivergenceError:
        progress = self.progress
        starts = [start for of_rank in self.ranks.gather(batch.start.tolist()) for start in of_rank]
        if self.ranks.is_first:
            rows = starts if len(parts_of(self.state.store)) == 1 else [*map(self.state.store.row_text, starts)]
            self.directory.write_diverged(progress.epoch, progress.step + 1, rows)
        return DivergenceError(
            f"the loss of step {progress.step + 1:,} (epoch {progress.epoch + 1}) is not a finite number; the "
            f"weights were left as they were. Lower --lr in a new run, or look for values far out of range with "
            f"`longstride inspect`, in {', '.join(self.settings.data.stores)}; the rows at which the windows of "
            f"the batch begin are in {self.directory.diverged}",
            code="loss-not-finite",
        )
