"""The ends of segments, filled up with zeros: against brute force, in every way of serving."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Normaliser, WindowBatch, WindowDataset, WindowLoader, from_array
from longstride.storage.arrays.data import ArrayData
from tests.helpers.errors import raises
from tests.helpers.stores.segments import segment_lists
from tests.helpers.stores.ways import Ways, check_every_way

RULES = ["any", "share", "first", "last", "majority", "rows"]


def brute_force(pairs: list[tuple[int, int]], window: int, stride: int, dilation: int) -> dict[int, int]:
    """Rows that each window has, by its start."""
    found: dict[int, int] = {}
    for start, stop in pairs:
        for row in range(start, stop, stride):
            there = len(range(row, stop, dilation)[:window])
            whole = row + (window - 1) * dilation < stop
            before = row - stride + (window - 1) * dilation + 1  # where the window before ends
            if whole or row == start or before < stop:
                found[row] = there
            if not whole:
                break
    return found


def array_of(pairs: list[tuple[int, int]], seed: int = 0) -> ArrayData:
    random = np.random.default_rng(seed)
    values = random.standard_normal((pairs[-1][1], 2)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    return from_array(values, labels=random.integers(-2, 3, len(values)).astype(np.int8), segments=pairs)


def check(batch: WindowBatch, data: ArrayData, window: int, dilation: int, lengths: dict[int, int]) -> list[int]:
    """Compare each window with its rows; the starts of those that are there."""
    batch = WindowBatch(*(None if field is None else field.cpu() for field in batch))  # type: ignore[arg-type]
    assert batch.length is not None
    assert batch.mask is not None
    for place, (start, length) in enumerate(zip(batch.start.tolist(), batch.length.tolist(), strict=True)):
        assert length == (lengths[start] if start >= 0 else 0)
        rows = list(range(start, start + length * dilation, dilation))
        values = np.zeros((window, 2), np.float32)
        values[:length] = data.values[rows]
        assert np.array_equal(batch.values[place], values, equal_nan=True)
        there = np.arange(window)[:, None] < length
        assert np.array_equal(batch.mask[place], ~np.isnan(values) & there)
        if batch.time is not None:
            assert batch.time[place].tolist() == [row * 10**9 for row in rows] + [-1] * (window - length)
    return [start for start in batch.start.tolist() if start >= 0]


@settings(max_examples=100)
@given(segment_lists(), st.integers(1, 9), st.integers(1, 12), st.integers(1, 3), st.data())
def test_every_row_is_in_a_window(
    pairs: list[tuple[int, int]], window: int, stride: int, dilation: int, data: st.DataObject
) -> None:
    if not pairs:
        return
    lengths = brute_force(pairs, window, stride, dilation)
    array = array_of(pairs)
    world_size, shuffle = data.draw(st.sampled_from([1, 2, 4, 8])), data.draw(st.booleans())
    if shuffle and len(lengths) < 8:
        return
    options: dict[str, Any] = {
        "window": window,
        "stride": stride,
        "dilation": dilation,
        "ragged": True,
        "batch_size": 8,
        "shuffle": shuffle,
        "pool_rows": data.draw(st.sampled_from([16, 10_000])),
        "block_rows": data.draw(st.sampled_from([8, 10_000])),
        "time": "rows",
        "device": data.draw(st.sampled_from([None, "cpu"])),
    }
    served: list[int] = []
    for rank in range(world_size):
        loader = WindowLoader(array, rank=rank, world_size=world_size, **options)
        assert loader.num_windows == len(lengths)
        for batch in loader:
            served += check(batch, array, window, dilation, lengths)
    assert len(served) == len(set(served)) == len(lengths) - loader.num_dropped
    assert set(served) <= lengths.keys()
    if stride <= window and dilation == 1:
        rows = {row for start, length in lengths.items() for row in range(start, start + length)}
        assert rows == {row for start, stop in pairs for row in range(start, stop)}
    dataset = WindowDataset(array, **{name: one for name, one in options.items() if name != "device"})
    numbers = data.draw(st.lists(st.integers(-len(lengths), len(lengths) - 1), min_size=1, max_size=5))
    batch = dataset.windows(numbers)
    assert check(batch, array, window, dilation, lengths) == [sorted(lengths)[number] for number in numbers]


@settings(max_examples=60)
@given(
    segment_lists(), st.integers(1, 6), st.integers(1, 3), st.sampled_from(RULES), st.sampled_from([None, "cpu"])
)
def test_labels_of_the_rows_that_are_there(
    pairs: list[tuple[int, int]], window: int, dilation: int, rule: str, device: str | None
) -> None:
    if not pairs:
        return
    array = array_of(pairs)
    assert array.labels is not None
    lengths = brute_force(pairs, window, 2, dilation)
    options: dict[str, Any] = {"window": window, "stride": 2, "dilation": dilation, "label": rule, "calendar": ()}
    for batch in WindowLoader(array, batch_size=4, ragged=True, shuffle=False, device=device, **options):
        assert batch.label is not None
        for label, start in zip(batch.label[..., 0].tolist(), batch.start.tolist(), strict=True):
            if start < 0:
                continue
            rows = array.labels[start : start + lengths[start] * dilation : dilation, 0].tolist()
            expected = {
                "any": any(rows),
                "share": pytest.approx(np.mean([row != 0 for row in rows])),
                "first": rows[0],
                "last": rows[-1],
                "majority": min(set(rows), key=lambda one, rows=rows: (-rows.count(one), one)),
                "rows": rows + [-1] * (window - len(rows)),
            }[rule]
            assert label == expected


@settings(max_examples=60)
@given(segment_lists(), st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(0, 2**32))
def test_chosen_windows(pairs: list[tuple[int, int]], window: int, stride: int, dilation: int, seed: int) -> None:
    """Leaving windows out moves no other, and looks at the rows that are there."""
    if not pairs:
        return
    array = array_of(pairs, seed)
    labels = np.random.default_rng(seed).random(array.num_rows) < 0.05
    array = from_array(array.values, labels=labels, segments=pairs)
    lengths = brute_force(pairs, window, stride, dilation)
    ends = {start: next(stop for first, stop in pairs if first <= start < stop) for start in lengths}
    expected = [
        start
        for start, length in lengths.items()
        if not labels[start : min(start + (window - 1) * dilation + 1, ends[start])].any()
        and np.isnan(array.values[start : start + length * dilation : dilation]).sum() <= 0.2 * length * 2
    ]
    options: dict[str, Any] = {"window": window, "stride": stride, "dilation": dilation, "ragged": True}
    if not expected:
        return
    loader = WindowLoader(array, batch_size=2, shuffle=False, without_labels="label", max_missing=0.2, **options)
    found = [start for batch in loader for start in check(batch, array, window, dilation, lengths)]
    assert found == expected
    assert loader.num_skipped == len(lengths) - len(expected)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"window": 30, "stride": 7, "time": "rows", "label": "majority", "series": True, "calendar": "day"},
        {"window": 300, "stride": 100, "channels": ["c1"], "targets": ["c0"], "batch_size": 8},
        {"window": 9, "stride": 18, "dilation": 2, "stateful": True},
        {"window": 40, "every": "1min", "max_missing": 0.1},
        {"window": 20, "stride": 5, "balance": {"fault": 0.5}},
    ],
)
def test_every_way_of_serving(ways: Ways, options: dict[str, Any], shuffle: bool) -> None:
    if "balance" in options and not shuffle:
        return
    check_every_way(ways, shuffle=shuffle, ragged=True, in_order="stateful" in options, **options)


@pytest.mark.parametrize("kind", ["standard", "minmax", "window"])
@pytest.mark.parametrize("device", [None, "cpu"])
def test_rows_that_are_not_there_stay_0_when_values_are_normalised(
    ways: Ways, kind: str, device: str | None
) -> None:
    options: dict[str, Any] = {"window": 64, "stride": 64, "ragged": True, "shuffle": False, "batch_size": 8}
    normaliser = Normaliser.fit(ways.array[0], kind)
    loader = WindowLoader(ways.mapped[0], normalise=normaliser, targets=["c1"], device=device, **options)
    batches = [*loader, loader.dataset.windows(range(loader.num_windows))]
    absent = 0
    for batch in batches:
        assert batch.length is not None
        assert batch.target is not None
        for number, length in enumerate(batch.length.tolist()):
            assert not batch.values[number, length:].any()
            assert not batch.target[number, length:].any()
            absent += 64 - length
    assert absent > 64


def test_a_store_that_is_shorter_than_a_window() -> None:
    values = np.arange(3, dtype=np.float32)
    batch = next(iter(WindowLoader(values, window=8, batch_size=2, ragged=True, shuffle=False)))
    assert batch.values[0, :, 0].tolist() == [0, 1, 2, 0, 0, 0, 0, 0]
    assert batch.length is not None
    assert batch.length.tolist() == [3, 0]
    assert "length: int64 (2,)" in repr(batch)
    one = WindowDataset(values[:1], window=1, batch_size=1, ragged=True).window(0)
    assert (one.values.tolist(), one.length) == ([[0]], torch.tensor(1))


def test_weights_of_rows_count_the_rows_that_are_there() -> None:
    pairs = [(0, 10), (10, 13)]
    loader = WindowLoader(
        from_array(np.zeros((13, 1), np.float32), segments=pairs),
        window=8,
        stride=4,
        ragged=True,
        balance=[0.0] * 10 + [1.0] * 3,
        windows_per_epoch=8,
        batch_size=4,
    )
    assert {start for batch in loader for start in batch.start.tolist()} == {10}


def test_a_time_of_day_near_the_end() -> None:
    values = np.arange(100, dtype=np.float32)
    data = from_array(values, start="2024-01-01", step=timedelta(hours=1))
    loader = WindowLoader(data, window=30, at="00:00", ragged=True, shuffle=False, batch_size=4)
    batch = next(iter(loader))
    assert batch.length is not None
    assert batch.start.tolist() == [0, 24, 48, 72]
    assert batch.length.tolist() == [30, 30, 30, 28]
    assert loader.num_windows == 4


def test_what_cannot_be_is_refused() -> None:
    values = np.zeros((50, 1), np.float32)
    with raises("option-value", "ragged", "horizon"):
        WindowLoader(values, window=8, horizon=2, ragged=True, batch_size=4)
    with raises("option-value", "ragged is 'pad'"):
        WindowLoader(values, window=8, ragged="pad", batch_size=4)
    plain = WindowLoader(values, window=8, batch_size=4)
    assert "ragged" not in plain.dataset.settings
    assert next(iter(plain)).length is None
    with raises("state-differs", "ragged is True here"):
        WindowLoader(values, window=8, batch_size=4, ragged=True).load_state_dict(plain.state_dict())
