"""A command that was killed at any step to the disk is run again: it comes to its end, and leaves nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import longstride
from longstride.storage.format import StoreLayout
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.scoring.score_file import ScoreFile
from tests.helpers import killed_commands
from tests.helpers.campaigns import count, trials
from tests.helpers.paths import ROOT
from tests.helpers.runs.training import SIZES, waves

pytestmark = pytest.mark.campaign

ALONE = Ranks(0, 1, torch.device("cpu"))
Make = Callable[..., SeriesStore]


@pytest.fixture
def before(make_store: Make, tmp_path: Path) -> Path:
    """A folder with a log, a mapped and a packed store of it, and a model."""
    folder = tmp_path / "before"
    folder.mkdir()
    make_store(folder / "plant.zarr", waves(3000, 2), chunk_rows=1024)
    return folder


def campaign(folder: Path, *arguments: str) -> list[dict[str, object]]:
    """What came of the second run, for each step at which the first was killed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, killed_commands.__file__, str(folder), str(trials(2, 1000)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=trials(170, 2000))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    count(f"kills of {arguments[0]}, in front of a step to the disk", len(found))
    return found


def assert_recovered(found: list[dict[str, object]], expected: set[str], *, at_least: int) -> None:
    assert len(found) >= at_least
    for one in found:
        assert one["code"] == 0, one
        assert one["has_same_rows"], one
        assert set(one["files"]) == expected, one  # type: ignore[call-overload]


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("to", ["parquet", "arrow"])
def test_export(before: Path, tmp_path: Path, to: str) -> None:
    expected = files_of(before) | {f"out/plant.{to}", f"out/plant.{to}.toml"}
    found = campaign(tmp_path, "export", "plant.zarr", "--to", to, "--out", f"out/plant.{to}")
    assert_recovered(found, expected, at_least=2)


@pytest.mark.parametrize("what", ["pack", "unpack"])
def test_pack_and_unpack(before: Path, tmp_path: Path, what: str) -> None:
    if what == "unpack":
        longstride.pack(before / "plant.zarr", before / "packed.zarr", codec="zstd")
    source, dest = ("plant.zarr", "copy.zarr") if what == "pack" else ("packed.zarr", "copy.zarr")
    whole = tmp_path / "whole.zarr"
    (longstride.pack if what == "pack" else longstride.unpack)(before / source, whole)
    found = campaign(tmp_path, what, source, dest)
    assert_recovered(found, files_of(before) | {f"copy.zarr/{name}" for name in files_of(whole)}, at_least=3)


def log(path: Path, first: int, count: int, broken: str = "") -> None:
    times = np.datetime64("2024-01-01T00:00:00") + np.arange(first, first + count)
    path.write_text("time,a\n" + "".join(f"{time},{row}\n" for row, time in enumerate(times)) + broken)


REPORT = {"report.html", "report.json"}


@pytest.mark.parametrize("how", ["new", "--append", "--rebuild"])
def test_ingest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    log(folder / "first.csv", 0, 2000)
    log(folder / "second.csv", 5000, 1500, "2025-01-01,none\n")
    settings = ["--max-rejects", "10"]
    source = "first.csv" if how == "new" else "second.csv"
    if how != "new":
        recipe = longstride.Recipe(time="time", max_rejects="10")
        monkeypatch.chdir(folder)
        monkeypatch.setattr(StoreLayout, "chunk_rows", 1024)
        longstride.ingest("first.csv", "plant.zarr", recipe)
    more = [how] if how != "new" else ["--time", "time", *settings]
    found = campaign(tmp_path, "ingest", source, "--out", "plant.zarr", *more)
    assert len(found) >= 5
    for one in found:
        assert one["code"] == 0, one
        left = {name for name in one["files"] if "/." in f"/{name}" or name.endswith(".tmp")}  # type: ignore[attr-defined]
        assert not left, one
        assert one["has_same_rows"], one


def test_score(before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(before)
    longstride.train("plant.zarr", "run", **SIZES, device="cpu", max_steps=2)
    longstride.score("run", "plant.zarr", "s.parquet", device="cpu")
    expected = files_of(before)
    found = campaign(tmp_path, "score", "run", "plant.zarr", "--out", "more/scores.parquet", "--device", "cpu")
    assert_recovered(found, expected | {"more/scores.parquet"}, at_least=2)


def test_score_of_new_rows(
    before: Path, make_store: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(before)
    longstride.train("plant.zarr", "run", **SIZES, device="cpu", max_steps=2)
    early = make_store(tmp_path / "early.zarr", waves(3000, 2)[:2000], chunk_rows=1024)
    longstride.score("run", early, "scores.parquet", device="cpu")
    expected = files_of(before)
    command = ["score", "run", "plant.zarr", "--out", "scores.parquet", "--device", "cpu", "--update"]
    found = campaign(tmp_path, *command)
    assert_recovered(found, expected, at_least=2)
    assert all("scores.parquet: 3,000 rows scored" in str(one["printed"]) for one in found)


@pytest.mark.parametrize("is_there", [False, True])
def test_deploy(before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    monkeypatch.chdir(before)
    longstride.train("plant.zarr", "run", **SIZES, model="pca", device="cpu")
    files = {"more/model/" + name for name in ("model.pt2", "card.json", "card.md", "example.npz")}
    expected = files_of(before) | files
    options = ["--overwrite"] if is_there else []
    if is_there:
        longstride.deploy("run", "more/model", to="torch", alarms=0.1)
    found = campaign(tmp_path, "deploy", "run", "--out", "more/model", *options)
    assert_recovered(found, expected, at_least=2)


@pytest.mark.soak
def test_plot(before: Path, tmp_path: Path) -> None:
    store = longstride.open(before / "plant.zarr")
    with ScoreFile(before / "s.parquet", ALONE, store, ("c0",)) as file:
        file.about = {"run": "run", "model": "lstm", "threshold": 1.5}
        file.write(0, np.zeros(store.num_rows), np.zeros(store.num_rows, bool), np.zeros((store.num_rows, 1)))
    expected = files_of(before) | {"plots/a.png"}
    found = campaign(tmp_path, "plot", "s.parquet", "plant.zarr", "--out", "plots/a.png")
    assert_recovered(found, expected, at_least=2)
