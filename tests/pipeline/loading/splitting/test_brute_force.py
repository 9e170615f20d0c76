"""Every way to split, against brute force over random series, gaps and arrays."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import longstride
from longstride import Split, Splits, from_array
from longstride.storage.arrays.data import ArrayData
from longstride.storage.series.segments import Segments
from tests.helpers.errors import raises

FIRST_NS = int(np.datetime64("2024-03-01", "ns").astype(np.int64))


@st.composite
def series_data(draw: st.DrawFn) -> ArrayData:
    """Series of random lengths, which begin at random times and have gaps; some were appended to."""
    lengths = draw(st.lists(st.integers(1, 60), min_size=1, max_size=4))
    times = []
    for length in lengths:
        steps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 9]), min_size=length, max_size=length))
        times.append(draw(st.integers(0, 40)) + np.cumsum(steps))
    time = FIRST_NS + np.concatenate(times).astype(np.int64) * 10**9
    values = np.arange(len(time), dtype=np.float32)[:, None]
    data = from_array(values, time=time, series=lengths, max_gap=timedelta(seconds=2))
    return appended(data, [draw(st.integers(0, length)) for length in lengths]) if draw(st.booleans()) else data


def appended(data: ArrayData, cuts: Sequence[int]) -> ArrayData:
    """The same rows where those of each series from its cut on came later: they lie behind all others."""
    series = np.repeat(np.arange(len(data.series)), [len(rows) for rows in series_of(data)])
    place = np.concatenate([np.arange(len(rows)) for rows in series_of(data)])
    order = np.lexsort((place, series, place >= np.array(cuts)[series]))
    time, segment = np.asarray(data.time[:])[order], np.zeros(len(order), np.int64)
    segment[data.segments.start] = 1
    segment = np.cumsum(segment)[order]
    starts = np.flatnonzero((np.diff(segment, prepend=-1) != 0) | (np.diff(order, prepend=-2) != 1))
    stops = np.append(starts[1:], len(order))
    return ArrayData(
        np.asarray(data.values[:])[order],
        name=data.name,
        channels=data.channels,
        time=time,
        cadence_ns=data.cadence_ns,
        segments=Segments(starts, stops, series[order][starts]),
        series=data.series,
    )


def rows_of(split: Split) -> list[int]:
    bounds = zip(split.segments.start.tolist(), split.segments.stop.tolist(), strict=True)
    return [row for start, stop in bounds for row in range(start, stop)]


def series_of(data: ArrayData) -> list[list[int]]:
    """The rows of each series, in order of time."""
    found: list[list[int]] = [[] for _ in data.series]
    for start, stop, number in zip(*(field.tolist() for field in vars(data.segments).values()), strict=True):
        found[number] += range(start, stop)
    return found


def cut_by(series: Sequence[Sequence[int]], stops: Sequence[Sequence[int]], purge: int) -> list[list[int]]:
    """Rows of each part, row by row: of series g, part p ends before its row number stops[p][g]."""
    parts: list[list[int]] = [[] for _ in range(len(stops) + 1)]
    for number, rows in enumerate(series):
        edges = [0, *(stop[number] for stop in stops), len(rows)]
        for part, (begin, end) in enumerate(pairwise(edges)):
            parts[part] += rows[begin and begin + purge : end]
    return [sorted(part) for part in parts]


def has(splits: Splits, parts: Sequence[Sequence[int]]) -> None:
    assert [rows_of(part) for part in splits.parts] == [list(part) for part in parts]
    for part in splits.parts:
        lasting = part.segments.start < part.segments.stop
        assert lasting.all()
        assert (np.diff(part.segments.start) > 0).all()


@settings(max_examples=50)
@given(series_data(), st.integers(1, 6), st.integers(0, 4), st.integers(0, 100), st.integers(1, 80))
def test_by_date(data: ArrayData, window: int, horizon: int, first: int, more: int) -> None:
    time = np.asarray(data.time[:])
    cuts = [FIRST_NS + first * 10**9, FIRST_NS + (first + more) * 10**9]
    series = series_of(data)
    stops = [[sum(bool(time[row] < cut) for row in rows) for rows in series] for cut in cuts]
    expected = cut_by(series, stops, window + horizon - 1)
    begins = [np.datetime64(cut, "ns") for cut in cuts]

    def split() -> Splits:
        return longstride.split_by_date(data, window=window, horizon=horizon, validation=begins[0], test=begins[1])

    if all(expected):
        has(split(), expected)
    else:
        with raises("option-value", "no rows"):
            split()


@settings(max_examples=50)
@given(series_data(), st.integers(1, 6), st.sampled_from([(0.8, 0.1), (0.5, 0.5), (0.5, 0.0), (0.25, 0.25)]))
def test_by_time(data: ArrayData, window: int, shares: tuple[float, float]) -> None:
    """All series are cut at the first time before which so many of all rows lie."""
    time, series = np.asarray(data.time[:]), series_of(data)
    in_order = np.sort(time)
    stops = []
    for share in (shares[0], sum(shares)):
        wanted = round(share * len(time))
        cut = int(in_order[wanted - 1]) + 1 if wanted else int(in_order[0])
        stops.append([sum(bool(time[row] < cut) for row in rows) for rows in series])
    expected = cut_by(series, stops, window - 1)
    has(longstride.split_by_time(data, window=window, train=shares[0], validation=shares[1]), expected)


AMOUNT = st.one_of(st.integers(0, 40), st.sampled_from([0.0, 0.1, 0.25, 0.5]))


@settings(max_examples=50)
@given(series_data(), st.integers(1, 6), AMOUNT, AMOUNT)
def test_within_series(data: ArrayData, window: int, train: float, validation: float) -> None:
    series = series_of(data)

    def amount(rows: list[int], share: float) -> float:
        return share if isinstance(share, int) else share * len(rows)

    first = [min(len(rows), round(amount(rows, train))) for rows in series]
    second = [min(len(rows), round(amount(rows, train) + amount(rows, validation))) for rows in series]
    expected = cut_by(series, [first, second], window - 1)
    if (expected[0] or not train) and (expected[1] or not validation):
        has(longstride.split_within_series(data, window=window, train=train, validation=validation), expected)
    else:
        with raises("option-value", "no rows"):
            longstride.split_within_series(data, window=window, train=train, validation=validation)


@settings(max_examples=50)
@given(series_data(), st.integers(1, 6), st.integers(0, 3), st.integers(2, 6), st.booleans())
def test_in_blocks(data: ArrayData, window: int, horizon: int, blocks: int, past_only: bool) -> None:
    purge = window + horizon - 1
    options: dict[str, Any] = {"window": window, "horizon": horizon, "blocks": blocks, "past_only": past_only}
    try:
        folds = longstride.split_in_blocks(data, **options)
    except longstride.LongstrideError as error:
        assert error.code == "option-value"  # noqa: PT017
        assert data.num_rows < 6 * blocks * (purge + 1) * len(data.series)
        return
    assert len(folds) == blocks - past_only
    series = series_of(data)
    for fold in folds:
        train, validation = rows_of(fold.train), rows_of(fold.validation)
        assert not len(fold.test.segments)
        assert train == sorted(set(train))
        for rows in series:
            held = [place for place, row in enumerate(rows) if row in validation]
            if held:
                assert held == list(range(held[0], held[-1] + 1))
            wanted = [
                place
                for place in range(len(rows))
                if all(abs(place - other) > purge for other in held)
                and not (past_only and held and place > held[0])
            ]
            mine = [place for place, row in enumerate(rows) if row in train]
            assert mine == wanted if held or not past_only else set(mine) <= set(wanted)
    if not past_only:
        assert sorted(row for fold in folds for row in rows_of(fold.validation)) == list(range(data.num_rows))
    if past_only:
        time = np.asarray(data.time[:])
        for fold in folds:
            assert time[rows_of(fold.train)].max() < time[rows_of(fold.validation)].min()


@settings(max_examples=50)
@given(
    series_data(), st.integers(0, 3), st.sampled_from([(0.8, 0.1), (0.5, 0.5), (0.5, 0.0), (0.0, 0.5), (1.0, 0.0)])
)
def test_by_shares_of_the_series(data: ArrayData, seed: int, shares: tuple[float, float]) -> None:
    train, validation = shares
    asked = sum(share > 1e-9 for share in (train, validation, 1 - train - validation))
    if asked > len(data.series):
        with raises("option-value", "too few"):
            longstride.split_by_series(data, train=train, validation=validation, seed=seed)
        return
    splits = longstride.split_by_series(data, train=train, validation=validation, seed=seed)
    taken = [set(part.segments.series.tolist()) for part in splits.parts]
    assert sorted(number for part in taken for number in part) == list(range(len(data.series)))
    assert sum(bool(part) for part in taken) == asked
    assert sum(len(rows_of(part)) for part in splits.parts) == data.num_rows
    assert abs(len(taken[0]) - train * len(data.series)) <= 2


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"validation": "b"}, [["a", "c", "d"], ["b"], []]),
        ({"test": ["b", "d"]}, [["a", "c"], [], ["b", "d"]]),
        ({"train": ["d"]}, [["d"], [], ["a", "b", "c"]]),
        ({"train": ("a",), "validation": ["c"]}, [["a"], ["c"], ["b", "d"]]),
        ({"train": ["a"], "test": ["c"]}, [["a"], [], ["c"]]),
    ],
)
def test_by_names_of_the_series(named: dict[str, Any], expected: list[list[str]]) -> None:
    data = from_array(np.zeros((100, 1), np.float32), series={"a": 10, "b": 20, "c": 30, "d": 40})
    splits = longstride.split_by_series(data, **named)
    assert [[data.series[series] for series in part.segments.series] for part in splits.parts] == expected
