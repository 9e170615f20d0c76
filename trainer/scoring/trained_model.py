"""A trained model: read from its run directory, and the errors of the windows that it reconstructs."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.pipeline.loading.loader import WindowLoader
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.splits import Split
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.checkpoint import best_checkpoint, complete_checkpoints, load_checkpoint
from longstride.trainer.engine.model_runner import ModelRunner
from longstride.trainer.engine.normalisation import Normalisation
from longstride.trainer.errors import RunError
from longstride.trainer.models import build_model
from longstride.trainer.settings import Settings

__all__ = ["TrainedModel"]


class TrainedModel:
    """The best state of a run, or the newest if none was validated, with its average of weights if it has one."""

    def __init__(self, run: Path, device: torch.device) -> None:
        """Raises RunError where there is no run, or no checkpoint in it that can be read."""
        if not (run / "settings.json").exists():
            raise RunError(f"{run} is not a run: expected the --out of `longstride train`", code="run-missing")
        checkpoints = complete_checkpoints(run / "checkpoints")
        checkpoint = best_checkpoint(run / "checkpoints") or next(iter(checkpoints), None)
        if checkpoint is None:
            raise RunError(f"{run} holds no checkpoint yet: train first", code="checkpoint-missing")
        state = load_checkpoint(checkpoint)
        self.name = checkpoint.name
        self.settings = Settings.from_json(json.loads((run / "settings.json").read_text(encoding="utf-8")))
        self.channels: tuple[str, ...] = tuple(state["channels"])
        self.device = device
        normalisation = Normalisation(**state["normalisation"]).to(device)
        self.runner = ModelRunner(normalisation, self.settings.run.precision, device)
        self.model = build_model(self.settings.model, len(self.channels), self.settings.data.window).to(device)
        if state["average"] is None:
            self.model.load_state_dict(state["model"])
        else:
            module = "module."
            weights = {key.removeprefix(module): value for key, value in state["average"].items()}
            self.model.load_state_dict({key: weights[key] for key in self.model.state_dict()})
        self.model.eval()

    def check(self, store: SeriesStore) -> None:
        """Raise RunError where a store lacks channels that the model was trained on."""
        if missing := [name for name in self.channels if name not in store.channels]:
            raise RunError(
                f"{store.name} has no channel {', '.join(missing)}, which the model was trained on: expected "
                f"{', '.join(self.channels)}",
                code="model-channels",
            )

    def errors(
        self, store: SeriesStore, split: Split, stride: int, batch_size: int, *, normal_only: bool = False
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Squared errors of all windows of a split, `stride` rows apart, in row order, in standard deviations.

        Gives starts (b,), and errors (b, K, N) of the model's channels, NaN where a value is missing; with
        `normal_only` only windows in which no row has a label.
        """
        window = self.settings.data.window
        if normal_only:
            split = split.without_labels(store, window=window, stride=stride)
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
            device=self.device if self.device.type == "cuda" else None,
        )
        for batch in loader:
            starts = batch.start.numpy()
            chosen = starts >= 0  # the last batch is filled up
            errors = self.runner.judge(self.model, batch).squared_errors()
            yield starts[chosen], errors.cpu().numpy()[chosen]
