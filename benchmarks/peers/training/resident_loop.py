"""The bound of any training: Longstride's module in a bare loop, on one batch that stays in memory.

Memory is kept between steps, as `longstride.train` keeps it.
"""

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.harness.training.fit_case import FitCase
from benchmarks.peers.training.our_model import our_model
from longstride.pipeline.kept_memory import memory_kept
from longstride.trainer.engine.optimisation import make_optimiser
from longstride.trainer.settings import OptimiserSettings

__all__ = ["train"]


def train(case: FitCase, pace: Callable[[], None]) -> None:
    """Step after step."""
    torch.manual_seed(case.seed)
    rows = torch.from_numpy(case.rows()[: case.batch + case.window - 1].copy())
    windows = rows.unfold(0, case.window, 1).transpose(1, 2).contiguous()
    model = our_model(case)
    optimiser = make_optimiser(OptimiserSettings(lr=case.learning_rate), model)
    with memory_kept():
        while True:
            optimiser.zero_grad()
            loss = nn.functional.mse_loss(model(windows), windows)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), case.clip_norm)
            optimiser.step()
            loss.item()
            pace()
