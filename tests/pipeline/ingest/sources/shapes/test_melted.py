"""A row a day with a column for each time of day, against the same log with a row for each value."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longstride import Recipe, RecipeError, SourceError, append, ingest
from longstride.pipeline.ingest.settings.melt import clock_of
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import write_frame

HOURS = [f"{hour:02}:00" for hour in range(24)]


def meter(num_days: int, names: list[str] = HOURS, first: int = 1) -> pl.DataFrame:
    days = [f"2024-03-{first + day:02}" for day in range(num_days)]
    values = {name: [float(100 * day + column) for day in range(num_days)] for column, name in enumerate(names)}
    return pl.DataFrame({"meter": ["m"] * num_days, "day": days, **values})


def made(frame: pl.DataFrame, tmp_path: Path, kind: str = "csv", **settings: Any) -> SeriesStore:
    write_frame(frame, tmp_path / f"log.{kind}")
    recipe = Recipe(**{"time": "day", "melt": "%H:%M", "exclude": ("meter",), **settings})
    ingest([tmp_path / f"log.{kind}"], tmp_path / "out", recipe, piece_bytes=500)
    return open_store(tmp_path / "out")


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "ndjson", "parquet", "feather"])
def test_each_value_is_a_row(tmp_path: Path, kind: str) -> None:
    store = made(meter(9), tmp_path, kind)
    assert store.channels == ("value",)
    expected = [100 * day + hour for day in range(9) for hour in range(24)]
    np.testing.assert_array_equal(store.values[:, 0], expected)
    assert set(np.diff(store.time)) == {3600 * 10**9}


def test_the_end_of_an_hour(tmp_path: Path) -> None:
    store = made(
        meter(2, [f"H{hour}" for hour in range(1, 25)]), tmp_path, melt="H%H", time_format="%Y-%m-%d %H:%M"
    )
    moments = np.asarray(store.time).view("datetime64[ns]")
    assert moments[0] == np.datetime64("2024-03-01T01:00")
    assert moments[23] == np.datetime64("2024-03-02T00:00")


def test_series_queries_missing_values_and_more_days(tmp_path: Path) -> None:
    frame = meter(3).with_columns(pl.when(pl.col("day") > "2024-03-01").then("05:00").alias("05:00"))
    store = made(frame, tmp_path, series="meter", exclude=(), sql="SELECT *, value * 2 AS twice FROM rows")
    assert store.series == ("m",)
    assert store.channels == ("value", "twice")
    assert np.isnan(store.values[5, 0])
    assert store.num_rows == 72
    write_frame(meter(2, first=4), tmp_path / "more.csv")
    append([tmp_path / "more.csv"], tmp_path / "out")
    assert open_store(tmp_path / "out").num_rows == 120


def test_what_cannot_be_read_is_a_reject_of_its_line(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("a.csv", ["day,00:00,12:00", "2024-03-01,1,2", "2024-03-02,x,4"])
    report = ingest([log], tmp_path / "out", Recipe(time="day", melt="%H:%M", max_rejects="1"))
    assert report.rejects is not None
    rejects = pl.read_parquet(report.rejects)
    assert rejects.select("line", "raw").rows() == [(3, "2024-03-02,x,4")]
    assert report.files[0].rows_in == 4
    assert open_store(tmp_path / "out").num_rows == 3


def test_misuse(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("a.csv", ["day,00:00,12:00,value", "2024-03-01,1,2,3"])
    with raises("column-repeated", "'value'", "melt", kind=SourceError):
        ingest([log], tmp_path / "out", Recipe(time="day", melt="%H:%M"))
    with raises("column-missing", "H%H", "'00:00'", kind=SourceError):
        ingest([log], tmp_path / "out", Recipe(time="day", melt="H%H"))
    for format_ in ("%M", "%H:%H", "%d", "H", "%H:%M:%f"):
        with raises("recipe-value", "melt", format_, kind=RecipeError):
            Recipe(time="day", melt=format_)
    with raises("recipe-conflict", "melt", "--time", kind=RecipeError):
        Recipe(every="1s", start="2024-03-01", melt="%H:%M")


@pytest.mark.parametrize(
    ("name", "format_", "clock"),
    [
        ("0:15", "%H:%M", "00:15"),
        ("24:00", "%H:%M", "24:00"),
        ("24:30", "%H:%M", None),
        ("25:00", "%H:%M", None),
        ("H7", "H%H", "07:00"),
        ("0030", "%H%M", "00:30"),
        ("00:00:15", "%H:%M:%S", "00:00:15"),
        ("kWh 00.30", "kWh %H.%M", "00:30"),
        ("00:30 (A)", "%H:%M", None),
    ],
)
def test_names_as_times_of_day(name: str, format_: str, clock: str | None) -> None:
    assert clock_of(name, format_) == clock
