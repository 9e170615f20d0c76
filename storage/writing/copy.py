"""Copying a store to the other layout: its new place is held, its rows are checked, the root document comes last.

So no reader sees an unfinished store, and an interrupted copy resumes.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.atomic import make_directory
from longstride.storage.errors import LongstrideError, StoreError, StoreLockedError
from longstride.storage.format import ATTRIBUTES, DOCUMENTS, IDENTITY, LOCK_FILE, ROOT, STAGED, chunk_file
from longstride.storage.places.bucket import Bucket
from longstride.storage.places.folder import Folder
from longstride.storage.places.object_answers import PlaceError
from longstride.storage.places.place import Place
from longstride.storage.store import SeriesStore
from longstride.storage.writing.lock import StoreLock, taken

__all__ = ["checked_rows", "commit", "content_of", "held", "name_of"]


def name_of(store: SeriesStore, target: list[Any]) -> str:
    """Name of a job: a hash of what is copied, and of the layout that the copy gets."""
    return hashlib.sha256(json.dumps([content_of(store), target], sort_keys=True).encode()).hexdigest()[:16]


def content_of(store: SeriesStore) -> dict[str, Any]:
    """What two stores have in common that hold the same rows, whatever their layouts."""
    return {key: value for key, value in store.attributes.items() if key not in ("packed", IDENTITY, DOCUMENTS)}


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
def held(place: Place, job: str, files: Sequence[str]) -> Iterator[Place]:
    """Hold a place for this job, and give the one in which its row arrays are to be written: `files` by name.

    Raises StoreError where there is a store, StoreLockedError where another job holds the place.
    """
    if isinstance(place, Folder):
        with StoreLock(place.path) as lock:
            lock.clear()
            staged = Folder(lock.staged / f"pack-{job}")
            make_directory(staged.path)
            yield staged
        return
    claim = f"{job} {secrets.token_hex(8)}".encode()
    _claim(place, job, claim)
    try:
        yield place
    except PlaceError:
        raise  # the job resumes from what is there, as soon as the place can be reached
    except LongstrideError:
        # Receipts go first: who takes over writes again what has none.
        if _is_ours(place, claim):
            place.remove([*place.sizes(f"{STAGED}/{job}")])
            place.remove([*files, LOCK_FILE])
        raise
    place.remove([*place.sizes(f"{STAGED}/{job}")])
    if _holds(place, claim):
        place.remove([LOCK_FILE])


def _claim(place: Place, job: str, claim: bytes) -> None:
    """Refuse to write where there is a store, or another job works; take over what an earlier run has left."""
    _check_free(place)
    try:
        place.put_new(LOCK_FILE, claim)
    except FileExistsError:
        if place.get(LOCK_FILE).split()[:1] != [job.encode()]:
            raise StoreLockedError(
                f"{place.name} is being written by another job, or an earlier job died there: if it did, remove "
                "its files, or give another path",
                code="store-locked",
            ) from None
        place.put(LOCK_FILE, claim)


def _check_free(place: Place) -> None:
    """Raise StoreError where there is a store already."""
    try:
        place.get(ROOT)
    except FileNotFoundError:
        return
    raise taken(place.name)


def _holds(place: Place, claim: bytes) -> bool:
    try:
        return place.get(LOCK_FILE) == claim
    except FileNotFoundError:
        return False


def _is_ours(place: Place, claim: bytes) -> bool:
    """Whether nobody else has taken over the files of this job, or made a store of them."""
    try:
        place.get(ROOT)
    except FileNotFoundError:
        return _holds(place, claim)
    return False


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
    if isinstance(place, Bucket):
        _check_there(store, place, root)
    try:
        place.put_new(ROOT, root)
    except FileExistsError:
        # It can be our own, where an answer was lost on the way.
        if place.get(ROOT) != root:
            raise StoreError(
                f"{place.name} was written by another job in the meantime: its files were left as they are",
                code="store-exists",
            ) from None


def _check_there(store: SeriesStore, place: Place, root: bytes) -> None:
    """Raise StoreError unless all shards are there: a job that gave up may have removed some."""
    sizes: dict[str, list[int]] = json.loads(root)["attributes"][ATTRIBUTES]["packed"]["shard_bytes"]
    for name, array in store.layout.row_arrays.items():
        there = place.sizes(name)
        for number, size in enumerate(sizes[name]):
            file = chunk_file(name, number, len(array.dimensions))
            if there.get(file) != size:
                raise StoreError(
                    f"{place.name}/{file} was removed or replaced by another job: run the command again",
                    code="store-changed",
                )
