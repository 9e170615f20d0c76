"""Several runs that score together: the arithmetic, and the promise of the threshold."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.trainer.errors import RunError, ScoresError
from longstride.trainer.scoring.judges.rarity import Rarity
from tests.helpers.errors import raises
from tests.helpers.runs.promise import ALARMS, ROWS, in_segments, normal_rows

K = 16
COMMON: dict[str, Any] = {"batch_size": 64, "train_share": 0.5, "validation_share": 0.5, "device": "cpu"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models, with windows of different lengths, of one log."""
    folder, values = tmp_path_factory.mktemp("runs"), normal_rows(ROWS, 0)
    longstride.train(values, folder / "pca", model="pca", window=K, stride=8, latent=8, **COMMON)
    longstride.train(values, folder / "nearest", model="nearest", window=12, stride=6, centres=128, **COMMON)
    return [folder / "pca", folder / "nearest"]


def columns(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path)


@pytest.mark.parametrize("stride", [1, 3, K, None])
@pytest.mark.parametrize("length", [ROWS, 4 * K, K + 3])
def test_a_share_of_unseen_rows_is_above(
    runs: list[Path], tmp_path: Path, stride: int | None, length: int
) -> None:
    out = tmp_path / "s.parquet"
    result = longstride.score(runs, in_segments(length), out, stride=stride, alarms=ALARMS, device="cpu")
    scores = columns(out)["score"].drop_nans()
    assert ALARMS / 2 < columns(out)["alarm"].mean() < 2 * ALARMS  # type: ignore[operator]
    assert result.alarms == int((scores > result.threshold).sum())
    assert 0.005 < (scores > 1).mean() < 0.02  # type: ignore[operator]
    assert 0.4 < (scores > 0).mean() < 0.6  # type: ignore[operator]


@pytest.mark.parametrize("options", [{"smooth": 5}, {"threshold": "tail"}, {"aggregate": "log"}], ids=str)
def test_with_options(runs: list[Path], tmp_path: Path, options: dict[str, Any]) -> None:
    longstride.score(runs, in_segments(4 * K), tmp_path / "s.parquet", alarms=ALARMS, device="cpu", **options)
    assert ALARMS / 2 < columns(tmp_path / "s.parquet")["alarm"].mean() < 2 * ALARMS  # type: ignore[operator]


