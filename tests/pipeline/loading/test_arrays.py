"""Windows of an array are those of a store of the same rows: the same batches in the same order."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from longstride import WindowBatch, WindowDataset, WindowLoader, from_array, split_by_time
from tests.helpers.errors import raises
from tests.helpers.stores.segments import brute_force, segment_lists
from tests.helpers.stores.store_of import StoreOf


def equal(one: WindowBatch, other: WindowBatch) -> bool:
    return all(
        a is b is None or (a is not None and b is not None and torch.equal(a.nan_to_num(-7), b.nan_to_num(-7)))
        for a, b in zip(one, other, strict=True)
    )


def same_batches(one: WindowLoader, other: WindowLoader) -> bool:
    return len(one) == len(other) and all(equal(a, b) for a, b in zip(one, other, strict=True))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    segment_lists(),
    st.integers(1, 6),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["float32", "float64"]),
)
def test_the_batches_of_a_store(
    store_of: StoreOf,
    pairs: list[tuple[int, int]],
    window: int,
    stride: int,
    shuffle: bool,
    holes: bool,
    dtype: str,
) -> None:
    if len(brute_force(pairs, window, stride, 0)) < 4:
        return
    values = np.random.default_rng(1).standard_normal((pairs[-1][1], 3)).astype(dtype)
    if holes:
        values[::5, 1] = np.nan
    store = store_of(values, [(first, stop) for first, stop in pairs])
    data = from_array(values, segments=pairs, channels=store.channels)
    options: dict[str, Any] = {"window": window, "stride": stride, "batch_size": 4, "shuffle": shuffle}
    mine, theirs = WindowLoader(data, **options), WindowLoader(store, **options)
    assert same_batches(mine, theirs)
    assert mine.fingerprint == theirs.fingerprint
    theirs.load_state_dict(mine.state_dict())


def test_a_path_or_an_array_is_enough(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((500, 2)).astype(np.float32)
    np.save(tmp_path / "a.npy", values)
    options: dict[str, Any] = {"window": 8, "batch_size": 16}
    expected = WindowLoader(from_array(values), **options)
    for source in (values, torch.from_numpy(values), tmp_path / "a.npy", str(tmp_path / "a.npy")):
        assert same_batches(WindowLoader(source, **options), WindowLoader(from_array(values), **options))
    two = WindowLoader([values, tmp_path / "a.npy"], **options)
    assert two.num_windows == 2 * expected.num_windows
    assert WindowLoader(values[:, 0], **options).num_windows == expected.num_windows


@pytest.mark.parametrize("dtype", ["float16", "int16", "uint8"])
def test_other_types_are_served_as_they_are(dtype: str) -> None:
    values = np.arange(600).reshape(200, 3).astype(dtype)
    for batch in WindowLoader(values, window=8, batch_size=16):
        assert batch.mask is None
        for rows, start in zip(batch.values.numpy(), batch.start.tolist(), strict=True):
            assert np.array_equal(rows, values[start : start + 8])


def test_columns_of_a_wider_array() -> None:
    wide = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    for part in (wide[:, 2:5], wide[::2], np.asfortranarray(wide)):
        batch = next(iter(WindowLoader(part, window=8, batch_size=16)))
        for rows, start in zip(batch.values.numpy(), batch.start.tolist(), strict=True):
            assert np.array_equal(rows, part[start : start + 8])


def test_splits_labels_and_missing_values() -> None:
    values = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)
    values[100:140, 0] = np.nan
    flags = np.zeros(1000, bool)
    flags[300:310] = True
    data = from_array(values, labels=flags)
    splits = split_by_time(data, window=8)
    loader = WindowLoader(
        data, window=8, batch_size=16, split=splits.train, without_labels=["label"], max_missing=0.2, shuffle=False
    )
    starts = np.concatenate([batch.start.numpy() for batch in loader])
    starts = starts[starts >= 0]
    kept = [
        row
        for row in range(800 - 7)
        if not flags[row : row + 8].any() and np.isnan(values[row : row + 8]).mean() <= 0.2
    ]
    assert starts.tolist() == kept
    assert splits.train.stats(data).count.tolist() == [760, 800]


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_workers_serve_the_same(kind: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((400, 2)).astype(np.float32)
    np.save(tmp_path / "a.npy", values)
    data = from_array(values if kind == "memory" else tmp_path / "a.npy")
    options: dict[str, Any] = {"window": 8, "batch_size": 16}
    expected = list(WindowLoader(data, **options))
    assert all(
        map(equal, WindowLoader(data, **options, num_workers=1), expected),
    )
    plain = DataLoader(
        WindowDataset(data, **options), batch_size=None, num_workers=1, multiprocessing_context="forkserver"
    )
    assert all(map(equal, plain, expected))


@pytest.mark.parametrize("way", ["plain", "cache", "cache again", "workers", "device"])
def test_a_zarr_array_is_served_like_a_store(way: str, store_of: StoreOf, tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((3000, 3)).astype(np.float32)
    values[::50, 1] = np.nan
    array = zarr.create_array(tmp_path / "a.zarr", shape=values.shape, chunks=(128, 3), dtype="f4")
    array[:] = values
    options: dict[str, Any] = {"window": 16, "batch_size": 32, "pool_rows": 1024, "block_rows": 64}
    expected = list(WindowLoader(store_of(values), **options))
    more: dict[str, Any] = {"workers": {"num_workers": 1}, "device": {"device": "cpu"}}.get(way, {})
    if way.startswith("cache"):
        more = {"cache_dir": tmp_path / "cache"}
    found = [list(WindowLoader(array, **options, **more)) for _ in range(1 + way.endswith("again"))]
    for batches in found:
        assert len(batches) == len(expected)
        assert all(map(equal, batches, expected))


def test_a_cache_knows_when_an_array_was_changed(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "a.zarr", shape=(1000, 2), chunks=(100, 2), dtype="f4")
    options: dict[str, Any] = {"window": 8, "batch_size": 32, "shuffle": False, "cache_dir": tmp_path / "cache"}
    array[:] = np.zeros((1000, 2), np.float32)
    assert next(iter(WindowLoader(array, **options))).values.max() == 0
    array[10:20] = 1
    assert next(iter(WindowLoader(array, **options))).values.max() == 1
    with raises("option-value", "cache_dir"):
        WindowLoader(zarr.array(np.zeros((1000, 2), np.float32)), **options).__iter__().__next__()
