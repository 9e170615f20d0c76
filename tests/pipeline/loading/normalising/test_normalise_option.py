"""`normalise=` of a loader: by the rows that are trained on, whatever is served, wherever batches are made."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from longstride import (
    Normaliser,
    Scaling,
    Split,
    Splits,
    WindowDataset,
    WindowLoader,
    from_array,
    pack,
    split_by_series,
    split_by_time,
    split_in_blocks,
)
from longstride.pipeline.loading.normalising.of_windows import of_windows
from tests.helpers.errors import raises
from tests.helpers.stores.store_of import StoreOf

KINDS = ("standard", "robust", "minmax", "window")
OPTIONS: dict[str, Any] = {"window": 16, "stride": 3, "batch_size": 16, "pool_rows": 512, "block_rows": 128}


def drifting(rows: int = 3000, seed: int = 0) -> NDArray[np.float32]:
    """Four channels, of which the last does not vary, that change after 80% of the rows."""
    random = np.random.default_rng(seed)
    values = (random.standard_normal((rows, 4)) * [1, 100, 0.01, 0] + [0, 5000, 3, 7]).astype(np.float32)
    values[random.random(values.shape) < 0.05] = np.nan
    values[rows * 8 // 10 :] += 1e4
    return values


def brute_force(kind: str, training: NDArray[Any], window: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Shift and scale of channels, by numpy."""
    rows = (window if kind == "window" else training).astype(np.float64)
    if kind == "robust":
        low, shift, high = np.nanquantile(rows, [0.25, 0.5, 0.75], axis=0)
        scale = high - low
    elif kind == "minmax":
        shift, scale = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0) - np.nanmin(rows, axis=0)
    else:
        shift, scale = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
    return shift, np.where(scale > 1e-6 * np.abs(shift), scale, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_all_splits_are_normalised_by_the_training_rows(kind: str, device: str | None, part: str) -> None:
    values = drifting()
    data = from_array(values)
    splits = split_by_time(data, window=16, horizon=4)
    options: dict[str, Any] = {
        **OPTIONS,
        "split": getattr(splits, part),
        "shuffle": part == "train",
        "horizon": 4,
        "channels": [data.channels[i] for i in (0, 1, 3)],
        "targets": [data.channels[1]],
        "future": [data.channels[3], data.channels[0]],
    }
    loader = WindowLoader(data, normalise=kind, device=device, **options)
    raw = WindowLoader(data, device=device, **options)
    training = values[: int(splits.train.segments.stop.max())]
    shift, scale = brute_force(kind, training, training)
    for before, batch in zip(raw, loader, strict=True):
        assert batch.shift is not None
        assert batch.scale is not None
        assert batch.target is not None
        assert batch.future is not None
        assert before.target is not None
        assert before.future is not None
        assert batch.shift.shape == batch.scale.shape == (16, 1, 3)
        assert torch.equal(batch.start, before.start)
        assert (batch.mask is None) == (before.mask is None)
        assert batch.mask is None or torch.equal(batch.mask, before.mask)
        for number, start in enumerate(batch.start.tolist()):
            if start < 0:
                assert not any(field[number].any() for field in (batch.values, batch.target, batch.future))
                continue
            if kind == "window":
                shift, scale = brute_force(kind, training, values[start : start + 16])
            close: dict[str, Any] = {"rtol": 2e-3, "atol": 2e-2, "equal_nan": True}
            for found, given_values, columns in (
                (batch.values, before.values, [0, 1, 3]),
                (batch.target, before.target, [1]),
                (batch.future, before.future, [3, 0]),
            ):
                expected = (given_values[number].double().numpy() - shift[columns]) / scale[columns]
                assert np.allclose(found[number].numpy(), expected, **close)
            again = batch.values[number] * batch.scale[number] + batch.shift[number]
            assert np.allclose(again, before.values[number], rtol=1e-3, atol=1e-3, equal_nan=True)
        assert np.array_equal(values, drifting(), equal_nan=True)  # the array itself stays as it is
        assert loader.normaliser is not None
        back = loader.normaliser.inverse_target(batch.target, batch)
        held = batch.start >= 0
        assert torch.allclose(back[held], before.target[held], rtol=1e-3, atol=1e-3, equal_nan=True)


VALUES = st.floats(-1e3, 1e3, width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0])


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda b: st.tuples(
            arrays(np.float32, (b, 5, 3), elements=VALUES), arrays(np.bool_, (b, 5, 3)), st.booleans()
        )
    )
)
def test_each_window_by_brute_force(drawn: tuple[NDArray[np.float32], NDArray[np.bool_], bool]) -> None:
    values, mask, has_mask = drawn
    found = of_windows(torch.from_numpy(values), torch.from_numpy(mask) if has_mask else None)
    for b, n in np.ndindex(len(values), 3):
        counted = values[b, :, n][np.isfinite(values[b, :, n]) & (mask[b, :, n] | (not has_mask))]
        mean = counted.mean(dtype=np.float64) if len(counted) else 0.0
        std = counted.std(dtype=np.float64) if len(counted) else 0.0
        assert np.isclose(found[0][b, 0, n], mean, rtol=1e-4, atol=1e-3)
        if std > 1e-3 * max(1.0, abs(mean)):
            assert np.isclose(found[1][b, 0, n], std, rtol=1e-2)
        elif len(set(counted.tolist())) <= 1:
            assert float(found[1][b, 0, n]) > 0
        assert float(found[1][b, 0, n]) > 0


