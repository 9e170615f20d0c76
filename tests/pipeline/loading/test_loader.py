import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from longstride import WindowBatch, WindowDataset, WindowLoader, split_by_time
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving import batches
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.segments import brute_force, segment_lists
from tests.helpers.stores.store_of import StoreOf


@pytest.fixture
def walk(store_of: StoreOf) -> SeriesStore:
    values = np.random.default_rng(0).standard_normal((3000, 4)).astype(np.float32)
    return store_of(values, [(0, 1200), (1200, 1250), (1300, 3000)])


def test_the_question(store_of: StoreOf) -> None:
    """M rows of N sensors, windows of K: what is the batch and what is the sequence?"""
    values = np.arange(300, dtype=np.float32).reshape(100, 3)
    loader = WindowLoader(store_of(values), window=10, stride=10, batch_size=10, shuffle=False)
    (batch,) = list(loader)
    assert batch.values.shape == (10, 10, 3)
    assert batch.start.tolist() == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert batch.mask is None
    for window, start in zip(batch.values, batch.start.tolist(), strict=True):
        assert np.array_equal(window.numpy(), values[start : start + 10])
    assert WindowLoader(store_of(values), window=10, stride=1, batch_size=10).num_windows == 91


def test_a_loader_is_a_dataloader_with_a_length(walk: SeriesStore) -> None:
    loader = WindowLoader(walk, window=16, stride=2, batch_size=32)
    assert isinstance(loader, DataLoader)
    assert len(loader) == len(list(loader)) == loader.num_windows // 32
    assert loader.num_dropped == loader.num_windows % 32


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(segment_lists(), st.integers(1, 12), st.integers(1, 15), st.sampled_from([4, 8, 20]), st.booleans())
def test_starts_of_all_ranks_equal_brute_force(
    store_of: StoreOf, pairs: list[tuple[int, int]], window: int, stride: int, batch: int, shuffle: bool
) -> None:
    expected = brute_force(pairs, window, stride, 0)
    if len(expected) < batch:
        return
    store = store_of(np.zeros((pairs[-1][1], 1), np.float32), [(a, z) for a, z in pairs])
    for world_size in (1, 2, 4):
        loaders = [
            WindowLoader(
                store,
                window=window,
                stride=stride,
                batch_size=batch,
                shuffle=shuffle,
                rank=r,
                world_size=world_size,
            )
            for r in range(world_size)
        ]
        assert len({len(loader) for loader in loaders}) == 1
        served = [int(start) for loader in loaders for batch_ in loader for start in batch_.start if start >= 0]
        assert len(served) == len(set(served)) == len(expected) - loaders[0].num_dropped
        assert set(served) <= set(expected)
        assert loaders[0].num_dropped < batch


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("missing", [True, False])
@pytest.mark.parametrize("options", [{}, {"horizon": 3}, {"channels": ["c2", "c0"], "targets": ["c1"]}])
def test_batches_that_are_copied_together_are_those_copied_one_by_one(
    store_of: StoreOf, options: dict[str, Any], missing: bool, shuffle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(1).standard_normal((1003, 3)).astype(np.float32)
    values[40:60] = np.nan if missing else 1
    store = store_of(values)

    def served(at_once_bytes: int, small_bytes: int = 2**19) -> list[WindowBatch]:
        monkeypatch.setattr(batches, "AT_ONCE_BYTES", at_once_bytes)
        monkeypatch.setattr(batches, "SMALL_BYTES", small_bytes)
        return list(WindowLoader(store, window=7, stride=2, batch_size=16, shuffle=shuffle, **options))

    batch_bytes = 16 * 7 * 3 * 4
    one_by_one = served(2**22, small_bytes=0)
    for together in (served(5 * batch_bytes), served(2**22)):
        assert len(together) == len(one_by_one)
        for mine, theirs in zip(together, one_by_one, strict=True):
            for field, expected in zip(mine, theirs, strict=True):
                assert (field is None) == (expected is None)
                assert field is None or torch.allclose(field, expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("options", [{"horizon": 900}, {"channels": ["c7"]}, {"targets": ["c7"]}])
def test_what_is_copied_together_is_small(store_of: StoreOf, options: dict[str, Any]) -> None:
    store = store_of(np.zeros((1000, 100), np.float32))
    loader = WindowLoader(store, window=1, stride=2, batch_size=4, **options)
    for batch in loader:
        held = [batch.values, *([] if batch.target is None else [batch.target])]
        copied = sum(field.untyped_storage().nbytes() * 100 // field.shape[-1] for field in held)
        assert copied <= 2**22


def test_more_workers_than_steps(walk: SeriesStore) -> None:
    dataset = WindowDataset(walk, window=16, stride=16, batch_size=128)
    assert len(dataset) == 1
    loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context="forkserver")
    assert [len(batch.start) for batch in loader] == [128]


def test_values_and_mask_are_the_rows_of_the_store(store_of: StoreOf) -> None:
    values = np.random.default_rng(1).standard_normal((500, 3)).astype(np.float32)
    values[40:60] = np.nan
    values[100, 1] = np.nan
    for batch in WindowLoader(store_of(values), window=7, stride=3, batch_size=16):
        expected = np.stack([values[row : row + 7] for row in batch.start.tolist()])
        assert np.array_equal(batch.values.numpy(), expected, equal_nan=True)
        assert batch.mask is not None
        assert np.array_equal(batch.mask.numpy(), ~np.isnan(expected))


def test_a_padded_batch_counts_every_window_once(walk: SeriesStore) -> None:
    for world_size in (1, 2, 4):
        counted = 0
        for rank in range(world_size):
            loader = WindowLoader(
                walk, window=16, stride=7, batch_size=64, shuffle=False, rank=rank, world_size=world_size
            )
            for batch in loader:
                assert batch.values.shape == (64 // world_size, 16, 4)
                padding = batch.start == -1
                if batch.mask is None:
                    assert not padding.any()
                    counted += len(batch.start)
                else:
                    assert torch.equal(batch.mask.any(dim=(1, 2)), ~padding)
                    assert torch.equal(batch.mask.all(dim=(1, 2)), ~padding)
                    counted += int((~padding).sum())
        assert counted == len(WindowIndex(walk.segments, 16, 7))


def test_kept_batches_hold_what_they_should(walk: SeriesStore) -> None:
    for batch in list(WindowLoader(walk, window=16, batch_size=32)):
        expected = np.stack([walk.values[row : row + 16] for row in batch.start.tolist()])
        assert np.array_equal(batch.values.numpy(), expected)


def test_a_kept_view_of_a_batch_is_never_overwritten(walk: SeriesStore) -> None:
    loader = WindowLoader(walk, window=16, batch_size=32)
    kept = []
    for batch in loader:
        start = int(batch.start[5])
        kept.append((start, batch.values[5, 3:9].numpy()))
    for start, view in kept:
        assert np.array_equal(view, walk.values[start + 3 : start + 9])


@pytest.mark.parametrize("at_once", [1, 3])
def test_buffers_are_used_again(walk: SeriesStore, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "AT_ONCE_BYTES", at_once * 32 * 16 * 4 * 4)
    loader = WindowLoader(walk, window=16, batch_size=32)
    assert len(loader) > 8 * at_once
    assert len({batch.values.data_ptr() for batch in loader}) <= 4 * at_once
    assert len({batch.values.untyped_storage().data_ptr() for batch in loader}) <= 4


def test_order_is_a_pure_function_of_seed_epoch_and_step(walk: SeriesStore) -> None:
    def starts(epoch: int, step: int = 0, seed: int = 3) -> list[list[int]]:
        loader = WindowLoader(walk, window=16, batch_size=32, seed=seed)
        loader.set_epoch(epoch, step)
        return [batch.start.tolist() for batch in loader]

    assert starts(4) == starts(4)
    assert starts(4)[17:] == starts(4, step=17)
    assert starts(4) != starts(5)
    assert starts(4) != starts(4, seed=2)


def test_the_step_holds_for_one_iteration(walk: SeriesStore) -> None:
    loader = WindowLoader(walk, window=16, batch_size=32)
    loader.set_epoch(0, step=10)
    assert len(list(loader)) == len(loader) - 10
    assert len(list(loader)) == len(loader)


def test_a_split_limits_the_windows(walk: SeriesStore) -> None:
    splits = split_by_time(walk, window=16)
    last_row = 0
    for split in (splits.train, splits.validation, splits.test):
        loader = WindowLoader(walk, window=16, batch_size=16, shuffle=False, split=split)
        starts = [int(start) for batch in loader for start in batch.start if start >= 0]
        assert min(starts) >= last_row
        last_row = max(starts) + 16 + 15


def test_the_fingerprint_tells_orders_and_data_apart(walk: SeriesStore, store_of: StoreOf) -> None:
    def fingerprint(store: SeriesStore = walk, **changes: int) -> str:
        return WindowLoader(store, **{"window": 16, "batch_size": 32, **changes}).fingerprint

    assert fingerprint() == fingerprint()
    others = [fingerprint(**{name: value}) for name, value in [("window", 17), ("stride", 2), ("seed", 1)]]
    others += [fingerprint(batch_size=64), fingerprint(store_of(np.ones((3000, 4), np.float32)))]
    assert len({fingerprint(), *others}) == 6
    assert fingerprint() == WindowLoader(walk, window=16, batch_size=32, rank=1, world_size=2).fingerprint


def test_a_dataset_can_be_sent_to_another_process(walk: SeriesStore) -> None:
    dataset = WindowDataset(walk, window=16, batch_size=32)
    first = next(iter(dataset)).start.tolist()
    assert next(iter(pickle.loads(pickle.dumps(dataset)))).start.tolist() == first


@pytest.mark.parametrize(
    ("changes", "code", "facts"),
    [
        ({"batch_size": 30, "rank": 0, "world_size": 4}, "option-value", ["multiple of 4", 32]),
        ({"rank": 1}, "option-value", ["rank=1", "both"]),
        ({"world_size": 2}, "option-value", ["world_size=2", "both"]),
        ({"batch_size": 32, "lanes": 5}, "option-value", ["5 lanes", 32]),
        ({"batch_size": 32, "lanes": 0}, "option-value", ["0 lanes"]),
        ({"batch_size": 32, "rank": 2, "world_size": 2}, "option-value", ["rank=2", "world_size=2"]),
        ({"batch_size": 0}, "option-value", ["batch_size=0"]),
        ({"stride": 0}, "option-value", ["stride=0"]),
        ({"window": 4000}, "too-few-windows", [4000, 1700]),
        ({"batch_size": 4096}, "too-few-windows", [4096]),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    walk: SeriesStore, changes: dict[str, int], code: str, facts: list[object]
) -> None:
    with raises(code, *facts):
        WindowLoader(walk, **{"window": 16, "batch_size": 32, **changes})


def test_loading_needs_neither_polars_nor_arrow_nor_dask() -> None:
    code = "import sys, longstride; longstride.WindowLoader; print({'polars', 'pyarrow', 'dask'} & {*sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_an_iteration_keeps_the_epoch_it_began_with(walk: SeriesStore) -> None:
    loader = WindowLoader(walk, window=16, batch_size=32)
    loader.set_epoch(1)
    expected = next(iter(loader)).start.tolist()
    loader.set_epoch(1)
    served = iter(loader)
    loader.set_epoch(2)
    assert next(served).start.tolist() == expected


def test_five_ranks_serve_every_window_once(walk: SeriesStore) -> None:
    served = []
    for rank in range(5):
        loader = WindowLoader(walk, window=16, batch_size=50, rank=rank, world_size=5)
        served += [int(start) for batch in loader for start in batch.start]
    assert len(served) == len(set(served)) == loader.num_windows - loader.num_dropped


def test_pools_are_drawn_in_a_row_and_read_ahead_one_by_one(
    store_of: StoreOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longstride.pipeline.loading.ordering.order.RUNS_IN_A_ROW", 4)
    store = store_of(np.zeros((2000, 1), np.float32))
    dataset = WindowDataset(store, window=4, stride=4, batch_size=16, pool_rows=4 * 16 * 2)
    order = dataset.order
    runs = [order.run_of(0)]
    while runs[-1][1] < len(dataset):
        runs.append(order.run_of(runs[-1][1]))
    assert len(runs) > 8
    did: list[tuple[str, int]] = []

    def draw_some(epoch: int, step: int, rank: int, world_size: int) -> list[NDArray[np.int64]]:
        did.append(("draw", step))
        return type(order).draw_some(order, epoch, step, rank, world_size)

    monkeypatch.setattr(order, "draw_some", draw_some)
    monkeypatch.setattr(dataset._disk, "is_worth_it", lambda: True)
    monkeypatch.setattr(dataset, "read_ahead", lambda epoch, step: did.append(("read", step)))
    for steps in dataset.steps(0, 0):
        did.append(("serve", steps.step))
    stops = [stop for _, stop in runs[:-1]]
    assert [step for what, step in did if what == "serve"] == [0, *stops]
    assert [step for what, step in did if what == "draw"] == [first for first, _ in runs[::4]]
    # A pool is asked for when the one before it is served: no earlier, however many are drawn.
    assert [step for what, step in did if what == "read"] == [0, *stops]
    assert [did.index(("read", stop)) + 1 for stop in stops] == [
        did.index(("serve", step)) for step in [0, *stops[:-1]]
    ]


def test_one_name_is_a_list_of_one(walk: SeriesStore) -> None:
    loader = WindowLoader(walk, window=16, batch_size=32, channels="c1", targets="c2")
    batch = next(iter(loader))
    assert batch.values.shape[2] == 1
    assert batch.target is not None
    assert batch.target.shape[2] == 1
