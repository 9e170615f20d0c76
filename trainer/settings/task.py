"""What a model is to do with windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from longstride.trainer.checks import check, one_of

__all__ = ["TaskName", "TaskSettings"]

TaskName = Literal["reconstruct", "forecast", "classify"]
LabelRule = Literal["any", "last"]


@dataclass(frozen=True, kw_only=True)
class TaskSettings:
    """What a model is to predict."""

    task: TaskName = "reconstruct"
    """reconstruct: the rows of the window itself; forecast: those of the `horizon` after it; classify: whether
    the window has a label."""
    targets: Sequence[str] = ()
    """Channels to predict, by default those of `channels`; with `--task classify`, labels, by default all."""
    quantiles: Sequence[float] = ()
    """Quantiles to forecast instead of the mean, such as 0.1,0.5,0.9."""
    label: LabelRule = "any"
    """Which row of a window says that it has a label: any of them, or the last."""

    def __post_init__(self) -> None:
        one_of(TaskName, task=self.task)
        one_of(LabelRule, label=self.label)
        for name in ("targets", "quantiles"):
            values = tuple(getattr(self, name))
            object.__setattr__(self, name, values)
            check(len(set(values)) == len(values), name, ", ".join(map(str, values)), "given once each")
        is_forecast, is_classify = self.task == "forecast", self.task == "classify"
        for value in self.quantiles:
            check(0 < value < 1, "quantiles", value, "above 0 and below 1")
        shown = ", ".join(map(str, self.quantiles))
        check(is_forecast or not shown, "quantiles", shown, "left out, but with --task forecast")
        check(is_classify or self.label == "any", "label", self.label, "left out, but with --task classify")