@pytest.mark.parametrize("kind", ["standard", "window"])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_ranks_workers_and_a_stop_in_the_middle_change_nothing(
    store_of: StoreOf, kind: str, num_workers: int
) -> None:
    store = store_of(drifting(), [(0, 1200), (1300, 3000)])
    options = {**OPTIONS, "split": split_by_time(store, window=16).train, "normalise": kind}
    whole = {
        s: w
        for b in WindowLoader(store, **options)
        for s, w in zip(b.start.tolist(), b.values.clone(), strict=True)
    }
    for world_size in (1, 2, 4):
        for rank in range(world_size) if not num_workers else [world_size - 1]:
            first = WindowLoader(store, rank=rank, world_size=world_size, num_workers=num_workers, **options)
            batches = iter(first)
            served = [next(batches) for _ in range(3)]
            served = [batch._replace(values=batch.values.clone()) for batch in served]
            state = first.state_dict()
            del batches
            second = WindowLoader(store, rank=rank, world_size=world_size, **options)
            second.load_state_dict(state)
            for batch in (*served, *second):
                for start, window in zip(batch.start.tolist(), batch.values, strict=True):
                    assert torch.equal(window.nan_to_num(1e9), whole[start].nan_to_num(1e9))


def test_packed_stores_datasets_and_single_windows_are_normalised_alike(store_of: StoreOf, tmp_path: Path) -> None:
    store = store_of(drifting())
    pack(store.path, tmp_path / "packed.zarr")
    of_packed = split_by_time(tmp_path / "packed.zarr", window=16).train
    split = split_by_time(store, window=16).train
    for kind in KINDS:
        options = {**OPTIONS, "split": split, "normalise": kind}
        expected = [batch.values.clone() for batch in WindowLoader(store, **options)]
        others: list[Any] = [
            WindowLoader(tmp_path / "packed.zarr", **{**options, "split": of_packed}),
            DataLoader(WindowDataset(store, **options), batch_size=None, num_workers=2),
            WindowLoader(store, device="cpu", **options),
        ]
        for other in others:
            for values, batch in zip(expected, other, strict=True):
                assert torch.allclose(values, batch.values, rtol=1e-5, atol=1e-5, equal_nan=True)
        dataset = WindowDataset(store, **options)
        first = next(iter(WindowLoader(store, **{**options, "shuffle": False})))
        one = dataset.window(0)
        assert torch.allclose(one.values, first.values[0], equal_nan=True)
        assert one.shift is not None
        assert one.shift.shape == (1, 4)
        for batch in DataLoader(dataset.as_map(), batch_size=4):
            assert batch.scale.shape == (4, 1, 4)
            break


def test_splits_of_several_stores_know_all_training_rows() -> None:
    stores = [from_array(drifting(seed=seed) + 50 * seed) for seed in range(2)]
    splits = split_by_time(stores, window=16)
    of_both = WindowLoader(stores, split=splits.train, normalise="standard", **OPTIONS).normaliser
    of_one = WindowLoader(
        stores[1], split=splits.validation[1], normalise="standard", shuffle=False, **OPTIONS
    ).normaliser
    assert of_both == of_one == Normaliser.fit(splits.train, targets=[])
    apart = [split_by_time(store, window=16) for store in stores]
    mixed = WindowLoader(
        stores, split=[one.validation for one in apart], normalise="standard", shuffle=False, **OPTIONS
    ).normaliser
    assert mixed == of_both


def test_each_way_to_split_says_what_is_trained_on() -> None:
    data = from_array(drifting(), series={"a": 1000, "b": 2000}, labels=np.arange(3000) % 500 == 0)
    folds = split_in_blocks(data, window=16, blocks=3)
    for splits in (
        split_by_series(data, validation=["b"]),
        *folds,
        folds[0].without_labels(data, window=16, stride=1),
    ):
        for part in splits.parts:
            (training,) = part.training
            assert training.segments is splits.train.segments
        assert pickle.loads(pickle.dumps(splits)).test.training[0].store is not None
    reduced = folds[0].validation.without_labels(data, window=16, stride=1)
    assert reduced.training is folds[0].validation.training


