"""Files that are no logs are named by what they are."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from longstride import Recipe, ingest
from tests.helpers.errors import raises


def spreadsheet() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
    return sink.getvalue()


FOREIGN = {
    "spreadsheet": spreadsheet(),
    "`sqlite3": b"SQLite format 3\0" + bytes(100),
    "`pandas.read_pickle`": pickle.dumps({"time": list(range(99))}),
    "NetCDF": b"CDF\x01" + bytes(99),
    ".mf4": b"MDF     4.10    " + bytes(99),
    ".tdms": b"TDSm\x0e\0\0\0" + bytes(99),
    ".mcap": b"\x89MCAP0\r\n" + bytes(99),
    "ROS 1": b"#ROSBAG V2.0\n" + bytes(99),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(99),
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(99),
    "PDF": b"%PDF-1.4\n%abc\n",
    "HTML": b"\n<!DOCTYPE html>\n<html>not found</html>",
    "XML": b'<?xml version="1.0"?><rows/>',
    "first 4,096 bytes": np.random.default_rng(0).bytes(5000),
    "zero bytes alone": bytes(5000),
}


@pytest.mark.parametrize("fact", FOREIGN)
def test_a_file_that_is_no_log_is_named(tmp_path: Path, fact: str) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(FOREIGN[fact])
    with raises("source-format", "log.csv", fact):
        ingest([file], tmp_path / "log.zarr", Recipe(time="time"))


@pytest.mark.parametrize("name", ["MDF", "MATLAB_t", "ORC", "LOGGER"])
def test_names_of_columns_are_no_such_files(tmp_path: Path, name: str) -> None:
    file = tmp_path / "log.csv"
    file.write_text(f"{name},time\n4,2024-01-05\n5,2024-01-06\n")
    report = ingest([file], tmp_path / "log.zarr", Recipe(time="time"))
    assert [one.rows_out for one in report.files] == [2]
