"""Checking every chunk file of a store against its checksum."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

from storage.format import chunk_file
from storage.store import SeriesStore

__all__ = ["ChunkCheck", "check_chunks", "check_row_chunk", "num_chunk_files"]


@dataclass(frozen=True)
class ChunkCheck:
    """One chunk file held against its checksum."""

    path: Path
    num_bytes: int
    fault: str | None
    """What is wrong with it, or None."""


def num_chunk_files(store: SeriesStore) -> int:
    """Chunk files that `check_chunks` will look at."""
    return sum(len(checksums) for checksums in store.attributes["checksums_crc32c"].values())


def check_chunks(store: SeriesStore) -> Iterator[ChunkCheck]:
    """Check each chunk file that the committed state names, in order."""
    for name, checksums in store.attributes["checksums_crc32c"].items():
        if "/" in name:
            yield _check_file(store.path / name, checksums[0])
        else:
            for index in range(len(checksums)):
                yield check_row_chunk(store, name, index)


def check_row_chunk(store: SeriesStore, array: str, index: int) -> ChunkCheck:
    """Check the committed rows in chunk file `index` of `values`, `time` or `labels`."""
    row_bytes = store.layout.row_arrays[array].row_bytes
    rows = min(store.chunk_rows, store.num_rows - index * store.chunk_rows)
    return _check_file(
        store.path / chunk_file(array, index, len(store.layout.row_arrays[array].dimensions)),
        store.attributes["checksums_crc32c"][array][index],
        length=rows * row_bytes,
        file_bytes=store.chunk_rows * row_bytes,
    )


def _check_file(
    path: Path, checksum: int, *, length: int | None = None, file_bytes: int | None = None
) -> ChunkCheck:
    """Compare the first `length` bytes (the committed rows; the rest is no data of theirs) with their CRC-32C."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return ChunkCheck(path, 0, f"cannot be read: {error.strerror}")
    if file_bytes is not None and len(data) != file_bytes:
        return ChunkCheck(path, len(data), f"has {len(data):,} bytes, expected {file_bytes:,}")
    found = google_crc32c.value(data if length is None else data[:length])
    fault = None if found == checksum else f"has checksum {found:08x}, expected {checksum:08x}"
    return ChunkCheck(path, len(data), fault)
