import json
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from longstride import Normaliser, Split, WindowBatch, WindowLoader, from_array, split_by_time
from longstride.pipeline.loading.normalising.quantiles import sample
from tests.helpers.errors import raises


def walk(rows: int = 3000) -> NDArray[np.float32]:
    random = np.random.default_rng(0)
    values = (random.standard_normal((rows, 4)) * [1, 100, 0.01, 0] + [0, 5000, 3, 7]).astype(np.float32)
    values[random.random(values.shape) < 0.05] = np.nan
    values[rows * 8 // 10 :] += 1e6  # after the training rows
    return values


def first(data: Any, **options: Any) -> WindowBatch:
    return next(iter(WindowLoader(data, window=16, batch_size=8, **options)))


@pytest.mark.parametrize("kind", ["standard", "robust", "minmax"])
def test_statistics_are_of_the_training_rows(kind: str) -> None:
    data = from_array(walk())
    split = split_by_time(data, window=16).train
    rows = walk()[:2400].astype(np.float64)
    low, high = np.nanquantile(rows, [0.25, 0.75], axis=0)
    shift, scale = {
        "standard": (np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)),
        "robust": (np.nanmedian(rows, axis=0), high - low),
        "minmax": (np.nanmin(rows, axis=0), np.nanmax(rows, axis=0) - np.nanmin(rows, axis=0)),
    }[kind]
    scale[3] = 1  # it does not vary
    normaliser = Normaliser.fit(split, kind)
    batch = first(data, split=split)
    made = normaliser(batch)
    expected = (batch.values.numpy() - shift) / scale
    assert np.allclose(made.values.numpy(), expected, rtol=1e-3, atol=1e-3, equal_nan=True)
    assert made.mask is batch.mask
    assert torch.allclose(normaliser.inverse(made.values), batch.values, rtol=1e-5, atol=1e-5, equal_nan=True)
    assert Normaliser.from_plain(json.loads(json.dumps(normaliser.as_plain()))) == normaliser
    on_device = first(data, split=split, device="cpu", transform=normaliser.rows)
    assert torch.allclose(on_device.values, made.values, equal_nan=True)


def test_each_window_by_itself() -> None:
    data = from_array(walk())
    split, targets = split_by_time(data, window=16).train, [data.channels[2]]
    normaliser = Normaliser.fit(split, "window", targets=targets)
    batch = first(data, split=split, horizon=4, targets=targets)
    made = normaliser(batch)
    raw = batch.values.numpy().astype(np.float64)
    mean, std = np.nanmean(raw, axis=1, keepdims=True), np.nanstd(raw, axis=1, keepdims=True)
    std[..., 3] = 1
    assert np.allclose(made.values.numpy(), (raw - mean) / std, atol=1e-2, equal_nan=True)
    assert made.target is not None
    assert batch.target is not None
    expected = (batch.target.numpy() - mean[..., 2:3]) / std[..., 2:3]
    assert np.allclose(made.target.numpy(), expected, atol=1e-2, equal_nan=True)
    assert torch.allclose(normaliser.inverse(made.values, batch), batch.values, rtol=1e-4, equal_nan=True)
    assert torch.allclose(normaliser.inverse_target(made.target, batch), batch.target, rtol=1e-4, equal_nan=True)
    assert Normaliser.from_plain(normaliser.as_plain()) == normaliser
    with raises("option-value", "batch"):
        normaliser.inverse(made.values)
    with raises("option-value", "batch"):
        normaliser.rows(made.values[0])


def test_channels_and_targets_of_the_loader() -> None:
    data = from_array(walk())
    split = split_by_time(data, window=16, horizon=4).train
    names = {"channels": [data.channels[2], data.channels[0]], "targets": [data.channels[1]]}
    batch = first(data, split=split, horizon=4, **names)
    made = Normaliser.fit(split, channels=names["channels"], targets=names["targets"])(batch)
    assert made.target is not None
    assert float(made.target.nanmean().abs()) < 0.5
    assert float(made.values.nanmean().abs()) < 0.5
    with raises("option-value", "targets="):
        Normaliser.fit(split)(batch)


def test_several_stores_and_a_sample_of_many_rows() -> None:
    random = np.random.default_rng(1)
    stores = [from_array((random.standard_normal((200_000, 2)) + mean).astype(np.float32)) for mean in (0, 2)]
    splits = split_by_time(stores, window=16)
    both = np.concatenate([store.values[:160_000] for store in stores])
    robust = Normaliser.fit(splits.train, "robust")
    assert np.allclose(list(robust.shift.values()), np.median(both, axis=0), atol=0.03)
    standard = Normaliser.fit(splits.train)
    assert np.allclose(list(standard.scale.values()), both.std(axis=0), rtol=1e-4)
    taken = sample(splits.train[0], stores[0], [1], 1000)
    assert 900 < len(taken) <= 1000


def test_what_cannot_be_fitted() -> None:
    data = from_array(walk())
    split = split_by_time(data, window=16).train
    with raises("option-value", "'best'"):
        Normaliser.fit(split, "best")
    with raises("option-value", "split_by_time"):
        Normaliser.fit(Split("mine", data.segments))
    with raises("option-value", "no values"):
        Normaliser.fit(split_by_time(data, window=16, train=0.0).train)
    with raises("column-missing", "nothing"):
        Normaliser.fit(split, channels=["nothing"])
    with raises("option-value", data.channels[1]):
        Normaliser.fit(split, "window", channels=data.channels[:1], targets=data.channels[1:2])
    values = walk()
    values[5, 1] = np.inf
    infinite = from_array(values)
    with raises("values-infinite", data.channels[1]):
        Normaliser.fit(split_by_time(infinite, window=16).train)
    plain = Normaliser.fit(split).as_plain()
    for wrong in ({}, {**plain, "kind": "best"}, {**plain, "scale": {}}, {**plain, "shift": None}, None):
        with raises("state-format", "as_plain"):
            Normaliser.from_plain(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize(("dtype", "first"), [("int32", 10**9), ("int64", 10**12)])
@pytest.mark.parametrize("kind", ["standard", "robust", "minmax"])
def test_counters_keep_their_digits(kind: str, dtype: str, first: int, device: str | None) -> None:
    """float32 knows them to a multiple of 64, or of a million."""
    small = np.random.default_rng(0).integers(-50, 50, (400, 2))
    options: dict[str, Any] = {"window": 20, "stride": 20, "batch_size": 20, "shuffle": False, "device": device}

    def normalised(values: NDArray[Any]) -> WindowBatch:
        return next(iter(WindowLoader(values, normalise=Normaliser.fit(values, kind), **options)))

    found, expected = normalised((small + first).astype(dtype)), normalised(small.astype("float64"))
    assert found.values.dtype == torch.float32
    torch.testing.assert_close(found.values, expected.values.float(), atol=1e-4, rtol=1e-4)
    assert found.shift is not None
    assert found.shift.dtype == torch.float32
