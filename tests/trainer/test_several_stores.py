"""One model of several stores, and a model for each series of several stores."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.pipeline.loading.loader import WindowLoader
from longstride.storage.open_data import opened_together
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import DivergenceError, RunError, SettingsError
from longstride.trainer.held_out.run_batches import batches_of_run
from longstride.trainer.held_out.run_splits import splits_of_run
from longstride.trainer.saved.series_index import read_index
from longstride.trainer.tasks import make_task
from tests.helpers.errors import assert_refused, raises
from tests.helpers.object_store import environment, make_bucket, serve_s3
from tests.helpers.runs.training import (
    SIZES,
    calibration_of,
    finish,
    lines_of,
    settings_for,
    start_training,
    waves,
)

MakeStore = Callable[..., SeriesStore]
ALONE = Ranks(0, 1, torch.device("cpu"))
QUICK: dict[str, Any] = {**SIZES, "device": "cpu", "model": "pca"}
ROWS = (3000, 2000)
START_NS = 1_700_000_000 * 10**9


@pytest.fixture(scope="module")
def folder(make_store: MakeStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two logs, each in a store, the second with its channels in another order; and both in one store."""
    folder = tmp_path_factory.mktemp("stores")
    values, times = waves(sum(ROWS), 3), START_NS + 10**9 * np.arange(sum(ROWS))
    labels = np.zeros((sum(ROWS), 1), np.int8)
    labels[[500, 4000]] = 1
    common: dict[str, Any] = {"label_names": ["fault"]}
    first, second = slice(0, ROWS[0]), slice(ROWS[0], None)
    make_store(folder / "one.zarr", values[first], time=times[first], series=["p"], labels=labels[first], **common)
    make_store(
        folder / "two.zarr",
        np.ascontiguousarray(values[second][:, [2, 0, 1]]),
        channels=["c2", "c0", "c1"],
        time=times[second],
        series=["q"],
        labels=labels[second],
        **common,
    )
    segments = [(0, ROWS[0], 0), (ROWS[0], sum(ROWS), 1)]
    make_store(
        folder / "both.zarr", values, time=times, series=["p", "q"], segments=segments, labels=labels, **common
    )
    return folder


@pytest.fixture(scope="module")
def stores(folder: Path) -> list[Path]:
    return [folder / "one.zarr", folder / "two.zarr"]


@pytest.fixture(scope="module")
def run(stores: list[Path], folder: Path) -> Path:
    longstride.train(stores, folder / "run", split="within-series", **QUICK)
    return folder / "run"


@pytest.mark.parametrize("how", ["time", "within-series", "by-series"])
@pytest.mark.parametrize("normal_only", [False, True])
def test_the_windows_are_those_of_one_store_of_all_rows(
    stores: list[Path], folder: Path, how: str, normal_only: bool
) -> None:
    changes: dict[str, Any] = {"split": how, "normal_only": normal_only, "train_share": 0.6}
    if how == "by-series":
        changes |= {"train_share": 0.5, "validation_share": 0.5}
    data = settings_for(folder / "both.zarr", folder / "x", **changes).data
    joined, both = opened_together(stores), opened_together(folder / "both.zarr")
    for mine, theirs in zip(splits_of_run(joined, data).parts, splits_of_run(both, data).parts, strict=True):
        assert mine.segments == theirs.segments
        np.testing.assert_allclose(mine.stats(joined).mean, theirs.stats(both).mean)
        np.testing.assert_allclose(mine.stats(joined).std, theirs.stats(both).std)
        if len(mine.segments):
            sizes: dict[str, Any] = {"window": 16, "stride": 4, "batch_size": 32, "shuffle": False}
            one, other = WindowLoader(joined, split=mine, **sizes), WindowLoader(both, split=theirs, **sizes)
            for batch, expected in zip(one, other, strict=True):
                order = batch.start.argsort(stable=True), expected.start.argsort(stable=True)
                np.testing.assert_array_equal(batch.start[order[0]], expected.start[order[1]])
                np.testing.assert_array_equal(batch.values[order[0]], expected.values[order[1]])


