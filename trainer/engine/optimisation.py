"""How weights change: the optimiser, its learning rate at each step, and the average of the weights."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from longstride.trainer.errors import SettingsError
from longstride.trainer.resolve import call_named
from longstride.trainer.settings import OptimiserSettings

__all__ = ["OPTIMISERS", "make_average", "make_optimiser", "make_schedule"]

MOMENTUM = 0.9
ONE_CYCLE_WARMUP = 0.3
"""Share of the steps in which one-cycle rises, unless the settings give a warm-up; the default of torch."""


# Fused: one pass over a weight instead of one for each operation, in a third of the time.
OPTIMISERS: dict[str, Callable[..., Optimizer]] = {
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
    "sgd": partial(torch.optim.SGD, momentum=MOMENTUM, fused=True),
}
"""Built in, by name."""


def make_optimiser(settings: OptimiserSettings, model: nn.Module) -> Optimizer:
    """Make the optimiser of a model's weights.

    Raises SettingsError where there is no optimiser of that name, or the function found does not make one.
    """
    optimiser = call_named("--optimiser", settings.optimiser, OPTIMISERS, model.parameters(), lr=settings.lr)
    if not isinstance(optimiser, Optimizer):
        found = type(optimiser).__name__
        raise SettingsError(
            f"--optimiser {settings.optimiser} gave {found}, expected a torch.optim.Optimizer", code="option-value"
        )
    return optimiser


def make_schedule(settings: OptimiserSettings, optimiser: Optimizer, num_steps: int) -> LRScheduler:
    """Make the schedule of the learning rate over `num_steps` steps; call its `step` after each."""
    warmup = settings.warmup_steps
    if settings.schedule == "one-cycle":
        return OneCycleLR(
            optimiser,
            max_lr=settings.lr,
            total_steps=num_steps,
            pct_start=min(1.0, warmup / num_steps) if warmup else ONE_CYCLE_WARMUP,
            cycle_momentum=not {"betas", "momentum"}.isdisjoint(optimiser.defaults),
        )

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        if settings.schedule == "constant":
            return 1.0
        done = min(1.0, (step - warmup) / max(1, num_steps - warmup))
        return 0.5 * (1 + math.cos(math.pi * done))

    return LambdaLR(optimiser, factor)


def make_average(settings: OptimiserSettings, model: nn.Module) -> AveragedModel | None:
    """Make a model whose weights are the moving average of another model's; None if no average is asked for."""
    if not settings.ema:
        return None
    average = get_ema_multi_avg_fn(settings.ema)  # type: ignore[no-untyped-call]
    return AveragedModel(model, multi_avg_fn=average, use_buffers=True)
