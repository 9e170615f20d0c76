"""Checking every chunk file of a store against its checksum."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

from storage.store import SeriesStore

__all__ = ["ChunkCheck", "check_chunks", "num_chunk_files"]


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
            yield from _check_row_array(store, name, checksums)


def _check_row_array(store: SeriesStore, name: str, checksums: list[int]) -> Iterator[ChunkCheck]:
    row_bytes = store.layout.row_arrays[name].row_bytes
    for index, (path, checksum) in enumerate(zip(store.chunk_files(name), checksums, strict=True)):
        rows = min(store.chunk_rows, store.num_rows - index * store.chunk_rows)
        yield _check_file(path, checksum, length=rows * row_bytes, file_bytes=store.chunk_rows * row_bytes)


def _check_file(
    path: Path, checksum: int, *, length: int | None = None, file_bytes: int | None = None
) -> ChunkCheck:
    """Compare the first `length` bytes (the committed rows; the rest is padding) with their CRC-32C."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return ChunkCheck(path, 0, f"cannot be read: {error.strerror}")
    if file_bytes is not None and len(data) != file_bytes:
        return ChunkCheck(path, len(data), f"has {len(data):,} bytes, expected {file_bytes:,}")
    found = google_crc32c.value(data if length is None else data[:length])
    fault = None if found == checksum else f"has checksum {found:08x}, expected {checksum:08x}"
    return ChunkCheck(path, len(data), fault)