def test_a_model_of_two_stores_is_that_of_one_store_of_all_rows(run: Path, folder: Path, tmp_path: Path) -> None:
    longstride.train(folder / "both.zarr", tmp_path / "both", split="within-series", **QUICK)
    losses = [lines_of(out, "validation")[-1]["loss"] for out in (run, tmp_path / "both")]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    mine, theirs = calibration_of(run), calibration_of(tmp_path / "both")
    assert mine.series_names == theirs.series_names == ["p", "q"]
    torch.testing.assert_close(mine.rows, theirs.rows)
    torch.testing.assert_close(mine.series, theirs.series)
    assert set(mine.series.tolist()) == {0, 1}
    assert mine.of == "one.zarr + two.zarr"


def test_the_stores_are_kept_as_absolute_paths_and_one_of_a_list_as_one(
    run: Path, stores: list[Path], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = json.loads((run / "settings.json").read_text())["data"]["store"]
    assert kept == [str(store) for store in stores]
    monkeypatch.chdir(folder)
    longstride.train(["one.zarr"], tmp_path / "alone", **QUICK)
    assert json.loads((tmp_path / "alone" / "settings.json").read_text())["data"]["store"] == str(stores[0])


def test_the_command_takes_several_stores_shares_and_a_file(
    folder: Path, stores: list[Path], tmp_path: Path
) -> None:
    sizes = [f"--{name.replace('_', '-')}={value}" for name, value in QUICK.items()]
    given = ["train", *map(str, stores), "--out", str(tmp_path / "run"), "--weights", "3,1", *sizes]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "run" / "settings.json").read_text())["data"]
    assert written["weights"] == [3, 1]
    file = tmp_path / "run.toml"
    file.write_text(f"store = {[str(store) for store in stores]}\nweights = [3, 1]\n")
    resumed = ["train", "--config", str(file), "--out", str(tmp_path / "run"), "--resume", *sizes]
    assert CliRunner().invoke(main, resumed).exit_code == 0
    file.write_text(f"store = {str(stores[0])!r}\n")
    alone = ["train", "--config", str(file), "--out", str(tmp_path / "alone"), *sizes]
    assert CliRunner().invoke(main, alone).exit_code == 0
    file.write_text('store = ["s3://bucket/a.zarr", "b.zarr"]\n')
    assert_refused(CliRunner().invoke(main, alone).output, "address-untrusted", "s3://bucket/a.zarr")
    file.write_text("store = [1, 2]\n")
    assert_refused(CliRunner().invoke(main, alone).output, "option-value", "store")
    none = CliRunner().invoke(main, ["train", "--out", str(tmp_path / "none")])
    assert "Missing argument" in none.output


def test_shares_of_stores_are_checked(stores: list[Path], tmp_path: Path) -> None:
    for weights in ([1], [1, 0], [1, -1], [1, 2, 3], [float("inf"), 1]):
        with raises("option-value", "--weights", kind=SettingsError):
            longstride.train(stores, tmp_path / "run", **QUICK, weights=weights)
    with raises("option-value", "single store", kind=SettingsError):
        longstride.train(stores[0], tmp_path / "run", **QUICK, weights=[1])
    for more in ({"series": "p"}, {"per_series": True}):
        with raises("option-value", "one series alone", kind=SettingsError):
            longstride.train(stores, tmp_path / "run", **QUICK, weights=[1, 1], **more)
    wrong = ["train", *map(str, stores), "--out", str(tmp_path / "run"), "--weights", "a"]
    assert "list of numbers" in CliRunner().invoke(main, wrong).output


def test_shares_change_what_is_trained_on(stores: list[Path], tmp_path: Path) -> None:
    data: dict[str, Any] = {**QUICK, "split": "within-series"}
    longstride.train(stores, tmp_path / "a", **data, weights=[9, 1])
    longstride.train(stores, tmp_path / "b", **data, weights=[18, 2])
    longstride.train(stores, tmp_path / "c", **data, weights=[1, 9])
    losses = [lines_of(tmp_path / name, "validation")[-1]["loss"] for name in "abc"]
    assert losses[0] == losses[1] != losses[2]


