"""Windows of an array are those that keras and xbatcher make of it: the same ones, in row order, each once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray
import xbatcher
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride import WindowLoader

Windows = NDArray[np.float32]


@pytest.fixture(scope="module")
def keras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """With torch below it, and its settings in a folder of its own instead of the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        import keras

        yield keras


@pytest.fixture(scope="module")
def of_keras(keras: ModuleType) -> Callable[..., Windows]:
    def make(values: Windows, window: int, stride: int, **options: Any) -> Windows:
        dataset = keras.utils.timeseries_dataset_from_array(
            values, None, sequence_length=window, sequence_stride=stride, batch_size=7, format="grain", **options
        )
        return np.concatenate([batch.numpy() for batch in dataset])

    return make


def of_xbatcher(array: xarray.DataArray, window: int, stride: int) -> Windows:
    generator = xbatcher.BatchGenerator(
        array,
        input_dims={"time": window, "channel": array.sizes["channel"]},
        input_overlap={"time": window - stride},
    )
    return np.stack([batch.values for batch in generator])


def ours(source: Any, **options: Any) -> Windows:
    batches = WindowLoader(source, **options)
    return np.concatenate([batch.values[batch.start >= 0].numpy() for batch in batches])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Windows, int, int, int]:
    """An array (T, N), K, a stride, and a batch that divides the number of windows: shuffled, none is left out."""
    window = draw(st.integers(1, 12))
    stride = draw(st.integers(1, window))  # xbatcher knows no larger one
    batch = draw(st.integers(2, 8))  # keras takes no array of one row, and no stride as long as the array
    num_windows = batch * draw(st.integers(1, 12))
    num_rows = (num_windows - 1) * stride + window + draw(st.integers(0, stride - 1))
    values = np.random.default_rng(num_rows).standard_normal((num_rows, draw(st.integers(1, 3))), np.float32)
    return values, window, stride, batch


@settings(max_examples=40)
@given(case=cases())
def test_windows_in_row_order(of_keras: Callable[..., Windows], case: tuple[Windows, int, int, int]) -> None:
    values, window, stride, batch = case
    options = {"window": window, "stride": stride, "batch_size": batch, "shuffle": False}
    array = xarray.DataArray(values, dims=("time", "channel"))
    expected = ours(values, **options)
    np.testing.assert_array_equal(of_keras(values, window, stride), expected)
    np.testing.assert_array_equal(of_xbatcher(array, window, stride), expected)
    np.testing.assert_array_equal(ours(array, **options), expected)


@settings(max_examples=20)
@given(case=cases(), seed=st.integers(0, 99))
def test_shuffled_each_comes_once(
    of_keras: Callable[..., Windows], case: tuple[Windows, int, int, int], seed: int
) -> None:
    values, window, stride, batch = case
    values[:, 0] = np.arange(len(values))  # so a window says where it begins
    theirs = of_keras(values, window, stride, shuffle=True, seed=seed)
    mine = ours(values, window=window, stride=stride, batch_size=batch, seed=seed)
    for found in (theirs, mine):
        np.testing.assert_array_equal(
            found[np.argsort(found[:, 0, 0])],
            ours(values, window=window, stride=stride, batch_size=1, shuffle=False),
        )


def test_what_does_not_fill_a_window_is_left_out_by_all(of_keras: Callable[..., Windows], tmp_path: Path) -> None:
    values = np.arange(40, dtype=np.float32).reshape(20, 2)
    np.save(tmp_path / "a.npy", values)
    array = xarray.DataArray(values, dims=("time", "channel"))
    options = {"window": 8, "stride": 5, "batch_size": 4, "shuffle": False}
    expected = np.stack([values[0:8], values[5:13], values[10:18]])
    for found in (
        ours(tmp_path / "a.npy", **options),
        of_keras(values, 8, 5),
        of_xbatcher(array, 8, 5),
    ):
        np.testing.assert_array_equal(found, expected)
