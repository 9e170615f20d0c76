"""A store from one layout to the other: packed to travel, mapped to be read at memory speed.

Each shard, or group of chunk files, is a task of its own, which can be done again.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from longstride.pipeline.executor import executor
from longstride.pipeline.packing.trials import best_of, try_codecs
from longstride.storage.atomic import make_directory, sync_directory
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import StoreError, coded
from longstride.storage.format import LOCK_FILE, ROOT, STAGED
from longstride.storage.location import place_of
from longstride.storage.open import StoreOrPath, open_store, opened
from longstride.storage.packed.codecs import CODECS, check_written
from longstride.storage.packed.shards import Packing
from longstride.storage.packed.store import PackedStore
from longstride.storage.places.folder import Folder
from longstride.storage.places.place import Place
from longstride.storage.store import SeriesStore
from longstride.storage.writing.copy import commit, content_of, held, name_of
from longstride.storage.writing.lock import check_free, finish, taken
from longstride.storage.writing.metadata import copied_documents
from longstride.storage.writing.packed import (
    SHARD_BYTES,
    packed_documents,
    packing_for,
    shard_files,
    shards_written,
    write_shard,
)
from longstride.storage.writing.unpacked import write_chunk_files

__all__ = ["AUTO", "Packed", "copy_at", "pack", "unpack"]

AUTO = "auto"

Result = TypeVar("Result")


class Packed(NamedTuple):
    """Result of a job."""

    num_rows: int
    num_bytes: int
    """Size of the values, as they lie in the new store."""
    num_shards: int
    shards_reused: int
    """Shards that an interrupted job had written."""
    codec: str | None
    """None where it was unpacked."""
    was_there: bool = False
    """Whether this very copy had been made before: nothing was done now."""


@coded
@typed
def pack(
    store: StoreOrPath,
    dest: str | os.PathLike[str],
    *,
    codec: str = AUTO,
    workers: int | None = None,
    dask: str | None = None,
    progress: Callable[[int], object] | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> Packed:
    """Write a packed copy of a store, open or at a path, to a new folder or to a URL (s3://bucket/name).

    It runs in threads, on `workers` local processes or on the Dask cluster at the address `dask`; `progress` is
    called with the number of rows that were written. An interrupted job resumes when it is run again; one that was
    done is not done again. Raises StoreError where there is any other store already, or a chunk of the old one is
    damaged.
    """
    store, place = opened(store), place_of(dest)
    if codec != AUTO:
        check_written(codec)
    copy = copy_at(place, store)
    if copy is not None:
        if not isinstance(copy, PackedStore) or not _is_packed_so(copy, store, codec, shard_bytes):
            raise taken(place.name)
        was_there = not _finish(place)
        sizes = copy.attributes["packed"]["shard_bytes"]["values"]
        return Packed(store.num_rows, sum(sizes), len(sizes), len(sizes), copy.packing.codec, was_there)
    if codec == AUTO:
        codec = best_of(try_codecs(store)).codec
    packing = packing_for(store, codec, shard_bytes)
    job = name_of(store, list(packing))
    with held(place, job, shard_files(store, packing)) as staged:
        done = shards_written(store, staged, job)
        num_shards = -(-store.num_rows // packing.shard_rows)
        left = [number for number in range(num_shards) if number not in done]
        tasks = (_PackShard(store, staged, packing, job, number) for number in left)
        shards = {**done, **_run(tasks, store, packing.shard_rows, done, workers, dask, progress)}
        sizes = {name: [shards[number][name] for number in range(num_shards)] for name in store.layout.row_arrays}
        commit(store, packed_documents(store, packing, sizes), place, staged)
    return Packed(store.num_rows, sum(sizes["values"]), num_shards, len(done), codec)


@coded
@typed
def unpack(
    store: StoreOrPath,
    dest: str | os.PathLike[str],
    *,
    workers: int | None = None,
    dask: str | None = None,
    progress: Callable[[int], object] | None = None,
) -> Packed:
    """Write a mapped copy of a packed store, open or at a path, to a new folder: the same bytes as before.

    It runs as `pack` does. Raises StoreError where there is any other store already, `dest` is not a folder of
    this machine, or a shard is damaged.
    """
    store = opened(store)
    place = place_of(dest)
    if not isinstance(place, Folder):
        raise StoreError(
            f"{place.name} is not a folder of this machine, but a mapped store needs one", code="not-a-folder"
        )
    num_chunks = -(-store.num_rows // store.chunk_rows)
    copy = copy_at(place, store)
    if copy is not None:
        if isinstance(copy, PackedStore):
            raise taken(place.name)
        was_there = not _finish(place)
        return Packed(store.num_rows, store.values.nbytes, num_chunks, num_chunks, None, was_there)
    with held(place, name_of(store, ["mapped"]), []) as staged:
        assert isinstance(staged, Folder)
        for name in store.layout.row_arrays:
            make_directory(staged.path / name)
        group = max(1, SHARD_BYTES // (store.chunk_rows * store.layout.row_arrays["values"].row_bytes))
        tasks = (
            _UnpackChunks(store, staged, number, first, min(first + group, num_chunks))
            for number, first in enumerate(range(0, num_chunks, group))
        )
        reused = _run(tasks, store, group * store.chunk_rows, {}, workers, dask, progress)
        for name in store.layout.row_arrays:
            sync_directory(staged.path / name)
        commit(store, copied_documents(store, file_rows=store.chunk_rows), place, staged)
    return Packed(store.num_rows, store.values.nbytes, num_chunks, sum(reused.values()), None)


def copy_at(place: Place, store: SeriesStore) -> SeriesStore | None:
    """The copy of a store that was made before, known by the checksums of its rows; None where there is no store.

    A writer that was killed right after its commit leaves nothing else. Raises StoreError where there is any other
    store, this store itself, or files of others.
    """
    if not _has(place, ROOT):
        if isinstance(place, Folder):
            check_free(place.path)
        return None
    try:
        found = open_store(place.name)
    except StoreError as error:
        raise taken(place.name) from error  # by one that is damaged, or of another version
    if content_of(found) != content_of(store) or _is_same_place(place, store.place):
        raise taken(place.name)
    return found


def _is_same_place(one: Place, other: Place) -> bool:
    if isinstance(one, Folder) and isinstance(other, Folder):
        return one.path.samefile(other.path)
    return one.name == other.name


def _is_packed_so(copy: PackedStore, store: SeriesStore, codec: str, shard_bytes: int) -> bool:
    """Whether it is packed as a job would do it; AUTO may have taken any codec that stores are packed with."""
    wanted = copy.packing.codec if codec == AUTO else codec
    return wanted in CODECS and copy.packing == packing_for(store, wanted, shard_bytes)


def _has(place: Place, name: str) -> bool:
    try:
        place.get_range(name, 0, 1)
    except FileNotFoundError:
        return False
    return True


def _finish(place: Place) -> bool:
    """Remove what a killed writer has left; whether there was anything."""
    if not _has(place, LOCK_FILE):
        return False
    if isinstance(place, Folder):
        finish(place.path)
    else:
        place.remove([*place.sizes(STAGED), LOCK_FILE])
    return True


@dataclass(frozen=True)
class _PackShard:
    """Writes one shard of each row array; gives their sizes."""

    store: SeriesStore
    place: Place
    packing: Packing
    job: str
    number: int

    def __call__(self) -> Iterator[tuple[int, dict[str, int]]]:
        yield self.number, write_shard(self.store, self.place, self.packing, self.job, self.number)


@dataclass(frozen=True)
class _UnpackChunks:
    """Writes chunk files first:stop of each row array; gives the number of chunks that were whole already."""

    store: SeriesStore
    place: Folder
    number: int
    first: int
    stop: int

    def __call__(self) -> Iterator[tuple[int, int]]:
        chunks = range(self.first, self.stop)
        yield self.number, sum(not write_chunk_files(self.store, self.place.path, index) for index in chunks)


def _run(
    tasks: Iterator[Callable[[], Iterable[tuple[int, Result]]]],
    store: SeriesStore,
    task_rows: int,
    done: dict[int, Any],
    workers: int | None,
    dask: str | None,
    progress: Callable[[int], object] | None,
) -> dict[int, Result]:
    """Run tasks; what each gave, by its number."""
    advance = progress or (lambda _: None)

    def rows(number: int) -> int:
        return min(task_rows, store.num_rows - number * task_rows)

    for number in done:
        advance(rows(number))
    found = {}
    with executor(workers, dask) as run:
        for results in run(tasks):
            for number, result in results:
                found[number] = result
                advance(rows(number))
    return found
