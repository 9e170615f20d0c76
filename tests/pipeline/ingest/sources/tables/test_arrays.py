"""MATLAB, HDF5 and NetCDF: which arrays of a file are columns of one table."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride import Recipe, ingest, open, profile
from tests.helpers.errors import raises

scipy_io = pytest.importorskip("scipy.io")
h5py = pytest.importorskip("h5py")
xarray = pytest.importorskip("xarray")

T = np.arange(200) / 100 + 1.7e9
MATRIX = np.arange(600.0).reshape(200, 3)


def mat(path: Path, **variables: Any) -> Path:
    scipy_io.savemat(path, variables)
    return path


def h5(path: Path, **variables: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, value in variables.items():
            if isinstance(value, dict):
                for field, inner in value.items():
                    file[f"{name}/{field}"] = inner
            else:
                file[name] = value
    return path


WRITERS = [(mat, "log.mat", "."), (h5, "log.h5", "/")]


def values_of(path: Path, store: Path, **settings: Any) -> tuple[tuple[str, ...], Any]:
    ingest(path, store, Recipe(time="t", time_format="s", dtype="float64", **settings))
    return open(store).channels, open(store).values[:]


@pytest.mark.parametrize(("write", "name", "mark"), WRITERS)
def test_columns_of_a_matrix_either_way(tmp_path: Path, write: Any, name: str, mark: str) -> None:
    for number, matrix in enumerate((MATRIX, MATRIX.T)):
        path = write(tmp_path / f"{number}{name}", t=T, x=matrix, y=-T, fs=100.0, who="me")
        channels, values = values_of(path, tmp_path / str(number))
        assert channels == ("x_1", "x_2", "x_3", "y")
        assert values.tolist() == np.column_stack([MATRIX, -T]).tolist()
    path = write(tmp_path / name, x=MATRIX.T)
    with raises("source-format", "'x' has 3 rows and 200 columns"):
        profile(path, every="1s")


@pytest.mark.parametrize(("write", "name", "mark"), WRITERS)
def test_a_table_is_named(tmp_path: Path, write: Any, name: str, mark: str) -> None:
    groups = {"imu": {"t": T, "a": MATRIX[:, 0]}, "gps": {"t": T[:20], "b": T[:20]}, "t": T[:50], "c": T[:50]}
    path = write(tmp_path / name, **groups)
    with raises("table-unnamed", "'imu' (200 rows)", "'gps' (20 rows)"):
        ingest(path, tmp_path / "none", Recipe(time="time"))
    for table, channel, num_rows in (
        ("imu", "a", 200),
        ("gps", "b", 20),
        ("c", "c", 50),
        (f"imu{mark}t", "a", 200),
    ):
        channels, values = values_of(path, tmp_path / table.replace(mark, "-"), table=table)
        assert (channels, len(values)) == ((channel,), num_rows)
    for table in ("nothing", "imu.x", "", mark):
        with raises("table-unnamed" if table else "recipe-value"):
            values_of(path, tmp_path / "store", table=table)


def test_what_is_no_array_of_numbers_is_told(tmp_path: Path) -> None:
    cells = np.empty(3, object)
    cells[:] = [np.arange(2), "text", {"a": 1}]
    path = mat(tmp_path / "log.mat", t=T, x=MATRIX[:, 0] * (1 + 2j), cell=cells, title="a text")
    proposed = profile(path)
    assert any("'cell'" in text for text in proposed.seen)
    ingest(path, tmp_path / "store", proposed.recipe)
    assert open(tmp_path / "store").channels == ("x.real", "x.imag")


def test_a_file_without_arrays(tmp_path: Path) -> None:
    for path in (mat(tmp_path / "log.mat", title="nothing"), h5(tmp_path / "log.h5")):
        with raises("source-empty"):
            profile(path)


def test_records_of_hdf5_are_columns(tmp_path: Path) -> None:
    records = np.zeros(200, [("t", "f8"), ("a", ">f4"), ("flag", "?")])
    records["t"], records["a"], records["flag"] = T, MATRIX[:, 0], np.arange(200) % 2
    path = h5(tmp_path / "log.h5", log=records)
    channels, values = values_of(path, tmp_path / "store")
    assert channels == ("a", "flag")
    assert values.tolist() == np.column_stack([MATRIX[:, 0], np.arange(200) % 2]).tolist()


def test_fields_of_records_that_are_left_out_are_told(tmp_path: Path) -> None:
    kind = [("time", "f8"), ("v", "f4"), ("axes", "f4", (3,)), ("note", h5py.string_dtype())]
    rows = np.array([(1709251200 + row, row % 7, (1, 2, 3), b"x") for row in range(50)], kind)
    path = h5(tmp_path / "log.h5", log=rows)
    assert any("'log/axes', 'log/note'" in text for text in profile(path).seen)


def test_a_frame_of_pandas_and_arrays_of_other_files_are_not_read(tmp_path: Path) -> None:
    path = h5(tmp_path / "log.h5", frame={"axis0": T})
    with h5py.File(path, "a") as file:
        file["frame"].attrs["pandas_type"] = "frame"
    with raises("source-format", "read_hdf", "'frame'"):
        profile(path)
    other = h5(tmp_path / "other.h5", secret=T)
    path = h5(tmp_path / "links.h5", t=T, a=T)
    layout = h5py.VirtualLayout(shape=(200,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(other), "secret", shape=(200,))
    with h5py.File(path, "a") as file:
        file["link"] = h5py.ExternalLink(str(other), "secret")
        file["nowhere"] = h5py.ExternalLink("nowhere.h5", "secret")
        file["dangling"] = h5py.SoftLink("/nowhere")
        file.create_virtual_dataset("virtual", layout)
    assert any("'virtual'" in text for text in profile(path).seen)
    assert values_of(path, tmp_path / "store")[0] == ("a",)


def nc(path: Path, data: Any) -> Path:
    data.to_netcdf(path, engine="h5netcdf")
    return path


def test_rows_of_netcdf_are_along_the_time(tmp_path: Path) -> None:
    time = (T * 1e9).astype("datetime64[ns]")
    wind = np.where(MATRIX % 7 == 0, np.nan, MATRIX)
    data = xarray.Dataset(
        {"wind": (("height", "time"), wind.T), "site": ("height", [1, 2, 3]), "n": ("time", np.arange(200))},
        coords={"time": time, "height": [2.0, 10.0, 50.0]},
    )
    data["n"].attrs["units"] = "K"
    path = nc(tmp_path / "log.nc", data)
    proposed = profile(path)
    assert any("'site'" in text for text in proposed.seen)
    ingest(path, tmp_path / "store", Recipe(time="time"))
    store = open(tmp_path / "store")
    assert sorted(store.channels) == ["n", "wind_1", "wind_2", "wind_3"]
    found = store.values[:, store.channels.index("wind_1") :][:, :3]
    assert np.array_equal(found, wind.astype("f4"), equal_nan=True)


def test_a_calendar_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    units = {"units": "days since 2000-01-01", "calendar": "360_day"}
    data = xarray.Dataset({"a": ("time", T)}, coords={"time": ("time", np.arange(200), units)})
    with raises("source-format", "360_day"):
        profile(nc(tmp_path / "log.nc", data))


def test_a_dimension_is_named(tmp_path: Path) -> None:
    path = nc(tmp_path / "log.nc", xarray.Dataset({"t": ("x", T), "a": ("x", -T), "b": ("y", T[:20])}))
    with raises("table-unnamed", "'x' (200 rows)", "'y' (20 rows)"):
        ingest(path, tmp_path / "none", Recipe(time="time"))
    assert values_of(path, tmp_path / "store", table="x")[0] == ("a",)
