"""MDF: groups, clocks, and channels that are no plain numbers."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride import Recipe, ingest, open, profile
from tests.helpers.errors import raises

asammdf = pytest.importorskip("asammdf")

RECIPE = Recipe(time="time")
SECONDS = np.arange(100) / 100
START = datetime(2024, 3, 1, 8, tzinfo=UTC)


def signal(name: str, values: Any, seconds: Any = SECONDS, **options: Any) -> Any:
    return asammdf.Signal(np.asarray(values), seconds, name=name, **options)


def write(path: Path, start: datetime = START, **groups: Any) -> Path:
    is_new = path.suffix == ".mf4"
    with asammdf.MDF(version="4.10" if is_new else "3.30") as file:
        file.start_time = start
        for name, signals in groups.items():
            file.append(signals, comment=name, **({"acq_name": name} if is_new else {}))
        saved = Path(file.save(path.with_suffix(".mf4" if is_new else ".mdf"), overwrite=True))
    return saved.rename(path)


@pytest.mark.parametrize("name", ["log.mf4", "log.mdf", "log.dat"])
def test_groups_of_other_times_are_tables(tmp_path: Path, name: str) -> None:
    slow = signal("t", np.arange(10), np.arange(10))
    path = write(tmp_path / name, fast=[signal("a", SECONDS)], slow=[slow])
    with raises("table-unnamed", "'fast' (100 rows)", "'slow' (10 rows)"):
        ingest(path, tmp_path / "store", RECIPE)
    report = ingest(path, tmp_path / "store", Recipe(time="time", table="slow"))
    assert (report.num_rows, open(tmp_path / "store").channels) == (10, ("t",))
    path = write(tmp_path / name, first=[signal("a", SECONDS)], second=[signal("a", -SECONDS)])
    ingest(path, tmp_path / "joined", RECIPE)
    assert open(tmp_path / "joined").channels == ("first/a", "second/a")
    assert open(tmp_path / "joined").values[:].tolist() == np.float32([SECONDS, -SECONDS]).T.tolist()


def test_a_clock_with_a_zone_and_one_without(tmp_path: Path) -> None:
    naive = START.replace(tzinfo=None)
    for name, start, is_doubt in (("utc.mf4", START, False), ("local.mf4", naive, True), ("old.mdf", START, True)):
        proposed = profile(write(tmp_path / name, start, only=[signal("a", SECONDS)]))
        assert any("zone" in doubt for doubt in proposed.doubts) == is_doubt
        ingest(tmp_path / name, tmp_path / f"{name}.zarr", proposed.recipe)
        assert open(tmp_path / f"{name}.zarr").time[0] == int(START.timestamp()) * 10**9


def test_a_damaged_start_is_not_now(tmp_path: Path) -> None:
    path = write(tmp_path / "log.mdf", only=[signal("a", SECONDS)])
    path.write_bytes(path.read_bytes().replace(b"01:03:2024", b"01:13:2024"))
    with raises("source-damaged", "01:13:2024"):
        ingest(path, tmp_path / "store", RECIPE)


def test_values_that_are_invalid_are_missing(tmp_path: Path) -> None:
    invalid = np.arange(100) % 7 == 0
    path = write(tmp_path / "log.mf4", only=[signal("a", SECONDS, invalidation_bits=invalid)])
    ingest(path, tmp_path / "store", RECIPE)
    assert np.isnan(open(tmp_path / "store").values[:, 0]).tolist() == invalid.tolist()


def test_texts_and_arrays_are_no_channels(tmp_path: Path) -> None:
    texts = signal("s", np.array([b"on", b"off"] * 50), encoding="utf-8")
    path = write(tmp_path / "log.mf4", only=[signal("a", SECONDS), texts, signal("m", np.ones((100, 3)))])
    proposed = profile(path)
    ingest(path, tmp_path / "store", proposed.recipe)
    assert open(tmp_path / "store").channels[0] == "a"
    assert "m" not in open(tmp_path / "store").channels


def test_states_are_their_numbers(tmp_path: Path) -> None:
    conversion = {"val_0": 0, "text_0": b"off", "val_1": 1, "text_1": b"on", "default": b"?"}
    states = signal("state", np.arange(100) % 2, conversion=conversion)
    path = write(tmp_path / "log.mf4", only=[states])
    ingest(path, tmp_path / "store", RECIPE)
    assert open(tmp_path / "store").values[:4, 0].tolist() == [0, 1, 0, 1]


def test_one_name_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "log.mf4", only=[signal("a", SECONDS), signal("a", -SECONDS), signal("time", SECONDS)])
    proposed = profile(path)
    assert any("'a_2'" in doubt for doubt in proposed.doubts)
    ingest(path, tmp_path / "store", RECIPE)
    assert open(tmp_path / "store").channels == ("a", "a_2", "time_2")
