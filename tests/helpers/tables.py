"""The same rows in files of other programs, each written by a library of its own."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

__all__ = ["KINDS", "Kind", "rows_from"]

START = np.datetime64("2024-03-01T08:00:00", "ns")


class Rows(NamedTuple):
    """Rows a tenth of a second apart."""

    seconds: NDArray[np.float64]
    """Since START."""
    values: NDArray[np.float64]
    """(rows, 2), with few digits: EDF has 16 bits for each."""

    @property
    def ns(self) -> NDArray[np.int64]:
        return (START + np.rint(self.seconds * 1e9).astype("timedelta64[ns]")).astype(np.int64)


def rows_from(first: int, count: int) -> Rows:
    """Rows from a tenth of a second on."""
    number = np.arange(first, first + count)
    return Rows(number / 10, np.stack([number % 100, -(number % 70)], axis=1).astype(np.float64))


class Kind(NamedTuple):
    """A kind of file."""

    suffix: str
    package: str
    extra: str
    write: Callable[[Path, Rows], object]


def _package(name: str) -> Any:
    return pytest.importorskip(name)


def _edf(path: Path, rows: Rows) -> None:
    edfio = _package("edfio")
    is_bdf = path.suffix == ".bdf"
    make, signal = (edfio.Bdf, edfio.BdfSignal) if is_bdf else (edfio.Edf, edfio.EdfSignal)
    limits = (-(2**23), 2**23 - 1) if is_bdf else (-(2**15), 2**15 - 1)
    start = (START + np.timedelta64(round(rows.seconds[0] * 1000), "ms")).astype("datetime64[us]").item()
    signals = [
        signal(rows.values[:, index], 10, label=name, physical_range=limits) for index, name in enumerate("ab")
    ]
    recording = edfio.Recording(startdate=start.date())
    make(signals, starttime=time(start.hour, start.minute, start.second), recording=recording).write(path)


def _mdf(path: Path, rows: Rows) -> None:
    asammdf = _package("asammdf")
    version = "4.10" if path.suffix == ".mf4" else "3.30"
    with asammdf.MDF(version=version) as file:
        file.start_time = datetime(2024, 3, 1, 8, tzinfo=UTC)
        columns = enumerate("ab")
        file.append([asammdf.Signal(rows.values[:, index], rows.seconds, name=name) for index, name in columns])
        file.save(path, overwrite=True, compression=2 if version == "4.10" else 0)


def _matlab(path: Path, rows: Rows) -> None:
    a, b = rows.values.T
    datenum = 739312 + 8 / 24 + rows.seconds / 86_400
    _package("scipy.io").savemat(
        path, {"log": {"time": datenum, "a": a, "b": b}, "rate": 10.0}, do_compression=True
    )


def _matlab_73(path: Path, rows: Rows) -> None:
    a, b = rows.values.T
    columns = {"a": a, "b": b, "time": 739312 + 8 / 24 + rows.seconds / 86_400}
    with _package("h5py").File(path, "w", userblock_size=512) as file:
        for name, values in columns.items():
            file.create_dataset(f"log/{name}", data=values[None]).attrs["MATLAB_class"] = np.bytes_("double")
        file["log"].attrs["MATLAB_class"] = np.bytes_("struct")
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _hdf5(path: Path, rows: Rows) -> None:
    with _package("h5py").File(path, "w") as file:
        file["log/time"] = rows.ns // 1000
        file["log/a"], file["log/b"] = rows.values.T
        file["title"] = "a log"


def _netcdf(path: Path, rows: Rows, engine: str) -> None:
    xarray = _package("xarray")
    columns = {name: ("time", rows.values[:, index]) for index, name in enumerate("ab")}
    encoding = {"time": {"units": "milliseconds since 2024-01-01", "dtype": "f8"}}
    data = xarray.Dataset(columns, coords={"time": rows.ns.astype("datetime64[ns]")})
    data.to_netcdf(path, engine=engine, encoding=encoding)


def _tdms(path: Path, rows: Rows) -> None:
    tdms = _package("nptdms")
    clock = {"wf_start_time": START + np.timedelta64(round(rows.seconds[0] * 1000), "ms"), "wf_increment": 0.1}
    with tdms.TdmsWriter(path) as writer:
        columns = enumerate("ab")
        writer.write_segment(
            [tdms.ChannelObject("log", name, rows.values[:, index].copy(), clock) for index, name in columns]
        )


def _excel(path: Path, rows: Rows) -> None:
    import polars as pl

    _package("fastexcel")
    _package("xlsxwriter")
    a, b = rows.values.T
    times = pl.Series(rows.ns).cast(pl.Datetime("ns")).cast(pl.Datetime("ms"))
    pl.DataFrame({"time": times, "a": a, "b": b}).write_excel(
        path, dtype_formats={pl.Datetime: "yyyy-mm-dd hh:mm:ss.000"}
    )


IMU = """std_msgs/Header header
float64 a
float32[1] b
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""


def _mcap(path: Path, rows: Rows) -> None:
    writer_of = _package("mcap_ros2.writer").Writer
    with path.open("wb") as file, writer_of(file) as writer:
        schema = writer.register_msgdef("pkg/msg/Imu", IMU)
        for ns, (a, b) in zip(rows.ns.tolist(), rows.values.tolist(), strict=True):
            header = {"stamp": {"sec": ns // 10**9, "nanosec": ns % 10**9}, "frame_id": "base"}
            writer.write_message("/imu", schema, {"header": header, "a": a, "b": [b]}, log_time=ns + 5_000_000)


KINDS = {
    "edf": Kind(".edf", "edfio", "edf", _edf),
    "bdf": Kind(".bdf", "edfio", "edf", _edf),
    "mdf 4": Kind(".mf4", "asammdf", "mdf", _mdf),
    "mdf 3": Kind(".mdf", "asammdf", "mdf", _mdf),
    "matlab 5": Kind(".mat", "scipy", "matlab", _matlab),
    "matlab 7.3": Kind(".mat", "h5py", "hdf5", _matlab_73),
    "hdf5": Kind(".h5", "h5py", "hdf5", _hdf5),
    "netcdf 3": Kind(".nc", "xarray", "netcdf", lambda path, rows: _netcdf(path, rows, "scipy")),
    "netcdf 4": Kind(".nc", "xarray", "netcdf", lambda path, rows: _netcdf(path, rows, "h5netcdf")),
    "mcap": Kind(".mcap", "mcap", "ros", _mcap),
    "tdms": Kind(".tdms", "nptdms", "tdms", _tdms),
    "excel": Kind(".xlsx", "fastexcel", "excel", _excel),
}
"""Each kind that is read by a package of its own."""
