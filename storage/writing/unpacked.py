"""Writing the mapped layout of a packed store: the same chunk files as before it was packed."""

from pathlib import Path

import google_crc32c
import numpy as np

from longstride.storage.atomic import write_file
from longstride.storage.format import chunk_file
from longstride.storage.store import SeriesStore
from longstride.storage.writing.copy import checked_rows

__all__ = ["write_chunk_files"]


def write_chunk_files(store: SeriesStore, folder: Path, index: int) -> bool:
    """Write chunk `index` of each row array, unless it is whole already; whether any had to be written.

    Raises StoreError for rows that differ from their checksum.
    """
    start, stop = index * store.chunk_rows, min((index + 1) * store.chunk_rows, store.num_rows)
    is_new = False
    for name, array in store.layout.row_arrays.items():
        path = folder / chunk_file(name, index, len(array.dimensions))
        size = store.chunk_rows * array.row_bytes
        checksum = store.attributes["checksums_crc32c"][name][index]
        if not _is_whole(path, checksum, (stop - start) * array.row_bytes, size):
            write_file(path, [np.ascontiguousarray(checked_rows(store, name, start, stop))], size=size)
            is_new = True
    return is_new


def _is_whole(path: Path, checksum: int, length: int, size: int) -> bool:
    """Whether a file has `size` bytes, and the first `length` of them this checksum."""
    if not path.exists() or path.stat().st_size != size:
        return False
    return bool(google_crc32c.value(path.read_bytes()[:length]) == checksum)
