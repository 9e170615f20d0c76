from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

import longstride
from longstride import SplitsOfStores, WindowLoader, from_array, split_by_date, split_by_series, split_by_time
from longstride.pipeline.loading.splitting.instants import instant_ns
from longstride.storage.arrays.data import ArrayData
from tests.helpers.errors import raises

HOUR = timedelta(hours=1)


def hourly(start: str, rows: int, **series: int) -> ArrayData:
    values = np.zeros((rows, 2), np.float32)
    return from_array(values, start=start, step=HOUR, series=series or None)


def test_dates_are_where_the_parts_begin() -> None:
    data = hourly("2024-02-28", 24 * 10)
    splits = split_by_date(data, window=5, horizon=2, validation="2024-03-01", test="2024-03-04T12:00")
    assert repr(splits) == (
        "Splits(\n"
        "  Split('train', 48 rows in 1 segment, 2024-02-28T00:00:00 to 2024-02-29T23:00:00),\n"
        "  Split('validation', 78 rows in 1 segment, 2024-03-01T06:00:00 to 2024-03-04T11:00:00),\n"
        "  Split('test', 102 rows in 1 segment, 2024-03-04T18:00:00 to 2024-03-08T23:00:00),\n"
        ")"
    )
    assert not len(split_by_date(data, window=5, validation="2024-03-01").test.segments)
    assert not len(split_by_date(data, window=5, test="2024-03-01").validation.segments)


@pytest.mark.parametrize(
    "value",
    [
        "2024-03-01T08:30",
        "2024-03-01 08:30:00.000000000",
        "2024-03-01T08:30Z",
        "2024-03-01T10:30:00+02:00",
        "2024-03-01T03:00:00-05:30",
        datetime(2024, 3, 1, 8, 30),
        datetime(2024, 3, 1, 10, 30, tzinfo=timezone(timedelta(hours=2))),
        datetime(2024, 3, 1, 8, 30, tzinfo=UTC),
        np.datetime64("2024-03-01T08:30"),
    ],
)
def test_one_instant_written_in_many_ways(value: Any) -> None:
    assert instant_ns("test", value) == 1_709_281_800 * 10**9
    assert instant_ns("test", date(2024, 3, 1)) == 1_709_251_200 * 10**9
    assert instant_ns("test", "2024-03-01T00:00:00.000000001") == 1_709_251_200 * 10**9 + 1


@pytest.mark.parametrize(
    "value", ["now", "March", "2024-13-01", "1200-01-01", "9999-01-01", 5, 1.5, True, np.datetime64("NaT"), ["a"]]
)
def test_what_is_not_a_date(value: Any) -> None:
    with raises("option-value", "test="):
        split_by_date(hourly("2024-02-28", 240), window=5, test=value)


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ({}, "validation="),
        ({"validation": "2024-03-02", "test": "2024-03-02"}, "2024-03-02"),
        ({"validation": "2024-03-03", "test": "2024-03-02"}, "2024-03-03"),
        ({"validation": "2025-01-01"}, "2024-03-08T23:00:00"),
        ({"test": "2024-02-28"}, "train"),
        ({"validation": "2024-03-01T00:00", "test": "2024-03-01T02:00"}, "validation"),
        ({"window": 0, "test": "2024-03-01"}, "window=0"),
    ],
)
def test_dates_that_leave_nothing(dates: dict[str, Any], said: str) -> None:
    with raises("option-value", said):
        split_by_date(hourly("2024-02-28", 240), **{"window": 5, **dates})


