"""Windows by their numbers, of every kind of store, against slices of the rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Subset

from longstride import WindowBatch, WindowDataset, from_array
from longstride.pipeline.loading.window_map import WindowOutsideError
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.packed_stores import make_pair
from tests.helpers.stores.segments import brute_force, segment_lists
from tests.helpers.stores.store_of import StoreOf

OPTIONS: dict[str, Any] = {"window": 16, "stride": 5, "batch_size": 32}


def dataset(rows: int = 400, **options: Any) -> WindowDataset:
    values = np.random.default_rng(0).standard_normal((rows, 3)).astype(np.float32)
    return WindowDataset(from_array(values), **{**OPTIONS, **options})


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(segment_lists(), st.integers(1, 6), st.integers(1, 9), st.integers(0, 2), st.data())
def test_windows_are_slices_of_the_rows(
    store_of: StoreOf, pairs: list[tuple[int, int]], window: int, stride: int, horizon: int, data: st.DataObject
) -> None:
    starts = brute_force(pairs, window, stride, horizon)
    if not starts:
        return
    values = np.random.default_rng(1).standard_normal((pairs[-1][1], 2)).astype(np.float32)
    values[::7, 1] = np.nan
    found = WindowDataset(
        store_of(values, [(a, z) for a, z in pairs]),
        window=window,
        stride=stride,
        horizon=horizon,
        batch_size=1,
    )
    numbers = data.draw(st.lists(st.integers(-len(starts), len(starts) - 1), min_size=1, max_size=8))
    batch = found.windows(numbers)
    assert batch.start.tolist() == [starts[number] for number in numbers]
    expected = np.stack([values[starts[number] :][:window] for number in numbers])
    assert np.array_equal(batch.values, expected, equal_nan=True)
    assert batch.mask is None or np.array_equal(batch.mask, ~np.isnan(expected))
    if horizon:
        assert batch.target is not None
        after = np.stack([values[starts[number] + window :][:horizon] for number in numbers])
        assert np.array_equal(batch.target, after, equal_nan=True)
    one = found.window(numbers[0])
    assert np.array_equal(one.values, expected[0], equal_nan=True)
    assert one.start == batch.start[0]
    assert found.num_windows == len(found.as_map()) == len(starts)


def test_mapped_packed_and_arrays_are_the_same(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    mapped, packed = make_pair(make_store, tmp_path, "pcodec", rows=3000)
    numbers = [500, 3, -1, 3, 120]
    expected = WindowDataset(mapped, **OPTIONS).windows(numbers)
    array = from_array(np.asarray(mapped.values), segments=[(0, 1000), (1000, 3000)])
    for store in (packed, array):
        for mine, theirs in zip(WindowDataset(store, **OPTIONS).windows(numbers), expected, strict=True):
            assert mine is theirs is None or torch.equal(mine.nan_to_num(-7), theirs.nan_to_num(-7))


def test_several_stores_keep_the_order_that_is_asked_for(store_of: StoreOf) -> None:
    stores = [store_of(np.full((rows, 1), rows, np.float32)) for rows in (100, 60)]
    found = WindowDataset(stores, window=10, stride=10, batch_size=4)
    batch = found.windows([15, 0, 10, 9])
    assert batch.store is not None
    assert batch.store.tolist() == [1, 0, 1, 0]
    assert batch.start.tolist() == [50, 0, 0, 90]
    assert batch.values[:, 0, 0].tolist() == [60, 100, 60, 100]


def test_every_way_to_write_numbers() -> None:
    windows = dataset().as_map()
    starts = [5 * number for number in range(77)]
    assert len(windows) == 77
    assert [int(window.start) for window in windows] == starts
    for numbers in ([3, 9], np.array([3, 9]), torch.tensor([3, 9]), range(3, 10, 6), slice(3, 10, 6), (-74, -68)):
        assert windows[numbers].start.tolist() == [15, 45]
    for number in (3, np.int64(3), torch.tensor(3), np.array(3)):
        assert windows[number].values.shape == (16, 3)
    assert windows[-5:].start.tolist() == starts[-5:]
    assert repr(windows) == "WindowMap(K=16, N=3, windows=77)"
    assert "values: float32 (16, 3)" in repr(windows[0])


@pytest.mark.parametrize("number", [77, -78, 10**12])
def test_a_number_outside_is_an_index_error(number: int) -> None:
    found = dataset()
    with raises("window-outside", number, 76, kind=WindowOutsideError):
        found.window(number)
    with pytest.raises(IndexError):
        found.windows([0, number])


@pytest.mark.parametrize(
    "numbers", [[0.5], ["a"], [True], np.zeros(3, bool), [], slice(5, 5), 10**30, None, [[1]]]
)
def test_what_is_no_number_is_refused(numbers: Any) -> None:
    with raises("option-value"):
        dataset().as_map()[numbers]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_subsets_and_samplers_of_torch(num_workers: int) -> None:
    windows = dataset().as_map()
    subset = Subset(windows, range(10, 20))
    assert len(subset) == 10
    loader = DataLoader(subset, batch_size=4, num_workers=num_workers)
    batches = list(loader)
    assert all(isinstance(batch, WindowBatch) for batch in batches)
    assert [batch.start.tolist() for batch in batches] == [[50, 55, 60, 65], [70, 75, 80, 85], [90, 95]]
    assert batches[0].values.shape == (4, 16, 3)
    assert torch.equal(batches[0].values, windows[10:14].values)


def test_whole_batches_are_not_collated_once_more() -> None:
    with raises("option-value", "batch_size=None", "as_map"):
        next(iter(DataLoader(dataset(), batch_size=4)))


def test_windows_by_number_have_what_else_is_asked_for(store_of: StoreOf) -> None:
    store = store_of(np.random.default_rng(0).standard_normal((300, 2)).astype(np.float32))
    dataset = WindowDataset(store, window=8, batch_size=4, time="rows", series=True, shuffle=False)
    batch = next(iter(dataset))
    found = dataset.windows(range(4))
    assert batch.time is not None
    assert found.time is not None
    assert torch.equal(found.time, batch.time)
    assert dataset.window(2).time is not None
    assert torch.equal(dataset.window(2).time, batch.time[2])  # type: ignore[arg-type]
