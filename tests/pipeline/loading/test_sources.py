"""Every kind of source, by its own library: the values, the order and the resume of a mapped store of its rows."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import dask.array
import h5py
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
import xarray
import zarr
from safetensors.torch import save_file

from longstride import WindowBatch, WindowLoader, from_array
from longstride.storage.arrays.data import ArrayData
from longstride.storage.series.data import SeriesData
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises

ROWS, NAMES = 2500, ["x", "y", "z"]
TIME = np.datetime64("2024-03-01", "ns") + 250 * np.timedelta64(1, "ms") * np.arange(ROWS)
VALUES = np.random.default_rng(0).standard_normal((ROWS, 3)).astype(np.float32)
VALUES[::50, 1] = np.nan
OPTIONS: dict[str, Any] = {
    "window": 16, "stride": 3, "batch_size": 32, "pool_rows": 1024, "block_rows": 64, "time": "rows",
}  # fmt: skip


class Kind(NamedTuple):
    """A kind of source."""

    write: Callable[[Path], Any]
    """Have the rows written in a folder."""
    open: Callable[[Path], Any]
    """The source, opened again by each call."""
    options: dict[str, Any]
    """What `from_array` is told besides."""


def nothing(folder: Path) -> None:
    """What lies in memory is not written."""


def zarr_array(form: int) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        array = zarr.create_array(
            folder / "a.zarr", shape=VALUES.shape, chunks=(300, 2), dtype="f4", zarr_format=form
        )
        array[:] = VALUES

    return write


def hdf5(folder: Path) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("signals/a", data=VALUES, chunks=(200, 3), compression="gzip")


def data_array() -> xarray.DataArray:
    return xarray.DataArray(VALUES, dims=("time", "sensor"), coords={"time": TIME, "sensor": NAMES}, name="a")


def frame() -> pd.DataFrame:
    return pd.DataFrame(VALUES, columns=NAMES, index=pd.DatetimeIndex(TIME))


TIMES = {"start": TIME[0], "step": TIME[1] - TIME[0]}
TOLD = {**TIMES, "channels": NAMES}
KINDS = {
    "numpy": Kind(nothing, lambda folder: VALUES, TOLD),
    "fortran": Kind(nothing, lambda folder: np.asfortranarray(VALUES), TOLD),
    "tensor": Kind(nothing, lambda folder: torch.from_numpy(VALUES), TOLD),
    "pandas": Kind(nothing, lambda folder: frame(), {}),
    "polars": Kind(nothing, lambda folder: pl.DataFrame(VALUES, schema=NAMES), TIMES),
    "memmap": Kind(
        lambda folder: VALUES.tofile(folder / "a.f32"),
        lambda folder: np.memmap(folder / "a.f32", np.float32, "r", shape=VALUES.shape),
        TOLD,
    ),
    "npy": Kind(lambda folder: np.save(folder / "a.npy", VALUES), lambda folder: folder / "a.npy", TOLD),
    "plain numbers": Kind(
        lambda folder: VALUES.tofile(folder / "a.f32"),
        lambda folder: folder / "a.f32",
        {**TOLD, "dtype": "float32", "width": 3},
    ),
    "safetensors": Kind(
        lambda folder: save_file({"a": torch.from_numpy(VALUES)}, folder / "a.safetensors"),
        lambda folder: folder / "a.safetensors",
        TOLD,
    ),
    "zarr v2": Kind(zarr_array(2), lambda folder: zarr.open_array(folder / "a.zarr", mode="r"), TOLD),
    "zarr v3": Kind(zarr_array(3), lambda folder: zarr.open_array(folder / "a.zarr", mode="r"), TOLD),
    "h5py": Kind(hdf5, lambda folder: h5py.File(folder / "a.h5")["signals/a"], TOLD),
    "dask": Kind(nothing, lambda folder: dask.array.from_array(VALUES, chunks=(700, 2)), TOLD),
    "xarray DataArray": Kind(nothing, lambda folder: data_array(), {}),
    "xarray Dataset": Kind(nothing, lambda folder: data_array().to_dataset("sensor"), {}),
    "xarray of dask": Kind(nothing, lambda folder: data_array().chunk({"time": 400}), {}),
    "xarray of zarr": Kind(
        lambda folder: data_array().to_dataset("sensor").to_zarr(folder / "b.zarr", consolidated=False),
        lambda folder: xarray.open_zarr(folder / "b.zarr", chunks=None, consolidated=False),
        {"channels": NAMES},  # a folder has no order
    ),
    "netCDF 3": Kind(
        lambda folder: data_array().to_dataset("sensor").to_netcdf(folder / "a.nc", engine="scipy"),
        lambda folder: xarray.open_dataset(folder / "a.nc", engine="scipy"),
        {},
    ),
    "netCDF 4": Kind(
        lambda folder: data_array().to_netcdf(folder / "a.nc", engine="h5netcdf"),
        lambda folder: xarray.open_dataarray(folder / "a.nc", engine="h5netcdf"),
        {},
    ),
}
READ = ("zarr", "h5py", "dask", "xarray", "netCDF")
"""Those that are read piece by piece: what a state knows of them are excerpts."""


@pytest.fixture(scope="module")
def store(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    path = tmp_path_factory.mktemp("store") / "plant.zarr"
    return make_store(path, VALUES, channels=NAMES, time=TIME.astype(np.int64), cadence_ns=250 * 10**6)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ArrayData]:
    """Open the source of a kind, which is written once."""

    @cache
    def folder_of(name: str) -> Path:
        folder = tmp_path_factory.mktemp("source")
        KINDS[name].write(folder)
        return folder

    return lambda name: from_array(KINDS[name].open(folder_of(name)), **KINDS[name].options)


def assert_equal(found: list[WindowBatch], expected: list[WindowBatch]) -> None:
    assert len(found) == len(expected) > 0
    for mine, theirs in zip(found, expected, strict=True):
        for name, one, other in zip(mine._fields, mine, theirs, strict=True):
            assert (one is None) == (other is None), name
            if one is not None:
                torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", KINDS)
def test_what_a_source_says(name: str, opened: Callable[[str], ArrayData], store: SeriesStore) -> None:
    data = opened(name)
    assert data.channels == store.channels
    assert data.cadence_ns == store.cadence_ns
    np.testing.assert_array_equal(np.asarray(data.time), store.time)
    np.testing.assert_array_equal(np.asarray(data.values), VALUES)


@pytest.mark.parametrize("name", KINDS)
def test_batches_order_and_resume(name: str, opened: Callable[[str], ArrayData], store: SeriesStore) -> None:
    def loader(source: SeriesData, **more: Any) -> WindowLoader:
        return WindowLoader(source, **OPTIONS, **more)

    mine, theirs = loader(opened(name)), loader(store)
    expected = [list(theirs), list(theirs)]  # two epochs, in other orders
    assert_equal(list(mine), expected[0])
    assert_equal(list(loader(opened(name), shuffle=False)), list(loader(store, shuffle=False)))

    served = iter(mine)
    for step in range(9):
        assert_equal([next(served)], [expected[1][step]])
    state = mine.state_dict()
    ranks = []
    for rank in range(2):  # resumed from a source that is opened again, on other ranks
        resumed = loader(opened(name), rank=rank, world_size=2)
        resumed.load_state_dict(state)
        ranks.append(list(resumed))
    starts = [torch.cat([batch.start for batch in batches]).sort().values for batches in zip(*ranks, strict=True)]
    assert len(starts) == len(expected[1]) - 9
    for found, batch in zip(starts, expected[1][9:], strict=True):
        assert torch.equal(found, batch.start.sort().values)

    if name.startswith(READ):
        with raises("state-differs"):
            loader(store).load_state_dict(state)
    else:
        assert mine.fingerprint == theirs.fingerprint
        loader(store).load_state_dict(state)
