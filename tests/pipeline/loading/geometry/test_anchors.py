"""Windows at times of day: against a search of every minute, in zones with and without summer time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import WindowLoader, from_array, split_by_time
from longstride.pipeline.loading.geometry import anchors
from longstride.pipeline.loading.geometry.clock import clock_of
from longstride.storage.arrays.data import ArrayData
from tests.helpers.errors import raises
from tests.helpers.stores.ways import Ways, check_every_way

MINUTE = 60 * 10**9
ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
DAYS = ["2024-03-30T20:00", "2024-10-26T12:00", "2018-11-03T06:00", "2011-12-29T00:00", "1969-12-30T07:13"]
"""Before days on which clocks are put forward, back, at midnight, by a whole day, and before 1970."""


def starts_of(data: Any, **options: Any) -> list[int]:
    loader = WindowLoader(data, batch_size=4, shuffle=False, **options)
    return [start for batch in loader for start in batch.start.tolist() if start >= 0]


def is_shown(minute: int, zone: ZoneInfo, marks: set[str]) -> bool:
    """Whether the clock shows a mark at this minute since 1970, for the first time on this day."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).astimezone(zone)
    return f"{local:%H:%M}" in marks and not local.fold


def brute_force(data: ArrayData, window: int, zone: ZoneInfo, marks: set[str]) -> list[int]:
    step, found = max(1, data.cadence_ns), []
    for start, stop in zip(data.segments.start.tolist(), data.segments.stop.tolist(), strict=True):
        time = [int(data.time[row]) for row in range(start, stop)]
        for row in range(stop - start - window + 1):
            after = max(time[row] - step, time[row - 1] if row else -(2**63))
            minutes = range((time[row] - step) // MINUTE, time[row] // MINUTE + 1)
            if any(after < one * MINUTE <= time[row] and is_shown(one, zone, marks) for one in minutes):
                found.append(start + row)
    return found


@settings(max_examples=150)
@given(st.data())
def test_starts_equal_brute_force(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    minutes = data.draw(st.sampled_from([1, 7, 15, 60]))
    number = data.draw(st.integers(1, 120))
    jitter = data.draw(st.lists(st.integers(0, 20), min_size=number, max_size=number))
    begin = int(np.datetime64(data.draw(st.sampled_from(DAYS)), "ns").astype(np.int64))
    time = begin + np.arange(number) * minutes * MINUTE + np.array(jitter) * 10**9
    time[number // 2 :] += data.draw(st.sampled_from([0, 0, 5 * 60 * MINUTE]))
    rows = from_array(np.zeros((number, 1), np.float32), time=time, max_gap=timedelta(hours=2))
    at = data.draw(st.lists(st.sampled_from(["00:00", "02:30", "08:00", "23:15"]), max_size=2, unique=True))
    every = data.draw(st.sampled_from([None, "1d", "1h", "6h", timedelta(hours=2)] if at else ["1d", "1h", "6h"]))
    apart = {None: 24, "1d": 24, "1h": 1, "6h": 6, timedelta(hours=2): 2}[every]
    marks = {
        f"{(int(one[:2]) + more) % 24:02}:{one[3:]}" for one in at or ["00:00"] for more in range(0, 24, apart)
    }
    window = data.draw(st.integers(1, 5))
    if clock_of(at, every, zone).apart < rows.cadence_ns:
        return
    expected = brute_force(rows, window, ZoneInfo(zone), marks)
    options: dict[str, Any] = {"window": window, "at": at, "every": every, "timezone": zone}
    with mock.patch.object(anchors, "STRIP_ROWS", 7):
        if expected:
            assert starts_of(rows, **options) == expected
        else:
            with raises("too-few-windows", zone):
                starts_of(rows, **options)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"window": 4, "every": "15s"},
        {"window": 30, "at": "00:00:10", "every": "20s", "horizon": "6s", "dilation": 2, "time": "start"},
        {"window": 9, "at": ["00:00:05", "00:00:17"], "every": "1min", "without_labels": "fault"},
    ],
)
def test_every_way_of_serving(ways: Ways, options: dict[str, Any], shuffle: bool) -> None:
    check_every_way(ways, shuffle=shuffle, **options)


def hourly(days: int = 10, **options: Any) -> ArrayData:
    values = np.arange(24 * days, dtype=np.float32)
    return from_array(values, start="2024-03-28T00:00", step=timedelta(hours=1), **options)


def test_summer_time_begins() -> None:
    """On 31 March 2024, 2 o'clock was skipped in Berlin: 08:00 was 7 hours after the midnight before."""
    starts = starts_of(hourly(), window=24, at="08:00", timezone="Europe/Berlin")
    assert starts == [7, 31, 55, 78, 102, 126, 150, 174, 198]
    assert starts_of(hourly(), window=1, at="02:00", timezone="Europe/Berlin") == [
        1, 25, 49, 96, 120, 144, 168, 192, 216
    ]  # fmt: skip
    assert len(starts_of(hourly(1), window=1, every="1h", timezone="Europe/Berlin")) == 24


