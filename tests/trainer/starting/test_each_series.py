"""`train --per-series`: a model for each series, scored and calibrated as one run."""

import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

import longstride
from longstride.__main__ import main
from longstride.storage.arrays.data import ArrayData
from longstride.storage.store import SeriesStore
from longstride.trainer.saved.series_index import INDEX_FILE, read_index
from longstride.trainer.starting import each_series
from tests.helpers.errors import raises
from tests.helpers.runs.training import finish, start_training, waves

MakeStore = Callable[..., SeriesStore]
LENGTHS = {"pump/a": 700, "Pump/A": 600, "..": 20, "x" * 300: 650}
QUICK: dict[str, Any] = {"window": 16, "stride": 2, "batch_size": 32, "device": "cpu", "train_share": 0.6}
QUICK |= {"validation_share": 0.3, "hidden": 4, "latent": 3}
SCORED = ("pump/a", "Pump/A", "x" * 300)


def fleet(lengths: dict[str, int] | None = None, factor: float = 1.0) -> ArrayData:
    """Series of different sizes, levels and noise."""
    lengths = LENGTHS if lengths is None else lengths
    values = factor * waves(sum(lengths.values()), 3)
    first = 0
    for number, length in enumerate(lengths.values()):
        values[first : first + length] *= 1 + number
        first += length
    return longstride.from_array(values, series=lengths, labels={"fault": np.arange(len(values)) % 97 == 96})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fleet") / "run"
    longstride.train(fleet(), out, per_series=True, model="pca", **QUICK)
    return out


def folder_of(run: Path, name: str) -> Path:
    return run / read_index(run).folders[name]


def rows_of(scores: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(scores).filter(pl.col("series") == name)


def test_each_series_has_an_ordinary_run_and_one_that_is_too_short_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "longstride"):
        result = longstride.train(fleet(), tmp_path / "run", per_series=True, model="pca", **QUICK)
    assert tuple(result.series) == SCORED
    assert result.finished
    assert result.steps == sum(one.steps for one in result.series.values()) > 0
    assert "'..' (has 20 rows: " in caplog.text
    assert list(result.skipped) == [".."]
    assert result.report is not None
    page = Path(result.report).read_text()
    assert "pump/a" in page
    assert "has 20 rows" in page
    for name in SCORED:
        folder = folder_of(tmp_path / "run", name)
        assert json.loads((folder / "settings.json").read_text())["data"]["series"] == name
        assert {path.name for path in folder.iterdir()} >= {"calibration.pt", "checkpoints", "metrics.jsonl"}
        assert not (folder / "tensorboard").exists()
    assert sorted(path.parent for path in (tmp_path / "run").rglob("settings.json")) == sorted(
        folder_of(tmp_path / "run", name) for name in SCORED
    )


def test_series_without_a_calibration_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    labels = {"runs": np.arange(1200) < 600}
    data = longstride.from_array(waves(1200, 2), series={"always": 600, "never": 600}, labels=labels)
    with caplog.at_level(logging.INFO, "longstride"):
        longstride.train(data, tmp_path / "run", per_series=True, model="pca", **QUICK)
    assert "no calibration, so nothing can be scored yet, for 1 series: 'always': no normal row" in caplog.text


def test_a_model_without_errors_is_named_by_its_series(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    values = waves(1200, 2)
    values[600:] = 1.0
    data = longstride.from_array(values, series={"moving": 600, "still": 600})
    longstride.train(data, tmp_path / "run", per_series=True, model="pca", **QUICK)
    assert "in normal rows of series 'still' of" in caplog.text


def test_a_series_is_trained_on_and_held_out_by_itself(run: Path, tmp_path: Path) -> None:
    """As if its rows were all there are."""
    lengths = list(LENGTHS.items())
    first = 0
    for name, length in lengths:
        if name in SCORED:
            alone = longstride.from_array(fleet().values[first : first + length])
            longstride.train(alone, tmp_path / f"{first}", model="pca", **QUICK)
            losses = [
                json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])["validation_loss"]
                for folder in (tmp_path / f"{first}", folder_of(run, name))
            ]
            assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        first += length


