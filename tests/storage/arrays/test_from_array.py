from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from longstride import from_array
from tests.helpers.errors import raises

VALUES = np.arange(24, dtype=np.float32).reshape(8, 3)
SECOND = 10**9


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64"], ids=str
)
def test_nothing_is_copied(dtype: str) -> None:
    values = VALUES.astype(dtype)
    for given in (values, values[:, :2], values[::2], np.asfortranarray(values), values[:, 0]):
        data = from_array(given)
        assert np.shares_memory(data.values, values) or not np.shares_memory(given, values)
        assert np.array_equal(data.values, given.reshape(len(given), -1))


def test_a_tensor_is_not_copied() -> None:
    tensor = torch.from_numpy(VALUES.copy())
    data = from_array(tensor)
    tensor[0, 0] = 99
    assert data.values[0, 0] == 99
    assert data.channels == ("c0", "c1", "c2")


def test_times() -> None:
    assert from_array(VALUES).time[:3].tolist() == [0, SECOND, 2 * SECOND]
    start, step = datetime(2024, 3, 1, tzinfo=UTC), timedelta(milliseconds=10)
    data = from_array(VALUES, start=start, step=step)
    assert data.time[1:2].astype("datetime64[ns]") == np.datetime64("2024-03-01T00:00:00.01")
    assert data.cadence_ns == 10_000_000
    times = np.datetime64("2024-03-01", "s") + np.array([0, 1, 2, 3, 9, 10, 11, 12])
    data = from_array(VALUES, time=times)
    assert np.array_equal(data.time, times.astype("datetime64[ns]").astype(np.int64))
    assert (data.segments.start.tolist(), data.segments.stop.tolist()) == ([0, 4], [4, 8])
    assert len(from_array(VALUES, time=times, max_gap=np.timedelta64(6, "s")).segments) == 1


def test_series_and_segments() -> None:
    data = from_array(VALUES, series={"a": 5, "b": 3})
    assert data.series == ("a", "b")
    assert (data.segments.start.tolist(), data.segments.series.tolist()) == ([0, 5], [0, 1])
    time = np.array([5, 6, 7, 8, 9, 1, 2, 3]) * SECOND
    assert len(from_array(VALUES, time=time, series=[5, 3]).segments) == 2
    data = from_array(VALUES, series=[5, 3], segments=[(1, 3), (6, 8)])
    assert data.segments.series.tolist() == [0, 1]


def test_labels() -> None:
    flags = np.arange(8) % 2 == 0
    data = from_array(VALUES, labels=flags)
    assert data.label_names == ("label",)
    assert data.labels is not None
    assert np.shares_memory(data.labels, flags)
    data = from_array(VALUES, labels={"fault": flags, "kind": np.arange(8)})
    assert data.label_names == ("fault", "kind")
    assert data.labels is not None
    assert data.labels.tolist() == [[int(flag), row] for row, flag in enumerate(flags)]


def test_missing_values_are_found() -> None:
    values = VALUES.copy()
    values[3, 1] = np.inf
    assert not from_array(values).has_missing([0])
    for dtype in ("float16", "float32", "float64"):
        holed = values.astype(dtype)
        holed[5, 2] = np.nan
        assert from_array(holed).has_missing([0])
        assert not from_array(holed, missing=False).has_missing([0])
    assert from_array(values, missing=True).has_missing([0])