def test_overlapping_windows_are_kept_apart_in_batches() -> None:
    data = from_array(np.zeros((60 * 24 * 30, 1), np.float32), start="2024-01-01", step=timedelta(minutes=1))
    loader = WindowLoader(data, window="3h", every="1h", batch_size=8)
    assert loader.num_windows == 30 * 24 - 2
    assert loader.dataset.index.hop == 3
    assert len(loader.dataset.index.segments) == 1
    assert ", stride=60, " in repr(loader)
    crossing = sum(
        abs(one - other) < 180 for batch in loader for one in batch.start for other in batch.start if one < other
    )
    assert crossing <= 6


def test_splits_and_balance() -> None:
    labels = np.zeros(240, np.int8)
    labels[100] = 1
    data = hourly(labels=labels)
    splits = split_by_time(data, window=6, train=0.5, validation=0.25)
    assert starts_of(data, window=6, at="08:00", split=splits.train) == [8, 32, 56, 80, 104]
    assert starts_of(data, window=6, at="08:00", split=splits.validation) == [128, 152]
    loader = WindowLoader(data, window=6, at=["00:00", "08:00"], balance={"label": 0.5}, batch_size=4)
    for batch in loader:
        assert sum(start == 96 for start in batch.start.tolist()) == 2


def test_one_time_written_in_many_ways() -> None:
    for at in ("08:00", "8:00", "08:00:00", "08:00:00.0", ["08:00"], ("08:00", "08:00")):
        assert starts_of(hourly(), window=2, at=at)[:2] == [8, 32]
    for every in ("1d", "24h", timedelta(days=1), np.timedelta64(1, "D"), np.timedelta64(24 * 60 * MINUTE, "ns")):
        assert starts_of(hourly(), window=2, every=every)[:2] == [0, 24]
    assert starts_of(hourly(), window=2, at="06:00", every="8h")[:4] == [6, 14, 22, 30]


def test_rows_that_come_late_or_not_at_all() -> None:
    time = np.datetime64("2024-01-01T07:50", "ns").astype(np.int64) + np.arange(20) * 10 * MINUTE
    time[1] += 3 * MINUTE  # 08:03 instead of 08:00
    time[7:] += 30 * MINUTE  # nothing from 09:00 to 09:30
    data = from_array(np.zeros((20, 1), np.float32), time=time, max_gap=timedelta(hours=1))
    assert starts_of(data, window=1, every="1h") == [1, 10, 16]


@pytest.mark.parametrize(
    ("options", "code", "facts"),
    [
        ({"at": "25:00"}, "option-value", ["at='25:00'", "08:00"]),
        ({"at": "8"}, "option-value", ["at='8'"]),
        ({"at": "noon"}, "option-value", ["at='noon'"]),
        ({"at": 8}, "option-value", ["at is 8"]),
        ({"every": "7h"}, "option-value", ["every=7h", "part of a day"]),
        ({"every": "2d"}, "option-value", ["every=2d"]),
        ({"every": "soon"}, "option-value", ["every=soon"]),
        ({"every": "0s"}, "option-value", ["every=0s"]),
        ({"every": timedelta(0)}, "option-value", ["every=0:00:00"]),
        ({"every": timedelta(hours=-1)}, "option-value", ["every=-1 day"]),
        ({"every": 24}, "option-value", ["every is 24"]),
        ({"every": "30min"}, "option-value", ["every=30min", "3,600 s"]),
        ({"at": "08:00", "stride": 24}, "option-value", ["stride=24", "leave stride out"]),
        ({"at": "08:00", "timezone": "Mars/Olympus"}, "option-value", ["timezone='Mars/Olympus'"]),
        ({"at": "08:00", "timezone": "../../etc/passwd"}, "option-value", ["timezone"]),
        ({"timezone": "Europe/Berlin"}, "option-value", ["timezone", "at="]),
        ({"at": "08:30"}, "option-value", None),
        ({"at": "08:00", "window": 500}, "too-few-windows", ["500 rows", "at=08:00", "2024-03-28"]),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], code: str, facts: list[object] | None) -> None:
    if facts is None:  # within a step after 08:30
        assert starts_of(hourly(), window=2, **options)[:2] == [9, 33]
        return
    with raises(code, *facts):
        WindowLoader(hourly(), **{"window": 2, "batch_size": 1, **options})


def test_rows_without_times_are_refused() -> None:
    with raises("option-value", "at=08:00", "start="):
        WindowLoader(np.zeros((50, 1), np.float32), window=4, batch_size=4, at="08:00")


def test_an_empty_split_has_no_windows() -> None:
    splits = split_by_time(hourly(), window=2, train=1.0, validation=0.0)
    with raises("too-few-windows"):
        WindowLoader(hourly(), window=2, batch_size=1, at="08:00", split=splits.test)
