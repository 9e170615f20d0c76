"""Runs of every task, from training to scores, compared with brute force."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray

import longstride
from longstride.storage.arrays.data import ArrayData
from longstride.trainer.calibration.coverage import POWER
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import SettingsError
from longstride.trainer.saved.checkpoint import save_checkpoint
from tests.helpers.errors import raises
from tests.helpers.runs.training import SIZES, finish, lines_of, start_training, waves

K, H = SIZES["window"], 3
TASKS: dict[str, dict[str, Any]] = {
    "forecast": {"task": "forecast", "horizon": H},
    "quantiles": {"task": "forecast", "horizon": H, "model": "cnn", "quantiles": [0.3, 0.6], "targets": ["b"]},
    "targets": {"channels": ["c", "a"], "targets": ["b"]},
    "any": {"task": "classify"},
    "last": {"task": "classify", "label": "last", "model": "cnn"},
}
CHANNELS = ["a", "b", "c"]


def labelled(num_rows: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Waves, of which one is made of the others; it is not where rows are labelled."""
    values = waves(num_rows, 3, missing=0.02)
    is_fault = (np.arange(num_rows) // 40) % 6 == 5
    values[:, 1] = (values[:, 0] + values[:, 2]) / 2
    values[is_fault, 1] += 12
    return values, is_fault


def data_of(num_rows: int = 4000, **more: Any) -> ArrayData:
    values, is_fault = labelled(num_rows)
    return longstride.from_array(values, channels=CHANNELS, labels={"fault": is_fault}, step="1s", **more)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    for name, task in TASKS.items():
        # What is normal is learnt of normal windows, what is a fault of all.
        normal = task.get("task") != "classify"
        longstride.train(data_of(), folder / name, **SIZES, **task, epochs=4, device="cpu", normal_only=normal)
    return folder


@pytest.mark.parametrize("name", TASKS)
def test_the_loss_falls(runs: Path, name: str) -> None:
    losses = [line["loss"] for line in lines_of(runs / name, "train")]
    assert losses[-1] < 0.7 * losses[0]


def trained_model(run: Path) -> TrainedModel:
    return TrainedModel(run, Ranks(0, 1, torch.device("cpu")))


def brute_force(trained: TrainedModel, values: NDArray[np.float32], stride: int) -> NDArray[np.float64]:
    """Errors (rows, T) of a segment: the mean over the windows that judge a row, one after the other."""
    task = trained.task
    sums, weights = np.zeros((2, len(values), len(task.outputs)))
    last = len(values) - task.span
    columns = [CHANNELS.index(name) for name in task.channels]
    for first in sorted({*range(0, last + 1, stride), *range(max(last, 0), last + 1)}):
        sample = torch.from_numpy(values[None, first : first + task.span, columns])
        mask = ~sample.isnan()
        (found,) = trained.errors_of(trained.runner.normalisation.apply(sample, mask), mask, task.judged)
        is_there, weight = ~np.isnan(found), float(mask.float().mean()) ** POWER
        rows = slice(first + task.span - task.judged, first + task.span)
        sums[rows] += np.where(is_there, weight * found, 0)
        weights[rows] += weight * is_there
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / weights)


