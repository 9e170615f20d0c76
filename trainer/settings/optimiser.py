"""What is minimised, and how."""

from dataclasses import dataclass
from typing import Literal

from longstride.trainer.checks import at_least, check, one_of

__all__ = ["OptimiserSettings"]

Schedule = Literal["constant", "cosine", "one-cycle"]


@dataclass(frozen=True, kw_only=True)
class OptimiserSettings:
    """What is minimised, and how."""

    loss: str | None = None
    """mse, mae, huber, or yours as package.module:function; by default mse, the pinball loss for quantiles, and
    cross-entropy for labels."""
    optimiser: str = "adam"
    """adam, adamw, sgd, or yours as package.module:function."""
    lr: float = 3e-3
    """Highest learning rate."""
    schedule: Schedule = "constant"
    """How the learning rate changes after the warm-up."""
    warmup_steps: int = 0
    """Steps in which the learning rate rises to `lr`."""
    clip_norm: float = 1.0
    """Gradients that are longer than this (2-norm over all weights) are scaled down to it."""
    accumulate: int = 1
    """Parts in which a process takes its share of a batch, one after the other, to need less memory."""
    ema: float = 0.0
    """Share that the moving average of the weights keeps at each step, such as 0.999; 0 for no average."""

    def __post_init__(self) -> None:
        check(0 < self.lr < float("inf"), "lr", self.lr, "above 0")
        check(self.clip_norm > 0, "clip_norm", self.clip_norm, "above 0")
        check(0 <= self.ema < 1, "ema", self.ema, "0 or more, below 1")
        one_of(Schedule, schedule=self.schedule)
        at_least(0, warmup_steps=self.warmup_steps)
        at_least(1, accumulate=self.accumulate)
