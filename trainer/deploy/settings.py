"""The options of `longstride.deploy`, and their defaults."""

import os
from dataclasses import dataclass, field
from typing import Literal

from longstride.trainer.scoring.settings import LARGEST, Aggregate, Rule, ScoreOptions
from longstride.trainer.settings import one_of

__all__ = ["DeployOptions", "Kind"]

Kind = Literal["torch", "onnx"]
"""For which runtime."""
StrPath = str | os.PathLike[str]


@dataclass(frozen=True, kw_only=True)
class DeployOptions:
    """The parameters of `longstride.deploy` and the flags of its command."""

    run: StrPath = field(kw_only=False)
    """Run directory of the model."""
    out: StrPath = field(kw_only=False)
    """Folder to write: the model, its card, and an example."""
    to: Kind = "torch"
    """torch: a file that `torch.export.load` reads; onnx: one for onnxruntime and others, which needs
    `longstride[onnx]`. Neither needs Longstride to run."""
    alarms: float = 0.001
    """Share of the normal rows that score above the threshold: false alarms."""
    threshold: Rule = "quantile"
    """How the threshold is set, as in `longstride score`."""
    aggregate: Aggregate = "mean"
    """How the errors of channels become a score, as in `longstride score`."""
    largest: int = LARGEST
    """How many channels `--aggregate largest` takes."""
    overwrite: bool = False
    """Replace the folder where there is one that `longstride deploy` wrote."""

    trust: bool = False
    """Import the model if the run names it by an import path (package.module:function), which runs its code."""

    def __post_init__(self) -> None:
        one_of(Kind, to=self.to)
        self.scoring()

    def scoring(self) -> ScoreOptions:
        """The same for scores. Raises SettingsError for what cannot work."""
        return ScoreOptions(
            self.run,
            "",
            "scores",
            alarms=self.alarms,
            threshold=self.threshold,
            aggregate=self.aggregate,
            largest=self.largest,
            trust=self.trust,
        )
