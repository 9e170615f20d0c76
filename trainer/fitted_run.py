"""A run that fits a model in one pass over the windows, instead of training it step by step."""

import math
import time
from dataclasses import fields, replace
from typing import Any, Unpack

import torch

from longstride.storage.cli.flags import flag_name
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.optimisation import OPTIMISERS
from longstride.trainer.engine.state import RunState
from longstride.trainer.models.fitted import Fitted
from longstride.trainer.resolve import named
from longstride.trainer.run import How, Run
from longstride.trainer.settings import Settings, known_model
from longstride.trainer.train_result import TrainResult

__all__ = ["FittedRun"]

UNUSED = {
    "model": ("hidden", "latent", "layers", "centres"),
    "optimiser": ("optimiser", "lr", "schedule", "warmup_steps", "clip_norm", "accumulate", "ema"),
    "run": ("epochs", "minutes", "patience", "checkpoint_every", "checkpoint_minutes"),
}
"""Settings that mean nothing here, by group, but for the one size of a model."""


class FittedRun(Run[RunState]):
    """The pass is its only epoch. Nothing is kept of half a pass: a run that was stopped in it begins again."""

    def __init__(self, settings: Settings, ranks: Ranks, **how: Unpack[How]) -> None:
        """See Run; there is one epoch, and there are no weights that could be averaged.

        What is not used has to be right all the same, and a message says that it does nothing.
        """
        ranks.together(lambda: named("--optimiser", settings.optimiser.optimiser, OPTIMISERS))
        unused = [
            flag_name(name)
            for group in UNUSED
            for name in _changed(getattr(settings, group), UNUSED[group])
            if name != known_model(settings.model.model).only_size
        ]
        optimiser, run = replace(settings.optimiser, ema=0.0), replace(settings.run, epochs=1)
        super().__init__(
            RunState,
            replace(settings, optimiser=optimiser, run=run),
            ranks,
            **how,
        )
        if unused:
            self.reporter.say(
                f"--model {settings.model.model} takes one pass and no steps: {', '.join(unused)} does nothing"
            )

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
        assert isinstance(state.model, Fitted)
        state.batches.set_epoch(0)
        served = iter(state.batches)
        for _ in range(state.last_step):
            began = time.perf_counter()
            batch = next(served)
            waited = time.perf_counter() - began
            state.model.observe(state.runner.samples(batch).inputs, batch.start)
            (signals,) = self.ranks.sum(self.wish.came)
            if signals:
                return True
            progress.total.add(0.0, 0, self.settings.data.batch_size, time.perf_counter() - began, waited)
            self.reporter.step(math.nan)
        state.model.settle(self.ranks)
        progress.step = progress.position = state.last_step
        return False


def _changed(group: Any, names: tuple[str, ...]) -> list[str]:
    """Those of some settings that are not as by default."""
    defaults = {field.name: field.default for field in fields(group)}
    return [name for name in names if getattr(group, name) != defaults[name]]
