from pathlib import Path
from typing import Any

import dask.array
import h5py
import numpy as np
import pytest
import xarray
import zarr
from numpy.typing import NDArray

from longstride import from_array
from longstride.storage.arrays.chunked import ChunkedRows
from tests.helpers.errors import raises

VALUES = np.random.default_rng(0).standard_normal((97, 3)).astype(np.float32)


class Counted:
    """An array that counts the rows that are read of it."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values
        self.shape, self.dtype, self.chunks = values.shape, values.dtype, (10, 3)
        self.num_read = 0

    def __getitem__(self, key: slice) -> NDArray[Any]:
        self.num_read += len(self._values[key])
        return self._values[key]


def test_a_chunk_is_read_once_for_many_ranges() -> None:
    array = Counted(VALUES)
    ranges = [(12, 14), (95, 97), (3, 11), (15, 19), (28, 32)]
    outs = [np.empty((stop - start, 3), np.float32) for start, stop in ranges]
    ChunkedRows(array).read_many(ranges, outs)
    for (start, stop), out in zip(ranges, outs, strict=True):
        assert np.array_equal(out, VALUES[start:stop])
    assert array.num_read <= 40


def arrays(folder: Path) -> list[Any]:
    in_zarr = zarr.create_array(folder / "a.zarr", shape=VALUES.shape, chunks=(10, 2), dtype="f4")
    in_zarr[:] = VALUES
    old = zarr.create_array(folder / "old.zarr", shape=VALUES.shape, chunks=(20, 3), dtype="f4", zarr_format=2)
    old[:] = VALUES
    in_hdf5 = h5py.File(folder / "a.h5", "w").create_dataset("a", data=VALUES, chunks=(15, 3))
    return [
        in_hdf5,
        in_zarr,
        old,
        dask.array.from_array(VALUES, chunks=(25, 3)),
        xarray.DataArray(VALUES, dims=("t", "c")),
    ]


@pytest.mark.parametrize("number", range(5), ids=["h5py", "zarr", "zarr2", "dask", "xarray"])
def test_rows_of_a_library(number: int, tmp_path: Path) -> None:
    data = from_array(arrays(tmp_path)[number])
    assert isinstance(data.values, ChunkedRows)
    assert np.array_equal(data.values[5:50], VALUES[5:50])
    assert np.array_equal(data.values[[3, 90], 1], VALUES[[3, 90], 1])
    assert np.array_equal(np.asarray(data.values), VALUES)
    assert data.stats().count.tolist() == [97, 97, 97]
    assert data.has_missing([0])  # it is not known
    assert not from_array(arrays(tmp_path / "again")[number], missing=False).has_missing([0])


def test_times_and_channels_of_xarray() -> None:
    time = np.datetime64("2024-03-01", "m") + np.arange(97)
    array = xarray.DataArray(VALUES, dims=("time", "sensor"), coords={"time": time, "sensor": ["a", "b", "c"]})
    data = from_array(array)
    assert data.channels == ("a", "b", "c")
    assert data.cadence_ns == 60 * 10**9
    assert np.array_equal(data.time, time.astype("datetime64[ns]").astype(np.int64))
    dataset = array.to_dataset("sensor")
    assert from_array(dataset).channels == ("a", "b", "c")
    assert np.array_equal(from_array(dataset, channels=["c", "a"]).values[:], VALUES[:, [2, 0]])
    dataset["grid"] = (("time", "x"), VALUES[:, :2])
    with raises("array-format", "channels="):
        from_array(dataset)
    with raises("column-missing", "'z'"):
        from_array(dataset, channels=["z"])
    with raises("array-format", "dimensions"):
        from_array(xarray.DataArray(np.zeros((2, 3, 4)), dims=("a", "b", "c")))


def test_what_an_array_hides_is_not_shown() -> None:
    hidden = dask.array.ma.masked_array(dask.array.from_array(VALUES, chunks=(25, 3)), VALUES > 1)
    data = from_array(hidden)
    with raises("array-format", "filled"):
        data.values[:30]
