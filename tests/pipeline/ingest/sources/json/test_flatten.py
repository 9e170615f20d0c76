"""Nested objects as columns, and arrays of objects as rows."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe, ingest
from longstride.pipeline.ingest.sources.json.flatten import flat, nested_keys, num_keys
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
NESTED = st.recursive(
    st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3) | st.lists(LEAVES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | LEAVES, max_size=3),
    max_leaves=8,
)


def leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(f"{path}.{key}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(f"{path}.{index}", inner)
    else:
        yield path, value


@given(NESTED, LEAVES)
def test_flat_against_brute_force(value: Any, other: Any) -> None:
    row = {"x": value, "y": other}
    nested = nested_keys([row])
    assert nested == {"x"}
    assert list(flat(row, nested).items()) == [*leaves("x", value), ("y", other)]
    assert num_keys(row) == json.dumps(row).count('":')


def read(tmp_path: Path, text: str | bytes, name: str = "log.json", **settings: Any) -> SeriesStore:
    data = text.encode() if isinstance(text, str) else text
    (tmp_path / name).write_bytes(data)
    recipe = Recipe(**{"time": "ts", "time_format": "s", **settings})
    ingest([tmp_path / name], tmp_path / "out", recipe, piece_bytes=100)
    return open_store(tmp_path / "out")


def rows(count: int) -> list[dict[str, Any]]:
    return [{"ts": 10**9 + row, "payload": {"temp": row, "axis": [row / 2, -row]}} for row in range(count)]


def test_objects_and_arrays_are_columns(tmp_path: Path) -> None:
    given = rows(20)
    given[3]["payload"] = None
    del given[4]["payload"]["axis"]
    store = read(tmp_path, "\n".join(map(json.dumps, given)))
    assert store.channels == ("payload.temp", "payload.axis.0", "payload.axis.1")
    expected = np.array([[row, row / 2, -row] for row in range(20)], float)
    expected[3] = expected[4, 1:] = np.nan
    np.testing.assert_array_equal(store.values, expected)


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    with raises("column-repeated", "'a.b'"):
        read(tmp_path, '{"ts": 1, "a.b": 1, "a": {"b": 2}}\n')


@pytest.mark.parametrize("kind", ["parquet", "ipc"])
def test_structs_are_columns(tmp_path: Path, kind: str) -> None:
    frame = pl.DataFrame(
        {
            "ts": [10**9, 10**9 + 1, 10**9 + 2],
            "payload": [{"temp": 1, "at": {"x": 0.5, "s": "a"}}, None, {"temp": 3, "at": {"x": 1.5, "s": "b"}}],
            "v": [1.0, 2.0, 3.0],
        }
    )
    getattr(frame, f"write_{kind}")(tmp_path / "log")
    ingest([tmp_path / "log"], tmp_path / "out", Recipe(time="ts", time_format="s", exclude=("payload.at.s",)))
    store = open_store(tmp_path / "out")
    assert store.channels == ("payload.temp", "payload.at.x", "v")
    np.testing.assert_array_equal(store.values, [[1, 0.5, 1], [np.nan, np.nan, 2], [3, 1.5, 3]])
    sql = "SELECT *, v AS w FROM rows WHERE \"payload.at.s\" = 'b'"
    ingest(
        [tmp_path / "log"], tmp_path / "b", Recipe(time="ts", time_format="s", exclude=("payload.at.s",), sql=sql)
    )
    assert open_store(tmp_path / "b").num_rows == 1
    with raises("column-repeated", "'payload.temp'"):
        twice = frame.with_columns(pl.lit(1).alias("payload.temp"))
        getattr(twice, f"write_{kind}")(tmp_path / "twice")
        ingest([tmp_path / "twice"], tmp_path / "c", Recipe(time="ts", time_format="s"))


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("is_compressed", [False, True])
def test_an_array_is_rows(tmp_path: Path, indent: int | None, is_compressed: bool) -> None:
    given = rows(500)
    given[7]["note"] = 'a\nb] } \\ " é'
    text = "\ufeff" + json.dumps(given, indent=indent, ensure_ascii=False) + "\n"
    store = read(tmp_path, gzip.compress(text.encode()) if is_compressed else text, exclude=("note",))
    np.testing.assert_array_equal(store.values[:, 0], np.arange(500))
    np.testing.assert_array_equal(store.time, (10**9 + np.arange(500)) * 10**9)


def test_a_long_array_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from longstride.pipeline.ingest.sources.json import array as json_array

    monkeypatch.setattr(json_array, "CHUNK_BYTES", 7)
    store = read(tmp_path, json.dumps(rows(30)))
    np.testing.assert_array_equal(store.values[:, 0], np.arange(30))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ('[{"ts": 1, "a": 2}, {"ts": 2', "object 2"),
        ('[{"ts": 1, "a": 2}, 3]', "object 1"),
        ('[{"ts": 1, "a": 2} {"ts": 2, "a": 2}]', "expected ','"),
        ('[{"ts": 1, "a": 2}', "cut off"),
        ('[{"ts": 1, "a": 2}] {}', "more behind"),
        ('[{"ts": 1, "a": }]', "object 1"),
    ],
)
def test_damaged_arrays(tmp_path: Path, text: str, fact: str) -> None:
    with raises("source-format", fact, "jq -c '.[]'"):
        read(tmp_path, text)


def test_rejects_of_an_array_have_the_number_of_the_object(tmp_path: Path) -> None:
    with raises("too-many-rejects", "object 2"):
        read(tmp_path, '[{"ts": 1, "a": 2}, {"ts": 2, "a": "x"}]', max_rejects="0")
