"""Scores that were written are not computed again; any other file in their place is an error, and stays."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from longstride.trainer.scoring.score import score
from tests.helpers.errors import raises
from tests.helpers.runs.training import SIZES, waves

Make = Callable[..., SeriesStore]


@pytest.fixture(scope="module")
def made(make_store: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, a run on it, and another run of the same settings that went on for longer."""
    folder = tmp_path_factory.mktemp("made")
    make_store(folder / "plant.zarr", waves(3000, 2), chunk_rows=1024)
    make_store(folder / "other.zarr", waves(3000, 2) + 1, chunk_rows=1024)
    for name, steps in (("run", 2), ("longer", 4)):
        longstride.train(folder / "plant.zarr", folder / name, **SIZES, device="cpu", max_steps=steps)
    return folder


def again(made: Path, out: Path, run: str = "run", store: str = "plant.zarr", **options: Any) -> Any:
    return score(made / run, made / store, out, device="cpu", **options)


def test_the_same_again(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    first = again(made, out)
    before = out.read_bytes()
    second = again(made, out)
    assert (first.was_there, second.was_there) == (False, True)
    facts = ("out", "rows", "covered", "checkpoint", "normal_rows", "independent_rows", "threshold", "alarms")
    assert [getattr(second, name) for name in facts] == [getattr(first, name) for name in facts]
    assert out.read_bytes() == before
    assert not again(made, out, overwrite=True).was_there


def test_the_command_says_that_nothing_was_done(made: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "scores.parquet")
    told = []
    for _ in range(2):
        result = CliRunner().invoke(
            main, ["score", str(made / "run"), str(made / "plant.zarr"), "--out", out, "--device", "cpu"]
        )
        assert result.exit_code == 0, result.output
        told.append("nothing was done" in result.output)
    assert told == [False, True]


@pytest.mark.parametrize(
    "other",
    [{"run": "longer"}, {"store": "other.zarr"}, {"alarms": 0.01}, {"stride": 1}, {"smooth": 2}, {"raw": True}],
    ids=lambda other: next(iter(other)),
)
def test_what_is_of_other_scores(made: Path, tmp_path: Path, other: dict[str, Any]) -> None:
    out = tmp_path / "scores.parquet"
    again(made, out)
    before = out.read_bytes()
    with raises("path-taken", out):
        again(made, out, **other)
    assert out.read_bytes() == before


def test_events_of_scores_that_are_there(made: Path, tmp_path: Path) -> None:
    out, events = tmp_path / "scores.parquet", tmp_path / "events.json"
    again(made, tmp_path / "other.parquet", store="other.zarr", events=events, alarms=0.02)
    of_others = events.read_bytes()
    again(made, out, alarms=0.02)
    with raises("path-taken", events):
        again(made, out, events=events, alarms=0.02)
    assert events.read_bytes() == of_others
    events.unlink()
    for _ in range(2):
        assert again(made, out, events=events, alarms=0.02).was_there
    assert events.read_bytes() != of_others


def test_a_run_that_was_calibrated_again(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    shutil.copytree(made / "run", tmp_path / "run")
    score(tmp_path / "run", made / "plant.zarr", out, device="cpu")
    longstride.calibrate(tmp_path / "run", made / "plant.zarr", device="cpu")
    assert score(tmp_path / "run", made / "plant.zarr", out, device="cpu").was_there
    longstride.calibrate(tmp_path / "run", made / "plant.zarr", device="cpu", split="training")
    with raises("path-taken", out):
        score(tmp_path / "run", made / "plant.zarr", out, device="cpu")


def test_a_run_that_was_trained_again_under_its_name(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    shutil.copytree(made / "run", tmp_path / "run")
    score(tmp_path / "run", made / "plant.zarr", out, device="cpu")
    shutil.rmtree(tmp_path / "run")
    shutil.copytree(made / "longer", tmp_path / "run")
    with raises("path-taken", out):
        score(tmp_path / "run", made / "plant.zarr", out, device="cpu")


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_half_a_file_is_none_of_ours(made: Path, tmp_path: Path, kept: int) -> None:
    out = tmp_path / "scores.parquet"
    again(made, out)
    out.write_bytes(out.read_bytes()[:kept])
    with raises("path-taken", out):
        again(made, out)
