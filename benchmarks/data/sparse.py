"""Stores and arrays of any length that take no room: their files are holes, which read as zeros."""

import os
from pathlib import Path

import google_crc32c
import numpy as np

from longstride.storage.format import StoreLayout, chunk_file
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.writing.metadata import Commit, write_commit

__all__ = ["sparse_array", "sparse_store"]


def sparse_array(path: Path, num_rows: int, num_channels: int) -> Path:
    """Make a .npy file of rows that are all 0, unless it is there."""
    if not path.exists():
        np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(num_rows, num_channels))
    return path


def sparse_store(path: Path, num_rows: int, num_channels: int) -> Path:
    """Make a store of rows that are all 0, at time 0 too, in one segment, unless it is there."""
    if (path / "zarr.json").exists():
        return path
    layout = StoreLayout(channels=tuple(f"c{index}" for index in range(num_channels)))
    rows = [min(layout.chunk_rows, num_rows - row) for row in range(0, num_rows, layout.chunk_rows)]
    checksums = {}
    for name, array in layout.row_arrays.items():
        (path / name).mkdir(parents=True, exist_ok=True)
        for index in range(len(rows)):
            with open(path / chunk_file(name, index, len(array.dimensions)), "wb") as file:
                os.truncate(file.fileno(), layout.chunk_rows * array.row_bytes)
        whole, last = (google_crc32c.value(bytes(number * array.row_bytes)) for number in (rows[0], rows[-1]))
        checksums[name] = [whole] * (len(rows) - 1) + [last]
    zeros = np.zeros(num_channels)
    write_commit(
        path,
        Commit(
            layout=layout,
            generation=1,
            num_rows=num_rows,
            segments=Segments(np.array([0]), np.array([num_rows]), np.array([0])),
            series=("",),
            cadence_ns=10**9,
            checksums=checksums,
            statistics=[
                Statistics(count=np.full(num_channels, number), mean=zeros, m2=zeros, minimum=zeros, maximum=zeros)
                for number in rows
            ],
            sources=[],
            recipe={},
        ),
    )
    return path
