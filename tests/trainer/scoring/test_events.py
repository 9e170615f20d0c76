"""Alarms merged to events, compared with row after row, and the files that they are written to."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride.storage.arrays.data import ArrayData
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.scoring import score_file
from longstride.trainer.scoring.events import Event, events_of
from longstride.trainer.scoring.settings import ScoreOptions
from tests.helpers.errors import raises
from tests.helpers.runs.training import SIZES, waves

ALONE = Ranks(0, 1, torch.device("cpu"))
ROWS = 60


def events(path: Path, data: ArrayData, scores: np.ndarray, errors: np.ndarray, window: int) -> list[Event]:
    with score_file.ScoreFile(path, ALONE, data, ("a", "b"), overwrite=True) as file:
        file.write(0, scores, scores > 1, errors)
    return list(events_of(path, data, ("a", "b"), window))


@given(
    rows=st.sets(st.integers(0, ROWS - 1)),
    cut=st.integers(1, ROWS - 1),
    window=st.integers(1, 9),
    batch=st.integers(1, ROWS),
)
def test_alarms_near_each_other_are_one(
    tmp_path_factory: pytest.TempPathFactory, rows: set[int], cut: int, window: int, batch: int
) -> None:
    random = np.random.default_rng(len(rows) + cut)
    scores = np.where(np.isin(np.arange(ROWS), list(rows)), 1.5 + random.random(ROWS), random.random(ROWS))
    errors = random.random((ROWS, 2))
    data = longstride.from_array(np.zeros((ROWS, 2), np.float32), segments=[(0, cut), (cut, ROWS)])
    parts = score_file.pq.ParquetFile.iter_batches
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            score_file.pq.ParquetFile, "iter_batches",
            lambda file, **options: parts(file, **{"batch_size": batch, **options}),
        )  # fmt: skip
        found = events(tmp_path_factory.mktemp("events") / "s.parquet", data, scores, errors, window)
    groups: list[list[int]] = []
    for row in sorted(rows):
        if groups and row - groups[-1][-1] < window and (row < cut) == (groups[-1][-1] < cut):
            groups[-1].append(row)
        else:
            groups.append([row])
    assert [(one.first_row, one.last_row, one.alarms) for one in found] == [
        (group[0], group[-1], len(group)) for group in groups
    ]
    for one, group in zip(found, groups, strict=True):
        assert one.peak == scores[group].max()
        shares = errors[group].sum(axis=0) / errors[group].sum()
        largest = int(shares.argmax())
        assert next(iter(one.channels)) == "ab"[largest]
        assert len(one.channels) == (1 if shares[largest] >= 0.8 else 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ArrayData]:
    run = tmp_path_factory.mktemp("made") / "run"
    longstride.train(waves(6000, 3), run, **SIZES, device="cpu", epochs=2)
    values = waves(2000, 3)
    values[1000:1040, 1] += 20
    time = np.datetime64("2024-03-01", "ns") + np.arange(2000) * np.timedelta64(1, "s")
    return run, longstride.from_array(values, channels=["c0", "c1", "c2"], time=time)


def score(made: tuple[Path, ArrayData], tmp_path: Path, name: str, **more: Any) -> longstride.ScoreResult:
    out, events = tmp_path / f"{name}.parquet", tmp_path / name
    return longstride.score(*made, out, events=events, alarms=0.002, device="cpu", overwrite=True, **more)


def test_the_same_events_in_each_kind_of_file(made: tuple[Path, ArrayData], tmp_path: Path) -> None:
    for name in ("e.json", "e.csv", "e.parquet"):
        score(made, tmp_path, name)
    found = json.loads((tmp_path / "e.json").read_text())
    (fault,) = [one for one in found if one["first_row"] <= 1020 <= one["last_row"]]
    assert fault["channels"]["c1"] > 0.5
    assert fault["start"].startswith("2024-03-01T00:16:")
    assert fault["peak"] == max(one["peak"] for one in found)
    rows = list(csv.DictReader((tmp_path / "e.csv").read_text().splitlines()))
    table = pl.read_parquet(tmp_path / "e.parquet")
    assert table.columns == list(fault)
    for one, row, line in zip(found, rows, table.to_dicts(), strict=True):
        assert json.loads(row["channels"]) == json.loads(line["channels"]) == one["channels"]
        assert float(row["peak"]) == line["peak"] == one["peak"]
        assert (
            (row["start"], int(row["alarms"])) == (line["start"], line["alarms"]) == (one["start"], one["alarms"])
        )


def test_none_is_a_file_as_well(made: tuple[Path, ArrayData], tmp_path: Path) -> None:
    data = longstride.from_array(waves(10, 3))
    longstride.score(made[0], data, tmp_path / "s.parquet", events=tmp_path / "e.json", device="cpu")
    assert json.loads((tmp_path / "e.json").read_text()) == []
    longstride.score(made[0], data, tmp_path / "t.parquet", events=tmp_path / "e.parquet", device="cpu")
    assert len(pl.read_parquet(tmp_path / "e.parquet")) == 0


def test_a_wrong_file_is_refused_before_the_work(made: tuple[Path, ArrayData], tmp_path: Path) -> None:
    with raises("option-value", "--events", ".json", kind=longstride.SettingsError):
        longstride.score(*made, tmp_path / "s.parquet", events=tmp_path / "e.txt", device="cpu")
    (tmp_path / "e.json").write_text("mine")
    with raises("path-taken", tmp_path / "e.json"):
        longstride.score(*made, tmp_path / "s.parquet", events=tmp_path / "e.json", device="cpu")
    assert (tmp_path / "e.json").read_text() == "mine"
    assert not (tmp_path / "s.parquet").exists()


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"events": "./scores.parquet"}, "another file than the scores"),
        ({"events": "~/scores.parquet", "out": "~/a/../scores.parquet"}, "another file than the scores"),
        ({"events": "events.txt"}, ".json"),
        ({"largest": 2}, "--aggregate"),
    ],
)
def test_options_that_do_harm_or_nothing_are_refused(options: dict[str, Any], fact: str) -> None:
    with raises("option-value", fact):
        ScoreOptions(**{"run": "run", "store": "plant.zarr", "out": "scores.parquet", **options})


def test_events_do_not_replace_the_scores(made: tuple[Path, ArrayData], tmp_path: Path) -> None:
    out, link = tmp_path / "s.parquet", tmp_path / "e.parquet"
    longstride.score(*made, out, device="cpu")
    before = out.read_bytes()
    link.symlink_to(out)
    for events in (out, link):
        with raises("option-value", "--events", kind=longstride.SettingsError):
            longstride.score(*made, out, events=events, device="cpu", overwrite=True)
    assert out.read_bytes() == before


def test_an_infinite_error_is_an_event_of_finite_numbers(made: tuple[Path, ArrayData], tmp_path: Path) -> None:
    values = waves(500, 3)
    values[300, 1] = 1e25  # its square is beyond float32
    data = longstride.from_array(values, channels=["c0", "c1", "c2"])
    for name in ("e.json", "e.csv", "e.parquet"):
        longstride.score(made[0], data, tmp_path / f"{name}.parquet", events=tmp_path / name, device="cpu")
    found = json.loads((tmp_path / "e.json").read_text(), parse_constant=pytest.fail)
    (broken,) = [one for one in found if one["first_row"] <= 300 <= one["last_row"]]
    assert broken["peak"] == np.finfo(float).max
    assert sum(broken["channels"].values()) > 0.79
