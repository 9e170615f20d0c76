"""Rows of one time, joined and settled as a loop over them in plain Python does it."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Recipe, ingest
from tests.helpers.errors import raises
from tests.helpers.logs.accounts import assert_balanced
from tests.helpers.logs.buckets import SIZES, mean, tiny_buckets

NS = 10**9
SENSORS = ("flow", "level", "temp")
COLUMNS = ("a", "b", "c")
LABEL = "label"
Row = tuple[int, str, dict[str, int | None], int]
"""Second, sensor, value of each column, label."""


@st.composite
def logs(draw: st.DrawFn, *, pivot: bool) -> list[tuple[list[str], list[Row]]]:
    """Some files: the columns of each, in any order, and its rows."""
    files = []
    for _ in range(draw(st.integers(1, 4))):
        columns = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True))
        row = st.tuples(
            st.integers(-3, 6),
            st.sampled_from(SENSORS) if pivot else st.just(""),
            st.fixed_dictionaries({name: st.one_of(st.none(), st.integers(-9, 9)) for name in columns}),
            st.integers(0, 3),
        )
        files.append((columns, draw(st.lists(row, max_size=12))))
    return files


def write_files(folder: Path, files: Sequence[tuple[list[str], list[Row]]], *, pivot: bool) -> list[Path]:
    paths = []
    for number, (columns, rows) in enumerate(files):
        lines = [",".join([*columns, "label", "time", *(["sensor"] if pivot else [])])]
        for time, sensor, values, label in rows:
            texts = ["" if values[name] is None else str(values[name]) for name in columns]
            lines.append(",".join([*texts, str(label), str(time), *([sensor] if pivot else [])]))
        paths.append(folder / f"{number}.csv")
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths


def brute(
    files: Sequence[tuple[list[str], list[Row]]], policy: str
) -> tuple[dict[int, dict[tuple[str, str], float]], dict[int, int], int, int] | None:
    """Value of each time, sensor and column, label of each time, rows that repeat, and those that then differ.

    None for an error.
    """
    kept: dict[tuple[int, str, frozenset[str]], list[tuple[int, Row]]] = {}
    position = 0
    for columns, rows in files:
        for row in rows:
            kept.setdefault((row[0], row[1], frozenset(columns)), []).append((position, row))
            position += 1
    num_repeated = sum(len(rows) - 1 for rows in kept.values())
    if policy == "error" and num_repeated:
        return None
    chosen = []
    num_differing = 0
    for rows in kept.values():
        keeper = rows[-1 if policy == "last" else 0][1]
        if policy == "same":
            known = dict(keeper[2])
            for _, (_, _, values, label) in rows:
                num_differing += label != keeper[3] or any(
                    None not in (known[name], value) and known[name] != value for name, value in values.items()
                )
                known = {name: values[name] if value is None else value for name, value in known.items()}
            chosen.append((rows[0][0], (*keeper[:2], known, keeper[3])))
            continue
        num_differing += sum(row[2:] != keeper[2:] for _, row in rows)
        chosen += {"last": rows[-1:], "mean": rows}.get(policy, rows[:1])
    cells: dict[int, dict[tuple[str, str], list[int]]] = {}
    labels: dict[int, int] = {}
    for _, (time, sensor, values, label) in sorted(chosen, key=lambda one: one[0]):
        of_time = cells.setdefault(time, {})
        labels[time] = max(label, labels.get(time, 0))
        if policy != "mean":
            pairs = [(of_time.get((sensor, column), []), value) for column, value in values.items()]
            num_differing += any(
                before and value is not None and value != before[-1 if policy == "last" else 0]
                for before, value in pairs
            )
        for column, value in values.items():
            if value is not None:
                of_time.setdefault((sensor, column), []).append(value)
    if policy == "same" and num_differing:
        return None
    settled = {}
    for time, of_time in cells.items():
        if policy == "error" and any(len(values) > 1 for values in of_time.values()):
            return None
        pick: Callable[[list[int]], float] = {"mean": mean, "last": lambda values: values[-1]}.get(  # type: ignore[assignment]
            policy, lambda values: values[0]
        )
        settled[time] = {cell: pick(values) for cell, values in of_time.items()}
    return settled, labels, num_repeated, num_differing


def check(files: list[tuple[list[str], list[Row]]], policy: str, sizes: tuple[int, int], *, pivot: bool) -> None:
    if not any(rows for _, rows in files):
        return
    wanted = brute(files, policy)
    union = list(dict.fromkeys(name for columns, _ in files for name in columns))
    recipe = Recipe(
        time="time",
        time_format="s",
        labels=(LABEL,),
        pivot="sensor" if pivot else None,
        duplicates=policy,
        dtype="float64",
        max_gap="1d",
    )
    with tempfile.TemporaryDirectory() as folder, tiny_buckets():
        paths = write_files(Path(folder), files, pivot=pivot)
        out, (piece_bytes, bucket_bytes) = Path(folder, "out"), sizes
        if wanted is None:
            with raises("time-repeated" if policy == "error" else "rows-differ"):
                ingest(paths, out, recipe, piece_bytes=piece_bytes, bucket_bytes=bucket_bytes)
            assert not out.exists()
            return
        cells, labels, num_repeated, num_differing = wanted
        report = ingest(paths, out, recipe, piece_bytes=piece_bytes, bucket_bytes=bucket_bytes)
        store = assert_balanced(report)
        sensors = sorted({row[1] for _, rows in files for row in rows})
        places = [(sensor, column) for sensor in sensors for column in union]
        if not pivot:
            assert store.channels == tuple(union)
        elif len(union) == 1:
            assert store.channels == tuple(sensors)
        else:
            assert store.channels == tuple("/".join(place) for place in places)
        times = sorted(cells)
        assert store.time.tolist() == [time * NS for time in times]
        table = [[cells[time].get(place, np.nan) for place in places] for time in times]
        np.testing.assert_array_equal(store.values, table)
        assert store.labels is not None
        assert store.labels[:, 0].tolist() == [labels[time] for time in times]
        assert sum(file.deduplicated for file in report.files) == num_repeated
        assert sum(file.differing for file in report.files) == num_differing
        num_rows = sum(len(rows) for _, rows in files)
        assert sum(file.merged for file in report.files) == num_rows - num_repeated - len(times)
        whole = assert_balanced(ingest(paths, Path(folder, "whole"), recipe))
        assert whole.attributes == store.attributes


@settings(max_examples=30, deadline=None)
@given(logs(pivot=False), st.sampled_from(["first", "last", "mean", "same", "error"]), SIZES)
def test_files_of_different_columns(
    files: list[tuple[list[str], list[Row]]], policy: str, sizes: tuple[int, int]
) -> None:
    check(files, policy, sizes, pivot=False)


@settings(max_examples=30, deadline=None)
@given(logs(pivot=True), st.sampled_from(["first", "last", "mean", "same", "error"]), SIZES)
def test_sensors_named_in_a_column(
    files: list[tuple[list[str], list[Row]]], policy: str, sizes: tuple[int, int]
) -> None:
    check(files, policy, sizes, pivot=True)


# A row of the first kind of columns comes after one of the second: the order is that of files, not of kinds.
OVERLAPPING = {"1": ["time,a,b", "5,1,10"], "2": ["time,b,c", "7,20,200"], "3": ["time,a,b", "7,3,30"]}


@pytest.mark.parametrize(
    ("policy", "row"), [("first", [3, 20, 200]), ("last", [3, 30, 200]), ("mean", [3, 25, 200])]
)
def test_a_value_that_two_files_give(
    tmp_path: Path, write_log: Callable[..., Path], policy: str, row: list[float]
) -> None:
    files = [write_log(f"{name}.csv", lines) for name, lines in OVERLAPPING.items()]
    report = ingest(files, tmp_path / "out", Recipe(time="time", time_format="s", duplicates=policy))
    store = assert_balanced(report)
    np.testing.assert_array_equal(store.values, [[1, 10, np.nan], row])
    assert [file.merged for file in report.files] == [0, 0, 1]
    assert [file.deduplicated for file in report.files] == [0, 0, 0]


def test_a_value_that_two_files_give_is_an_error_that_names_both(
    tmp_path: Path, write_log: Callable[..., Path]
) -> None:
    files = [write_log(f"{name}.csv", lines) for name, lines in OVERLAPPING.items()]
    with raises("time-repeated", "3.csv, line 2: ", "1970-01-01T00:00:07", "2.csv, line 2"):
        ingest(files, tmp_path / "out", Recipe(time="time", time_format="s"))


@pytest.mark.parametrize(
    ("again", "facts"),
    [
        ("4,1.5,,0,x", None),
        ("4,1.5,,0,y", None),
        ("4,2.5,,0,x", ("'a' is 2.5", "1.5")),
        ("4,,,0,x", None),
        ("4,2.5,3,0,x", ("'a' is 2.5", "1.5")),
        ("4,1.5,,1,x", ("'fault' is 1", "0")),
    ],
)
def test_repeated_rows_that_should_be_the_same(
    tmp_path: Path, write_log: Callable[..., Path], again: str, facts: tuple[str, ...] | None
) -> None:
    header = "time,a,b,fault,note"
    files = [
        write_log("1.csv", [header, "4,1.5,,0,x", "5,1,1,1,x"]),
        write_log("2.csv", [header, "3,9,9,0,x", again, again, "5,1,1,1,x"]),
    ]
    recipe = Recipe(time="time", time_format="s", labels=("fault",), exclude=("note",), duplicates="same")
    if facts is None:
        report = ingest(files, tmp_path / "out", recipe)
        np.testing.assert_array_equal(assert_balanced(report).values, [[9, 9], [1.5, np.nan], [1, 1]])
        assert [(file.deduplicated, file.differing) for file in report.files] == [(0, 0), (3, 0)]
        return
    with raises("rows-differ", "2.csv, line 3", "1970-01-01T00:00:04", "1.csv, line 2", "2 rows of 3", *facts):
        ingest(files, tmp_path / "out", recipe)
    report = ingest(files, tmp_path / "out", replace(recipe, duplicates="first"))
    assert [file.differing for file in report.files] == [0, 2]
    assert "2 repeated with other values or labels" in report.render()


CELLS = st.none() | st.integers(0, 2)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 3), CELLS, CELLS), min_size=1, max_size=12))
def test_rows_of_one_time_complete_each_other(rows: list[tuple[int, int | None, int | None]]) -> None:
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    said = [[{row[column] for row in rows if row[0] == time} - {None} for column in (1, 2)] for time in range(4)]
    recipe = Recipe(time="time", time_format="s", duplicates="same", channels=("a", "b"))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "a.csv"
        log.write_text("\n".join(["time,a,b", *lines, ""]))
        if any(len(values) > 1 for cells in said for values in cells):
            with raises("rows-differ"):
                ingest([log], Path(folder) / "out", recipe)
            return
        store = assert_balanced(ingest([log], Path(folder) / "out", recipe))
        times = sorted({row[0] for row in rows})
        expected = [[next(iter(values), np.nan) for values in said[time]] for time in times]
        np.testing.assert_array_equal(store.values, expected)


def test_disjoint_files_are_joined_by_time(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    files = [
        write_log("flow.csv", ["time,flow", "0,1", "2,3"]),
        write_log("level.csv", ["time,level", "0,5", "1,6"]),
    ]
    report = ingest(files, tmp_path / "out", Recipe(time="time", time_format="s"))
    store = assert_balanced(report)
    np.testing.assert_array_equal(store.values, [[1, 5], [np.nan, 6], [3, np.nan]])
    assert [file.rows_out for file in report.files] == [2, 1]
    assert [file.absent for file in report.files] == [("level",), ("flow",)]


def test_the_mean_is_that_of_all_rows_not_of_means(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    files = [
        write_log("1.csv", ["time,a,b", "0,1,1", "0,3,"]),
        write_log("2.csv", ["time,a", "0,8"]),
    ]
    report = ingest(files, tmp_path / "out", Recipe(time="time", time_format="s", duplicates="mean"))
    np.testing.assert_array_equal(assert_balanced(report).values, [[4, 1]])
    assert [(file.deduplicated, file.merged) for file in report.files] == [(1, 0), (0, 1)]


def test_a_repeated_sensor_is_named(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", ["time,sensor,v", "0,flow,1", "0,level,2", "0,flow,3"])
    with raises("time-repeated", "line 4: ", "1970-01-01T00:00:00", "'flow'", "log.csv, line 2"):
        ingest([log], tmp_path / "out", Recipe(time="time", time_format="s", pivot="sensor"))
