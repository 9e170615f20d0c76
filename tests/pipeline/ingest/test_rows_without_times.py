"""Logs without any time: rows are counted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longstride import Recipe, RecipeError, append, ingest, rebuild
from longstride.storage.open import open_store
from tests.helpers.errors import raises

START = np.datetime64("2031-05-17T08:00", "ns").astype(np.int64)
RECIPE = Recipe(every="25600hz", start="2031-05-17T08:00", max_rejects="3")


def write(path: Path, first: int, count: int, *, bad: int | None = None) -> Path:
    rows = [f"{number},{number * 0.5}" for number in range(first, first + count)]
    if bad is not None:
        rows[bad] = "x,1"
    path.write_text("a,b\n" + "\n".join(rows) + "\n")
    return path


def expected(rows: list[int], rate: int = 25_600) -> list[int]:
    return [int(START) + row * 10**9 // rate for row in rows]


@pytest.mark.parametrize("piece_bytes", [200, 2**20])
def test_rows_are_counted_through_all_files_and_rejects(tmp_path: Path, piece_bytes: int) -> None:
    logs = [write(tmp_path / "a.csv", 0, 300, bad=7), write(tmp_path / "b.csv", 300, 200)]
    report = ingest(logs, tmp_path / "out", RECIPE, piece_bytes=piece_bytes)
    store = open_store(tmp_path / "out")
    rows = [row for row in range(500) if row != 7]
    assert report.num_rows == len(rows)
    assert store.time[0:499].tolist() == expected(rows)
    assert store.values[0:499, 0].tolist() == rows
    assert store.segments.start.tolist() == [0, 7]
    spans = [(file.first_time_ns, file.last_time_ns) for file in report.files]
    assert spans == [tuple(expected([0, 299])), tuple(expected([300, 499]))]


def test_the_same_rows_in_every_format(tmp_path: Path) -> None:
    log = write(tmp_path / "a.csv", 0, 100)
    frame = pl.read_csv(log)
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.ndjson")
    for name in ("a.csv", "a.parquet", "a.ndjson"):
        ingest([tmp_path / name], tmp_path / f"{name}.zarr", RECIPE)
        store = open_store(tmp_path / f"{name}.zarr")
        assert store.time[0:100].tolist() == expected(list(range(100)))


def test_filtered_rows_count_too(tmp_path: Path) -> None:
    log = write(tmp_path / "a.csv", 0, 100)
    recipe = Recipe(every="1s", start="2031-05-17T08:00", sql="SELECT * FROM rows WHERE a >= 10")
    ingest([log], tmp_path / "out", recipe)
    assert open_store(tmp_path / "out").time[0] == START + 10 * 10**9


@pytest.mark.parametrize("sql", ["SELECT * FROM rows WHERE time > '2031-01-01'", 'SELECT a, "time" FROM rows'])
def test_a_query_cannot_use_times_that_are_not_there_yet(tmp_path: Path, sql: str) -> None:
    log = write(tmp_path / "a.csv", 0, 100)
    with raises("sql-invalid", "'time'", "EXCLUDE", kind=RecipeError):
        ingest([log], tmp_path / "out", Recipe(every="1s", start="2031-05-17T08:00", sql=sql))


def test_a_store_of_counted_rows_is_made_again_and_not_appended_to(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", 0, 300)
    ingest([first], tmp_path / "out", RECIPE)
    more = write(tmp_path / "b.csv", 300, 100)
    with raises("recipe-conflict", "2031-05-17T08:00", "--rebuild", kind=RecipeError):
        append([more], tmp_path / "out")
    assert rebuild([more], tmp_path / "out").num_rows == 400
    assert open_store(tmp_path / "out").time[0:400].tolist() == expected(list(range(400)))


@pytest.mark.parametrize(
    ("settings", "code", "facts"),
    [
        ({"every": "1h"}, "time-unnamed", ("--time", "--start")),
        ({"start": "2031-05-17"}, "time-unnamed", ("--every",)),
        ({"every": "1h", "start": "2031-05-17", "time_format": "s"}, "recipe-conflict", ("time-format", "--time")),
        ({"every": "?", "start": "2031-05-17"}, "recipe-unfinished", ('every = "?"', "--every")),
        ({"every": "0hz", "start": "2031-05-17"}, "recipe-value", ("'0hz'",)),
        ({"every": "2000000000hz", "start": "2031-05-17"}, "recipe-value", ("'2000000000hz'",)),
        ({"time": "a", "every": "44100hz"}, "recipe-value", ("'44100hz'",)),
    ],
)
def test_what_is_refused(settings: dict[str, str], code: str, facts: tuple[str, ...]) -> None:
    with raises(code, *facts, kind=RecipeError):
        Recipe(**settings)


def test_rows_beyond_the_last_year(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write(tmp_path / "a.csv", 0, 300)
    with raises("recipe-value", "2261", kind=RecipeError):
        ingest([log], tmp_path / "out", Recipe(every="100w", start="2250-01-01"))


def test_a_first_row_is_not_taken_for_names(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.txt", ["0.25,,3", "0.5,1,4", "0.75,2,5"])
    chosen = {"every": "1s", "start": "2031-05-17T08:00"}
    with raises("header-unreadable", "log.txt", "--header 3"):
        ingest([log], tmp_path / "out", Recipe(**chosen))
    ingest([log], tmp_path / "out", Recipe(**chosen, header=("3",)))
    store = open_store(tmp_path / "out")
    assert store.channels == ("a1", "a2", "a3")
    assert store.values[:, 0].tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("names", "settings"),
    [
        ("0,1,2", {}),
        ("1,2,3", {}),
        ("400,410", {"channels": ("400", "410")}),
        ("400,410", {"exclude": ("410",)}),
        ("400,410", {"sql": 'SELECT *, "400" AS blue FROM rows'}),
        ("400,410", {"header": ("400", "410"), "skip_lines": "1"}),
    ],
)
def test_names_that_are_numbers(
    tmp_path: Path, write_log: Callable[..., Path], names: str, settings: dict[str, Any]
) -> None:
    rows = [",".join(row[: names.count(",") + 1]) for row in ("579", "468")]
    log = write_log("log.txt", [names, *rows])
    report = ingest([log], tmp_path / "out", Recipe(every="1s", start="2031-05-17T08:00", **settings))
    assert report.num_rows == 2


@pytest.mark.parametrize("number", ["0", "1000000000", "100001"])
def test_a_number_of_columns_that_cannot_be(number: str) -> None:
    with raises("recipe-value", "header", kind=RecipeError):
        Recipe(time="a1", header=(number,))
