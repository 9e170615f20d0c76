"""A run that fits principal components in one pass over the windows, instead of training step by step."""

import math
import time
from dataclasses import replace

import torch

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.state import RunState
from longstride.trainer.models.pca import PCAAutoencoder
from longstride.trainer.run import Run
from longstride.trainer.settings import Settings
from longstride.trainer.train_result import TrainResult

__all__ = ["PCARun"]


class PCARun(Run[RunState]):
    """The pass is its only epoch. Nothing is kept of half a pass: a run that was stopped in it begins again."""

    def __init__(self, settings: Settings, ranks: Ranks, *, resume: bool) -> None:
        """See Run; there is one epoch, and there are no weights that could be averaged."""
        optimiser, run = replace(settings.optimiser, ema=0.0), replace(settings.run, epochs=1)
        super().__init__(RunState, replace(settings, optimiser=optimiser, run=run), ranks, resume=resume)

    def run(self) -> TrainResult:
        """Fit, validate, end with a picture and a report; returns the same on every rank."""
        with self.in_progress():
            signalled = not self.progress.step and self._fit()
            self.save()
            return self.stop() if signalled or self.validate() else self.finish()

    @torch.no_grad()
    def _fit(self) -> bool:
        """Fit the model; return True, with the model as it was, if a signal came."""
        state, progress = self.state, self.progress
        assert isinstance(state.model, PCAAutoencoder)
        state.batches.set_epoch(0)
        served = iter(state.batches)
        for _ in range(state.last_step):
            began = time.perf_counter()
            batch = next(served)
            waited = time.perf_counter() - began
            inputs, _ = state.runner.inputs(batch)
            state.model.observe(inputs)
            (signals,) = self.ranks.sum(self.wish.came)
            if signals:
                return True
            progress.total.add(0.0, 0, self.settings.data.batch_size, time.perf_counter() - began, waited)
            self.reporter.step(math.nan)
        self.ranks.add_up(state.model.moments)
        state.model.settle()
        progress.step = progress.position = state.last_step
        return False