@pytest.mark.parametrize("options", [{}, {"smooth": 5, "raw": True, "aggregate": "max"}])
def test_rows_are_scored_by_the_model_of_their_series(
    run: Path, tmp_path: Path, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    data = fleet()
    result = longstride.score(run, data, tmp_path / "all.parquet", device="cpu", **options)
    found = pl.read_parquet(tmp_path / "all.parquet")
    assert found["series"].to_list() == [name for name, length in LENGTHS.items() for _ in range(length)]
    for name in SCORED:
        own = {"overwrite": True, "device": "cpu", **options}
        longstride.score(folder_of(run, name), data, tmp_path / "own.parquet", **own)
        expected = rows_of(tmp_path / "own.parquet", name).drop("alarm")
        assert rows_of(tmp_path / "all.parquet", name).drop("alarm").equals(expected, null_equal=True)
    nothing = rows_of(tmp_path / "all.parquet", "..")
    assert nothing["score"].is_nan().all()
    assert nothing["alarm"].null_count() == 20
    assert "1 of 4 series have no score" in caplog.text
    assert "'..'" in caplog.text
    assert result.rows - result.covered == 20
    assert found["alarm"].sum() == result.alarms == (found["score"].fill_nan(-1) > result.threshold).sum()


def test_the_threshold_is_that_of_the_normal_rows_of_all(run: Path, tmp_path: Path) -> None:
    data, alarms = fleet(), 0.02
    result = longstride.score(run, data, tmp_path / "all.parquet", device="cpu", stride=1, alarms=alarms)
    owns = [
        longstride.score(folder_of(run, name), data, tmp_path / "own.parquet", overwrite=True, device="cpu",
                         stride=1, alarms=alarms) for name in SCORED
    ]  # fmt: skip
    assert result.normal_rows == sum(own.normal_rows for own in owns)
    thresholds = [own.threshold for own in owns]
    assert min(thresholds) <= result.threshold <= max(thresholds)


def test_events_and_evaluation_take_such_scores(run: Path, tmp_path: Path) -> None:
    data = fleet()
    longstride.score(run, data, tmp_path / "s.parquet", device="cpu", alarms=0.05, events=tmp_path / "e.json")
    assert {event["series"] for event in json.loads((tmp_path / "e.json").read_text())} <= set(SCORED)
    assert {one.series for one in longstride.evaluate(tmp_path / "s.parquet", data).figures} == {*SCORED, "all"}


def test_events_are_the_same_for_all_where_windows_differ(make_store: MakeStore, tmp_path: Path) -> None:
    """A short series has shorter windows, so fewer of its alarms are near each other."""
    segments = [(0, 3000, 0), (3000, 3400, 1)]
    values, labels, broken = waves(3400, 3), np.zeros((3400, 1), np.int8), [2900, 2940, 3340, 3380]
    values[broken, 0] += 400
    labels[broken] = 1
    store = make_store(tmp_path / "fleet.zarr", values, series=("long", "short"), segments=segments, labels=labels,
                       label_names=("fault",))  # fmt: skip
    longstride.train(store, tmp_path / "run", per_series=True, model="pca", train_share=0.5, device="cpu")
    folders = [folder_of(tmp_path / "run", name) for name in ("long", "short")]
    settings = [json.loads((folder / "settings.json").read_text()) for folder in folders]
    assert settings[0]["data"]["window"] > 40 > settings[1]["data"]["window"]
    scores = tmp_path / "s.parquet"
    longstride.score(tmp_path / "run", store, scores, device="cpu", alarms=0.02, events=tmp_path / "e.json")
    found = [event["series"] for event in json.loads((tmp_path / "e.json").read_text())]
    counts = {name: found.count(name) for name in ("long", "short")}
    assert counts["short"] > 1
    figures = longstride.evaluate(scores, store).figures
    assert {one.series: one.events for one in figures} == counts | {"all": len(found)}
    page = CliRunner().invoke(
        main, ["plot", str(scores), str(tmp_path / "fleet.zarr"), "--out", str(tmp_path / "page.html")]
    )
    assert page.exit_code == 0, page.output
    assert f"{len(found)} events" in (tmp_path / "page.html").read_text()


def test_other_stores_with_some_of_the_series(run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = fleet({"new": 100, "pump/a": 300})
    result = longstride.score(run, other, tmp_path / "s.parquet", device="cpu")
    assert result.rows - result.covered == 100
    assert "'new'" in caplog.text
    with raises("run-differs", "no model", kind=longstride.RunError):
        longstride.score(run, fleet({"new": 100}), tmp_path / "t.parquet", device="cpu")


@pytest.mark.parametrize("how", ["index", "folders", "link"])
def test_the_model_of_another_series_scores_nothing(run: Path, tmp_path: Path, how: str) -> None:
    mixed = Path(shutil.copytree(run, tmp_path / "mixed", symlinks=True))
    one, other = SCORED[0], SCORED[2]
    match how:
        case "index":
            index = json.loads((mixed / INDEX_FILE).read_text())
            index["folders"] |= {one: index["folders"][other], other: index["folders"][one]}
            (mixed / INDEX_FILE).write_text(json.dumps(index))
        case "folders":
            shutil.rmtree(folder_of(mixed, one))
            shutil.copytree(folder_of(run, other), folder_of(mixed, one), symlinks=True)
        case "link":
            longstride.train(fleet(), tmp_path / "all", model="pca", **QUICK | {"split": "within-series"})
            shutil.rmtree(folder_of(mixed, one))
            folder_of(mixed, one).symlink_to(tmp_path / "all")
    with raises("run-damaged", INDEX_FILE, one, "trained on"):
        longstride.score(mixed, fleet(), tmp_path / "scores.parquet", device="cpu")
    with raises("run-damaged", INDEX_FILE, one, "trained on"):
        longstride.calibrate(mixed, fleet(), device="cpu")
    assert not (tmp_path / "scores.parquet").exists()


def test_calibration_of_each_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    longstride.train(fleet(), tmp_path / "run", per_series=True, model="pca", **QUICK)
    files = [folder_of(tmp_path / "run", name) / "calibration.pt" for name in SCORED]
    before = [file.read_bytes() for file in files]
    made = longstride.calibrate(tmp_path / "run", fleet(), device="cpu")
    assert made.series == 3
    assert [file.read_bytes() for file in files] == before
    everything = longstride.calibrate(tmp_path / "run", fleet(), split="all", device="cpu")
    assert everything.rows > made.rows
    files[0].unlink()
    longstride.score(tmp_path / "run", fleet(), tmp_path / "s.parquet", device="cpu")
    assert rows_of(tmp_path / "s.parquet", "pump/a")["score"].is_nan().all()
    assert "2 of 4 series have no score" in caplog.text
    with raises("run-differs", kind=longstride.RunError):
        longstride.calibrate(tmp_path / "run", fleet({"new": 500}), device="cpu")


def test_what_takes_one_model_names_the_folders(run: Path, tmp_path: Path) -> None:
    with raises("run-exists", "--per-series", kind=longstride.RunError):
        longstride.train(fleet(), run, model="pca", **QUICK)
    with raises("run-exists", "--resume", kind=longstride.RunError):
        longstride.train(fleet(), run, per_series=True, model="pca", **QUICK)
    longstride.train(fleet(), tmp_path / "one", model="pca", **QUICK)
    with raises("run-exists", "leave out --per-series", kind=longstride.RunError):
        longstride.train(fleet(), tmp_path / "one", per_series=True, model="pca", resume=True, **QUICK)
    with raises("option-value", "--series", kind=longstride.SettingsError):
        longstride.train(fleet(), tmp_path / "two", per_series=True, series="pump/a", model="pca", **QUICK)
    with raises("option-value", "no series", kind=longstride.SettingsError):
        longstride.train(fleet({"a": 30, "b": 20}), tmp_path / "two", per_series=True, model="pca", **QUICK)
    with raises("run-differs", kind=longstride.RunError):
        longstride.train(fleet(factor=2), run, per_series=True, model="pca", resume=True, **QUICK)
    assert not (tmp_path / "two").exists() or not list((tmp_path / "two").glob("*"))


def test_models_that_have_ended_are_left_alone_when_it_is_resumed(tmp_path: Path) -> None:
    first = longstride.train(fleet(), tmp_path / "run", per_series=True, max_steps=4, **QUICK)
    files = [path for name in SCORED for path in folder_of(tmp_path / "run", name).rglob("*") if path.is_file()]
    times = [path.stat().st_mtime_ns for path in files]
    again = longstride.train(fleet(), tmp_path / "run", per_series=True, max_steps=4, resume=True, **QUICK)
    assert [path.stat().st_mtime_ns for path in files] == times
    assert (again.steps, again.best_validation_loss) == (first.steps, first.best_validation_loss)
    more = longstride.train(fleet(), tmp_path / "run", per_series=True, max_steps=6, resume=True, **QUICK)
    assert [one.steps for one in more.series.values()] == [6, 6, 6]


def test_a_signal_in_one_stops_all_and_the_rest_is_as_if_none_had_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longstride.train(fleet(), tmp_path / "whole", per_series=True, max_steps=40, **QUICK)
    real: Callable[..., Any] = each_series.start_run

    def interrupted(settings: Any, *arguments: Any, **how: Any) -> Any:
        if settings.data.series == "Pump/A":
            os.kill(os.getpid(), signal.SIGTERM)  # noted outside, and seen when this series has ended
        return real(settings, *arguments, **how)

    with monkeypatch.context() as patch:
        patch.setattr(each_series, "start_run", interrupted)
        stopped = longstride.train(fleet(), tmp_path / "run", per_series=True, max_steps=40, **QUICK)
    assert (stopped.finished, stopped.stopped_by) == (False, signal.SIGTERM)
    assert list(stopped.series) == ["pump/a", "Pump/A"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    done = longstride.train(fleet(), tmp_path / "run", per_series=True, max_steps=40, resume=True, **QUICK)
    assert done.finished
    assert len(done.series) == 3
    scores = []
    for name in ("whole", "run"):
        longstride.score(tmp_path / name, fleet(), tmp_path / f"{name}.parquet", device="cpu")
        scores.append(pl.read_parquet(tmp_path / f"{name}.parquet"))
    assert scores[0].equals(scores[1])


def test_one_that_diverges_does_not_take_the_others_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = each_series.start_run

    def diverging(settings: Any, *arguments: Any, **how: Any) -> Any:
        if settings.data.series == "Pump/A":
            settings = replace(settings, optimiser=replace(settings.optimiser, loss=f"{__name__}:far_off"))
        return real(settings, *arguments, **how)

    with monkeypatch.context() as patch:
        patch.setattr(each_series, "start_run", diverging)
        with raises(
            "loss-not-finite", "1 series: 'Pump/A'", "the other 2 models", kind=longstride.DivergenceError
        ):
            longstride.train(fleet(), tmp_path / "run", per_series=True, max_steps=4, **QUICK)
    assert "Diverged" in (tmp_path / "run" / "report.html").read_text()
    longstride.score(tmp_path / "run", fleet(), tmp_path / "s.parquet", device="cpu")
    scores = pl.read_parquet(tmp_path / "s.parquet").group_by("series").agg(pl.col("score").is_nan().all())
    assert dict(scores.iter_rows()) == {"pump/a": False, "Pump/A": True, "..": True, "x" * 300: False}


def far_off(prediction: Tensor, target: Tensor) -> Tensor:
    """A loss that is never finite."""
    return (prediction - target).abs() * torch.inf


def test_each_begins_with_the_weights_of_its_series(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    longstride.train(fleet(), tmp_path / "run", per_series=True, max_steps=30, **QUICK)
    data = fleet({"pump/a": 700, "new": 600})
    more = longstride.train(data, tmp_path / "more", per_series=True, max_steps=1, from_=tmp_path / "run", **QUICK)
    drawn = longstride.train(data, tmp_path / "drawn", per_series=True, max_steps=1, **QUICK)
    assert more.series["pump/a"].first_loss != drawn.series["pump/a"].first_loss
    assert more.series["new"].first_loss == drawn.series["new"].first_loss
    assert "has no model for 'new'" in caplog.text
    one = {**QUICK, "max_steps": 1, "from_": tmp_path / "run"}
    with raises("run-of-series", "series/000000-pump-a", kind=longstride.RunError):
        longstride.train(data, tmp_path / "one", **one)


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "[]",
        '{"of": "x", "fingerprint": "y", "folders": {"pump/a": "../elsewhere"}, "skipped": {}}',
        '{"of": "x", "fingerprint": "y", "folders": {"pump/a": "series/000000-../x"}, "skipped": {}}',
        '{"of": "x", "fingerprint": "y", "folders": {"a": "series/000000", "b": "series/000000"}, "skipped": {}}',
        '{"of": "x", "fingerprint": 5, "folders": {}, "skipped": {}}',
    ],
)
def test_an_index_that_is_damaged_or_leads_elsewhere_is_refused(tmp_path: Path, damage: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / INDEX_FILE).write_text(damage)
    with raises("run-damaged", INDEX_FILE, kind=longstride.RunError):
        longstride.score(tmp_path / "run", fleet(), tmp_path / "s.parquet", device="cpu")
    with raises("run-damaged", INDEX_FILE, kind=longstride.RunError):
        longstride.calibrate(tmp_path / "run", fleet(), device="cpu")


def test_one_that_is_killed_resumes_in_the_series_where_it_was(make_store: MakeStore, tmp_path: Path) -> None:
    store = tmp_path / "fleet.zarr"
    make_store(store, waves(2000, 3), series=["a", "b"], segments=[(0, 900, 0), (900, 2000, 1)])
    flags = ("--per-series", "--epochs=12", "--validation-share=0.2")
    killed = start_training(store, tmp_path / "run", *flags)
    while not list((tmp_path / "run").glob("series/000001*/checkpoints/step-*/complete")):
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    first = next((tmp_path / "run").glob("series/000000*/metrics.jsonl")).read_bytes()
    finish(start_training(store, tmp_path / "run", *flags, "--resume"))
    assert next((tmp_path / "run").glob("series/000000*/metrics.jsonl")).read_bytes() == first
    finish(start_training(store, tmp_path / "whole", *flags))
    scores = []
    for name in ("run", "whole"):
        longstride.score(tmp_path / name, store, tmp_path / f"{name}.parquet", device="cpu")
        scores.append(pl.read_parquet(tmp_path / f"{name}.parquet"))
    assert scores[0].equals(scores[1])


def test_the_command_and_two_processes(make_store: MakeStore, tmp_path: Path) -> None:
    values = waves(2000, 3)
    store = tmp_path / "fleet.zarr"
    make_store(store, values, series=["a", "b"], segments=[(0, 900, 0), (900, 2000, 1)])
    flags = ("--per-series", "--max-steps=6", "--validation-share=0.2")
    output, _ = finish(start_training(store, tmp_path / "two", *flags, num_ranks=2))
    assert output.startswith("2 models, 12 steps")
    finish(start_training(store, tmp_path / "one", *flags))
    results = []
    for name in ("one", "two"):
        done = CliRunner().invoke(
            main, ["score", str(tmp_path / name), str(store), "--out", str(tmp_path / f"{name}.parquet")]
        )
        assert done.exit_code == 0, done.output
        results.append(pl.read_parquet(tmp_path / f"{name}.parquet")["score"].to_numpy())
    np.testing.assert_allclose(*results, rtol=0.02, atol=0.02)
