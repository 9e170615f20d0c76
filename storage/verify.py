"""Checking every file of a store: chunks against their checksums, documents against what seals them."""

import json
import os
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import google_crc32c
import numpy as np

from longstride.storage.errors import LongstrideError
from longstride.storage.format import CONSOLIDATED_KEYS, DOCUMENTS, ROOT, ROOT_KEYS, chunk_file
from longstride.storage.mapped.store import MappedStore
from longstride.storage.places.files import open_file
from longstride.storage.places.folder import Folder
from longstride.storage.store import SeriesStore

__all__ = ["FileCheck", "check_chunks", "check_row_chunk", "check_store", "num_chunk_files", "num_files"]


class FileCheck(NamedTuple):
    """One file compared with its checksum."""

    name: str
    """Path of the file, or of a packed store: rows of an array, as they are in its shards."""
    num_bytes: int
    fault: str | None
    """What is wrong with it, or None."""


def num_files(store: SeriesStore) -> int:
    """Number of files that `check_store` checks."""
    documents = store.attributes.get(DOCUMENTS) or _members(_parsed(store.get(ROOT)))
    return 1 + len(documents) + num_chunk_files(store)


def num_chunk_files(store: SeriesStore) -> int:
    """Number of chunk files that `check_chunks` checks."""
    return sum(len(checksums) for checksums in store.attributes["checksums_crc32c"].values())


def check_store(store: SeriesStore) -> Iterator[FileCheck]:
    """Check each file that the committed state names, in order."""
    yield from _check_documents(store)
    yield from check_chunks(store)


def check_chunks(store: SeriesStore, *, part: int = 0, parts: int = 1) -> Iterator[FileCheck]:
    """Check each chunk file that the committed state names, in order; or every `parts`-th, from `part` on."""
    checksums = store.attributes["checksums_crc32c"].items()
    files = ((name, index) for name, of_files in checksums for index in range(len(of_files)))
    for name, index in islice(files, part, None, parts):
        yield _check_small(store, name) if "/" in name else check_row_chunk(store, name, index)


def _members(root: Any) -> dict[str, Any]:
    """The documents of arrays and groups, as the root document repeats them for other tools, by path."""
    try:
        return {f"{name}/{ROOT}": member for name, member in root["consolidated_metadata"]["metadata"].items()}
    except (KeyError, TypeError, AttributeError):
        return {}


def _check_documents(store: SeriesStore) -> Iterator[FileCheck]:
    """Compare each with its checksum, and with the copy of it in the root document, which other tools read.

    The seal of our attributes held when the store was opened; the rest of the root document is checked here.
    """
    data = store.get(ROOT)
    root = _parsed(data)
    repeated = _members(root)
    checksums = store.attributes.get(DOCUMENTS, {})
    members = {name.removesuffix(f"/{ROOT}"): member for name, member in repeated.items()}
    expected = {**ROOT_KEYS, "consolidated_metadata": {**CONSOLIDATED_KEYS, "metadata": members}}
    is_whole = isinstance(root, dict) and {**root, "attributes": 0} == {**expected, "attributes": 0}
    is_whole = is_whole and (not checksums or repeated.keys() == checksums.keys())
    fault = None if is_whole else "tells other tools of something that is not this store"
    yield FileCheck(f"{store.name}/{ROOT}", len(data), fault)
    for name in checksums or repeated:
        shown = f"{store.name}/{name}"
        try:
            data = store.get(name)
        except (OSError, LongstrideError) as error:
            yield FileCheck(shown, 0, _unreadable(error))
            continue
        check = _compared(shown, data, checksums.get(name, google_crc32c.value(data)))
        if check.fault and _is_ahead(store, name, _parsed(data), repeated.get(name)):
            check = check._replace(fault=None)
        elif check.fault is None and _parsed(data) != repeated.get(name):
            check = check._replace(fault=f"differs from its copy in {ROOT}")
        yield check


def _is_ahead(store: SeriesStore, name: str, found: Any, committed: Any) -> bool:
    """Whether the document of an array of rows tells of more rows, and of nothing else, than the commit.

    An append that was killed right before its commit leaves it so; the next one writes it again.
    """
    if name.removesuffix(f"/{ROOT}") not in store.layout.row_arrays:
        return False
    try:
        rows, *others = found["shape"]
        is_longer = isinstance(rows, int) and rows > store.num_rows
        return is_longer and {**found, "shape": [store.num_rows, *others]} == committed
    except (KeyError, TypeError, ValueError):
        return False


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _unreadable(error: Exception) -> str:
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def check_row_chunk(store: SeriesStore, array: str, index: int) -> FileCheck:
    """Check the committed rows in chunk file `index` of `values`, `time` or `labels`."""
    if not isinstance(store, MappedStore):
        return _check_decoded(store, array, index)
    row_bytes = store.layout.row_arrays[array].row_bytes
    rows = min(store.chunk_rows, store.num_rows - index * store.chunk_rows)
    return _check_file(
        store.folder,
        chunk_file(array, index, len(store.layout.row_arrays[array].dimensions)),
        store.attributes["checksums_crc32c"][array][index],
        length=rows * row_bytes,
        file_bytes=store.chunk_rows * row_bytes,
    )


def _check_small(store: SeriesStore, name: str) -> FileCheck:
    """Check a small chunk file, wherever the store lies."""
    shown = f"{store.name}/{name}"
    try:
        data = store.get(name)
    except (OSError, LongstrideError) as error:
        return FileCheck(shown, 0, _unreadable(error))
    return _compared(shown, data, store.attributes["checksums_crc32c"][name][0])


def _check_decoded(store: SeriesStore, array: str, index: int) -> FileCheck:
    """Decode rows of a packed store, and compare them with the checksum that they were packed with."""
    start = index * store.chunk_rows
    stop = min(start + store.chunk_rows, store.num_rows)
    shown = f"{store.name}: rows {start:,} to {stop - 1:,} of {array}"
    checksum = num_bytes = 0
    try:
        for row in range(start, stop, store.rows_at_a_time):
            rows = getattr(store, array)[row : min(row + store.rows_at_a_time, stop)]
            checksum = google_crc32c.extend(checksum, np.ascontiguousarray(rows))
            num_bytes += rows.nbytes
    except LongstrideError as error:
        return FileCheck(shown, 0, _unreadable(error))
    return FileCheck(shown, num_bytes, _fault(checksum, store.attributes["checksums_crc32c"][array][index]))


def _check_file(folder: Folder, name: str, checksum: int, *, length: int, file_bytes: int) -> FileCheck:
    """Compare the first `length` bytes (the committed rows; the rest is padding) with their CRC-32C."""
    path = folder.path / name
    try:
        folder.check_inside(name.rpartition("/")[0])
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(length) if size == file_bytes else b""
    except (OSError, LongstrideError) as error:
        return FileCheck(str(path), 0, _unreadable(error))
    if size != file_bytes:
        return FileCheck(str(path), size, f"has {size:,} bytes, expected {file_bytes:,}")
    return _compared(str(path), data, checksum)._replace(num_bytes=size)


def _compared(name: str, data: bytes, checksum: int) -> FileCheck:
    return FileCheck(name, len(data), _fault(google_crc32c.value(data), checksum))


def _fault(found: int, expected: int) -> str | None:
    return None if found == expected else f"has checksum {found:08x}, expected {expected:08x}"
