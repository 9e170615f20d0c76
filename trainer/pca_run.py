"""Models that are fitted from one pass over the windows, instead of step by step."""

import math
import time
from dataclasses import replace

import torch

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.loop import Training
from longstride.trainer.models.pca import PCAAutoencoder
from longstride.trainer.settings import Settings

__all__ = ["Fitting"]


class Fitting(Training):
    """A run whose only epoch is that pass. Nothing is kept of half a pass: who stops it begins it again."""

    def __init__(self, settings: Settings, ranks: Ranks, *, resume: bool) -> None:
        """See Training; there is one epoch, and no weights that could be averaged."""
        optimiser, run = replace(settings.optimiser, ema=0.0), replace(settings.run, epochs=1)
        super().__init__(replace(settings, optimiser=optimiser, run=run), ranks, resume=resume)

    @torch.no_grad()
    def _train_epoch(self) -> tuple[bool, bool]:
        state, progress = self.state, self.progress
        assert isinstance(state.model, PCAAutoencoder)
        if progress.step:
            return False, False
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
                return True, False
            progress.total.add(0.0, 0, self.settings.data.batch_size, time.perf_counter() - began, waited)
            self.reporter.step(math.nan)
        self.ranks.add_up(state.model.moments)
        state.model.settle()
        progress.step = progress.position = state.last_step
        return False, False