def test_shares_are_not_those_of_what_is_validated_on(stores: list[Path], tmp_path: Path) -> None:
    data, found = opened_together(stores), []
    for more in ({}, {"weights": [9, 1]}):
        settings = settings_for(stores, tmp_path / "run", split="within-series", **QUICK, **more)
        task = make_task(settings, data.name, data.channels, data.label_names)
        batches = batches_of_run(data, settings, task)
        assert batches.validation is not None
        found.append([sorted(start_rows(loader)) for loader in (batches.training, batches.validation)])
    (training, validation), (weighted, same) = found
    assert validation == same
    of_first = [np.mean(np.array(rows) < ROWS[0]) for rows in (training, weighted)]
    assert of_first[0] < 0.7
    assert of_first[1] == pytest.approx(0.9, abs=0.02)


def start_rows(loader: WindowLoader) -> list[int]:
    return [row for batch in loader for row in batch.start.tolist() if row >= 0]


def test_the_same_stores_in_another_order_are_another_run(run: Path, stores: list[Path]) -> None:
    options = {**QUICK, "split": "within-series", "resume": True}
    with raises("run-differs", "another order", f"{stores[0]}, {stores[1]}", kind=RunError):
        longstride.train(stores[::-1], run, **options)
    with raises("run-differs", "other data", kind=RunError):
        longstride.train(stores[0], run, **options)
    assert longstride.train(stores, run, **options).finished


def test_one_series_of_one_of_the_stores(stores: list[Path], tmp_path: Path) -> None:
    longstride.train(stores, tmp_path / "run", series="q", **QUICK)
    calibration = calibration_of(tmp_path / "run")
    assert set(calibration.series.tolist()) == {1}
    assert int(calibration.rows.min()) >= ROWS[0]
    with raises("series-missing", "'p', 'q'", kind=SettingsError):
        longstride.train(stores, tmp_path / "none", series="r", **QUICK)


def test_a_store_that_is_missing_or_given_twice_is_named(stores: list[Path], tmp_path: Path) -> None:
    with raises("store-missing", "nowhere.zarr"):
        longstride.train([*stores, tmp_path / "nowhere.zarr"], tmp_path / "run", **QUICK)
    with raises("store-twice", "one.zarr"):
        longstride.train([*stores, stores[0]], tmp_path / "run", **QUICK)
    assert not (tmp_path / "run").exists()


def test_each_store_is_verified(stores: list[Path], make_store: MakeStore, tmp_path: Path) -> None:
    broken = make_store(tmp_path / "broken.zarr", waves(6000, 3)[::-1].copy(), chunk_rows=1024).path
    longstride.train([stores[0], broken], tmp_path / "whole", split="within-series", verify=True, **QUICK)
    chunk = broken / "values/c.3.0"
    data = bytearray(chunk.read_bytes())
    data[100] ^= 1
    chunk.write_bytes(data)
    with raises("store-damaged", chunk):
        longstride.train([stores[0], broken], tmp_path / "run", split="within-series", verify=True, **QUICK)
    with raises("store-damaged", chunk):
        longstride.calibrate(tmp_path / "whole", [stores[0], broken], verify=True, device="cpu")


def test_calibrating_again_gives_the_same(run: Path, stores: list[Path]) -> None:
    before = calibration_of(run)
    result = CliRunner().invoke(main, ["calibrate", str(run), *map(str, stores), "--device=cpu"])
    assert result.exit_code == 0, result.output
    assert "2 series" in result.output
    assert calibration_of(run).digest == before.digest


def test_some_of_the_stores_do_not_say_which_rows_were_held_out(stores: list[Path], tmp_path: Path) -> None:
    longstride.train(stores, tmp_path / "run", **QUICK, train_share=0.7, validation_share=0.2)
    with raises("option-value", "--split time cuts all stores together", kind=SettingsError):
        longstride.calibrate(tmp_path / "run", stores[0], device="cpu")
    with raises("option-value", str(stores[1]), kind=SettingsError):
        longstride.calibrate(tmp_path / "run", [*stores, waves(900, 3)], device="cpu")
    assert longstride.calibrate(tmp_path / "run", stores[0], device="cpu", split="all").series == 1
    assert longstride.calibrate(tmp_path / "run", stores, device="cpu").series == 1


def test_one_store_is_scored_by_the_model_of_both(run: Path, stores: list[Path], tmp_path: Path) -> None:
    for store, rows, name in zip(stores, ROWS, "pq", strict=True):
        result = longstride.score(run, store, tmp_path / f"{store.stem}.parquet", device="cpu")
        assert result.rows == result.scored == rows
        assert set(pl.read_parquet(result.out)["series"]) == {name}


