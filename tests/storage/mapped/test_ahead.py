"""Rows that are read from disk before they are needed."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness.page_cache import evict
from longstride.storage.mapped.ahead import read_ahead
from longstride.storage.mapped.mapping import map_chunk_files
from tests.helpers.disks import is_memory

CHUNK = 2**22


def resident(path: Path) -> int:
    command = ["fincore", "--bytes", "--noheadings", "--output", "RES", str(path)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("in_large_pages", [False, True])
def test_what_is_asked_for_is_read(in_large_pages: bool, tmp_path: Path) -> None:
    if not shutil.which("fincore") or is_memory(tmp_path):
        pytest.skip("no fincore, or a disk that is memory")
    files = [tmp_path / f"c.{number}" for number in range(3)]
    for file in files:
        file.write_bytes(os.urandom(CHUNK))
    evict(files)
    rows = map_chunk_files(files, CHUNK)
    # A few bytes behind the beginning of the first file, and all of the last one.
    parts = [rows[5000:9000], rows[2 * CHUNK :]]
    read_ahead(parts, in_large_pages=in_large_pages)
    wanted = [4096, 0, CHUNK]
    end = time.monotonic() + 30
    while any(resident(file) < size for file, size in zip(files, wanted, strict=True)):
        assert time.monotonic() < end, [resident(file) for file in files]
        time.sleep(0.01)
    assert resident(files[1]) == 0  # nobody asked for it
    assert np.array_equal(rows[2 * CHUNK :], np.fromfile(files[2], np.uint8))


@pytest.mark.parametrize("in_large_pages", [False, True])
def test_to_ask_for_nothing_is_fine(in_large_pages: bool) -> None:
    read_ahead([], in_large_pages=in_large_pages)
    read_ahead([np.empty((0, 3), np.float32)], in_large_pages=in_large_pages)


def test_an_array_in_memory_stays_as_it_is() -> None:
    values = np.arange(2**20, dtype=np.float32)
    for in_large_pages in (False, True):
        read_ahead([values[3:]], in_large_pages=in_large_pages)
    assert np.array_equal(values, np.arange(2**20))
