"""A deployed model gives the scores of `longstride score`, for every model, in every runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import longstride
from longstride.trainer.deploy.formats import FORMATS, quiet
from longstride.trainer.deploy.graph import OUTPUTS
from longstride.trainer.settings import FITTED, KNOWN_MODELS
from tests.helpers.runs.training import waves

WINDOW = 20
SIZES = {"window": WINDOW, "stride": 4, "batch_size": 32, "hidden": 8, "latent": 4, "device": "cpu"}
Arrays = dict[str, NDArray[Any]]


def data_of(values: NDArray[Any], **more: Any) -> Any:
    return longstride.from_array(values, channels=["a", "b", "c"], **more)


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Train a model once, with some settings."""
    runs: dict[str, Path] = {}

    def trained(data: Any = None, **changes: Any) -> Path:
        name = f"{id(data)}{changes}"
        if name not in runs:
            runs[name] = tmp_path_factory.mktemp("run") / "run"
            steps = {} if changes.get("model") in FITTED else {"max_steps": 60, "lr": 0.01}
            used = data_of(waves(3000, 3)) if data is None else data
            longstride.train(used, runs[name], **SIZES | steps | changes)
        return runs[name]

    return trained


def outputs(folder: Path, inputs: Arrays, batch: int) -> Arrays:
    """What the runtime gives, in batches of a size."""
    (kind,) = [one for one in FORMATS.values() if (folder / one.file).exists()]
    with quiet():
        run = kind.read(folder / kind.file)
        number = len(inputs["windows"])
        parts = [
            run({name: values[at : at + batch] for name, values in inputs.items()})
            for at in range(0, number, batch)
        ]
    return {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(OUTPUTS)}


def scored(run: Path, data: Any, folder: Path, **options: Any) -> tuple[Arrays, float]:
    """Columns of a file of scores, and its threshold."""
    result = longstride.score(run, data, folder / "s.parquet", device="cpu", overwrite=True, **options)
    table = pl.read_parquet(folder / "s.parquet")
    errors = table.select(pl.col("^error.*$")).to_numpy()
    return {
        "scores": table["score"].to_numpy(),
        "alarm": table["alarm"].fill_null(False).to_numpy(),
        "errors": errors,
    }, (result.threshold)


def off(found: NDArray[Any], ours: NDArray[Any]) -> float:
    assert (np.isnan(found) == np.isnan(ours)).all()
    return float(np.nan_to_num(np.abs(found - ours) / np.maximum(1, np.abs(ours))).max())


def judged_windows(number: int = 30) -> NDArray[np.float32]:
    """Windows (B, K, N) of unseen rows: some broken, some with values missing, some with none at all."""
    values = waves(number * WINDOW, 3, missing=0.02).reshape(number, WINDOW, 3)
    values[::5, -3:, :2] += 30
    values[3, :, 1] = values[4] = values[6, -1] = values[7, :15] = np.nan
    return values


AUTOENCODERS = [name for name, model in KNOWN_MODELS.items() if "reconstruct" in model.tasks]
TASKS: list[dict[str, Any]] = [
    {"task": "forecast", "horizon": 3},
    {"task": "forecast", "horizon": 3, "centre": "mean-and-scale", "quantiles": [0.1, 0.5, 0.9]},
    {"task": "forecast", "model": "cnn", "channels": ["c", "a"], "targets": ["b"]},
    {"channels": ["c", "b"], "targets": ["b", "a"]},
    {"task": "classify", "model": "cnn"},
    {"task": "classify", "label": "last", "centre": "mean"},
]
ALL_MODELS = [
    *((model, {}) for model in AUTOENCODERS),
    *((model, {"centre": "mean"}) for model in ("tcn", "kmeans")),
    *((model, {"centre": "mean-and-scale"}) for model in ("lstm", "nearest")),
    ("tests.helpers.runs.my_models:usual", {}),
]


@pytest.mark.parametrize("to", list(FORMATS))
@pytest.mark.parametrize(("model", "more"), ALL_MODELS, ids=lambda value: str(value).rpartition(":")[2])
def test_each_row_has_its_score(
    train: Callable[..., Path], tmp_path: Path, model: str, more: dict[str, Any], to: Any
) -> None:
    run = train(model=model, **more)
    made = longstride.deploy(run, tmp_path / "out", to=to, trust=True)
    windows = judged_windows()
    rows = windows.reshape(-1, 3)
    starts = np.arange(len(windows)) * WINDOW
    segments = np.stack([starts, starts + WINDOW], axis=1)
    ours, threshold = scored(run, data_of(rows, segments=segments), tmp_path, trust=True)
    assert made.threshold == threshold
    for batch in (1, 7, 30):
        found = outputs(tmp_path / "out", {"windows": windows}, batch)
        assert off(found["scores"].reshape(-1), ours["scores"]) < 1e-5
        assert (
            off(found["errors"].reshape(rows.shape), ours["errors"]) < 1e-4
        )  # of float32, where a value is reconstructed closely
        assert off(found["score"], ours["scores"][WINDOW - 1 :: WINDOW]) < 1e-5
        assert (found["alarm"] == ours["alarm"][WINDOW - 1 :: WINDOW]).all()
    assert 0 < found["alarm"].sum() < len(windows)


