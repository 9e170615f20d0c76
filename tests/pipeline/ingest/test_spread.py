"""Rows of a clock that is coarser than they are: all kept, in the order of the file, each at a time of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longstride import Recipe, append, ingest, rebuild
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.logs.accounts import assert_balanced
from tests.helpers.logs.buckets import tiny_buckets

Log = Callable[..., Path]
MS = 10**6
COARSE = ["time,v", "10,1", "10,2", "11,3", "13,4", "13,5", "13,6", "13,7", "14,8", "14,9"]
SPREAD = [10_000, 10_500, 11_000, 13_000, 13_250, 13_500, 13_750, 14_000, 14_500]


def spread(**settings: Any) -> Recipe:
    return Recipe.from_settings(
        {"time": "time", "time-format": "s", "duplicates": "spread", "spread-over": "1s", **settings}
    )


def times(store: SeriesStore) -> list[float]:
    return [time / MS for time in store.time.tolist()]


def made(tmp_path: Path, files: list[Path], recipe: Recipe) -> SeriesStore:
    """The store, which is the same by pieces of a few bytes and buckets of a few rows."""
    store = assert_balanced(report := ingest(files, tmp_path / "out", recipe))
    assert any("time of its own" in text for text in report.look_at)
    with tiny_buckets():
        other = assert_balanced(ingest(files, tmp_path / "cut", recipe, piece_bytes=9, bucket_bytes=9))
    assert other.attributes == store.attributes
    assert other.time.tolist() == store.time.tolist()
    assert other.values.tolist() == store.values.tolist()
    return store


def test_all_rows_are_kept_between_a_time_and_the_next(tmp_path: Path, write_log: Log) -> None:
    store = made(tmp_path, [write_log("a.csv", COARSE)], spread())
    assert times(store) == SPREAD
    assert store.values[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_second_that_goes_on_in_the_next_file(tmp_path: Path, write_log: Log) -> None:
    files = [write_log("a.csv", COARSE[:6]), write_log("b.csv", [COARSE[0], *COARSE[6:]])]
    assert times(made(tmp_path, files, spread())) == SPREAD
    with raises("order-unknown", "a.csv", "b.csv", "1970-01-01T00:00:13"):
        ingest(files[::-1], tmp_path / "reversed", spread())


def test_each_series_has_its_own_next_time(tmp_path: Path, write_log: Log) -> None:
    lines = ["time,who,v", "10,a,1", "10,b,2", "10,a,3", "10,b,4", "11,b,5", "12,a,6", "12,a,7"]
    store = made(tmp_path, [write_log("a.csv", lines)], spread(series="who", **{"spread-over": "2s"}))
    assert times(store) == [10_000, 11_000, 12_000, 13_000, 10_000, 10_500, 11_000]
    assert store.values[:, 0].tolist() == [1, 3, 6, 7, 2, 4, 5]


def test_a_grid_summarises_the_new_times(tmp_path: Path, write_log: Log) -> None:
    store = made(tmp_path, [write_log("a.csv", COARSE)], spread(every="600ms"))
    assert times(store) == [9_600, 10_200, 10_800, 12_600, 13_200, 13_800, 14_400]
    assert store.values[:, 0].tolist() == [1, 2, 3, 4, 6, 8, 9]


def test_times_that_go_back_are_refused(tmp_path: Path, write_log: Log) -> None:
    log = write_log("a.csv", ["time,who,v", "10,b,1", "12,a,1", "10,a,2", "11,a,3"])
    for settings in ({"piece_bytes": 9}, {}):
        with raises("order-unknown", "a.csv", "1970-01-01T00:00:12", "1970-01-01T00:00:10"):
            ingest([log], tmp_path / "out", spread(series="who"), **settings)
    with raises("order-unknown", "line 4"):
        ingest([log], tmp_path / "out", spread(series="who"))


def test_files_of_two_loggers_at_once_are_refused(tmp_path: Path, write_log: Log) -> None:
    files = [write_log("a.csv", ["time,v", "10,1", "20,2"]), write_log("b.csv", ["time,v", "15,1", "25,2"])]
    with raises("order-unknown", "a.csv", "b.csv", "--series"):
        ingest(files, tmp_path / "out", spread())


def test_append_is_as_if_all_had_been_there(tmp_path: Path, write_log: Log) -> None:
    first, later = write_log("a.csv", COARSE[:8]), write_log("b.csv", [COARSE[0], *COARSE[8:]])
    ingest([first], tmp_path / "out", spread())
    append([later], tmp_path / "out")
    assert times(open_store(tmp_path / "out")) == SPREAD


def test_append_within_a_second_is_refused_and_a_rebuild_mends_it(tmp_path: Path, write_log: Log) -> None:
    first, later = write_log("a.csv", COARSE[:6]), write_log("b.csv", [COARSE[0], *COARSE[6:]])
    ingest([first], tmp_path / "out", spread())
    with raises("rows-not-newer", "b.csv", "1970-01-01T00:00:13", "--rebuild"):
        append([later], tmp_path / "out")
    rebuild([later], tmp_path / "out")
    assert times(open_store(tmp_path / "out")) == SPREAD


@pytest.mark.parametrize(
    "settings",
    [
        {"spread-over": "0s"},
        {"spread-over": "soon"},
        {"spread-over": 1},
    ],
)
def test_lengths_that_mean_nothing(settings: dict[str, Any]) -> None:
    with raises("recipe-value", "spread-over"):
        spread(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"duplicates": "spread"},
        {"duplicates": "first", "spread-over": "1s"},
        {"spread-over": "1s"},
        {"duplicates": "spread", "spread-over": "1s", "pivot": "sensor"},
        {"duplicates": "spread", "spread-over": "1s", "time": [], "every": "1s", "start": "2024-01-01"},
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, Any]) -> None:
    with raises("recipe-conflict", "spread"):
        Recipe.from_settings({"time": "time", **settings})


def test_files_that_differ_in_their_columns_are_refused(tmp_path: Path, write_log: Log) -> None:
    files = [write_log("a.csv", COARSE), write_log("b.csv", ["time,w", "20,1"])]
    with raises("recipe-conflict", "spread", "columns"):
        ingest(files, tmp_path / "out", spread())