def test_large_numbers_are_not_missing() -> None:
    assert not from_array(np.full((9, 2), 1e38, np.float32)).has_missing([0])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([[1.0, 2.0]], "is a list"),
        (3.5, "is a float"),
        (None, "is a NoneType"),
        (np.zeros((2, 3, 4)), "reshape"),
        (np.zeros((0, 3)), "no value"),
        (np.zeros((3, 3), complex), "complex128"),
        (np.zeros((3, 3), bool), "bool"),
        (np.array([["a"]]), "<U1"),
        (np.array([[{}]], object), "object"),
        (np.zeros((3, 3), ">f4"), "byte order"),
        (np.zeros((3, 3))[::-1], "backwards"),
        (np.ma.masked_array(VALUES, VALUES > 5), "filled"),
        (torch.zeros(3, 3, requires_grad=True), "requires grad"),
        (torch.zeros(3, 3, dtype=torch.bfloat16), "BFloat16"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_served(source: Any, words: str) -> None:
    with raises("array-format", words):
        from_array(source)


@pytest.mark.parametrize(
    "options",
    [
        {"channels": ["a"]},
        {"channels": ["a", "a", "b"]},
        {"channels": "abc"},
        {"time": np.arange(7)},
        {"time": np.arange(8.0)},
        {"time": np.array([0, 1, 2, 3, 3, 4, 5, 6])},
        {"time": np.full(8, np.datetime64("NaT"))},
        {"time": np.arange(8), "step": timedelta(1)},
        {"step": 0.1},
        {"step": timedelta(0)},
        {"step": timedelta(36500)},
        {"start": "yesterday"},
        {"series": [5, 4]},
        {"series": [8, 0]},
        {"series": {"a": -1, "b": 9}},
        {"segments": [(0, 9)]},
        {"segments": [(4, 2)]},
        {"segments": [(0, 5), (4, 8)]},
        {"segments": [(4, 6)], "series": [5, 3]},
        {"segments": [(0, 4)], "max_gap": timedelta(1)},
        {"segments": "all"},
        {"max_gap": "an hour"},
        {"labels": np.zeros(7, int)},
        {"labels": np.zeros(8)},
        {"labels": np.full(8, 300)},
        {"labels": {"a": np.zeros((8, 2), int)}},
        {"dtype": "float32"},
        {"series": 7},
        {"series": "abc"},
        {"series": {1: 4, "1": 4}},
        {"series": [4.0, 4.0]},
        {"segments": [(0.5, 4.5)]},
        {"segments": [(0, 4, 0)]},
        {"step": np.timedelta64(1, "M")},
        {"max_gap": np.timedelta64(1, "Y")},
        {"missing": "no"},
        {"width": 1.5},
        {"channels": 3},
        {"channels": ["a", "b", "\udcff"]},
        {"start": "2024-13-01"},
        {"key": "x"},
    ],
    ids=str,
)
def test_parts_that_do_not_fit(options: dict[str, Any]) -> None:
    with raises("option-value"):
        from_array(VALUES, **options)


@pytest.mark.parametrize("part", ["time", "labels"])
def test_a_mask_is_never_lost(part: str) -> None:
    hidden = np.ma.masked_array(np.arange(8), np.arange(8) == 3)
    with raises("array-format", part):
        from_array(VALUES, **{part: hidden})  # type: ignore[arg-type]
    with raises("array-format", part):
        from_array(VALUES, **{part: {"a": hidden} if part == "labels" else hidden})  # type: ignore[arg-type]


def test_a_frame_says_its_names_and_times() -> None:
    index = pd.date_range("2024-03-01", periods=8, freq="min", tz="Europe/Berlin")
    frame = pd.DataFrame(VALUES, columns=["x", "y", "z"], index=index)
    data = from_array(frame)
    assert data.channels == ("x", "y", "z")
    assert data.time[:1].astype("datetime64[ns]") == np.datetime64("2024-02-29T23:00")
    assert data.cadence_ns == 60 * SECOND
    assert from_array(frame, channels=["a", "b", "c"]).channels == ("a", "b", "c")
    assert from_array(pl.DataFrame(VALUES, schema=["x", "y", "z"])).channels == ("x", "y", "z")


@pytest.mark.parametrize(
    "start", ["2024-03-01T08:00+01:00", "2024-03-01T07:00", datetime(2024, 3, 1, 7, tzinfo=UTC)]
)
def test_a_start_with_a_zone(start: Any) -> None:
    assert from_array(VALUES, start=start).time[:1].astype("datetime64[ns]") == np.datetime64("2024-03-01T07:00")


def test_durations_as_they_are_written() -> None:
    values = np.zeros((10, 1), np.float32)
    time = np.datetime64("2024-03-01", "ns") + np.arange(10) * np.timedelta64(1, "s")
    time[5:] += np.timedelta64(60, "s")
    assert from_array(values, start="2024-03-01", step="2ms").cadence_ns == 2_000_000
    assert from_array(values, time=time, max_gap="30s").segments.stop.tolist() == [5, 10]
    assert from_array(values, time=time, max_gap="5min").segments.stop.tolist() == [10]
    with raises("option-value", "whole nanoseconds"):
        from_array(values, start="2024-03-01", step="0.5ns")
