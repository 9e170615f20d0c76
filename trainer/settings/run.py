"""Where, how long and on what a run trains."""

import os
from dataclasses import dataclass, field
from typing import Literal

from longstride.storage.location import local_path
from longstride.trainer.checks import at_least, check, one_of

__all__ = ["Device", "RunSettings"]

StrPath = str | os.PathLike[str]
Precision = Literal["fp32", "bf16", "fp16"]
Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Where, how long and on what."""

    out: StrPath = field(kw_only=False)
    """Run directory to write, such as runs/plant."""
    from_: StrPath | None = None
    """Run whose best weights the model begins with; its model, window and channels must be the same. Of a run
    with a model for each series, that of the same series."""
    epochs: int = 10
    """Times that every training window is seen."""
    max_steps: int | None = None
    """Stop after this many steps, counted from the start of the run."""
    minutes: float | None = None
    """Stop after this many minutes of training, counted from this start or restart."""
    patience: int | None = None
    """Stop after this many epochs without a better validation loss."""
    precision: Precision = "fp32"
    """Arithmetic of the model; weights and loss stay fp32."""
    compile: bool = False
    """Compile the model before training (not an LSTM)."""
    device: Device = "auto"
    """Where to compute."""
    seed: int = 0
    """Seed of the weights and of the order of windows."""
    log_every: int = 50
    """Steps between lines of `metrics.jsonl`."""
    checkpoint_every: int = 1000
    """Steps between checkpoints; each epoch also ends with one."""
    checkpoint_minutes: float | None = None
    """Minutes between further checkpoints."""
    keep: int = 2
    """Number of the newest checkpoints to keep; the best one is kept too."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "out", str(local_path(self.out)))
        if self.from_ is not None:
            object.__setattr__(self, "from_", str(local_path(self.from_)))
        at_least(1, epochs=self.epochs, log_every=self.log_every, checkpoint_every=self.checkpoint_every)
        at_least(1, keep=self.keep, max_steps=self.max_steps, patience=self.patience)
        at_least(0, seed=self.seed)
        check(self.seed < 2**63, "seed", self.seed, "below 2^63")
        for name in ("minutes", "checkpoint_minutes"):
            value = getattr(self, name)
            check(value is None or value > 0, name, value, "above 0")
        one_of(Precision, precision=self.precision)
        one_of(Device, device=self.device)
