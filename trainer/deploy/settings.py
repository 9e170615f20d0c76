"""The options of `longstride.deploy`, and their defaults."""

from dataclasses import dataclass, field, fields
from typing import Literal

from longstride.trainer.checks import one_of
from longstride.trainer.scoring.settings import AlarmOptions, ScorerOptions, StrPath

__all__ = ["DeployOptions", "Kind"]

Kind = Literal["torch", "onnx"]
"""For which runtime."""


@dataclass(frozen=True, kw_only=True)
class DeployOptions(AlarmOptions):
    """The parameters of `longstride.deploy` and the flags of its command."""

    run: StrPath = field(kw_only=False)
    """Run directory of the model."""
    out: StrPath = field(kw_only=False)
    """Folder to write: the model, its card, and an example."""
    to: Kind = "torch"
    """torch: a file that `torch.export.load` reads; onnx: one for onnxruntime and others, which needs
    `longstride[onnx]`. Neither needs Longstride to run."""
    overwrite: bool = False
    """Replace the folder where there is one that `longstride deploy` wrote."""

    trust: bool = False
    """Import the model if the run names it by an import path (package.module:function), which runs its code."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(Kind, to=self.to)

    def scorer(self) -> ScorerOptions:
        """How rows are scored: a deployed model sees no rows before its window, so nothing is smoothed."""
        return ScorerOptions(**{one.name: getattr(self, one.name) for one in fields(AlarmOptions)})
