"""Scores of a store, compared with what the model makes of each window by itself."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

from longstride import Split, split_by_time
from longstride.__main__ import main
from longstride.storage.series.segments import Segments
from longstride.storage.store import SeriesStore
from longstride.trainer.calibration.coverage import POWER, kept_positions
from longstride.trainer.calibration.sample import RowSample, sample_rows
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.state import RunState
from longstride.trainer.errors import RunError, SettingsError
from longstride.trainer.loop import Training
from longstride.trainer.scoring.score import score
from longstride.trainer.scoring.score_reader import read_scores
from tests.helpers.errors import assert_refused, raises
from tests.helpers.runs.training import FORKING, settings_for, waves

ALONE = Ranks(0, 1, torch.device("cpu"))
K, STRIDE = 16, 4
SEGMENTS = [(0, 3000, 0), (3007, 6000, 0)]
FAULT = slice(5500, 5600)
MARKED = slice(5000, 5010)


@pytest.fixture(scope="module")
def labelled(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    """Waves with a fault in the test split, labelled, and a label on some held-out rows."""
    values = waves(6000, 4)
    values[FAULT, 1] += 20
    labels = np.zeros((6000, 1), np.int8)
    labels[FAULT] = 1
    labels[MARKED] = 1
    path = tmp_path_factory.mktemp("labelled") / "plant.zarr"
    return make_store(path, values, segments=SEGMENTS, labels=labels, label_names=["fault"])


@pytest.fixture(scope="module")
def trained(labelled: SeriesStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("trained") / "run"
    Training(settings_for(labelled.path, run, epochs=3), ALONE, resume=False).run()
    return run


def errors_of_window(trained: TrainedModel, store: SeriesStore, start: int) -> NDArray[np.float64]:
    """Squared errors (K, N) of one window, NaN where a value is missing."""
    window = torch.tensor(np.asarray(store.values[start : start + K]))[None]
    mask = ~window.isnan()
    inputs = trained.runner.normalisation.apply(window, mask)
    with torch.no_grad():
        error = (trained.model(inputs) - inputs).square()
    return torch.where(mask, error, torch.nan)[0].double().numpy()


def mean_of_windows(
    windows: dict[int, NDArray[np.float64]], row: int, positions: Sequence[int]
) -> NDArray[np.float64]:
    """The mean error (N,) of a row, over the windows in which it lies at these positions, weighted."""
    errors = np.array([windows[row - at][at] for at in positions if row - at in windows])
    weights = [(~np.isnan(windows[row - at])).mean() ** POWER for at in positions if row - at in windows]
    there = ~np.isnan(errors) * np.array(weights)[:, None]
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = np.where(there > 0, errors * there, 0).sum(axis=0) / there.sum(axis=0)
    return found


def test_scores_are_the_mean_error_of_the_windows_that_cover_a_row(
    labelled: SeriesStore, trained: Path, tmp_path: Path
) -> None:
    """By every window for itself: raw errors of all rows, and standardised ones of some."""
    scored = score(trained, labelled, tmp_path / "scores.parquet", batch_size=100, device="cpu", raw=True)
    model = TrainedModel(trained, ALONE)
    table = pl.read_parquet(tmp_path / "scores.parquet")
    kinds = [f"{kind}.{name}" for kind in ("error", "raw") for name in labelled.channels]
    assert table.columns == ["time", "series", "score", "alarm", *kinds]
    np.testing.assert_array_equal(table["time"].to_physical().to_numpy(), labelled.time)

    begun = [
        start
        for first, stop, _ in SEGMENTS
        for start in sorted({*range(first, stop - K + 1, STRIDE), stop - K})  # the last row is covered as well
    ]
    windows = {start: errors_of_window(model, labelled, start) for start in begun}
    expected = np.array(
        [mean_of_windows(windows, row, range(K)) if row not in range(3000, 3007) else [np.nan] * 4
         for row in range(6000)]
    )  # fmt: skip
    raw = table.select(pl.col("^raw.*$")).to_numpy()
    np.testing.assert_allclose(raw, expected, rtol=1e-3, atol=1e-6)
    scores, covered = table["score"].to_numpy(), ~np.isnan(expected).all(axis=1)
    np.testing.assert_array_equal(np.isnan(scores), ~covered)
    assert (scored.rows, scored.covered) == (6000, covered.sum())
    assert scored.alarms == (scores > scored.threshold).sum() == table["alarm"].sum()
    assert table["alarm"].null_count() == (~covered).sum()

    held_out = split_by_time(labelled, window=K, train=0.8, validation=0.1).validation.segments
    ranges = [*zip(held_out.start.tolist(), held_out.stop.tolist(), strict=True)]
    starts = [
        start
        for first, stop in ranges
        for start in range(first, stop - K + 1)
        if start + K <= MARKED.start or start >= MARKED.stop
    ]
    normal = {start: errors_of_window(model, labelled, start) for start in starts}
    every = np.array(list(normal.values()))
    mean, scale = np.nanmean(every, axis=0), np.nanstd(every, axis=0)
    normal = {start: (errors - mean) / scale for start, errors in normal.items()}
    standard = {start: (errors - mean) / scale for start, errors in windows.items()}
    kept = kept_positions(K)
    nearest = np.abs(np.arange(K)[:, None] - kept).argmin(axis=1)
    errors = table.select(pl.col("^error.*$")).to_numpy()
    for row in range(200, 204):
        phase = (row - SEGMENTS[0][0]) % STRIDE
        positions = sorted({int(kept[nearest[at]]) for at in range(phase, K, STRIDE)})
        usual = np.array(
            [mean_of_windows(normal, one, positions) for one in range(ranges[0][0], ranges[-1][1])
             if all(one - at in normal for at in positions)]
        )  # fmt: skip
        here = mean_of_windows(standard, row, range(phase, K, STRIDE))
        expected = (here - np.nanmean(usual, axis=0)) / np.nanstd(usual, axis=0)
        np.testing.assert_allclose(errors[row], expected, rtol=0.01, atol=0.01)
    held_out_rows = len({start + at for start in starts for at in range(K)})
    assert held_out_rows - K < scored.normal_rows <= held_out_rows


def test_only_windows_without_a_label_are_normal(labelled: SeriesStore, trained: Path) -> None:
    model = TrainedModel(trained, ALONE)

    def sample(begin: int, stop: int) -> RowSample | None:
        split = Split("some", Segments(np.array([begin]), np.array([stop]), np.array([0])))
        return sample_rows(model, labelled, split, 8, lambda: False)

    assert sample(MARKED.start - 4, MARKED.stop + 4) is None
    found = sample(4900, 5200)
    assert found is not None
    assert found.rows.tolist() == [*range(4900, MARKED.start), *range(MARKED.stop, 5200)]
    windows = range(4900, MARKED.start - K + 1), range(MARKED.stop, 5200 - K + 1)
    assert (found.weights[:, 0] > 0).sum() == sum(map(len, windows))  # in their first row


def test_a_fault_stands_out(labelled: SeriesStore, trained: Path, tmp_path: Path) -> None:
    score(trained, labelled, tmp_path / "scores.parquet", device="cpu")
    scores = pl.read_parquet(tmp_path / "scores.parquet")["score"].to_numpy()
    normal = np.concatenate([scores[: FAULT.start - K], scores[FAULT.stop + K :]])
    assert np.nanmedian(scores[FAULT]) > 8 * np.nanquantile(normal, 0.99)


@pytest.mark.parametrize("batch_size", [5, 5000])
def test_any_batch_size_gives_the_same(
    labelled: SeriesStore, trained: Path, tmp_path: Path, batch_size: int
) -> None:
    tables = []
    for size in (64, batch_size):
        score(trained, labelled, tmp_path / "scores.parquet", batch_size=size, device="cpu", overwrite=True)
        tables.append(pl.read_parquet(tmp_path / "scores.parquet"))
    assert_same(*tables)


def assert_same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.columns == other.columns
    for name in one.columns[2:]:
        found, expected = (table[name].cast(pl.Float64).to_numpy() for table in (one, other))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert one.select("time", "series").equals(other.select("time", "series"))


def test_any_number_of_processes_gives_the_same(labelled: SeriesStore, trained: Path, tmp_path: Path) -> None:
    score(trained, labelled, tmp_path / "one.parquet", device="cpu")
    launcher = [*FORKING, "--standalone", "--nproc-per-node=3", "-m", "longstride"]
    command = ["score", str(trained), str(labelled.path), "--out", str(tmp_path / "three.parquet"), "--device=cpu"]
    result = subprocess.run([sys.executable, *launcher, *command], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "6,000 rows scored by step-" in result.stdout
    assert_same(pl.read_parquet(tmp_path / "one.parquet"), pl.read_parquet(tmp_path / "three.parquet"))
    assert [path.name for path in tmp_path.iterdir()].count("three.parquet") == 1
    assert not list(tmp_path.glob(".*"))


def test_the_threshold_is_that_of_normal_rows(labelled: SeriesStore, trained: Path, tmp_path: Path) -> None:
    scored = score(trained, labelled, tmp_path / "scores.parquet", alarms=0.05, device="cpu")
    read = read_scores(tmp_path / "scores.parquet", labelled)
    assert read.about["threshold"] == scored.threshold
    assert (read.about["model"], read.about["alarms"]) == ("lstm", 0.05)
    held_out = split_by_time(labelled, window=K, train=0.8, validation=0.1).validation.segments
    scores = read.scores[int(held_out.start[0]) : int(held_out.stop[0])]
    first, last = MARKED.start - K - int(held_out.start[0]), MARKED.stop + K - int(held_out.start[0])
    normal = np.concatenate([scores[:first], scores[last:]])
    assert 0.02 < (normal > scored.threshold).mean() < 0.08


def test_training_on_normal_rows_takes_no_window_with_a_label(
    labelled: SeriesStore, make_store: Callable[..., SeriesStore], tmp_path: Path
) -> None:
    batches = RunState(settings_for(labelled.path, tmp_path / "run", normal_only=True), ALONE).validation_batches
    assert batches is not None
    starts = [start for batch in batches for start in batch.start.tolist() if start >= 0]
    assert starts
    assert not any(start < MARKED.stop and start + K > MARKED.start for start in starts)
    plain = make_store(tmp_path / "plain.zarr", waves(500, 4))
    with raises("no-labels", "--normal-only", kind=SettingsError):
        RunState(settings_for(plain.path, tmp_path / "other", normal_only=True), ALONE)


def test_an_average_of_the_weights_is_what_scores(labelled: SeriesStore, tmp_path: Path) -> None:
    run = tmp_path / "run"
    training = Training(settings_for(labelled.path, run, ema=0.9), ALONE, resume=False)
    training.run()
    found = TrainedModel(run, ALONE).model.state_dict()
    expected = training.state.judged.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_another_store_with_the_same_channels(
    labelled: SeriesStore, trained: Path, make_store: Callable[..., SeriesStore], tmp_path: Path
) -> None:
    other = make_store(tmp_path / "other.zarr", waves(500, 4))
    scored = score(trained, other, tmp_path / "scores.parquet", device="cpu")
    assert scored.rows == 500
    # Rows of a run shorter than a window are out of reach.
    short = make_store(tmp_path / "short.zarr", waves(10, 4))
    assert score(trained, short, tmp_path / "short.parquet", device="cpu").covered == 0


def printed(*arguments: Any) -> str:
    result = CliRunner().invoke(main, ["score", *map(str, arguments)])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    return result.output


def test_a_file_that_cannot_be_written_leaves_nothing(
    labelled: SeriesStore, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    with raises("path-taken", tmp_path / "taken"):
        score(trained, labelled, tmp_path / "taken", device="cpu")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    command = ["score", str(trained), str(labelled.path), "--out", str(tmp_path / "taken")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert_refused(result.output, "path-taken", tmp_path / "taken")


def test_what_does_not_fit_is_one_line(
    labelled: SeriesStore, trained: Path, make_store: Callable[..., SeriesStore], tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "scores.parquet")
    assert_refused(printed(tmp_path, labelled.path, *out), "run-missing", tmp_path)
    narrow = make_store(tmp_path / "narrow.zarr", waves(500, 3))
    assert_refused(printed(trained, narrow.path, *out), "model-channels", "no channel c3")
    empty = tmp_path / "empty"
    empty.mkdir()
    shutil.copy(trained / "settings.json", empty)
    assert_refused(printed(empty, labelled.path, *out), "checkpoint-missing", empty)
    assert not (tmp_path / "scores.parquet").exists()
    run = tmp_path / "run"
    Training(settings_for(labelled.path, run, max_steps=1, validation_share=0.0), ALONE, resume=False).run()
    with raises("calibration-missing", run, "longstride calibrate", kind=RunError):
        score(run, labelled, tmp_path / "scores.parquet", device="cpu")


def test_a_run_is_scored_from_any_folder(
    labelled: SeriesStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was trained by a relative path, and its store has gone since."""
    shutil.copytree(labelled.path, tmp_path / "plant.zarr")
    monkeypatch.chdir(tmp_path)
    Training(settings_for(Path("plant.zarr"), Path("run"), max_steps=2), ALONE, resume=False).run()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    out = ("--out", "scores.parquet", "--overwrite", "--device", "cpu")
    command = ["score", "../run", "../plant.zarr", *out]
    assert CliRunner().invoke(main, command, catch_exceptions=False).exit_code == 0
    (tmp_path / "plant.zarr").rename(tmp_path / "moved.zarr")
    command = ["score", "../run", "../moved.zarr", *out]
    assert CliRunner().invoke(main, command, catch_exceptions=False).exit_code == 0


def test_a_model_that_has_changed_since_is_one_line(
    labelled: SeriesStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    text = (
        "import torch\ndef model(settings, shape):\n    return torch.nn.Linear(shape.channels, shape.channels)\n"
    )
    (tmp_path / "changing.py").write_text(text)
    settings = settings_for(labelled.path, tmp_path / "run", max_steps=2, model="changing:model")
    Training(settings, ALONE, resume=False).run()
    sys.modules.pop("changing")
    (tmp_path / "changing.py").write_text(text.replace("channels)", "channels, bias=False)"))
    with raises("run-differs", tmp_path / "run", "step-000000002", kind=RunError):
        score(tmp_path / "run", labelled, tmp_path / "scores.parquet", device="cpu", trust=True)
    with raises("run-differs", tmp_path / "run", "step-000000002", kind=RunError):
        Training(settings, ALONE, resume=True)
    sys.modules.pop("changing")


def test_ctrl_c_ends_with_the_code_of_that(
    labelled: SeriesStore, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainedModel, "check", interrupted)
    command = ["score", str(trained), str(labelled.path), "--out", str(tmp_path / "scores.parquet")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 130
    assert re.fullmatch(r"Interrupted score \(SIGINT\): .*\n", result.output)
