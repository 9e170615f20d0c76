"""A trained model: read from its run directory, and the errors of what it predicts."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longstride.pipeline.loading.loader import WindowLoader
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.splits import Split
from longstride.storage.series.data import SeriesData
from longstride.trainer.calibration.calibration import Calibration
from longstride.trainer.calibration.coverage import JudgedWindows, weights_of
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.model_runner import ModelRunner
from longstride.trainer.engine.normalisation import Normalisation
from longstride.trainer.errors import RunError
from longstride.trainer.models import build_model
from longstride.trainer.models.last_rows import last_rows
from longstride.trainer.resolve import check_trusted
from longstride.trainer.saved.checkpoint import (
    Checkpoint,
    best_first,
    first_whole,
    fitting,
    judged_weights,
    state_digest,
)
from longstride.trainer.saved.run_settings import SETTINGS_FILE, settings_of
from longstride.trainer.saved.series_index import INDEX_FILE, has_index, takes_one_model
from longstride.trainer.saved.store_facts import StoreFacts
from longstride.trainer.settings import Settings
from longstride.trainer.tasks import Task, make_task

__all__ = ["TrainedModel"]


class TrainedModel:
    """The best state of a run, or else its newest that is whole, with its average of weights if it has one."""

    def __init__(self, run: Path, ranks: Ranks, *, trust: bool = False) -> None:
        """Read the state on rank 0, and make the model on every rank.

        Raises RunError where there is no run, or no checkpoint in it that can be read, and SettingsError where the
        run names a model by an import path and `trust` is False.
        """
        checkpoint, self.settings, self.told_by = ranks.on_first(lambda: _read(run, trust=trust))
        self.name = checkpoint.path.name
        self.digest = ranks.on_first(lambda: state_digest(checkpoint.path))
        """SHA-256 of the state."""
        self.device = ranks.device
        self.task, self.facts, self.runner, self.model = ranks.together(lambda: self._make(checkpoint))
        self.channels, self.outputs = self.task.channels, self.task.outputs
        self.stride = min(self.settings.data.stride, self.task.judged)
        """Rows between windows, if nothing else is asked for: that of training, and none that skips rows."""

    @classmethod
    def of_series(cls, run: Path, name: str, folder: str, ranks: Ranks, *, trust: bool = False) -> "TrainedModel":
        """Read the model of one series from the folder that the index of a run names.

        Raises RunError as for any run, and where the model is of another series: folders may have been exchanged.
        """
        trained = cls(run / folder, ranks, trust=trust)
        if (found := trained.settings.data.series) != name:
            raise RunError(
                f"{run / INDEX_FILE} says that {folder} has the model of {name!r}, and it was trained on "
                f"{'all series' if found is None else repr(found)}: restore both from a backup, or train again",
                code="run-damaged",
            )
        return trained

    def _make(self, checkpoint: Checkpoint) -> tuple[Task, StoreFacts, ModelRunner, nn.Module]:
        state, settings = checkpoint.state, self.settings
        with fitting(checkpoint.path):
            channels = tuple(map(str, state["channels"]))
            normalisation = Normalisation.from_saved(state["normalisation"], len(channels)).to(self.device)
            weights = judged_weights(state)
            outputs = tuple(map(str, state.get("outputs", channels)))
            facts = StoreFacts.from_saved(state.get("facts"), len(channels))
            task = make_task(settings, str(checkpoint.path), channels, outputs)
        model = build_model(settings.model, task.shape).to(self.device)
        with fitting(checkpoint.path):
            model.load_state_dict(weights)
        runner = ModelRunner(normalisation, settings.run.precision, self.device, task, settings.model.model)
        return task, facts, runner, model.eval()

    def identity(self) -> list[str]:
        """What changes when the model does: its state, its settings, and the version that computes with them."""
        return [self.digest, repr(self.settings), version("longstride")]

    def check(self, store: SeriesData) -> None:
        """Raise RunError where a store lacks channels that the model was trained on."""
        if missing := [name for name in self.channels if name not in store.channels]:
            raise RunError(
                f"{store.name} has no channel {', '.join(missing)}, which the model was trained on: expected "
                f"{', '.join(self.channels)}",
                code="model-channels",
            )

    def fitting(self, calibration: Calibration) -> Calibration:
        """The calibration. Raises RunError where it is not of as many rows and outputs as the model judges."""
        expected, found = (self.task.judged, len(self.outputs)), tuple(calibration.mean.shape)
        if found != expected:
            raise RunError(
                f"the calibration is of windows of {found[0]} rows and {found[1]} channels, the model judges "
                f"{expected[0]} and {expected[1]}: `longstride calibrate` makes one",
                code="calibration-differs",
            )
        return calibration

    @torch.no_grad()
    def errors_of(self, inputs: Tensor, mask: Tensor | None, last: int) -> NDArray[np.float32]:
        """Errors (b, `last`, T) of the last rows of samples that are normalised, 0 where missing."""
        samples = self.task.samples(inputs.to(self.device), None if mask is None else mask.to(self.device), None)
        if self.task.has_rows:
            outcome = self.runner.run(
                lambda windows: last_rows(self.model, windows, last), samples.of_last_rows(last)
            )
        else:
            outcome = self.runner.run(self.model, samples)
        errors: NDArray[np.float32] = outcome.errors()[:, -last:].cpu().numpy()
        return errors

    def errors(self, store: SeriesData, split: Split, stride: int, batch_size: int) -> Iterator[JudgedWindows]:
        """Errors of all samples of a split, `stride` rows apart, in row order, of normalised values.

        Raises StoreError for rows that are damaged.
        """
        window, lead = self.task.span, self.task.span - self.task.judged
        if not len(WindowIndex(split.segments, window, stride)):
            return
        loader = WindowLoader(
            store,
            window=window,
            stride=stride,
            batch_size=batch_size,
            shuffle=False,
            split=split,
            channels=self.channels,
            world_size=1,  # of several processes, too, one scores all
            device=self.device if self.device.type == "cuda" else None,
        )
        for batch in loader:
            starts = batch.start.numpy()
            chosen = starts >= 0  # the last batch is filled up
            store.check_rows("values", int(starts[chosen].min()), int(starts[chosen].max()) + window)
            errors = self.runner.judge(self.model, batch).errors().cpu().numpy()[chosen]
            is_there = None if batch.mask is None else batch.mask.numpy(force=True)[chosen]
            weights = np.ones(len(errors)) if is_there is None else weights_of(is_there)
            yield JudgedWindows(starts[chosen] + lead, errors, weights)


def _read(run: Path, *, trust: bool) -> tuple[Checkpoint, Settings, Path]:
    """The checkpoint, the settings, and the file that they are from."""
    checkpoints = best_first(run / "checkpoints")
    if not checkpoints and has_index(run):
        raise takes_one_model(run)
    if not checkpoints and not (run / SETTINGS_FILE).exists():
        raise RunError(f"{run} is not a run: expected the --out of `longstride train`", code="run-missing")
    if not checkpoints:
        raise RunError(f"{run} holds no checkpoint yet: train first", code="checkpoint-missing")
    checkpoint = first_whole(checkpoints, run)
    settings, file = settings_of(run, checkpoint)
    check_trusted("model", settings.model.model, file, trust=trust)
    return checkpoint, settings, file
