from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from longstride import split_by_time
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.loss import LOSSES, total_error
from longstride.trainer.engine.normalisation import Normalisation
from longstride.trainer.models.lstm import LSTMAutoencoder
from tests.helpers.errors import raises

MakeStore = Callable[..., SeriesStore]


def test_is_fitted_on_the_training_split_alone(make_store: MakeStore, tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((5000, 3)).astype(np.float32)
    values[4000:] += 1000
    store = make_store(tmp_path / "store", values)
    split = split_by_time(store, window=8).train
    normalisation = Normalisation.fit(split.stats(store), store, store.channels)
    np.testing.assert_allclose(normalisation.mean, values[:4000].astype(np.float64).mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(normalisation.scale, values[:4000].astype(np.float64).std(axis=0), atol=1e-9)


def test_constant_and_missing_channels_stay_finite(make_store: MakeStore, tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((2000, 4)).astype(np.float32)
    values[:, 1] = np.nan
    values[:, 2] = 0.1
    values[:, 3] = 1e6 + np.where(np.arange(2000) < 1999, 0, 0.0625)  # one step of float32, once
    store = make_store(tmp_path / "store", values)
    normalisation = Normalisation.fit(store.stats(), store, store.channels)
    assert normalisation.mean[1] == 0
    np.testing.assert_array_equal(normalisation.scale[1:], [1, 1, 1])
    window = torch.from_numpy(values[:8].copy())[None]
    window[0, 4, 2] = 0.2  # the first change ever
    normalised = normalisation.apply(window, ~window.isnan())
    assert normalised.isfinite().all()
    assert normalised.abs().max() < 5


def test_missing_values_become_the_mean_and_gradients_are_finite(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", missing=0.3)
    normalisation = Normalisation.fit(store.stats(), store, store.channels)
    windows = torch.from_numpy(store.values[:40].copy()).reshape(4, 10, 3)
    mask = ~windows.isnan()
    inputs = normalisation.apply(windows, mask)
    assert (inputs[~mask] == 0).all()
    model = LSTMAutoencoder(3, hidden=8, latent=4)
    total_error(LOSSES["mse"], model(inputs), inputs, mask).backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_undo_returns_the_values(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", 50 + 7 * np.random.default_rng(0).standard_normal((2000, 3)))
    normalisation = Normalisation.fit(store.stats(), store, store.channels)
    windows = torch.from_numpy(store.values[:40].copy()).reshape(4, 10, 3)
    normalised = normalisation.apply(windows, None)
    assert normalised.dtype == torch.float32
    torch.testing.assert_close(normalisation.undo(normalised), windows, rtol=1e-6, atol=1e-5)


def test_large_counters_keep_their_digits(make_store: MakeStore, tmp_path: Path) -> None:
    values = 1.7e9 + np.random.default_rng(0).standard_normal((2000, 1))
    store = make_store(tmp_path / "store", values)
    normalisation = Normalisation.fit(store.stats(), store, store.channels)
    normalised = normalisation.apply(torch.from_numpy(values[None].copy()), None)
    assert abs(float(normalised.std()) - 1) < 0.01


def test_infinite_values_are_refused(make_store: MakeStore, tmp_path: Path) -> None:
    values = np.zeros((2000, 3), np.float32)
    values[5, 1] = np.inf
    store = make_store(tmp_path / "store", values)
    with np.errstate(invalid="ignore"), raises("values-infinite", " c1:"):
        Normalisation.fit(store.stats(), store, store.channels)
