"""What a way of training is asked for. Knows numpy alone: each peer has an environment of its own."""

from dataclasses import dataclass

from benchmarks.harness.case import Case

__all__ = ["FitCase"]


@dataclass(frozen=True, kw_only=True)
class FitCase(Case):
    """A model that learns to reconstruct windows; `folder` is for what a training writes."""

    model: str
    """As `longstride train` names it."""
    hidden: int
    latent: int
    learning_rate: float
    """Of Adam."""
    clip_norm: float
    source: str = "array"
    """Where a loop written by hand has its rows: array or memmap."""
    bare: bool = False
    """Without logger, checkpoints and progress, which Lightning has by default."""
    our_model: bool = False
    """Longstride's module in place of one as people write it."""
    checkout: str = ""
    """The tree whose Longstride is trained by; by default this one."""
