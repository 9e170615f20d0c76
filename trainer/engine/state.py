"""What every run has on a rank: made from the settings, kept in checkpoints."""

import math
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from longstride.storage.open_data import opened_together
from longstride.storage.series.data import SeriesData
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.divergence import is_ruined
from longstride.trainer.engine.loss import make_loss
from longstride.trainer.engine.metrics import Interval
from longstride.trainer.engine.model_runner import ModelRunner
from longstride.trainer.engine.normalisation import Normalisation
from longstride.trainer.engine.precision import check_precision
from longstride.trainer.errors import SettingsError
from longstride.trainer.held_out.run_batches import batches_of_run
from longstride.trainer.models import build_model
from longstride.trainer.plain import of_types
from longstride.trainer.settings import Settings
from longstride.trainer.tasks import make_task

__all__ = ["Progress", "RunState"]


@dataclass
class Progress:
    """How far a run has come."""

    epoch: int = 0
    position: int = 0
    """Steps done of this epoch."""
    step: int = 0
    """Steps done in all."""
    best_loss: float = math.inf
    """Smallest validation loss so far."""
    stale: int = 0
    """Validations since then."""
    first_loss: float = math.nan
    """Of the first step with a value."""
    ruined_steps: int = 0
    """The last ones, whose loss is ruined."""
    is_judged_ruined: bool = False
    """Whether the last validation loss is, while the values themselves are not that large."""
    interval: Interval = field(default_factory=Interval)
    """Since the last line of metrics."""
    total: Interval = field(default_factory=Interval)
    """Since the run began."""

    def watch(self, loss: float) -> None:
        """Count a step that has a value."""
        if math.isnan(self.first_loss):
            self.first_loss = loss
        self.ruined_steps = self.ruined_steps + 1 if is_ruined(loss, self.first_loss) else 0

    @staticmethod
    def from_json(fields: dict[str, Any]) -> "Progress":
        """Inverse of `dataclasses.asdict`. Raises TypeError for anything that it could not have returned."""
        sums = {name: of_types(Interval, fields[name]) for name in ("interval", "total")}
        return of_types(Progress, {**fields, **sums})


class RunState:
    """Store, batches, model, loss and progress of one rank, as the settings ask."""

    def __init__(self, settings: Settings, ranks: Ranks, data: SeriesData | None = None) -> None:
        """Make everything new, of `data` or of the stores that the settings name, which are opened.

        Raises LongstrideError where settings and store do not fit.
        """
        self.store = opened_together(settings.data.store) if data is None else data
        run = settings.run
        check_precision(run.precision, ranks.device)
        self.settings = settings
        self.ranks = ranks
        if settings.data.normal_only and not self.store.label_names:
            raise SettingsError(f"{self.store.name} has no labels: leave --normal-only out", code="no-labels")
        self.task = make_task(settings, self.store.name, self.store.channels, self.store.label_names)
        self.batches, self.validation_batches, self.held_out, statistics = batches_of_run(
            self.store,
            settings,
            self.task,
            rank=ranks.rank,
            world_size=ranks.world_size,
            device=ranks.device if ranks.device.type == "cuda" else None,
        )
        self.normalise_by(Normalisation.fit(statistics, self.store, self.task.channels))
        torch.manual_seed(run.seed)
        self.model = build_model(settings.model, self.task.shape).to(ranks.device)
        self.loss = make_loss(settings.optimiser.loss, settings.task, self.task.shape.output)
        self.last_step = min(run.epochs * len(self.batches), run.max_steps or sys.maxsize)
        """Steps of the run, unless something ends it before."""
        self.progress = Progress()
        torch.manual_seed(run.seed + ranks.rank)

    def normalise_by(self, normalisation: Normalisation) -> None:
        """Run the model on windows that are normalised in this way."""
        device = self.ranks.device
        precision, name = self.settings.run.precision, self.settings.model.model
        self.runner = ModelRunner(normalisation.to(device), precision, device, self.task, name)

    @property
    def judged(self) -> nn.Module:
        """The model that is validated and drawn."""
        return self.model

    def begin_with(self, weights: dict[str, Any]) -> None:
        """Take these weights, of a model of the same shape, instead of those that were drawn."""
        self.model.load_state_dict(weights)

    def as_checkpoint(self) -> dict[str, Any]:
        """Everything that a resumed run needs, plain values and tensors; call it on every rank."""
        return {
            "settings": self.settings.as_json(),
            "model": self.model.state_dict(),
            "average": None,
            "progress": asdict(self.progress),
            "fingerprint": self.batches.fingerprint,
            "channels": list(self.task.channels),
            "outputs": list(self.task.outputs),
            "normalisation": vars(self.runner.normalisation),
            "random": self.ranks.gather(self._random_state()),
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """Return to the state that `as_checkpoint` returned."""
        self.model.load_state_dict(checkpoint["model"])
        self.progress = Progress.from_json(checkpoint["progress"])
        self.normalise_by(Normalisation.from_saved(checkpoint["normalisation"], len(self.task.channels)))
        # Another number of ranks has other random streams in any case.
        if len(checkpoint["random"]) == self.ranks.world_size:
            states = checkpoint["random"][self.ranks.rank]
            torch.set_rng_state(states[0])
            if len(states) > 1:
                torch.cuda.set_rng_state(states[1], self.ranks.device)

    def _random_state(self) -> list[Tensor]:
        on_cuda = self.ranks.device.type == "cuda"
        return [torch.get_rng_state(), *([torch.cuda.get_rng_state(self.ranks.device)] if on_cuda else [])]
