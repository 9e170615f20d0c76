"""The state of a run that trains a model step by step: that of every run, and how its weights change."""

from typing import Any

from torch import nn

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.optimisation import make_average, make_optimiser, make_schedule
from longstride.trainer.engine.precision import make_scaler
from longstride.trainer.engine.state import RunState
from longstride.trainer.settings import Settings

__all__ = ["TrainingState"]


class TrainingState(RunState):
    """A model with its optimiser, learning rate, scaler and average of weights."""

    def __init__(self, settings: Settings, ranks: Ranks) -> None:
        """See RunState."""
        super().__init__(settings, ranks)
        self.average = make_average(settings.optimiser, self.model)
        self.optimiser = make_optimiser(settings.optimiser, self.model)
        self.schedule = make_schedule(settings.optimiser, self.optimiser, self.last_step)
        self.scaler = make_scaler(settings.run.precision, ranks.device)

    @property
    def judged(self) -> nn.Module:
        """The model that is validated and drawn: the average of the weights where there is one."""
        return self.model if self.average is None else self.average.module

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
        self.optimiser.load_state_dict(checkpoint["optimiser"])
        self.schedule.load_state_dict(checkpoint["schedule"])
        self.scaler.load_state_dict(checkpoint["scaler"])