def test_a_score_is_the_mean_rank_of_those_of_each_run(runs: list[Path], tmp_path: Path) -> None:
    data, ranks, errors = normal_rows(3000, 5), [], []
    data[1000:1010] *= 4
    normal = normal_rows(ROWS, 0)
    for run in runs:
        longstride.score(run, data, tmp_path / f"{run.name}.parquet", device="cpu", stride=4)
        alone = columns(tmp_path / f"{run.name}.parquet")
        longstride.score(run, normal, tmp_path / "normal.parquet", device="cpu", stride=4, overwrite=True)
        of_normal = columns(tmp_path / "normal.parquet")["score"].to_numpy()[ROWS // 2 + K :]
        ranks.append(Rarity(of_normal[~np.isnan(of_normal)]).of(alone["score"].to_numpy()))
        errors.append(alone.select(pl.col("^error.*$")).to_numpy())
    longstride.score(runs, data, tmp_path / "both.parquet", device="cpu", stride=4, raw=True)
    found = columns(tmp_path / "both.parquet")
    expected, scores = np.mean(ranks, axis=0), found["score"].to_numpy()
    np.testing.assert_array_equal(np.isnan(scores), np.isnan(expected))
    there = ~np.isnan(scores)
    # Normal rows here are those of the whole split, and there those that the calibration kept.
    order = np.corrcoef(scores[there], expected[there])[0, 1]
    assert order > 0.999
    np.testing.assert_allclose(
        found.select(pl.col("^error.*$")).to_numpy()[there],
        np.mean(errors, axis=0)[there],
        rtol=1e-5,
        atol=1e-5,
    )
    assert found["alarm"][1002:1008].all()
    assert sum(name.startswith("raw.") for name in found.columns) == 4


def test_rows_that_come_later_change_no_score(runs: list[Path], tmp_path: Path) -> None:
    values = normal_rows(4000, 2)
    longstride.score(runs, values, tmp_path / "before.parquet", device="cpu", stride=1)
    broken = np.concatenate([values, 5 * normal_rows(4000, 3)])
    longstride.score(runs, broken, tmp_path / "after.parquet", device="cpu", stride=1)
    before, after = (columns(tmp_path / f"{name}.parquet")["score"][:3980] for name in ("before", "after"))
    np.testing.assert_array_equal(before.to_numpy(), after.to_numpy())


def test_channels_of_either_run_are_written(tmp_path: Path) -> None:
    values = normal_rows(4000, 1)
    data = longstride.from_array(values, channels=["a", "b", "c", "d"])
    of_runs = {"one": ["a", "b", "c"], "two": ["d", "c"]}
    for name, channels in of_runs.items():
        sizes = {"window": 8, "stride": 4, "latent": 4, "channels": channels}
        longstride.train(data, tmp_path / name, model="pca", **sizes, **COMMON)
        longstride.score(tmp_path / name, data, tmp_path / f"{name}.parquet", device="cpu")
    longstride.score([tmp_path / name for name in of_runs], data, tmp_path / "s.parquet", device="cpu")
    one, two, both = (columns(tmp_path / f"{name}.parquet") for name in ("one", "two", "s"))
    assert [name for name in both.columns if name.startswith("error.")] == [f"error.{name}" for name in "abcd"]
    assert both.select("error.a", "error.b").equals(one.select("error.a", "error.b"))
    assert both.select("error.d").equals(two.select("error.d"))
    mean = (one["error.c"] + two["error.c"]) / 2
    np.testing.assert_allclose(both["error.c"], mean, rtol=1e-5, atol=1e-6)
    without = one["score"].is_nan() | two["score"].is_nan()
    assert both["score"].is_nan().to_list() == without.to_list()


def test_the_file_is_one_of_scores_like_any_other(runs: list[Path], tmp_path: Path, make_store: Any) -> None:
    values = normal_rows(3000, 7)
    labels = np.zeros(3000, np.int8)
    values[500:540] += 4
    labels[500:540] = 1
    names = longstride.from_array(values).channels
    make_store(tmp_path / "plant.zarr", values, channels=names, labels=labels[:, None], label_names=["fault"])
    store, out = str(tmp_path / "plant.zarr"), str(tmp_path / "both.parquet")
    command = ["score", *map(str, runs), store, "--out", out, "--device", "cpu", "--events"]
    result = CliRunner().invoke(main, [*command, str(tmp_path / "events.json")])
    assert result.exit_code == 0, result.output
    assert "2 models together" in result.output
    again = CliRunner().invoke(main, [*command, str(tmp_path / "events.json"), "--update"])
    assert "was there already" in again.output
    judged = CliRunner().invoke(main, ["evaluate", out, store, "--json"])
    assert json.loads(judged.output)[0]["auc_pr"] > 0.9
    assert json.loads(judged.output)[0]["model"] == "pca + nearest"
    plotted = CliRunner().invoke(main, ["plot", out, store, "--out", str(tmp_path / "page.html")])
    assert plotted.exit_code == 0, plotted.output
    about = json.loads(pq.read_schema(out).metadata[b"longstride"])
    assert about["window"] == K


def test_runs_of_different_stores_are_refused(runs: list[Path], tmp_path: Path) -> None:
    values, out = normal_rows(2000, 9), tmp_path / "s.parquet"
    longstride.train(normal_rows(6000, 4), tmp_path / "other", model="pca", window=K, latent=8, **COMMON)
    with raises("calibration-differs", "different stores", "longstride calibrate", kind=RunError):
        longstride.score([runs[0], tmp_path / "other"], values, out, device="cpu")
    shutil.copytree(runs[0], tmp_path / "training")
    longstride.calibrate(tmp_path / "training", normal_rows(ROWS, 0), split="training", device="cpu")
    with raises("calibration-differs", "no normal row in common", "--split", kind=RunError):
        longstride.score([runs[1], tmp_path / "training"], values, out, device="cpu")
    with raises("option-value", "run", kind=Exception):
        longstride.score([], values, out, device="cpu")


def test_a_run_with_a_model_for_each_series_is_refused(runs: list[Path], tmp_path: Path) -> None:
    two = longstride.from_array(normal_rows(4000, 1), series={"a": 2000, "b": 2000})
    longstride.train(two, tmp_path / "each", model="pca", window=8, stride=4, per_series=True, device="cpu")
    with raises("run-differs", "each series", kind=RunError):
        longstride.score([runs[0], tmp_path / "each"], normal_rows(500, 1), tmp_path / "s.parquet", device="cpu")


def test_an_update_with_another_stride_blames_the_stride_alone(runs: list[Path], tmp_path: Path) -> None:
    data, out = in_segments(4 * K), tmp_path / "s.parquet"
    longstride.score(runs, data, out, device="cpu")
    for stride, said in ((1, "stride 8,6, now 1,1"), (8, "stride 8,6, now 8,8")):
        with raises("scores-differ", said, kind=ScoresError) as caught:
            longstride.score(runs, data, out, device="cpu", stride=stride, update=True)
        assert "model" not in str(caught.value)
