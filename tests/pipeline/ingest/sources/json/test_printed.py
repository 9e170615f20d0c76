"""Dicts as Python prints them, a line each."""

import decimal
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride import Recipe
from longstride.pipeline.ingest.sources.json.ndjson import Number
from longstride.pipeline.ingest.sources.json.printed import is_printed_dict, printed_dict
from longstride.storage.open import open_store
from tests.helpers.logs.small_logs import propose, times, wave

COUNT = 40
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def as_json(value: Any) -> Any:
    """A value with its numbers as texts, as JSON is read."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return Number(repr(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


@given(st.dictionaries(st.text(), VALUES))
def test_what_python_prints_is_what_was_there(row: dict[str, Any]) -> None:
    assert printed_dict(str(row), Number) == as_json(row)


@given(st.dictionaries(st.text(), VALUES, min_size=1))
def test_no_object_of_json_begins_so(row: dict[str, Any]) -> None:
    assert not is_printed_dict(json.dumps(row))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (decimal.Decimal("21.50"), "21.50"),
        (np.float64(21.5), "21.5"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (datetime(2024, 3, 1, 8, 0, 5), "2024-03-01T08:00:05"),
        ((1, "a"), ["1", "a"]),
    ],
)
def test_values_that_are_no_plain_ones(value: Any, expected: Any) -> None:
    assert printed_dict(str({"a": value}), Number) == {"a": expected}


@pytest.mark.parametrize("text", ["{'a': 1", "{'a'}", "{'a': b}", "{'a': 1} {'b': 2}", "{'a': f(1, 2)}"])
def test_other_lines_are_faults(text: str) -> None:
    with pytest.raises(ValueError, match="the line"):
        printed_dict(text, Number)


def test_such_a_log_is_read(tmp_path: Path) -> None:
    rows = [
        str({"at": clock, "temp": float(value), "ok": row % 5 > 0, "id": "a"})
        for row, (clock, value) in enumerate(zip(times(COUNT), wave(COUNT), strict=True))
    ]
    file = tmp_path / "log.txt"
    file.write_text("\n".join(rows) + "\n")
    found = propose(file)
    assert found.settings["time"] == "at"
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    store = open_store(tmp_path / "log.zarr")
    temp = store.values[:, list(store.channels).index("temp")]
    np.testing.assert_array_equal(temp, np.array(wave(COUNT), np.float32))


def test_a_damaged_line_is_a_reject(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_text("{'time': '2024-03-01 00:00:01', 'a': 1}\n{'time': '2024-03-01 00:00:02', 'a\n")
    report = longstride.ingest([file], tmp_path / "log.zarr", Recipe(time="time", max_rejects="1"))
    rejects = pl.read_parquet(report.rejects).select("line", "reason").rows()
    assert (report.num_rows, rejects) == (1, [(2, "no JSON object")])