@pytest.mark.parametrize("to", list(FORMATS))
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_every_task(train: Callable[..., Path], tmp_path: Path, task: dict[str, Any], to: Any) -> None:
    values = waves(3000, 3)
    labels = {"high": (values[:, 0] > 103) & (np.arange(3000) % 300 < 40), "other": np.arange(3000) % 700 < 30}
    run = train(data_of(values, labels=labels), **task)
    made = longstride.deploy(run, tmp_path / "out", to=to)
    rows = WINDOW + (task.get("horizon", 1) if task.get("task") == "forecast" else 0)
    windows = np.resize(judged_windows(), (25, rows, 3))
    starts = np.arange(25) * rows
    ours, threshold = scored(
        run, data_of(windows.reshape(-1, 3), segments=np.stack([starts, starts + rows], 1)), tmp_path
    )
    assert made.threshold == threshold
    found = outputs(tmp_path / "out", {"windows": windows}, 7)
    judged = found["scores"].shape[1]
    expected = {name: values.reshape(25, rows, *values.shape[1:])[:, -judged:] for name, values in ours.items()}
    assert np.isnan(ours["scores"].reshape(25, rows)[:, :-judged]).all()
    assert off(found["scores"], expected["scores"]) < 1e-5
    assert off(found["errors"], expected["errors"]) < 1e-4
    assert (found["alarm"] == expected["alarm"][:, -1]).all()


@pytest.mark.parametrize("to", list(FORMATS))
@pytest.mark.parametrize(
    "options",
    [
        {"aggregate": "max"},
        {"aggregate": "largest", "largest": 2},
        {"aggregate": "log", "alarms": 0.01},
        {"threshold": "tail"},
    ],
    ids=str,
)
def test_the_newest_row_of_a_log_has_its_score(
    train: Callable[..., Path], tmp_path: Path, to: Any, options: dict[str, Any]
) -> None:
    run = train(model="tcn")
    made = longstride.deploy(run, tmp_path / "out", to=to, **options)
    log = waves(3000, 3)[1000:1777]
    ours, threshold = scored(run, data_of(log), tmp_path, **options)
    found = outputs(tmp_path / "out", {"windows": log[None, -WINDOW:]}, 1)
    assert made.threshold == threshold
    assert off(found["score"], ours["scores"][-1:]) < 1e-5


@pytest.mark.parametrize("to", list(FORMATS))
def test_a_series_is_compared_with_its_own_rows(train: Callable[..., Path], tmp_path: Path, to: Any) -> None:
    values = waves(60_000, 3)
    values[30_000:] += np.random.default_rng(1).standard_normal((30_000, 3)) * 2
    data = data_of(values, series={"quiet": 30_000, "loud": 30_000})
    run = train(data, model="pca")
    longstride.calibrate(run, data, split="all", device="cpu")
    longstride.deploy(run, tmp_path / "out", to=to)
    names = ("loud", "quiet", "another")
    windows = judged_windows()[:3]
    numbers = {"quiet": 1, "loud": 2, "another": 0}
    found = outputs(
        tmp_path / "out", {"windows": windows, "series": np.array([numbers[name] for name in names])}, 2
    )
    rows = windows.reshape(-1, 3)
    ours, _ = scored(run, data_of(rows, series=dict.fromkeys(names, WINDOW)), tmp_path)
    assert off(found["scores"].reshape(-1), ours["scores"]) < 1e-5
    unknown = outputs(tmp_path / "out", {"windows": windows, "series": np.array([-1, -1, -1])}, 3)
    assert off(unknown["scores"][2], found["scores"][2]) < 1e-6
    assert off(unknown["scores"][0], found["scores"][0]) > 0.01


@pytest.mark.parametrize("to", list(FORMATS))
def test_large_counters_keep_their_digits(train: Callable[..., Path], tmp_path: Path, to: Any) -> None:
    values = (np.nan_to_num(waves(3000, 3), nan=100) * 100).astype(np.int64) + 10**12
    run = train(data_of(values), model="pca")
    longstride.deploy(run, tmp_path / "out", to=to)
    ours, _ = scored(run, data_of(values[:500]), tmp_path)
    found = outputs(tmp_path / "out", {"windows": values[None, 500 - WINDOW : 500].astype(np.float64)}, 1)
    assert abs(ours["scores"][-1]) < 10
    assert off(found["score"], ours["scores"][-1:]) < 1e-5
