"""NDJSON as machines write it: odd lines are rejects with their number, values come through to the last digit."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import IngestReport, Recipe, ingest
from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.sources.detect import open_source
from longstride.pipeline.ingest.sources.json.ndjson import JsonSource
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises

RECIPE = Recipe(time="time", max_rejects="100%", dtype="float64")
SECOND = 10**9
START = 1709251200
"""2024-03-01 in seconds since 1970."""


def good(second: int, **values: Any) -> str:
    return json.dumps({"time": f"2024-03-01 00:00:{second:02}", "a": second, **values})


def rejected(report: IngestReport) -> list[tuple[int, str, str]]:
    if report.rejects is None:
        return []
    rows: list[tuple[int, str, str]] = pl.read_parquet(report.rejects).select("line", "reason", "detail").rows()
    return rows


ODD_LINES: dict[str, tuple[str | bytes, str, str]] = {
    # name: (line, reason, what the detail gives)
    "cut": ('{"time": "2024-03-01", "a": ', "no JSON object", "JSON"),
    "two objects": (good(1) + good(2), "no JSON object", "Extra data"),
    "trailing comma": (good(1)[:-1] + ",}", "no JSON object", "JSON"),
    "word": ("started", "no JSON object", "JSON"),
    "array": ('["2024-03-01", 1]', "no JSON object", "an array"),
    "string": ('"2024-03-01"', "no JSON object", "a string"),
    "number": ("17", "no JSON object", "a number"),
    "null": ("null", "no JSON object", "null"),
    "deep": ('{"a":' * 50_000, "no JSON object", "nested"),
    "key twice": (good(1)[:-1] + ', "a": 2}', "no JSON object", "'a'"),
    "spaced key twice": ('{"a" : 1, "a" : 2}', "no JSON object", "'a'"),
    "half a pair": (good(1, a="\ud800"), "no JSON object", "surrogates"),
    "not UTF-8": (b'{"time": "2024-03-01", "a": "\xb0"}', "not utf-8", "0xb0"),
    "empty": ("{}", "time missing", "'time'"),
    "no time": ('{"a": 1}', "time missing", "'time'"),
    "null time": ('{"time": null, "a": 1}', "time missing", "'time'"),
    "nested time": ('{"time": {"s": 1}, "a": 1}', "no time", "'time'"),
    "nested value": (good(1, a={"x": [1.5]}), "no number in 'a'", "'{...}'"),
    "list": (good(1, a=[1.25]), "no number in 'a'", "'[...]'"),
    "brackets": (
        '{"time": "2024-03-01", "a": ' + "[" * 900 + "]" * 900 + "}",
        "no number in 'a'",
        "'a'",
    ),
    "true": (good(1, a=True), "no number in 'a'", "'true'"),
    "text": (good(1, a="broken"), "no number in 'a'", "'broken'"),
    "infinity": (good(1, a=float("inf")), "infinity", "'Infinity'"),
    "overflow": (good(1).replace('"a": 1', '"a": 1e400'), "infinity", "'1e400'"),
    "huge": (good(1).replace('"a": 1', f'"a": {"9" * 5000}'), "infinity", "'9999"),
    "long": (good(1, a="x" * 2**20), "line too long", "1,048,576 bytes"),
}


@pytest.mark.parametrize("piece_bytes", [1, 150, 2**23])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n \n"])
def test_odd_lines_are_rejects_with_their_number(tmp_path: Path, end: str, piece_bytes: int) -> None:
    odd = [("damaged before the first", "no JSON object", "JSON"), *ODD_LINES.values()]
    data, expected = b"", {}
    for second, (line, reason, fact) in enumerate(odd):
        expected[data.count(b"\n") + 1] = reason, fact
        data += (line if isinstance(line, bytes) else line.encode()) + end.encode() + good(second).encode() + b"\n"
    (tmp_path / "log").write_bytes(data)
    report = ingest([tmp_path / "log"], tmp_path / "out", RECIPE, piece_bytes=piece_bytes)
    found = rejected(report)
    assert [(line, reason) for line, reason, _ in found] == [(line, one) for line, (one, _) in expected.items()]
    for line, _, detail in found:
        assert expected[line][1] in detail
    np.testing.assert_array_equal(open_store(tmp_path / "out").values[:, 0], np.arange(len(odd)))
    (file,) = report.files
    assert file.rows_in == 2 * len(odd)
    assert file.blank_lines == len(odd) * (end.count("\n") - 1)


def read(tmp_path: Path, lines: Sequence[str], *, piece_bytes: int = 60, **settings: Any) -> SeriesStore:
    number = len(list(tmp_path.iterdir()))
    (tmp_path / f"log{number}").write_text("".join(f"{line}\n" for line in lines))
    recipe = Recipe(**{"time": "time", "dtype": "float64", "duplicates": "last", **settings})
    ingest([tmp_path / f"log{number}"], tmp_path / f"out{number}", recipe, piece_bytes=piece_bytes)
    return open_store(tmp_path / f"out{number}")


def test_numbers_texts_and_what_is_missing(tmp_path: Path) -> None:
    values = ["1", "1.5", '"2.5"', '" 3 "', "null", '""', "NaN", '"NaN"', '"NA"', "-200", '"-200.0"', "-0", "1E3"]
    values += [str(2**53 - 1), "0.1", "1e-320"]
    lines = [f'{{"time": "2024-03-01 00:00:{row:02}", "a": {value}, "b": 1}}' for row, value in enumerate(values)]
    lines.append('{"b": 2, "time": "2024-03-01 00:01:00"}')
    store = read(tmp_path, lines, null=("NA", "a=-200"))
    nan = np.nan
    expected = [1, 1.5, 2.5, 3, nan, nan, nan, nan, nan, nan, nan, -0.0, 1000, 2**53 - 1, 0.1, 1e-320, nan]
    np.testing.assert_array_equal(store.values[:, 0], expected)
    assert np.signbit(store.values[11, 0])
    np.testing.assert_array_equal(store.values[:, 1], [1] * len(values) + [2])


def test_decimal_commas_are_in_texts_alone(tmp_path: Path) -> None:
    lines = [
        f'{{"time": "2024-03-01 00:00:0{row}", "a": {value}}}' for row, value in enumerate(["1.5", '"2,5"', "3"])
    ]
    store = read(tmp_path, lines, separator=";", decimal=",")
    np.testing.assert_array_equal(store.values[:, 0], [1.5, 2.5, 3])


def test_labels_and_series_of_any_kind(tmp_path: Path) -> None:
    keys = ["1", "1.0", '"1"', '"p °\\u00e9"', "true", str(2**70), "1", "1.0"]
    labels = ["true", "false", "1", "0", '"true"', '"1"', "127", "1.0"]
    lines = [
        f'{{"time": "2024-03-01 00:00:0{row}", "a": {row}, "key": {key}, "fault": {label}}}'
        for row, (key, label) in enumerate(zip(keys, labels, strict=True))
    ]
    # However the file is cut: a series is named as its text says.
    for size in (1, 150, 2**20):
        store = read(tmp_path, lines, piece_bytes=size, series="key", labels=("fault",))
        assert store.series == ("1", "1.0", str(2**70), "p °é", "true")
        assert store.labels is not None
        by_value = dict(zip(store.values[:, 0].astype(int).tolist(), store.labels[:, 0].tolist(), strict=True))
        assert by_value == {0: 1, 1: 0, 2: 1, 3: 0, 4: 1, 5: 1, 6: 127, 7: 1}


@pytest.mark.parametrize(
    ("unit", "texts", "expected"),
    [
        (
            "s",
            [f"{START}", f"{START}.5", f"{START}.123456789", f'"{START + 1}"'],
            [0, SECOND // 2, 123456789, SECOND],
        ),
        ("s", ["1709251200.0", "1.7092512e9", "1.709251201e+09"], [0, 0, SECOND]),
        ("ms", [f"{START}000", f"{START}001.25"], [0, 1_250_000]),
        ("us", [f"{START}000001", f"{START}000002.0"], [1000, 2000]),
        ("ns", [f"{START}000000001", f"{START}000000002", "1.7092512e18"], [1, 2, 0]),
    ],
)
def test_epoch_times_are_exact(tmp_path: Path, unit: str, texts: list[str], expected: list[int]) -> None:
    lines = [f'{{"time": {text}, "a": {row}}}' for row, text in enumerate(texts)]
    store = read(tmp_path, lines, time_format=unit, duplicates="last")
    wanted = sorted({START * SECOND + nanoseconds for nanoseconds in expected})
    assert store.time.tolist() == wanted


def test_dates_as_whole_numbers_and_parts_of_times(tmp_path: Path) -> None:
    store = read(tmp_path, ['{"time": 20240301, "a": 1}'], time_format="%Y%m%d")
    assert store.time.tolist() == [START * SECOND]
    store = read(tmp_path, ['{"y": 2024, "m": 3.0, "d": "1", "a": 1}'], time=("y", "m", "d"))
    assert store.time.tolist() == [START * SECOND]


def test_a_number_needs_its_unit(tmp_path: Path) -> None:
    with raises("too-many-rejects", "line 1: ", "'time'", "'1709251200'", "seconds"):
        read(tmp_path, [f'{{"time": {START}, "a": 1}}'])


@pytest.mark.parametrize("compressed", [False, True])
def test_a_key_that_comes_up_late(tmp_path: Path, compressed: bool) -> None:
    lines = [good(0, note="x" * 1000)] * 1100 + [good(1, b=5)]
    data = "\n".join(lines).encode()
    (tmp_path / "log").write_bytes(gzip.compress(data) if compressed else data)
    settings: dict[str, Any] = {"time": "time", "exclude": ("note",), "duplicates": "last", "max_rejects": "1"}
    report = ingest([tmp_path / "log"], tmp_path / "out", Recipe(**settings), piece_bytes=2**18)
    assert rejected(report) == [
        (1101, "unknown column", "key 'b' is in no row of the first MiB of the file: name it with --header b")
    ]
    report = ingest([tmp_path / "log"], tmp_path / "named", Recipe(**settings, header=("b",)))
    store = open_store(tmp_path / "named")
    assert report.files[0].rejected == {}
    np.testing.assert_array_equal(store.values[:, store.channels.index("b")], [np.nan, 5])


def test_columns_that_a_query_sees_are_texts(tmp_path: Path) -> None:
    lines = [good(row, kind=kind, note={"x": 1}) for row, kind in enumerate([1, "b", 1.0, None])]
    sql = "SELECT *, 1 AS one FROM rows WHERE kind = '1' OR kind IS NULL"
    store = read(tmp_path, lines, exclude=("kind", "note.x"), sql=sql)
    np.testing.assert_array_equal(store.values[:, store.channels.index("a")], [0, 3])


def test_a_line_without_end_is_one_reject(tmp_path: Path) -> None:
    with open(tmp_path / "log", "w") as file:
        file.write(good(1) + "\n{")
        for _ in range(40):
            file.write(" " * 2**20)
        file.write("}\n" + good(2) + "\nodd\n" + good(3))
    for piece_bytes in (1, 1000, 2**22):
        out = tmp_path / str(piece_bytes)
        report = ingest([tmp_path / "log"], out, RECIPE, piece_bytes=piece_bytes)
        assert [(line, reason) for line, reason, _ in rejected(report)] == [
            (2, "line too long"),
            (4, "no JSON object"),
        ]
        np.testing.assert_array_equal(open_store(out).values[:, 0], [1, 2, 3])


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)


@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), VALUES), min_size=1, max_size=20),
    st.integers(1, 400),
    st.sampled_from(["\n", "\r\n", "\n \n"]),
)
def test_pieces_are_the_lines(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], piece_bytes: int, end: str
) -> None:
    if not any(rows):
        return
    path = tmp_path_factory.getbasetemp() / "log.ndjson"
    path.write_text("".join(json.dumps(row) + end for row in rows))
    source = open_source(str(path), RECIPE)
    assert isinstance(source, JsonSource)
    assert set(source.names) == {key for row in rows for key in row}
    columns = Columns(time=source.names, series=None, pivot=None, labels=(), channels=(), unused=())
    read: list[tuple[int, dict[str, str | None]]] = []
    blank = 0
    for section in source.sections(piece_bytes):
        for piece in source.pieces(section, columns, RECIPE, piece_bytes):
            raw = piece()
            assert not raw.rejects
            read += zip(raw.lines.tolist(), raw.frame.to_dicts(), strict=True)
            blank += raw.num_blank
    lines = {line: json.loads(text) for line, text in enumerate(path.read_text().split("\n"), 1) if text.strip()}
    assert read == [(line, {name: text(row.get(name)) for name in source.names}) for line, row in lines.items()]
    assert blank == len(rows) * (end.count("\n") - 1)


def text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (pl.DataFrame({"time": [START + 0.25, START + 1.0]}), [SECOND // 4, SECOND]),
        (pl.DataFrame({"time": [START, START + 1]}, schema={"time": pl.UInt32}), [0, SECOND]),
    ],
)
def test_epoch_columns_of_parquet(tmp_path: Path, frame: pl.DataFrame, expected: list[int]) -> None:
    frame.with_columns(a=1.5).write_parquet(tmp_path / "log")
    ingest([tmp_path / "log"], tmp_path / "out", Recipe(time="time", time_format="s"))
    assert open_store(tmp_path / "out").time.tolist() == [START * SECOND + after for after in expected]


def test_the_index_of_pandas_is_no_channel(tmp_path: Path) -> None:
    frame = pl.DataFrame({"__index_level_0__": [5, 6], "time": ["2024-03-01", "2024-03-02"], "a": [1.0, 2.0]})
    frame.write_parquet(tmp_path / "log")
    report = ingest([tmp_path / "log"], tmp_path / "out", Recipe(time="time"))
    assert open_store(tmp_path / "out").channels == ("a",)
    assert report.files[0].unused == ("__index_level_0__",)
    frame = frame.select(pl.col("time").alias("__index_level_0__"), "a")
    frame.write_parquet(tmp_path / "indexed")
    ingest([tmp_path / "indexed"], tmp_path / "by_index", Recipe(time="__index_level_0__"))
    assert open_store(tmp_path / "by_index").num_rows == 2


def test_types_that_cannot_be_read_are_told_and_may_be_left_out(tmp_path: Path) -> None:
    odd = pa.RunEndEncodedArray.from_arrays([1, 2], [1.5, 2.5])
    table = pa.table({"time": ["2024-03-01", "2024-03-02"], "a": [1.0, 2.0], "odd": odd})
    with pa.ipc.new_file(tmp_path / "log", table.schema) as writer:
        writer.write_table(table)
    with raises("column-type", "'odd'", "run_end_encoded", "--exclude 'odd'"):
        ingest([tmp_path / "log"], tmp_path / "out", Recipe(time="time"))
    ingest([tmp_path / "log"], tmp_path / "out", Recipe(time="time", exclude=("odd",)))
    assert open_store(tmp_path / "out").num_rows == 2


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_two_columns_of_one_name(tmp_path: Path, kind: str) -> None:
    table = pa.table([["2024-03-01"], [1.0], [2.0]], names=["time", "a", "a"])
    {"parquet": pa.parquet.write_table, "feather": pa.feather.write_feather}[kind](table, tmp_path / "log")
    with raises("column-repeated", "'a'"):
        ingest([tmp_path / "log"], tmp_path / "out", Recipe(time="time"))
