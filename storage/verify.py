"""Checking every chunk file of a store against its checksum."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import google_crc32c
import numpy as np

from longstride.storage.errors import LongstrideError
from longstride.storage.format import chunk_file
from longstride.storage.mapped.store import MappedStore
from longstride.storage.store import SeriesStore

__all__ = ["ChunkCheck", "check_chunks", "check_row_chunk", "num_chunk_files"]


class ChunkCheck(NamedTuple):
    """One chunk file compared with its checksum."""

    name: str
    """Path of the file, or of a packed store: rows of an array, as they are in its shards."""
    num_bytes: int
    fault: str | None
    """What is wrong with it, or None."""


def num_chunk_files(store: SeriesStore) -> int:
    """Number of chunk files that `check_chunks` checks."""
    return sum(len(checksums) for checksums in store.attributes["checksums_crc32c"].values())


def check_chunks(store: SeriesStore, *, part: int = 0, parts: int = 1) -> Iterator[ChunkCheck]:
    """Check each chunk file that the committed state names, in order; or every `parts`-th, from `part` on."""
    checksums = store.attributes["checksums_crc32c"].items()
    files = ((name, index) for name, of_files in checksums for index in range(len(of_files)))
    for name, index in islice(files, part, None, parts):
        yield _check_small(store, name) if "/" in name else check_row_chunk(store, name, index)


def check_row_chunk(store: SeriesStore, array: str, index: int) -> ChunkCheck:
    """Check the committed rows in chunk file `index` of `values`, `time` or `labels`."""
    if not isinstance(store, MappedStore):
        return _check_decoded(store, array, index)
    row_bytes = store.layout.row_arrays[array].row_bytes
    rows = min(store.chunk_rows, store.num_rows - index * store.chunk_rows)
    return _check_file(
        store.path / chunk_file(array, index, len(store.layout.row_arrays[array].dimensions)),
        store.attributes["checksums_crc32c"][array][index],
        length=rows * row_bytes,
        file_bytes=store.chunk_rows * row_bytes,
    )


def _check_small(store: SeriesStore, name: str) -> ChunkCheck:
    """Check a small chunk file, wherever the store lies."""
    shown = f"{store.name}/{name}"
    try:
        data = store.get(name)
    except (OSError, LongstrideError) as error:
        return ChunkCheck(shown, 0, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    return _compared(shown, data, store.attributes["checksums_crc32c"][name][0])


def _check_decoded(store: SeriesStore, array: str, index: int) -> ChunkCheck:
    """Decode rows of a packed store, and compare them with the checksum that they were packed with."""
    start = index * store.chunk_rows
    stop = min(start + store.chunk_rows, store.num_rows)
    shown = f"{store.name}: rows {start:,} to {stop - 1:,} of {array}"
    try:
        data = np.ascontiguousarray(getattr(store, array)[start:stop])
    except LongstrideError as error:
        return ChunkCheck(shown, 0, f"cannot be read: {error}")
    return _compared(shown, data.tobytes(), store.attributes["checksums_crc32c"][array][index])


def _check_file(path: Path, checksum: int, *, length: int, file_bytes: int) -> ChunkCheck:
    """Compare the first `length` bytes (the committed rows; the rest is padding) with their CRC-32C."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return ChunkCheck(str(path), 0, f"cannot be read: {error.strerror}")
    if len(data) != file_bytes:
        return ChunkCheck(str(path), len(data), f"has {len(data):,} bytes, expected {file_bytes:,}")
    return _compared(str(path), data[:length], checksum)._replace(num_bytes=len(data))


def _compared(name: str, data: bytes, checksum: int) -> ChunkCheck:
    found = google_crc32c.value(data)
    fault = None if found == checksum else f"has checksum {found:08x}, expected {checksum:08x}"
    return ChunkCheck(name, len(data), fault)