def test_several_stores_in_one_call() -> None:
    stores = [hourly("2024-02-28", 240), hourly("2024-03-05", 100)]
    splits = split_by_date(stores, window=5, validation="2024-03-01", test="2024-03-05")
    assert isinstance(splits, SplitsOfStores)
    assert [len(part.segments) for part in splits.train] == [1, 0]  # the second begins with the test rows
    assert [int(part.segments.start[0]) for part in splits.test] == [148, 0]
    assert repr(splits).count("Split('") == 6
    assert "store" in splits._repr_html_()
    assert WindowLoader(stores, window=5, batch_size=4, split=splits.train).num_windows == 44
    folds = longstride.split_in_blocks(stores, window=5, blocks=3)
    assert [len(fold.train) for fold in folds] == [2, 2, 2]
    alone = longstride.split_in_blocks(stores[1], window=5, blocks=3)
    for fold, one in zip(folds, alone, strict=True):
        assert fold.train[1].segments.stop.tolist() == one.train.segments.stop.tolist()
    with raises("option-value", "splits.train"):
        WindowLoader(stores, window=5, batch_size=4, split=splits)  # type: ignore[arg-type]
    with raises("option-value", "at least one"):
        split_by_time([], window=5)


def test_names_may_be_of_any_of_several_stores() -> None:
    stores = [hourly("2024-03-01", 50, a=20, b=30), hourly("2024-03-01", 60, b=20, c=40)]
    splits = split_by_series(stores, validation=["c"], test="a")
    assert [part.shown()[1] for part in splits.train] == [30, 20]
    assert [part.shown()[1] for part in splits.validation] == [0, 40]


def test_which_series_does_not_depend_on_their_order() -> None:
    names = [f"pump-{number}" for number in range(20)]
    taken = []
    for order in (names, names[::-1]):
        data = hourly("2024-03-01", 200, **dict.fromkeys(order, 10))
        split = split_by_series(data, train=0.5, validation=0.25, seed=1).validation
        taken.append({data.series[number] for number in split.segments.series})
        assert repr(split).startswith("Split('validation', 50 rows in 5 segments of 5 series, 2024-03-")
    assert taken[0] == taken[1]
    others = split_by_series(data, train=0.5, validation=0.25, seed=2).validation.segments.series
    assert {data.series[number] for number in others} != taken[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"train": ["a"], "validation": 0.1}, "0.1"),
        ({"train": 0.5, "test": ["a"]}, "['a']"),
        ({"train": ["a"], "test": ["a"]}, "'a'"),
        ({"train": ["d"]}, "a, b"),
        ({"train": 0.8, "validation": 0.3}, "0.3"),
        ({"train": [1]}, "[1]"),
        ({}, "too few"),
    ],
)
def test_series_that_cannot_be_split(options: dict[str, Any], said: str) -> None:
    with raises("option-value", said):
        split_by_series(hourly("2024-03-01", 50, a=20, b=30), **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"blocks": 1}, "blocks=1"), ({"blocks": 60}, "blocks=60"), ({"blocks": 5, "window": 40}, "fewer than 5")],
)
def test_blocks_that_leave_nothing(options: dict[str, Any], said: str) -> None:
    with raises("option-value", said):
        longstride.split_in_blocks(hourly("2024-03-01", 50), **{"window": 5, **options})


@pytest.mark.parametrize("options", [{"train": 60}, {"train": -1}, {"train": 0.9, "validation": 0.2}])
def test_rows_that_no_series_has(options: dict[str, Any]) -> None:
    with raises("option-value", "train="):
        longstride.split_within_series(hourly("2024-03-01", 50), **{"window": 5, **options})


def test_a_series_that_begins_after_the_cut_loses_no_rows() -> None:
    time = np.concatenate([np.arange(100), np.arange(90, 190)]) * 10**9
    data = from_array(np.zeros((200, 1), np.float32), time=time, series=[100, 100])
    splits = split_by_date(data, window=10, test=np.datetime64(90 * 10**9, "ns"))
    assert splits.test.segments.start.tolist() == [99, 100]


def test_folds_serve_windows_of_their_rows_alone() -> None:
    data = from_array(np.arange(400, dtype=np.float32)[:, None])
    for fold in longstride.split_in_blocks(data, window=8, blocks=4):
        used = []
        for split in (fold.train, fold.validation):
            loader = WindowLoader(data, window=8, batch_size=4, split=split, shuffle=False)
            used.append({int(value) for batch in loader for value in batch.values[batch.start >= 0].flatten()})
        low, high = min(used[1]), max(used[1])
        assert all(row + 7 < low or row - 7 > high for row in used[0])
