"""Tables within JSON documents: found wherever they stand, with what stands around them, and never mixed."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe, ingest, profile
from longstride.pipeline.ingest.sources.json.array import JsonArraySource
from longstride.pipeline.ingest.sources.json.deep import num_rows, rows_at
from longstride.storage.open import open_store
from tests.helpers.errors import raises

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
ROWS = st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), min_size=1, max_size=5)
KEYS = st.lists(st.sampled_from(["x", "y", "my rows"]), min_size=1, max_size=4)
START = 1709251200


def points(count: int, start: int = START) -> list[dict[str, Any]]:
    return [{"time": start + 60 * row, "temp": row / 2} for row in range(count)]


@given(KEYS, ROWS, st.dictionaries(st.sampled_from(["id", "site"]), VALUES))
def test_rows_are_found_at_any_depth(keys: list[str], rows: list[dict[str, Any]], beside: dict[str, Any]) -> None:
    document: Any = {**beside, keys[-1]: rows}
    for key in reversed(keys[:-1]):
        document = {key: document}
    place = ".".join(keys) + "[]"
    path = ".".join(keys[:-1])
    around = {f"{path}.{key}" if path else key: value for key, value in beside.items()}
    assert num_rows([document]) == {place: len(rows)}
    assert list(rows_at(document, place)) == [{**row, **around} for row in rows]


@given(st.lists(st.tuples(st.integers(), ROWS), min_size=1, max_size=4))
def test_rows_of_several_parents_keep_what_tells_them_apart(parts: list[tuple[int, Any]]) -> None:
    document = {"series": [{"id": name, "values": rows} for name, rows in parts]}
    expected = [{**row, "series.id": name} for name, rows in parts for row in rows]
    assert list(rows_at(document, "series[].values[]")) == expected


@pytest.mark.parametrize(
    ("document", "place", "first"),
    [
        ({"time": [*range(5)], "a": [*"vwxyz"], "unit": "C"}, "$", {"time": 0, "a": "v", "unit": "C"}),
        ({"hourly": {"t": [*range(9)], "a": [1.5] * 9}, "lat": 5}, "hourly", {"t": 0, "a": 1.5, "lat": 5}),
        ({"a": {"1709251200000": 1, "1709251201000": 2}}, "$", {"time": "1709251200000", "a": 1}),
        ({"a": {"0": 1, "1": 2}, "b": {"0": 3, "1": 4}}, "$", {"index": "0", "a": 1, "b": 3}),
        ({"columns": ["time", "a"], "values": [[1, 2], [3, 4]]}, "values[]", {"time": 1, "a": 2}),
        (
            {"data": {"result": [{"metric": {"job": "x"}, "values": [[1, "2"], [3, "4"]]}]}},
            "data.result[].values[]",
            {"column_1": 1, "column_2": "2", "data.result.metric.job": "x"},
        ),
        (
            {"reps": {"REP_1": {"data": [{"t": 1}, {"t": 2}]}, "REP_2": {"data": [{"t": 1}]}}},
            "reps{}.data[]",
            {"t": 1, "reps.key": "REP_1"},
        ),
        ({f"-M{name}": {"t": 1, "a": 2} for name in "abcde"}, "${}", {"key": "-Ma", "t": 1, "a": 2}),
    ],
)
def test_shapes_of_tables(document: Any, place: str, first: dict[str, Any]) -> None:
    assert place in num_rows([document])
    assert next(rows_at(document, place)) == first


@pytest.mark.parametrize("rows", [1, 2, 4, 20])
@pytest.mark.parametrize(
    ("place", "table"),
    [
        ("of[].out[]", lambda start, rows: [[start + row, row / 2] for row in range(rows)]),
        ("of[].out[]", lambda start, rows: points(rows, start)),
        ("of[].out", lambda start, rows: {"t": [*range(start, start + rows)], "v": [0.5] * rows}),
        (
            "of[].out{}",
            lambda start, rows: {f"r{start + row}": {"t": start + row, "v": row} for row in range(rows)},
        ),
    ],
)
@pytest.mark.parametrize("many", ["a document", "an object a line"])
def test_few_rows_of_one_of_several_parents_are_kept(
    place: str, table: Callable[[int, int], Any], rows: int, many: str
) -> None:
    parents = [{"id": name, "out": table(START + 100 * name, 20 if name else rows)} for name in (1, 0, 2)]
    documents = [{"of": parents}] if many == "a document" else [{"of": [parent]} for parent in parents]
    kept = Counter(row["of.id"] for document in documents for row in rows_at(document, place, {"t", "v"}))
    assert kept == {1: 20, 0: rows, 2: 20}


@pytest.mark.parametrize(
    ("place", "document"),
    [
        ("out[]", {"out": [[1, 2], [3]]}),
        ("out[]", {"out": [{"t": 1}, None]}),
        ("out", {"out": {"t": [1, 2], "v": [3]}}),
        ("out", {"out": {"t": [1, 2], "v": [3, [4]]}}),
    ],
)
def test_what_stands_where_rows_should_is_a_fault(place: str, document: Any) -> None:
    with pytest.raises(ValueError, match="out"):
        list(rows_at(document, place, {"t", "v"}))


def test_objects_of_an_array_are_no_rows_of_their_columns(tmp_path: Path) -> None:
    items = [{"id": name, "time": [*range(START, START + 30)], "v": [name / 2] * 30} for name in (1, 2)]
    assert num_rows([{"of": items}]) == {"of[]": 2, "of[].$": 60}
    assert list(rows_at({"of": items}, "of[].$"))[30] == {"time": START, "v": 1.0, "of.id": 2}
    (tmp_path / "log.json").write_text(json.dumps({"of": items}))
    found = profile(tmp_path / "log.json")
    assert found.settings["table"] == "of[].$"
    recipe = Recipe(time="time", time_format="s", series="of.id", table="of[].$")
    assert ingest(tmp_path / "log.json", tmp_path / "log.zarr", recipe).num_rows == 60


@pytest.mark.parametrize(
    "table",
    [
        {f"{START + row}": {"t": row, "v": row / 2} for row in range(9)},
        {"t": {f"{row}": row for row in range(9)}, "v": {f"{row}": row / 2 for row in range(9)}},
    ],
)
def test_cells_of_a_table_are_not_beside_its_rows(table: Any) -> None:
    for document in ({"site": "x", "out": table}, {"site": "x", "deep": {"out": table}}):
        ((place, rows),) = num_rows([document]).items()
        assert rows == 9
        assert next(rows_at(document, place)).keys() - {"key", "index"} == {"site", "t", "v"}


def test_tables_beside_columns_are_found() -> None:
    columns = {"t": [*range(9)], "v": [*range(9)]}
    document = {**columns, "site": "x", "out": {"t": [*range(50)], "w": [0.5] * 50}, "log": points(3)}
    assert num_rows([document]) == {"$": 9, "out": 50, "log[]": 3}
    assert next(rows_at(document, "out")) == {"t": 0, "w": 0.5, "site": "x"}


@pytest.mark.parametrize("document", [{"a": 1}, {"axis": [1, 2, 3], "gyro": [1, 2, 3]}, {"a": {"b": [1, [2]]}}])
def test_what_is_no_table(document: Any) -> None:
    assert not num_rows([document])


def test_a_name_of_both_the_row_and_what_is_around_it() -> None:
    document = {"time": "around", "rows": [{"time": 1}, {"time": 2}]}
    assert next(rows_at(document, "rows[]", {"time"})) == {"time": 1, "$.time": "around"}
    with pytest.raises(ValueError, match="'time'"):
        list(rows_at(document, "rows[]"))


WAYS: dict[str, Callable[[Any], str]] = {
    "one line": json.dumps,
    "a row a line": lambda document: json.dumps(document).replace("}, {", "},\n{"),
    "pretty": lambda document: json.dumps(document, indent=2),
    "in an array": lambda document: json.dumps([document]),
    "with a BOM": lambda document: "\ufeff" + json.dumps(document, indent=1),
}


@pytest.mark.parametrize("way", WAYS)
def test_wrapped_rows_are_read_unedited(tmp_path: Path, way: str) -> None:
    document = {"device": "D7", "note": [{"text": "x"}], "out": {"readings": points(200)}}
    (tmp_path / "log.json").write_text(WAYS[way](document))
    found = profile(tmp_path / "log.json")
    assert found.settings["table"] == "out.readings[]"
    assert any("'note[]' (1)" in doubt for doubt in found.doubts)
    ingest(tmp_path / "log.json", tmp_path / "out", found.recipe)
    store = open_store(tmp_path / "out")
    assert store.channels == ("temp",)
    np.testing.assert_array_equal(store.values[:, 0], np.arange(200) / 2)
    np.testing.assert_array_equal(store.time, (START + 60 * np.arange(200)) * 10**9)
    with raises("table-unnamed", "'out.readings[]' (200 rows)", "'note[]' (1 rows)"):
        ingest(tmp_path / "log.json", tmp_path / "b", Recipe(time="time", time_format="s"))
    with raises("table-unnamed", "'nothing'"):
        ingest(tmp_path / "log.json", tmp_path / "b", Recipe(time="time", time_format="s", table="nothing"))


def test_lines_that_hold_arrays_of_rows(tmp_path: Path) -> None:
    lines = [{"device": "D7", "sent": 9, "readings": points(10, START + 600 * line)} for line in range(20)]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = profile(tmp_path / "log.jsonl")
    assert found.settings["table"] == "readings[]"
    report = ingest(tmp_path / "log.jsonl", tmp_path / "out", found.recipe, piece_bytes=300)
    np.testing.assert_array_equal(open_store(tmp_path / "out").values[:, 0], np.tile(np.arange(10) / 2, 20))
    assert report.rows_in == 200


def test_lines_with_values_of_their_own_stay_rows(tmp_path: Path) -> None:
    lines = [{**point, "events": [{"time": 1, "code": 2}] * 3} for point in points(50)]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert "table" not in profile(tmp_path / "log.jsonl").settings


def test_objects_one_behind_the_other(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text("\n".join(json.dumps(point, indent=4) for point in points(100)))
    ingest(tmp_path / "log.json", tmp_path / "out", profile(tmp_path / "log.json").recipe)
    np.testing.assert_array_equal(open_store(tmp_path / "out").values[:, 0], np.arange(100) / 2)


def test_two_tables_of_as_many_rows_are_not_chosen_from(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(json.dumps({"a": points(9), "b": points(9)}))
    with raises("table-unnamed", "'a[]' (9 rows)", "'b[]' (9 rows)"):
        profile(tmp_path / "log.json")


def test_a_time_around_rows_that_have_their_own_is_not_their_time(tmp_path: Path) -> None:
    runs = [
        {"head": {"Date": f"2024-03-0{run + 1} 08:00:00"}, "data": points(40, START + 90000 * run)}
        for run in (0, 1)
    ]
    (tmp_path / "log.json").write_text(json.dumps({"runs": runs}))
    found = profile(tmp_path / "log.json", table="runs[].data[]")
    assert found.settings["time"] == "time"


def test_an_object_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longstride.pipeline.ingest.sources.json.array.MAX_OBJECT_BYTES", 2**19)
    (tmp_path / "log.json").write_text(json.dumps({"rows": points(40_000)}, indent=1))
    with raises("source-format", "longer than 524,288 bytes", "jq"):
        JsonArraySource(str(tmp_path / "log.json"), Recipe(time="time"))


def test_a_sheet_with_times_is_taken_of_several(tmp_path: Path) -> None:
    import xlsxwriter

    day = pl.datetime_range(pl.datetime(2024, 3, 1), pl.datetime(2024, 3, 2), "10m", eager=True)
    with xlsxwriter.Workbook(tmp_path / "log.xlsx") as book:
        pl.DataFrame({"name": ["a"] * 300, "": ["b"] * 300}).write_excel(book, "Details")
        pl.DataFrame({"Date-Time": day[:3], "what": ["on", "x", "off"]}).write_excel(book, "Events")
        pl.DataFrame({"Date-Time": day, "temp": np.arange(len(day)) / 4}).write_excel(book, "Data")
    found = profile(tmp_path / "log.xlsx")
    assert found.settings["table"] == "Data"
    assert any("'Details' (300), 'Events' (3)" in doubt for doubt in found.doubts)
    ingest(tmp_path / "log.xlsx", tmp_path / "out", found.recipe)
    np.testing.assert_array_equal(open_store(tmp_path / "out").values[:, 0], np.arange(len(day)) / 4)