@pytest.mark.parametrize("kind", ["standard", "robust", "minmax"])
def test_nothing_is_normalised_by_rows_that_nobody_named(kind: str) -> None:
    data = from_array(drifting())
    with raises("training-unknown", kind, "splits.train"):
        WindowLoader(data, normalise=kind, **OPTIONS)
    with raises("training-unknown", "mine", "Normaliser.fit"):
        WindowLoader(data, normalise=kind, split=Split("mine", data.segments, data), **OPTIONS)
    whole = WindowLoader(data, normalise=Normaliser.fit(data, kind), **OPTIONS)
    assert next(iter(whole)).shift is not None
    mine = Splits(*(Split(name, data.segments, data) for name in ("train", "validation", "test")))
    assert WindowLoader(data, normalise=kind, split=mine.test, **OPTIONS).normaliser == whole.normaliser


def test_a_given_normaliser_serves_channels_it_knows() -> None:
    data = from_array(drifting())
    split = split_by_time(data, window=16).train
    fitted = Normaliser.fit(split)
    some = [data.channels[2], data.channels[0]]
    loader = WindowLoader(data, normalise=Normaliser.from_plain(fitted.as_plain()), channels=some, **OPTIONS)
    assert loader.normaliser == fitted.of(some, [])
    assert next(iter(loader)).values.shape == (16, 16, 2)
    with raises("option-value", data.channels[3], data.channels[0]):
        WindowLoader(data, normalise=Normaliser.fit(split, channels=data.channels[:3], targets=[]), **OPTIONS)


def test_misuse() -> None:
    data = from_array(drifting())
    split = split_by_time(data, window=16).train
    with raises("option-value", "'best'", "minmax"):
        WindowLoader(data, normalise="best", split=split, **OPTIONS)
    for wrong in (3, ["standard"], {"kind": "standard"}):
        with raises("option-value", "normalise"):
            WindowLoader(data, normalise=wrong, split=split, **OPTIONS)  # type: ignore[arg-type]
    with raises("option-value", "transform", "normaliser.rows"):
        WindowLoader(data, normalise="window", transform=Tensor.float, device="cpu", **OPTIONS)
    with raises("option-value", data.channels[1]):
        WindowLoader(data, normalise="window", channels=[data.channels[0]], targets=[data.channels[1]], **OPTIONS)
    loader = WindowLoader(data, normalise="standard", split=split, **OPTIONS)
    assert loader.normaliser is not None
    with raises("option-value", "already"):
        loader.normaliser(next(iter(loader)))


def test_integers_become_floats_and_constant_channels_stay_finite() -> None:
    values = np.random.default_rng(0).integers(-50, 50, (2000, 3), dtype=np.int16)
    values[:, 2] = 12
    data = from_array(values)
    for kind in KINDS:
        loader = WindowLoader(data, normalise=kind, split=split_by_time(data, window=16).train, **OPTIONS)
        for batch in loader:
            assert batch.values.dtype == torch.float32
            assert batch.mask is None
            assert not batch.values[..., 2].any()
            assert batch.values.isfinite().all()


def test_an_infinite_value_spoils_no_other(store_of: StoreOf) -> None:
    values = drifting(2000)
    values[100, 0] = np.inf
    data = from_array(values)
    with raises("values-infinite", data.channels[0]):
        WindowLoader(data, normalise="standard", split=split_by_time(data, window=16).train, **OPTIONS)
    dataset = WindowDataset(data, normalise="window", **{**OPTIONS, "stride": 1})
    window = dataset.window(95).values
    assert window[5, 0] == np.inf
    assert int((~window.isfinite()).sum()) == 1 + int(np.isnan(values[95:111]).sum())


def test_a_state_of_other_statistics_is_refused() -> None:
    values = drifting()
    data = from_array(values)
    splits, others = split_by_time(data, window=16), split_by_time(data, window=16, train=0.5, validation=0.4)
    options = {**OPTIONS, "shuffle": False, "split": splits.test}
    state = WindowLoader(data, normalise="standard", **options).state_dict()
    WindowLoader(data, normalise="standard", **options).load_state_dict(state)
    for changed in ("minmax", "window", None, Normaliser.fit(others.train)):
        with raises("state-differs", "normalised"):
            WindowLoader(data, normalise=changed, **options).load_state_dict(state)


@pytest.mark.parametrize(
    "option", [{"normalise": "window"}, {"augment": Scaling(0.1)}], ids=["normalise", "augment"]
)
def test_batches_that_are_changed_in_place_share_no_memory(store_of: StoreOf, option: dict[str, Any]) -> None:
    """A worker sends a batch from another thread, while the next one is made."""
    store = store_of(drifting())
    batches = list(WindowDataset(store, **{**OPTIONS, "split": split_by_time(store, window=16).train, **option}))
    places = [batch.values.untyped_storage().data_ptr() for batch in batches]
    assert len(set(places)) == len(batches)
