"""`augment=` of a loader: the same changes each time that a step is served, of nothing but values and target."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Generator
from torch.utils.data import DataLoader

from longstride import (
    ChannelDropout,
    Jitter,
    Scaling,
    TimeMasking,
    WindowBatch,
    WindowDataset,
    WindowLoader,
    from_array,
)
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.store_of import StoreOf

OPTIONS: dict[str, Any] = {"window": 16, "stride": 3, "batch_size": 48, "pool_rows": 512, "block_rows": 128}
ALL: list[Any] = [Jitter(0.1), Scaling(0.2), ChannelDropout(0.3), TimeMasking(0.5)]


@pytest.fixture
def store(store_of: StoreOf) -> SeriesStore:
    values = np.random.default_rng(0).standard_normal((3000, 4)).astype(np.float32)
    values[values > 2] = np.nan
    return store_of(values, [(0, 1200), (1300, 3000)])


def values_of(batches: Any, steps: int | None = None) -> list[NDArray[np.float32]]:
    found = []
    for batch in batches:
        found.append(batch.values.numpy().copy())
        if len(found) == steps:
            break
    return found


def same(one: list[NDArray[np.float32]], other: list[NDArray[np.float32]]) -> bool:
    return len(one) == len(other) and all(map(partial(np.array_equal, equal_nan=True), one, other))


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_a_resumed_run_repeats_what_was_done(store: SeriesStore, num_workers: int, world_size: int) -> None:
    for rank in range(world_size) if not num_workers else [world_size - 1]:
        options = {**OPTIONS, "rank": rank, "world_size": world_size, "augment": ALL}
        loader = WindowLoader(store, num_workers=num_workers, **options)
        epochs = [values_of(loader) for _ in range(2)]
        assert not same(*epochs)
        for stop in (1, 5):
            first = WindowLoader(store, **options)
            first.set_epoch(1)
            begun = values_of(first, stop)
            second = WindowLoader(store, num_workers=num_workers, **options)
            second.load_state_dict(first.state_dict())
            assert same(begun + values_of(second), epochs[1])
    other = WindowLoader(store, seed=1, rank=0, world_size=1, augment=ALL, **OPTIONS)
    assert not same(values_of(other), epochs[0])


def test_datasets_in_workers_and_devices_do_the_same(store: SeriesStore) -> None:
    expected = values_of(WindowLoader(store, augment=ALL, **OPTIONS))
    plain = DataLoader(WindowDataset(store, augment=ALL, **OPTIONS), batch_size=None)
    assert same(values_of(plain), expected)
    workers = DataLoader(WindowDataset(store, augment=ALL, **OPTIONS), batch_size=None, num_workers=2)
    assert same(values_of(workers), expected)
    assert same(values_of(WindowLoader(store, device="cpu", augment=ALL, **OPTIONS)), expected)
    windows = WindowDataset(store, augment=ALL, **OPTIONS).windows(range(3)).values
    assert torch.equal(
        windows.nan_to_num(9), WindowDataset(store, **OPTIONS).windows(range(3)).values.nan_to_num(9)
    )


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("options", [{"ragged": True}, {"horizon": 4}, {"targets": ["c0"]}])
def test_rows_that_are_not_there_stay_0(store: SeriesStore, options: dict[str, Any], device: str | None) -> None:
    def moved(batch: WindowBatch, generator: Generator) -> WindowBatch:
        return batch._replace(values=batch.values + 1, target=None if batch.target is None else batch.target + 1)

    options = {**OPTIONS, "window": 50, "stride": 31, **options}
    loader = WindowLoader(store, augment=[Jitter(0.1), moved], shuffle=False, device=device, **options)
    *_, last = loader
    lengths = torch.where(last.start < 0, 0, 50) if last.length is None else last.length
    assert sorted(set(lengths.tolist()))[0] == 0
    for field in [last.values] if last.target is None else [last.values, last.target]:
        for window, length in zip(field, lengths.tolist(), strict=True):
            assert not window[min(length, len(window)) :].any()
            assert (window[:length] != 0).all()


def test_each_rank_and_step_is_changed_in_its_own_way(store: SeriesStore) -> None:
    seen = []

    def note(batch: WindowBatch, generator: Generator) -> WindowBatch:
        seen.append(generator.initial_seed())
        assert float(torch.rand(1, generator=generator)) < 1
        return batch

    for rank in range(2):
        loader = WindowLoader(store, rank=rank, world_size=2, augment=note, **OPTIONS)
        for _ in range(2):
            for _ in loader:
                pass
    assert len(seen) == len(set(seen)) == 4 * len(loader)


def batch_of(values: torch.Tensor, **others: Any) -> WindowBatch:
    return WindowBatch(values, torch.arange(len(values)), ~values.isnan(), **others)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        [*ALL, Jitter(0), Scaling(0), ChannelDropout(1), ChannelDropout(0), TimeMasking(1), TimeMasking(0)]
    ),
    st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 4)),
    st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    st.integers(0, 9),
)
def test_ready_ones_are_pure_and_keep_what_is_missing(
    function: Any, shape: tuple[int, int, int], dtype: torch.dtype, seed: int
) -> None:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    values[values > 1] = torch.nan
    before = values.clone()
    batch = batch_of(values, target=values[:, :1])
    made, again = (function(batch, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert torch.equal(values.nan_to_num(9), before.nan_to_num(9))
    assert torch.equal(made.values.nan_to_num(9), again.values.nan_to_num(9))
    assert made.values.shape == shape
    assert made.values.dtype == dtype
    assert torch.equal(made.values.isnan(), values.isnan())
    assert made.mask is batch.mask
    changed = (made.values != values) & ~values.isnan()
    if isinstance(function, ChannelDropout | TimeMasking):
        assert not made.values[changed].any()
        whole = (
            changed.any(dim=1, keepdim=True)
            if isinstance(function, ChannelDropout)
            else changed.any(dim=2, keepdim=True)
        )
        assert not made.values.nan_to_num(0)[whole.expand(shape)].any()
        if isinstance(function, TimeMasking):
            rows = changed.any(dim=2)
            assert int(rows.sum(dim=1).max()) <= int(function.share * shape[1])
        if function.share in (0, 1) and not (isinstance(function, TimeMasking) and function.share == 1):
            assert made.values.nan_to_num(0).any() == (function.share == 0 and values.nan_to_num(0).any())
    elif function.std == 0:
        assert not changed.any()
    if isinstance(function, Scaling):
        assert torch.allclose(made.target.nan_to_num(9), made.values[:, :1].nan_to_num(9))
    else:
        assert made.target is batch.target


def test_shares_and_deviations_are_what_was_asked_for() -> None:
    batch, generator = batch_of(torch.ones(400, 50, 20)), torch.Generator().manual_seed(0)
    assert abs(float(Jitter(0.3)(batch, generator).values.std()) - 0.3) < 0.01
    assert abs(float(Scaling(0.3)(batch, generator).values[:, 0, 0].std()) - 0.3) < 0.05
    assert abs(float((ChannelDropout(0.2)(batch, generator).values == 0).float().mean()) - 0.2) < 0.02
    masked = TimeMasking(0.4)(batch, generator).values[:, :, 0] == 0
    assert set(masked.sum(dim=1).tolist()) == set(range(21))
    assert masked[:, 0].any()
    assert masked[:, -1].any()


def taking(change: Any) -> Any:
    def function(batch: WindowBatch, generator: Generator) -> Any:
        return change(batch)

    return function


def in_place(batch: WindowBatch) -> WindowBatch:
    assert batch.mask is not None
    batch.mask[:] = True
    return batch


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        (lambda batch: batch._replace(values=batch.values[:, :8]), ["(48, 8, 4)", "(48, 16, 4)"]),
        (lambda batch: batch._replace(values=batch.values[:, :, :1]), ["(48, 16, 1)"]),
        (lambda batch: batch._replace(values=batch.values.int()), ["int32"]),
        (lambda batch: batch._replace(mask=batch.mask.clone()), ["'mask'"]),
        (lambda batch: batch._replace(mask=None), ["'mask'"]),
        (lambda batch: batch._replace(start=batch.start + 1), ["'start'"]),
        (lambda batch: batch._replace(label=batch.values), ["'label'"]),
        (lambda batch: batch._replace(target=batch.values), ["target"]),
        (lambda batch: batch.values, ["Tensor"]),
        (lambda batch: None, ["NoneType"]),
        (lambda batch: tuple(batch), ["tuple"]),
        (in_place, ["'mask'"]),
    ],
)
def test_only_values_may_change(store: SeriesStore, change: Any, facts: list[str]) -> None:
    with raises("augment-result", "function", *facts):
        next(iter(WindowLoader(store, augment=taking(change), **OPTIONS)))


def test_a_class_is_not_an_augmentation(store: SeriesStore) -> None:
    for wrong in (Jitter, [Jitter(0.1), Scaling]):
        with raises("option-value", "the class", "()"):
            WindowLoader(store, augment=wrong, **OPTIONS)  # type: ignore[arg-type]


def test_misuse(store: SeriesStore) -> None:
    for wrong in (3, "jitter", [Jitter(0.1), "jitter"]):
        with raises("option-value", "augment"):
            WindowLoader(store, augment=wrong, **OPTIONS)  # type: ignore[arg-type]
    for make in (
        lambda: Jitter(-1),
        lambda: Scaling(float("nan")),
        lambda: ChannelDropout(2),
        lambda: TimeMasking(-0.1),
    ):
        with raises("option-value"):
            make()
    numbers = from_array(np.arange(4000, dtype=np.int32).reshape(-1, 2))
    with raises("option-value", "int32", "normalise="):
        next(iter(WindowLoader(numbers, augment=Jitter(), **OPTIONS)))
    assert (
        next(iter(WindowLoader(numbers, augment=Jitter(), normalise="window", **OPTIONS))).values.isfinite().all()
    )


def test_functions_belong_to_the_state(store: SeriesStore) -> None:
    def mine(batch: WindowBatch, generator: Generator, by: float = 1) -> WindowBatch:
        return batch._replace(values=batch.values * by)

    class Own:
        def __call__(self, batch: WindowBatch, generator: Generator) -> WindowBatch:
            return batch

    used = [Jitter(0.1), mine, partial(mine, by=2.0), Own()]
    state = WindowLoader(store, augment=used, **OPTIONS).state_dict()
    WindowLoader(store, augment=[*used[:3], Own()], **OPTIONS).load_state_dict(state)
    for others in ([], [Jitter(0.2), *used[1:]], [used[0], mine, partial(mine, by=3.0), Own()], used[:3]):
        with raises("state-differs", "augment"):
            WindowLoader(store, augment=others, **OPTIONS).load_state_dict(state)