@pytest.mark.parametrize("name", TASKS)
def test_errors_of_rows_are_those_of_the_windows_that_judge_them(runs: Path, tmp_path: Path, name: str) -> None:
    stops = np.cumsum([1, 200, K + H, K + H - 1, K, 61])
    starts = np.append(0, stops[:-1])
    data = data_of(int(stops[-1]), segments=np.stack([starts, stops], axis=1))
    longstride.score(runs / name, data, tmp_path / "s.parquet", stride=2, raw=True, device="cpu")
    table = pl.read_parquet(tmp_path / "s.parquet")
    trained, values = trained_model(runs / name), labelled(int(stops[-1]))[0]
    segments = zip(starts.tolist(), stops.tolist(), strict=True)
    expected = np.concatenate([brute_force(trained, values[start:stop], 2) for start, stop in segments])
    raw = table.select([f"raw.{one}" for one in trained.outputs]).to_numpy()
    np.testing.assert_allclose(raw, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(np.isnan(table["score"].to_numpy()), np.isnan(expected).all(axis=1))


@pytest.mark.parametrize("name", TASKS)
def test_faults_score_higher(runs: Path, tmp_path: Path, name: str) -> None:
    data = data_of(9000)
    result = longstride.score(runs / name, data, tmp_path / "s.parquet", alarms=0.01, device="cpu")
    found = longstride.evaluate(tmp_path / "s.parquet", data, label="fault")
    assert found.figures[-1].auc_roc > 0.9
    task = trained_model(runs / name).task
    assert 0 <= 9000 - (task.span - task.judged) - result.covered < 400  # rows without a value


@pytest.mark.parametrize("name", ["forecast", "any"])
def test_an_update_equals_all_at_once(runs: Path, tmp_path: Path, make_store: Any, name: str) -> None:
    values = labelled(900)[0]
    for number, rows in enumerate((500, 517, 900)):
        store = make_store(tmp_path / f"{number}.zarr", values[:rows], channels=CHANNELS)
        longstride.score(runs / name, store, tmp_path / "grown.parquet", update=True, device="cpu")
    longstride.score(runs / name, store, tmp_path / "whole.parquet", device="cpu")
    assert (tmp_path / "grown.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.parametrize("name", ["quantiles", "last"])
def test_two_processes_train_what_one_does_and_resume(tmp_path: Path, make_store: Any, name: str) -> None:
    values, is_fault = labelled(1500)
    make_store(tmp_path / "plant.zarr", values, channels=CHANNELS, labels=is_fault[:, None].astype(np.int8))
    flags = [f"--{key}={_text(value)}" for key, value in TASKS[name].items()]
    for ranks in (1, 2):
        out = tmp_path / str(ranks)
        finish(start_training(tmp_path / "plant.zarr", out, *flags, "--max-steps=4", num_ranks=ranks))
        finish(start_training(tmp_path / "plant.zarr", out, *flags, "--max-steps=8", "--resume", num_ranks=ranks))
    one, two = ([line["loss"] for line in lines_of(tmp_path / ranks, "train")] for ranks in "12")
    assert len(one) == len(two) > 0
    np.testing.assert_allclose(one, two, rtol=1e-4)


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def test_other_runs_do_not_begin_or_go_on_with_it(runs: Path, tmp_path: Path) -> None:
    common: dict[str, Any] = {**SIZES, "device": "cpu"}
    other = {**common, "task": "forecast", "horizon": H - 1}
    for changes, fact in ((common, "--task forecast (now reconstruct)"), (other, f"--horizon {H} (now {H - 1})")):
        with raises("run-differs", fact):
            longstride.train(data_of(), tmp_path / "new", **changes, from_=runs / "forecast")
    with raises("run-differs", "--horizon"):
        longstride.train(data_of(), runs / "forecast", **other, epochs=4, normal_only=True, resume=True)


def test_windows_that_lack_too_much_are_left_out(tmp_path: Path) -> None:
    values = waves(3000, 3, missing=0.0)
    values[1000:1500, :2] = np.nan
    data = longstride.from_array(values, channels=CHANNELS, step="1s")
    whole = longstride.train(data, tmp_path / "all", **SIZES, epochs=1, device="cpu")
    some = longstride.train(data, tmp_path / "some", **SIZES, epochs=1, device="cpu", max_missing=0.5)
    assert some.steps < whole.steps


def test_a_run_of_an_older_version_reconstructs(runs: Path, tmp_path: Path) -> None:
    """Its settings have no task, and its state no outputs."""
    longstride.train(data_of(), tmp_path / "old", **SIZES, max_steps=2, device="cpu")
    (checkpoint,) = {path.resolve() for path in (tmp_path / "old/checkpoints").iterdir()}
    state = torch.load(checkpoint / "state.pt", weights_only=True)
    del state["outputs"], state["settings"]["task"]
    for name in ("horizon", "channels", "max_missing"):
        del state["settings"]["data"][name]
    save_checkpoint(tmp_path / "old/checkpoints", 3, state)
    assert trained_model(tmp_path / "old").outputs == tuple(CHANNELS)


def giving_back(settings: Any, shape: Any) -> torch.nn.Module:
    layer = torch.nn.Linear(shape.channels, shape.channels)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(shape.channels))
        layer.bias.zero_()
    return layer


@pytest.mark.parametrize("model", ["giving_back", "lstm"])
def test_a_model_that_gives_back_what_it_is_given_is_doubted(
    tmp_path: Path, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = f"{__name__}:{model}" if model == "giving_back" else model
    longstride.train(data_of(), tmp_path / "run", **SIZES | {"lr": 1e-12}, model=model, max_steps=2, device="cpu")
    assert ("makes no errors" in caplog.text) == ("giving_back" in model)


@pytest.mark.parametrize("centre", ["mean", "mean-and-scale"])
def test_of_a_single_row_nothing_is_left_without_its_mean(tmp_path: Path, centre: Any) -> None:
    one = {**SIZES, "window": 1, "stride": 1, "centre": centre, "max_steps": 2, "device": "cpu"}
    for task in ({}, {"model": "nearest"}, {"task": "classify"}):
        with raises("option-value", "--centre", "--window 1", kind=SettingsError):
            longstride.train(data_of(), tmp_path / "run", **{**one, **task})
    longstride.train(data_of(), tmp_path / "run", **{**one, "task": "forecast"})


class Failing(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.weight * windows.reshape(3, -1, 5)


def failing(settings: Any, shape: Any) -> torch.nn.Module:
    return Failing()


@pytest.mark.parametrize("name", TASKS)
def test_a_model_of_ones_own_that_fails_is_named_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    task = {**TASKS[name], "model": f"{__name__}:failing"}
    with raises("option-value", "failing failed for windows of shape", "test_runs.py", kind=SettingsError):
        longstride.train(data_of(), tmp_path / "run", **SIZES, **task, max_steps=2, device="cpu")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("size", [30.0, 1000.0])
@pytest.mark.parametrize("quantiles", [[], [0.1, 0.9]])
def test_the_first_change_of_a_channel_that_was_constant_is_an_alarm(
    tmp_path: Path, size: float, quantiles: list[float]
) -> None:
    values = waves(4000, 3)
    values[:, 1] = size
    data = longstride.from_array(values, channels=CHANNELS)
    task: dict[str, Any] = {"task": "forecast", "quantiles": quantiles, "centre": "mean-and-scale"}
    longstride.train(data, tmp_path / "run", **SIZES, **task, max_steps=30, device="cpu")
    values[3900:, 1] = 1.5 * size
    longstride.score(tmp_path / "run", longstride.from_array(values, channels=CHANNELS), tmp_path / "s.parquet")
    scores = pl.read_parquet(tmp_path / "s.parquet")
    row = scores.row(3900, named=True)
    # A hundredth of its size is one standard deviation, at least.
    assert row["error.b"] > (2000 if not quantiles else 20)
    assert row["alarm"]


@pytest.mark.parametrize("name", TASKS)
def test_a_stride_that_leaves_rows_without_a_score_is_doubted(
    runs: Path, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    judged = {"forecast": H, "quantiles": H, "last": 1}.get(name, K)
    missing = []
    for stride in (1, judged, judged + 1):
        caplog.clear()
        longstride.score(runs / name, data_of(), tmp_path / "s.parquet", stride=stride, overwrite=True, alarms=0.1)
        missing.append(pl.read_parquet(tmp_path / "s.parquet")["score"].is_nan().sum())
        assert ("the rows between have none" in caplog.text) == (stride > judged)
    assert missing[0] == missing[1] < missing[2]
