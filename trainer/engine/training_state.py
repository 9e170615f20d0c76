"""The state of a run that trains a model step by step: that of every run, and how its weights change."""

from typing import Any

from torch import Tensor, nn

from longstride.storage.series.data import SeriesData
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.optimisation import make_average, make_optimiser, make_schedule
from longstride.trainer.engine.precision import make_scaler
from longstride.trainer.engine.state import RunState
from longstride.trainer.plain import alike
from longstride.trainer.settings import Settings

__all__ = ["TrainingState"]


class TrainingState(RunState):
    """A model with its optimiser, learning rate, scaler and average of weights."""

    def __init__(self, settings: Settings, ranks: Ranks, data: SeriesData | None = None) -> None:
        """See RunState."""
        super().__init__(settings, ranks, data)
        self.average = make_average(settings.optimiser, self.model)
        self.optimiser = make_optimiser(settings.optimiser, self.model)
        self.schedule = make_schedule(settings.optimiser, self.optimiser, self.last_step)
        self.scaler = make_scaler(settings.run.precision, ranks.device)

    @property
    def judged(self) -> nn.Module:
        """The model that is validated and drawn: the average of the weights where there is one."""
        return self.model if self.average is None else self.average.module

    def begin_with(self, weights: dict[str, Any]) -> None:
        """See RunState."""
        super().begin_with(weights)
        self.average = make_average(self.settings.optimiser, self.model)

    def as_checkpoint(self) -> dict[str, Any]:
        """See RunState."""
        return super().as_checkpoint() | {
            "average": self.average and self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """See RunState."""
        super().restore(checkpoint)
        if self.average is not None:
            self.average.load_state_dict(checkpoint["average"])
        self._restore_optimiser(checkpoint["optimiser"])
        # Only what it has: torch would take any other attribute too.
        own = self.schedule.state_dict()
        saved = {name: checkpoint["schedule"][name] for name in own if name in checkpoint["schedule"]}
        if not alike({name: own[name] for name in saved}, saved):
            raise ValueError("the schedule is of another kind")
        self.schedule.load_state_dict(saved)
        self.scaler.load_state_dict(checkpoint["scaler"])

    def _restore_optimiser(self, saved: dict[str, Any]) -> None:
        """Raises ValueError for settings or averages that cannot be of these weights: torch compares neither."""
        own = self.optimiser.state_dict()["param_groups"]
        for group, found in zip(own, saved["param_groups"], strict=True):
            shared = (group.keys() & found.keys()) - {"params"}
            if not all(alike(group[name], found[name]) for name in shared):
                raise ValueError("the optimiser has other settings")
        self.optimiser.load_state_dict(saved)
        for weights, state in self.optimiser.state.items():
            tensors = [value for value in state.values() if isinstance(value, Tensor)]
            if not all(tensor.numel() == 1 or tensor.shape == weights.shape for tensor in tensors):
                raise ValueError("the optimiser has averages of other weights")
