"""Small runs, and a log of two series with gaps and missing values."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import longstride
from longstride.storage.arrays.data import ArrayData
from longstride.trainer.models import MODELS
from longstride.trainer.settings import FITTED
from tests.helpers.runs.training import SIZES, waves

SECOND = 10**9
OF_FITTED: dict[str, Any] = {name: SIZES[name] for name in ("window", "stride", "latent")}
CHANNELS = ["a", "b", "c", "d"]
AUTOENCODERS = [model for model in MODELS if model != "cnn"]
TASKS: dict[str, dict[str, Any]] = {
    "forecast": {"task": "forecast", "horizon": 3},
    "quantiles": {
        "task": "forecast",
        "horizon": 1,
        "model": "cnn",
        "channels": ["d", "a"],
        "targets": ["b"],
        "quantiles": [0.2, 0.7],
    },
    "targets": {"model": "tcn", "channels": ["c", "b"], "targets": ["b", "d"]},
    "classify": {"task": "classify"},
    "last": {"task": "classify", "label": "last", "model": "cnn"},
}
"""Settings of runs that predict something else than the window."""


class Log(NamedTuple):
    values: NDArray[np.float32]
    time: NDArray[np.int64]
    series: list[str]
    last: list[int]
    """The last row of each segment."""

    @property
    def data(self) -> ArrayData:
        counts = {name: self.series.count(name) for name in dict.fromkeys(self.series)}
        return longstride.from_array(
            self.values, time=self.time, series=counts, channels=CHANNELS, max_gap="1500ms"
        )

    def arrivals(self, seed: int) -> list[NDArray[np.int64]]:
        """All rows, those of both series mixed, in parts of several lengths."""
        random = np.random.default_rng(seed)
        chosen = random.permutation(np.array(self.series) == "press")
        order = np.empty(len(chosen), np.int64)
        order[chosen] = np.flatnonzero(np.array(self.series) == "press")
        order[~chosen] = np.flatnonzero(np.array(self.series) != "press")
        parts, at = [], 0
        while at < len(order):
            parts.append(order[at : at + int(random.integers(1, 90))])
            at += len(parts[-1])
        return parts


@pytest.fixture(scope="session")
def log() -> Log:
    """Segments of 1 to 60 rows, in a channel a span of missing values, and some rows of none."""
    random = np.random.default_rng(1)
    lengths = [*random.integers(1, 60, 30).tolist(), 16, 17, 15]
    stops = np.cumsum(lengths)
    values = waves(int(stops[-1]), 4, missing=0.02)
    values[100:140, 2] = np.nan
    values[200:203] = np.nan
    values[stops[9] - 1] = np.nan
    values[400:405, 0] += 30
    step = np.full(len(values), SECOND)
    step[5::7] = SECOND * 7 // 5  # late, but not by a gap
    step[stops[:-1]] = 9 * SECOND
    first = int(stops[14])
    series = ["press"] * first + ["mill"] * (len(values) - first)
    return Log(values, np.cumsum(step), series, [int(stop) - 1 for stop in stops])


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each model."""
    folder = tmp_path_factory.mktemp("live")
    half = {"press": 3000, "mill": 3000}
    data = longstride.from_array(waves(6000, 4), step="1s", series=half, channels=CHANNELS)
    half_of_it = {"validation_share": 0.4, "train_share": 0.5}
    for model in AUTOENCODERS:
        if model in FITTED:
            longstride.train(data, folder / model, **OF_FITTED, model=model, device="cpu", **half_of_it)
        else:
            longstride.train(data, folder / model, **SIZES, model=model, max_steps=25, device="cpu")
    labels = {"high": (data.values[:, 0] > 103) & (np.arange(6000) % 400 < 50)}
    labelled = longstride.from_array(data.values, labels=labels, step="1s", series=half, channels=CHANNELS)
    for name, task in TASKS.items():
        longstride.train(labelled, folder / name, **SIZES, **task, max_steps=25, device="cpu")
    return folder
