"""What names of files say of their rows: series, sensors, dates."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longstride import Recipe, RecipeError, SourceError, append, ingest, rebuild
from longstride.pipeline.ingest.sources.shapes.from_name import base_name
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises

Write = Callable[..., Path]
PREFIX = "(?P<prefix>acc|gyro)"


def lines(first: int, *values: float) -> list[str]:
    return [
        "time,x,y",
        *(f"2024-03-01T00:00:{first + row:02},{value},{-value}" for row, value in enumerate(values)),
    ]


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., SeriesStore]:
    def make(*sources: Path, **settings: Any) -> SeriesStore:
        ingest(list(sources), tmp_path / "made", Recipe(time="time", **settings), piece_bytes=50)
        return open_store(tmp_path / "made")

    return make


Made = Callable[..., SeriesStore]


def test_a_sensor_a_file(made: Made, write_log: Write) -> None:
    sources = [write_log("acc.csv", lines(0, 1, 2)), write_log("gyro.csv", lines(1, 3, 4))]
    store = made(*sources, prefix_from=PREFIX)
    assert store.channels == ("acc/x", "acc/y", "gyro/x", "gyro/y")
    nan = np.nan
    np.testing.assert_array_equal(store.values, [[1, -1, nan, nan], [2, -2, 3, -3], [nan, nan, 4, -4]])


def test_settings_and_queries_name_the_channels_as_they_are_called(made: Made, write_log: Write) -> None:
    sources = [write_log("acc.csv", lines(0, 1, 2)), write_log("gyro.csv", lines(0, 2, 4))]
    store = made(*sources, prefix_from=PREFIX, exclude=("acc/y",), null=("gyro/x=2",), unit=("gyro/x=deg",))
    assert store.channels == ("acc/x", "gyro/x", "gyro/y")
    np.testing.assert_array_equal(store.values, [[1, np.nan, -2], [2, 4, -4]])


def test_several_files_of_one_sensor_are_more_rows(made: Made, write_log: Write) -> None:
    sources = [write_log("acc_1.csv", lines(0, 1, 2)), write_log("acc_2.csv", lines(2, 3, 4))]
    store = made(*sources, prefix_from=PREFIX)
    assert store.channels == ("acc/x", "acc/y")
    assert store.num_rows == 4


def test_a_machine_a_file_and_more_of_them_later(made: Made, write_log: Write, tmp_path: Path) -> None:
    sources = [write_log("fan_1.csv", lines(0, 1, 2)), write_log("pump_1.csv", lines(0, 3))]
    store = made(*sources, series_from=r"(?P<series>\w+)_\d+\.csv")
    assert store.series == ("fan", "pump")
    append([write_log("pump_2.csv", lines(1, 5)), write_log("saw_1.csv", lines(0, 7))], tmp_path / "made")
    store = open_store(tmp_path / "made")
    assert sorted(store.series) == ["fan", "pump", "saw"]
    assert store.num_rows == 5
    rebuild(sources, tmp_path / "made")
    store = open_store(tmp_path / "made")
    assert store.series == ("fan", "pump", "saw")
    np.testing.assert_array_equal(store.values[:, 0], [1, 2, 3, 5, 7])


@pytest.mark.parametrize("kind", ["parquet", "feather", "ndjson", "csv.gz"])
def test_files_of_every_kind(made: Made, tmp_path: Path, kind: str) -> None:
    from tests.helpers.logs.small_logs import write_frame

    frame = pl.DataFrame({"time": ["2024-03-01T00:00:00"], "x": [1.5]})
    for name in ("acc", "gyro"):
        write_frame(frame, tmp_path / f"{name}.{kind}")
    files = [tmp_path / f"{name}.{kind}" for name in ("acc", "gyro")]
    store = made(*files, prefix_from=PREFIX, series_from="(?P<whose>.)[^.]*")
    assert store.series == ("a", "g")
    assert store.channels == ("acc/x", "gyro/x")


def test_folders_name_series_too(made: Made, tmp_path: Path) -> None:
    for name in ("east", "west"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.csv").write_text("\n".join(lines(0, 1)) + "\n")
    store = made(tmp_path / "east" / "log.csv", tmp_path / "west" / "log.csv", series_from="(?P<series>[^/]+)/log")
    assert store.series == ("east", "west")


def test_names_that_do_not_match(made: Made, write_log: Write) -> None:
    other = write_log("other.csv", lines(0, 1))
    with raises("name-unmatched", "other.csv", "prefix-from", PREFIX, kind=SourceError):
        made(write_log("acc.csv", lines(0, 1)), other, prefix_from=PREFIX)
    with raises("name-unmatched", "other.csv", "'series'", kind=SourceError):
        made(other, series_from="other(?P<series>)")
    with raises("column-repeated", "'x'", "(?P<x_of_file>", kind=SourceError):
        made(other, series_from="(?P<x>other)")


@pytest.mark.parametrize("setting", ["series_from", "prefix_from", "date_from"])
@pytest.mark.parametrize("text", ["(", "acc|gyro", "(acc)", "(?P<a>.)(?P<b>.)", r"(?P<a>.)\1", "(?P<a>a(?=b))"])
def test_expressions_that_name_nothing(setting: str, text: str) -> None:
    with raises("recipe-value", setting.replace("_", "-"), repr(text), "one named group", kind=RecipeError):
        Recipe(time="time", **{setting: text})  # type: ignore[arg-type]


def test_an_expression_of_a_stranger_takes_no_longer_than_the_name(made: Made, write_log: Write) -> None:
    log = write_log(f"{'a' * 200}.csv", lines(0, 1))
    with raises("name-unmatched", "series-from", kind=SourceError):
        made(log, series_from="(?P<series>(a+)+)b")


def test_two_homes_of_a_series() -> None:
    with raises("recipe-conflict", "'machine'", "series-from", kind=RecipeError):
        Recipe(time="time", series="machine", series_from="(?P<series>.+)")


def test_names_in_urls() -> None:
    assert base_name("s3://logs/day/acc.csv.gz") == "acc.csv.gz"
    assert base_name("zip://in/acc.csv::file:///logs.zip") == "acc.csv"