def test_series_of_one_name_have_the_names_of_their_stores(
    make_store: MakeStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    days = [tmp_path / day / "plant.zarr" for day in ("monday", "tuesday")]
    for number, path in enumerate(days):
        path.parent.mkdir()
        values = waves(1500, 2) * (1 + 9 * number)
        make_store(path, values, series=["pump", f"fan{number}"], segments=[(0, 900, 0), (900, 1500, 1)])
    longstride.train(days, tmp_path / "each", per_series=True, **QUICK)
    folders = read_index(tmp_path / "each").folders
    assert list(folders) == ["monday/plant.zarr: pump", "fan0", "tuesday/plant.zarr: pump", "fan1"]
    kept = json.loads((tmp_path / "each" / folders["fan1"] / "settings.json").read_text())["data"]
    assert kept["series"] == "fan1"
    for path in days:  # each row by the model of its own store: elsewhere all scores would be far off
        caplog.clear()
        scored = longstride.score(tmp_path / "each", path, path.parent / "scores.parquet", device="cpu")
        assert "no score" not in caplog.text
        assert scored.scored == 1500
        assert pl.read_parquet(scored.out)["score"].median() == pytest.approx(0, abs=0.5)
    moved = Path(shutil.copytree(days[0], tmp_path / "wednesday" / "plant.zarr"))
    with caplog.at_level(logging.WARNING, "longstride"):
        longstride.score(tmp_path / "each", moved, tmp_path / "moved.parquet", device="cpu")
    assert "'pump'" in caplog.text
    begun: dict[str, Any] = {**QUICK, "model": "patch", "max_steps": 1, "per_series": True}
    longstride.train(days, tmp_path / "weights", **begun)
    caplog.clear()
    longstride.train(days[1], tmp_path / "warm", from_=tmp_path / "weights", **begun)
    assert "has no model for" not in caplog.text
    assert longstride.calibrate(tmp_path / "each", days, device="cpu").series == 4
    assert longstride.calibrate(tmp_path / "each", days[1], device="cpu").series == 2
    with raises("run-differs", "monday/plant.zarr + tuesday/plant.zarr", kind=RunError):
        longstride.train(days[::-1], tmp_path / "each", per_series=True, resume=True, **QUICK)
    assert longstride.train(days, tmp_path / "each", per_series=True, resume=True, **QUICK).finished


def test_a_series_is_compared_with_the_normal_rows_of_its_own_store(make_store: MakeStore, tmp_path: Path) -> None:
    quiet, loud = tmp_path / "quiet.zarr", tmp_path / "loud.zarr"
    random = np.random.default_rng(0)
    for path, level in ((quiet, 1.0), (loud, 5.0)):
        make_store(path, (level * random.standard_normal((30_000, 2))).astype(np.float32))
    options: dict[str, Any] = {**QUICK, "split": "within-series", "batch_size": 256}
    longstride.train([quiet, loud], tmp_path / "run", **options)
    assert calibration_of(tmp_path / "run").series_names == ["quiet.zarr", "loud.zarr"]
    medians = []
    for path in (quiet, loud):
        longstride.score(tmp_path / "run", path, tmp_path / f"{path.stem}.parquet", device="cpu", stride=8)
        medians.append(pl.read_parquet(tmp_path / f"{path.stem}.parquet")["score"].median())
    assert medians == pytest.approx([0, 0], abs=0.1)


def test_stores_without_labels_are_named_where_normal_rows_are_asked_for(
    stores: list[Path], make_store: MakeStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_store(tmp_path / "bare.zarr", waves(1000, 3), series=["bare"])
    with caplog.at_level(logging.INFO, "longstride"):
        options: dict[str, Any] = {**QUICK, "split": "within-series", "normal_only": True}
        longstride.train([*stores, tmp_path / "bare.zarr"], tmp_path / "run", **options)
    assert "no labels in '" in caplog.text
    with raises("no-labels", kind=SettingsError):
        longstride.train(tmp_path / "bare.zarr", tmp_path / "none", normal_only=True, **QUICK)


def test_arrays_without_times_are_not_cut_with_stores_by_time(stores: list[Path], tmp_path: Path) -> None:
    bare = longstride.from_array(waves(800, 3), channels=["c0", "c1", "c2"])
    with raises("option-value", "within-series", kind=SettingsError):
        longstride.train([stores[0], bare], tmp_path / "run", **QUICK)
    longstride.train([waves(800, 3), waves(900, 3)[100:]], tmp_path / "arrays", **QUICK)
    kept = json.loads((tmp_path / "arrays" / "settings.json").read_text())["data"]["store"]
    assert kept == ["memory://ndarray", "memory://ndarray"]


def test_packed_stores_are_trained_on_as_they_are(run: Path, stores: list[Path], tmp_path: Path) -> None:
    packed = [tmp_path / store.name for store in stores]
    for store, path in zip(stores, packed, strict=True):
        longstride.pack(store, path)
    longstride.train(packed, tmp_path / "run", split="within-series", cache_dir=tmp_path / "cache", **QUICK)
    losses = [lines_of(out, "validation")[-1]["loss"] for out in (run, tmp_path / "run")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_two_processes_follow_the_curve_of_one(stores: list[Path], tmp_path: Path) -> None:
    more = (str(stores[1]), "--epochs=2", "--split=within-series", "--weights=1,2", "--max-steps=40")
    for number in (1, 2):
        finish(start_training(stores[0], tmp_path / str(number), *more, num_ranks=number))
    one, two = ([line["loss"] for line in lines_of(tmp_path / str(number), "train")] for number in (1, 2))
    assert len(one) > 3
    assert two == pytest.approx(one, rel=1e-3)
    finish(start_training(stores[0], tmp_path / "1", *more[:-1], "--max-steps=44", "--resume"))


@pytest.mark.parametrize("split", ["time", "within-series"])
def test_a_copy_that_has_grown_since_is_told(
    make_store: MakeStore, stores: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, split: str
) -> None:
    values, times = waves(sum(ROWS), 3), START_NS + 10**9 * np.arange(sum(ROWS))
    copy, other, resting = (tmp_path / f"{name}.zarr" for name in ("copy", "other", "resting"))
    make_store(copy, values[:1500], time=times[:1500], series=["p"])
    make_store(other, values[::-1][: ROWS[0]].copy(), time=times[: ROWS[0]], series=["p"])
    make_store(resting, np.zeros_like(values[: ROWS[0]]), time=times[: ROWS[0]], series=["p"])
    make_store(tmp_path / "both.zarr", np.zeros_like(values[:1000]), time=times[:1000], series=["p"])
    with caplog.at_level(logging.INFO, "longstride"):
        longstride.train([stores[0], other, resting, tmp_path / "both.zarr"], tmp_path / "a", split=split, **QUICK)
        assert "same rows" not in caplog.text
        longstride.train([other, stores[0], copy], tmp_path / "b", split=split, **QUICK)
    assert "'one.zarr: p and copy.zarr: p' have the same rows at the same times" in caplog.text
    assert ("trained on in the other" in caplog.text) is (split != "time")


def test_packed_stores_at_urls_and_relative_paths(
    run: Path, stores: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stores[0].parent)
    with serve_s3(tmp_path / "s3") as address:
        make_bucket(address, "bucket")
        for name, value in environment(address).items():
            monkeypatch.setenv(name, value)
        url = "s3://bucket/day/two.zarr"
        longstride.pack(stores[1], url)
        longstride.train(["one.zarr", url], tmp_path / "run", split="within-series", **QUICK)
        assert json.loads((tmp_path / "run" / "settings.json").read_text())["data"]["store"] == [
            str(stores[0]),
            url,
        ]
        longstride.calibrate(tmp_path / "run", ["./one.zarr", url], device="cpu")
    losses = [lines_of(out, "validation")[-1]["loss"] for out in (run, tmp_path / "run")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_windows_that_ruin_a_loss_are_named_with_their_stores(stores: list[Path], tmp_path: Path) -> None:
    options: dict[str, Any] = {**QUICK, "model": "lstm", "lr": 1e30, "split": "within-series"}
    with raises("loss-not-finite", stores[0], stores[1], kind=DivergenceError):
        longstride.train(stores, tmp_path / "run", **options)
    starts = json.loads((tmp_path / "run" / "diverged.json").read_text())["starts"]
    assert {start.split(" of ")[1] for start in starts} == {"one.zarr", "two.zarr"}
