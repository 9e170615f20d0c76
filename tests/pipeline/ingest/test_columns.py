"""Columns that differ between files, columns without a name, and the same log wide, long and keyed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride import Recipe, ingest
from longstride.pipeline.ingest.channel_map import Channel
from longstride.pipeline.ingest.columns import Columns, union_of_channels
from longstride.pipeline.ingest.plan import Plan
from longstride.pipeline.ingest.sources.csv.header import all_different
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.counted import Counted
from tests.helpers.errors import raises

TIMES = [f"2024-03-01 00:00:0{second}" for second in range(10)]
NAN = np.nan


@pytest.fixture
def made(tmp_path: Path, write_log: Callable[..., Path]) -> Callable[..., tuple[SeriesStore, Any]]:
    """`made([log, ...], **settings)`: ingest logs, each a list of lines; store and report."""
    number = 0

    def make(logs: Sequence[Sequence[str]], **settings: Any) -> tuple[SeriesStore, Any]:
        nonlocal number
        number += 1
        sources = [write_log(f"{number}-{index}.csv", log) for index, log in enumerate(logs)]
        recipe = Recipe(**{"time": "time", **settings})
        report = ingest(sources, tmp_path / f"out{number}", recipe, piece_bytes=50)
        return open_store(tmp_path / f"out{number}"), report

    return make


Made = Callable[..., tuple[SeriesStore, Any]]


def rows(columns: str, *lines: Sequence[object]) -> list[str]:
    """Lines of a log; of each row the first is the second of its time."""
    return [f"time,{columns}", *(",".join(map(str, (TIMES[int(str(line[0]))], *line[1:]))) for line in lines)]


def test_columns_of_all_files_as_they_first_come_up(made: Made) -> None:
    logs = [rows("b,a", (0, 1, 2), (1, 3, 4)), rows("c,a", (2, 5, 6)), rows("a,b", (3, 7, 8))]
    store, report = made(logs)
    assert store.channels == ("b", "a", "c")
    np.testing.assert_array_equal(store.values, [[1, 2, NAN], [3, 4, NAN], [NAN, 6, 5], [8, 7, NAN]])
    assert [file.absent for file in report.files] == [("c",), ("b",), ("c",)]
    assert [file.unused for file in report.files] == [(), (), ()]
    store, _ = made([logs[1], logs[2], logs[0]])
    assert store.channels == ("c", "a", "b")
    np.testing.assert_array_equal(store.time, np.array(TIMES[:4], "datetime64[ns]").astype(np.int64))


def test_a_subset_in_the_order_of_the_recipe(made: Made) -> None:
    logs = [rows("b,a,d", (0, 1, 2, "x")), rows("c,a", (1, 5, 6)), rows("d,c", (2, "y", 9))]
    store, report = made(logs, channels=("c", "a"))
    assert store.channels == ("c", "a")
    np.testing.assert_array_equal(store.values, [[NAN, 2], [5, 6], [9, NAN]])
    assert [file.unused for file in report.files] == [("b", "d"), (), ("d",)]
    assert [file.absent for file in report.files] == [("c",), (), ("a",)]
    store, report = made(logs, exclude=("d", "b"))
    assert store.channels == ("a", "c")
    assert [file.unused for file in report.files] == [("b", "d"), (), ("d",)]


def test_rows_of_other_columns_and_one_time_are_joined(made: Made) -> None:
    logs = [
        rows("a", (0, 1), (1, 2), (3, 4)),
        rows("c,b", (1, 10, 20), (2, 30, 40), (3, 50, 60)),
        rows("d", (3, 7)),
    ]
    store, report = made(logs)
    assert store.channels == ("a", "c", "b", "d")
    expected = [[1, NAN, NAN, NAN], [2, 10, 20, NAN], [NAN, 30, 40, NAN], [4, 50, 60, 7]]
    np.testing.assert_array_equal(store.values, expected)
    assert [file.rows_in for file in report.files] == [3, 3, 1]
    assert [file.rows_out + file.merged for file in report.files] == [3, 3, 1]
    assert sum(file.merged for file in report.files) == 3
    assert sum(file.deduplicated for file in report.files) == 0


@pytest.mark.parametrize("order", ["a,b", "b,a"])
def test_rows_of_the_same_columns_and_one_time_are_repetitions(made: Made, order: str) -> None:
    logs = [rows("a,b", (0, 1, 2), (1, 3, 4)), rows(order, (1, 5, 6), (2, 7, 8))]
    with raises("time-repeated", "1-1.csv, line 2: ", "2024-03-01T00:00:01", "1-0.csv, line 3"):
        made(logs)
    other = [5, 6] if order == "a,b" else [6, 5]
    for policy, expected in (("first", [3, 4]), ("last", other), ("mean", np.mean([[3, 4], other], axis=0))):
        store, report = made(logs, duplicates=policy)
        np.testing.assert_array_equal(store.values[1], expected)
        assert sum(file.deduplicated for file in report.files) == 1


def test_a_channel_that_both_rows_of_a_time_have_is_a_repetition(made: Made) -> None:
    logs = [rows("a,b", (0, 1, 2), (1, 3, 4)), rows("b,c", (1, 5, 6), (2, 7, 8))]
    with raises("time-repeated", "1-1.csv, line 2: ", "2024-03-01T00:00:01"):
        made(logs)
    for policy, b in (("first", 4), ("last", 5), ("mean", 4.5)):
        store, _ = made(logs, duplicates=policy)
        np.testing.assert_array_equal(store.values, [[1, 2, NAN], [3, b, 6], [NAN, 7, 8]])
    # What is missing in one of them takes nothing from the other.
    logs = [rows("a,b", (0, 1, 2), (1, 3, "")), rows("b,c", (1, 5, 6), (2, 7, 8))]
    store, _ = made(logs, duplicates="first")
    np.testing.assert_array_equal(store.values[1], [3, 5, 6])


@pytest.mark.parametrize(
    ("log", "settings", "channels", "unused"),
    [
        # An empty name over values, trailing separators, row names of R: told, not stored.
        (["time,a,", f"{TIMES[0]},1,5"], {}, ("a",), ("column_3",)),
        (["time,,a", f"{TIMES[0]},5,1"], {}, ("a",), ("column_2",)),
        (["time,a,,", f"{TIMES[0]},1,,"], {}, ("a",), ("column_3", "column_4")),
        (["time,a", f"{TIMES[0]},1,,"], {}, ("a",), ("column_3", "column_4")),
        (["time,a", f"5,{TIMES[0]},1"], {}, ("a",), ("column_1",)),
        # Named, they are columns like others.
        (["time,,a", f"{TIMES[0]},5,1"], {"channels": ("a", "column_2")}, ("a", "column_2"), ()),
        ([",a", f"{TIMES[0]},1"], {"time": "column_1"}, ("a",), ()),
    ],
)
def test_columns_without_a_name_are_told(
    made: Made, log: list[str], settings: dict[str, Any], channels: tuple[str, ...], unused: tuple[str, ...]
) -> None:
    store, report = made([log], **settings)
    assert store.channels == channels
    assert store.values[0, 0] == 1
    assert report.files[0].unused == unused
    assert store.attributes["sources"][0]["unused"] == list(unused)


def test_a_header_of_27_names_and_rows_of_28_fields(made: Made) -> None:
    names = [f"s{number}" for number in range(26)]
    header = ",".join(["time", *names])
    values = list(range(26))
    named = [",".join(map(str, (number, time, *values))) for number, time in enumerate(TIMES)]
    trailing = [",".join(map(str, (time, *values, ""))) for time in TIMES]
    for lines, unused in ((named, "column_1"), (trailing, "column_28")):
        store, report = made([[header, *lines]])
        assert store.channels == tuple(names)
        np.testing.assert_array_equal(store.values, [values] * len(TIMES))
        assert (report.files[0].unused, report.files[0].rejected) == ((unused,), {})


@pytest.mark.parametrize("width", [1, 2])
def test_wide_long_and_keyed_are_the_same_log(made: Made, width: int) -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(10, 3, width)).round(6)
    columns = ["x", "y"][:width]
    sensors = ["p", "q", "r"]
    names = [f"{sensor}/{column}" if width > 1 else sensor for sensor in sensors for column in columns]
    wide, _ = made([rows(",".join(names), *((row, *values[row].ravel()) for row in range(10)))])
    long = [(row, sensors[k], *values[row, k]) for row in range(10) for k in range(3)]
    head = ",".join(["sensor", *columns])
    split = [
        rows(head, *(line for line in long if line[1] != "q")),
        rows(head, *(line for line in long if line[1] == "q")),
    ]
    for logs in ([rows(head, *long)], [rows(head, *long[::-1])], split):
        pivoted, report = made(logs, pivot="sensor")
        assert pivoted.channels == wide.channels
        assert pivoted.values.tobytes() == wide.values.tobytes()
        assert pivoted.time.tobytes() == wide.time.tobytes()
        assert sum(file.rows_out + file.merged for file in report.files) == 30
        keyed, _ = made(logs, series="sensor")
        assert keyed.series == tuple(sensors)
        np.testing.assert_array_equal(keyed.values, np.float32(values).swapaxes(0, 1).reshape(30, width))


def test_what_is_wrong_with_columns_is_told(made: Made) -> None:
    first, second = rows("a,b", (0, 1, 2)), rows("c", (1, 3))
    with raises("no-channels", "1.csv: ", "--channels", "'a'"):
        made([first, second], channels=("a",))
    with raises("column-missing", "--channels", "'x'"):
        made([first, second], channels=("a", "c", "x"))
    with raises("column-missing", "1.csv: ", "'b'", "'time', 'c'"):
        made([first, second], labels=("b",))
    with raises("no-channels", "--channels"):
        made([second], exclude=("c",))
    with raises("column-missing", "'time'", "--header"):
        made([first[1:]])
    with raises("column-missing", "'1', '1_2'", "--header"):
        made([[f"{TIMES[0]},1,1"]])


def test_the_time_of_several_columns_takes_no_name_of_others() -> None:
    recipe = Recipe(time=("date", "clock"), labels=("_time",))
    columns = Columns.resolve("x", ("date", "clock", "time", "_time", "a"), (), recipe)
    assert columns.time_name == "__time"
    assert columns.channels == ("time", "a")
    assert columns.used == ("date", "clock", "_time", "time", "a")


@pytest.mark.parametrize("how", [{}, {"channels": True}, {"exclude": True}, {"unit": True}, {"rate": True}])
def test_work_grows_with_the_columns_not_with_their_square(how: dict[str, bool]) -> None:
    def looks(size: int) -> int:
        names = [Counted(f"c{number}") for number in range(size)]
        # Other objects of the same names, so that none is found by being the same object.
        chosen = [Counted(f"c{number}") for number in reversed(range(1, size, 2))]
        Counted.looks = 0
        setting = {
            name: tuple(f"{one}=bar" for one in chosen) if name == "unit" else tuple(chosen) for name in how
        }
        recipe = Recipe(time="c0", **setting)
        columns = Columns.resolve("file", names, (), recipe)
        union = union_of_channels([columns, columns], recipe)
        channels = [Channel(name, name) for name in union]
        assert [recipe.unit_of(name) for name in union].count(None) == (
            size // 2 - 1 if "unit" in how else len(union)
        )
        assert len(columns.used) + len(columns.unused) == size
        Plan(recipe=recipe, sources=(), columns=(), channels=(), union=union).check_settings(channels)
        assert len(set(all_different([*names, *chosen]))) == len(names) + len(chosen)
        return Counted.looks

    assert looks(4000) < 3 * looks(2000)
