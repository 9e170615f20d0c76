"""The calibration of a run: what is chosen, what is kept, and what is wrong with it."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride.__main__ import main
from longstride.storage.series.segments import Segments
from longstride.storage.store import SeriesStore
from longstride.trainer.calibration.calibration import CALIBRATION_FILE, Calibration
from longstride.trainer.calibration.coverage import bits_of_positions, kept_positions
from longstride.trainer.calibration.sample import RUN_ROWS, choose_runs
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import RunError
from tests.helpers.errors import assert_refused, raises
from tests.helpers.runs.training import FORKING, SIZES, calibration_of, waves

ALONE = Ranks(0, 1, torch.device("cpu"))
MARKED = slice(2600, 2610)


@pytest.fixture(scope="module")
def made(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    labels = np.zeros((3000, 1), np.int8)
    labels[MARKED] = 1
    make_store(folder / "plant.zarr", waves(3000, 2), labels=labels, label_names=["fault"])
    longstride.train(folder / "plant.zarr", folder / "run", **SIZES, device="cpu", max_steps=2)
    return folder


@given(st.integers(1, 200))
def test_positions_reach_from_the_first_to_the_last(window: int) -> None:
    kept, bits = kept_positions(window), bits_of_positions(window)
    assert (kept[0], kept[-1]) == (0, window - 1)
    assert len(kept) == min(window, 8)
    for position in range(window):
        (number,) = np.flatnonzero([bits[position] >> one & 1 for one in range(8)])
        assert abs(kept[number] - position) == abs(kept - position).min()


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 2000)), max_size=6),
    st.integers(1, 40),
    st.integers(1, 4000),
)
def test_runs_are_rows_that_windows_cover(parts: list[tuple[int, int]], window: int, max_rows: int) -> None:
    bounds, at = [], 0
    for gap, length in parts:
        bounds.append((at + gap, at + gap + length))
        at += gap + length
    start, stop = np.array(bounds, np.int64).reshape(-1, 2).T
    runs = choose_runs(Segments(start, stop, np.zeros(len(start), np.int64)), window, max_rows)
    rows = runs.rows() if len(runs.start) else np.empty(0, np.int64)
    covered = [row for begin, end in bounds if end - begin >= window for row in range(begin, end)]
    assert set(rows.tolist()) <= set(covered)
    assert (np.diff(rows) > 0).all()
    assert len(rows) <= max_rows
    assert len(rows) > min(len(covered), max_rows) - RUN_ROWS
    if len(covered) <= max_rows:
        assert rows.tolist() == covered


def test_training_keeps_the_errors_of_held_out_rows_without_labels(made: Path) -> None:
    found = calibration_of(made / "run")
    rows = found.rows.tolist()
    assert (min(rows), max(rows)) == (2415, 2699)  # validation: from 80% to 90%, less K - 1
    assert not set(rows) & set(range(MARKED.start, MARKED.stop))
    assert (found.split, found.series_names) == ("validation", [""])
    assert found.errors.shape == (len(rows), 8, 2)
    assert found.fingerprint


def test_other_rows_on_request(made: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(made / "run", tmp_path / "run"))
    before = calibration_of(run)
    again = longstride.calibrate(run, made / "plant.zarr", device="cpu", batch_size=7)
    assert (again.rows, again.split) == (len(before.rows), "validation")
    torch.testing.assert_close(calibration_of(run).errors, before.errors, rtol=0.01, atol=0.01, equal_nan=True)
    assert calibration_of(run).fingerprint == before.fingerprint
    trained = longstride.calibrate(run, made / "plant.zarr", device="cpu", split="training")
    assert (trained.rows > 2300, trained.split) == (True, "train")
    command = ["calibrate", str(run), str(made / "plant.zarr"), "--split=all", "--device=cpu"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "normal rows of 1 series (all)" in result.output


def test_ranks_make_the_same(made: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(made / "run", tmp_path / "run"))
    longstride.calibrate(run, made / "plant.zarr", device="cpu")
    before = (run / CALIBRATION_FILE).read_bytes()
    launcher = [*FORKING, "--standalone", "--nproc-per-node=2", "-m", "longstride"]
    command = ["calibrate", str(run), str(made / "plant.zarr"), "--device=cpu"]
    result = subprocess.run([sys.executable, *launcher, *command], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("normal rows") == 1
    assert (run / CALIBRATION_FILE).read_bytes() == before


def test_a_run_goes_on_and_is_calibrated_again(made: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(made / "run", tmp_path / "run"))
    old = calibration_of(run)
    (run / CALIBRATION_FILE).unlink()
    longstride.train(made / "plant.zarr", run, **SIZES, device="cpu", max_steps=2, resume=True)
    assert calibration_of(run).state == old.state  # as after a kill between the last step and the calibration
    longstride.train(made / "plant.zarr", run, **SIZES, device="cpu", max_steps=4, resume=True)
    assert calibration_of(run).state != old.state


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "folder", "link", "text"])
def test_a_damaged_calibration_is_one_line(made: Path, tmp_path: Path, damage: str) -> None:
    run = Path(shutil.copytree(made / "run", tmp_path / "run"))
    file = run / CALIBRATION_FILE
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.unlink()
    match damage:
        case "folder":
            file.mkdir()
        case "link":
            file.symlink_to("/dev/zero")
        case _:
            contents = {"cut": data[:-9], "bit": data, "empty": b"", "text": b"[1]\nnothing"}
            file.write_bytes(contents[damage])
    command = ["score", str(run), str(made / "plant.zarr"), "--out", str(tmp_path / "s.parquet"), "--device=cpu"]
    assert_refused(CliRunner().invoke(main, command).output, "calibration-damaged", file, "longstride calibrate")


def test_what_cannot_be_calibrated(made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with raises("run-missing", tmp_path, kind=RunError):
        longstride.calibrate(tmp_path, made / "plant.zarr", device="cpu")
    short = waves(100, 2)
    with raises("no-normal-rows", "16", "--split", kind=RunError):
        longstride.calibrate(made / "run", short, device="cpu")
    with raises("option-value", "test"):
        longstride.calibrate(made / "run", short, device="cpu", split="test")
    caplog.set_level("INFO")
    longstride.train(short, tmp_path / "run", **{**SIZES, "batch_size": 8}, device="cpu", max_steps=1)
    assert any("no calibration" in message for message in caplog.messages)
    with raises("calibration-missing", tmp_path / "run", "longstride calibrate", kind=RunError):
        longstride.score(tmp_path / "run", short, tmp_path / "s.parquet", device="cpu")
    longstride.calibrate(tmp_path / "run", short, device="cpu", split="training")
    assert longstride.score(tmp_path / "run", short, tmp_path / "s.parquet", device="cpu").rows == 100


def test_a_label_that_most_rows_have_is_named(made: Path) -> None:
    labels = {"load_runs": np.arange(3000) % 10 > 0, "fault": np.arange(3000) % 100 == 0}
    marked = longstride.from_array(waves(3000, 2), labels=labels)
    with raises("no-normal-rows", "load_runs is set in 90%", "leave the label out", kind=RunError) as caught:
        longstride.calibrate(made / "run", marked, split="all", device="cpu")
    assert "fault is set" not in str(caught.value)


def test_windows_that_are_farther_apart_than_they_are_long(made: Path, tmp_path: Path) -> None:
    rows = [
        longstride.score(
            made / "run", made / "plant.zarr", tmp_path / f"{stride}.parquet", stride=stride
        ).normal_rows
        for stride in (16, 3000, 10**12)
    ]
    assert rows[0] == rows[1] == rows[2]


def test_normal_rows_without_a_score_are_one_line(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "run", tmp_path / "run")
    one_window = longstride.from_array(waves(30, 2), segments=[(5, 21)])
    longstride.calibrate(tmp_path / "run", one_window, split="all", device="cpu")
    with raises("no-normal-rows", "--stride", kind=RunError):
        longstride.score(tmp_path / "run", made / "plant.zarr", tmp_path / "s.parquet", stride=16, device="cpu")
    assert longstride.score(tmp_path / "run", made / "plant.zarr", tmp_path / "s.parquet", stride=1).covered > 2000


def test_it_says_what_rows_are_like(made: Path, tmp_path: Path) -> None:
    """For rows that are scored as they come: their type, and the longest step within a segment."""
    found = calibration_of(made / "run")
    assert (found.dtype, found.max_gap_ns) == ("float32", 1_500_000_000)
    lines = [f"2024-01-01T00:{row // 60:02}:{row % 60:02},{row % 9}" for row in range(900)]
    (tmp_path / "plant.csv").write_text("\n".join(["time,a", *lines]))
    recipe = longstride.Recipe(time="time", max_gap="10s", dtype="float64")
    longstride.ingest([tmp_path / "plant.csv"], tmp_path / "plant.zarr", recipe)
    sizes: dict[str, Any] = {"window": 8, "stride": 1, "latent": 2, "model": "pca", "device": "cpu"}
    longstride.train(tmp_path / "plant.zarr", tmp_path / "run", **sizes)
    found = calibration_of(tmp_path / "run")
    assert (found.dtype, found.max_gap_ns) == ("float64", 10_000_000_000)
    longstride.train(np.zeros((900, 1), np.float32), tmp_path / "array", **sizes)
    assert calibration_of(tmp_path / "array").max_gap_ns == 0  # nobody said how far apart these are


def test_one_of_an_older_version_is_read(made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copytree(made / "run", tmp_path / "run")
    found = calibration_of(tmp_path / "run")
    older = {name: value for name, value in vars(found).items() if name not in ("dtype", "max_gap_ns")}
    data = io.BytesIO()
    torch.save(older, data)
    head = {"bytes": len(data.getvalue()), "crc32c": f"{google_crc32c.value(data.getvalue()):08x}"}
    path = tmp_path / "run" / CALIBRATION_FILE
    path.write_bytes(json.dumps(head).encode() + b"\n" + data.getvalue())
    again = calibration_of(tmp_path / "run")
    assert (again.dtype, again.held_as, again.max_gap_ns) == ("", np.float32, 0)
    assert again.digest == found.digest
    longstride.Detector(tmp_path / "run", device="cpu")
    longstride.deploy(tmp_path / "run", tmp_path / "out")
    assert sum("`longstride calibrate` again" in message for message in caplog.messages) == 2


@pytest.mark.parametrize(
    ("dtype", "held"),
    [
        ("float16", "float16"),
        ("float64", "float64"),
        ("int16", "float32"),
        ("int32", "float64"),
        ("uint8", "float32"),
    ],
)
def test_rows_keep_the_digits_of_their_type(made: Path, dtype: str, held: str) -> None:
    found = replace(calibration_of(made / "run"), dtype=dtype)
    found.check()
    assert (found.held_as, found.dtype_doubt) == (np.dtype(held), "")


@pytest.mark.parametrize("wrong", [{"dtype": "text"}, {"max_gap_ns": -1}, {"max_gap_ns": 1.5}])
def test_what_rows_cannot_be_like(made: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="type of values"):
        replace(calibration_of(made / "run"), **wrong).check()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda found: {"mean": found.mean * torch.nan},
        lambda found: {"mean": found.mean * torch.inf},
        lambda found: {"scale": found.scale * torch.inf},
        lambda found: {"scale": -found.scale},
        lambda found: {"errors": found.errors[:, :0], "weights": found.weights[:, :0]},
        lambda found: {name: getattr(found, name)[:0] for name in ("errors", "weights", "rows", "series")},
    ],
)
def test_numbers_that_no_calibration_has(made: Path, wrong: Callable[[Calibration], dict[str, Any]]) -> None:
    found = calibration_of(made / "run")
    with pytest.raises(ValueError, match=r"mean|scale|there are no rows"):
        replace(found, **wrong(found)).check()
