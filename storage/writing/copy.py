"""Copying a store to the other layout: its new place is held, its rows are checked, the root document comes last.

So no reader sees an unfinished store, and an interrupted copy resumes.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.atomic import make_directory
from longstride.storage.errors import LongstrideError, StoreError, StoreLockedError
from longstride.storage.format import LOCK_FILE, ROOT, STAGED
from longstride.storage.location import Folder, Place, PlaceError
from longstride.storage.store import SeriesStore
from longstride.storage.writing.lock import StoreLock

__all__ = ["checked_rows", "commit", "held", "name_of"]

ROW_ARRAYS = ("time", "values", "labels")


def name_of(store: SeriesStore, target: list[Any]) -> str:
    """Name of a job: a hash of what is copied, and of the layout that the copy gets."""
    attributes = {key: value for key, value in store.attributes.items() if key != "packed"}
    return hashlib.sha256(json.dumps([attributes, target], sort_keys=True).encode()).hexdigest()[:16]


def checked_rows(store: SeriesStore, array: str, start: int, stop: int) -> NDArray[Any]:
    """Rows of an array, compared with the checksums of the store. Raises StoreError where they differ."""
    rows: NDArray[Any] = getattr(store, array)[start:stop]
    for row in range(start, stop, store.chunk_rows):
        chunk = np.ascontiguousarray(rows[row - start : row - start + store.chunk_rows])
        index = row // store.chunk_rows
        if google_crc32c.value(chunk) != store.attributes["checksums_crc32c"][array][index]:
            raise StoreError(
                f"{store.name}: rows {row:,} to {row + len(chunk) - 1:,} of {array} are damaged: restore them "
                "from a backup; `longstride verify` names all damaged chunks",
                code="store-damaged",
            )
    return rows


@contextmanager
def held(place: Place, job: str) -> Iterator[Place]:
    """Hold a place for this job, and give the one in which its row arrays are to be written.

    Raises StoreError where there is a store, StoreLockedError where another job holds the place.
    """
    if isinstance(place, Folder):
        with StoreLock(place.path) as lock:
            lock.clear()
            staged = Folder(lock.staged / f"pack-{job}")
            make_directory(staged.path)
            yield staged
        return
    _claim(place, job)
    try:
        yield place
    except PlaceError:
        raise  # the job resumes from what is there, as soon as the place can be reached
    except LongstrideError:
        place.remove([name for folder in ROW_ARRAYS for name in place.sizes(folder)])
        place.remove([*place.sizes(STAGED), LOCK_FILE])
        raise
    place.remove([*place.sizes(STAGED), LOCK_FILE])


def _claim(place: Place, job: str) -> None:
    """Refuse to write where there is a store, or another job is at work."""
    try:
        place.get(ROOT)
    except FileNotFoundError:
        pass
    else:
        raise StoreError(
            f"{place.name} is a store already: remove it first, or give another path", code="store-exists"
        )
    try:
        place.put_new(LOCK_FILE, job.encode())
    except FileExistsError:
        if place.get(LOCK_FILE) != job.encode():
            raise StoreLockedError(
                f"{place.name} is being written by another job, or an earlier job died there: if it did, remove "
                "its files, or give another path",
                code="store-locked",
            ) from None


def commit(store: SeriesStore, documents: dict[str, bytes], place: Place, staged: Place) -> None:
    """Put everything in its place: the documents of the new layout, small arrays as they are, the root last."""
    root = documents.pop(ROOT)
    for name in store.attributes["checksums_crc32c"]:
        if "/" in name:
            documents[name] = store.get_checked(name)
    arrays = store.layout.row_arrays
    for name, data in documents.items():
        (staged if name.split("/")[0] in arrays else place).put(name, data)
    if isinstance(staged, Folder) and isinstance(place, Folder):
        for name in arrays:
            (staged.path / name).rename(place.path / name)
    try:
        place.put_new(ROOT, root)
    except FileExistsError:
        # It can be our own, where an answer was lost on the way.
        if place.get(ROOT) != root:
            raise StoreError(
                f"{place.name} was written by another job in the meantime: nothing was changed",
                code="store-exists",
            ) from None
