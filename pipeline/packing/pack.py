"""A store from one layout to the other: packed to travel, mapped to be read at memory speed.

Each shard is a task of its own, which can be done again. The root document comes last: nobody sees half a store.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.executor import executor
from longstride.pipeline.packing.trials import best_of, try_codecs
from longstride.storage.atomic import make_directory, sync_directory, write_file
from longstride.storage.errors import LongstrideError, StoreError, StoreLockedError
from longstride.storage.format import ATTRIBUTES, LOCK_FILE, ROOT, STAGED, chunk_file
from longstride.storage.location import Folder, Place, PlaceError, place_of
from longstride.storage.packed.codecs import CODECS, codec_of
from longstride.storage.packed.shards import Packing, encode_shard
from longstride.storage.packed.writer import SHARD_BYTES, packing_for
from longstride.storage.store import SeriesStore
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.metadata import relaid_documents

__all__ = ["AUTO", "Packed", "pack", "unpack"]

AUTO = "auto"
DEFAULT_CODEC = next(iter(CODECS))
ROW_ARRAYS = ("time", "values", "labels")


class Packed(NamedTuple):
    """What a job has done."""

    num_rows: int
    num_bytes: int
    """Of the values, as they lie in the new store."""
    num_shards: int
    shards_reused: int
    """Taken over from a job that was interrupted."""
    codec: str | None
    """None where it was unpacked."""


def pack(
    store: SeriesStore,
    dest: str | os.PathLike[str],
    *,
    codec: str = AUTO,
    workers: int | None = None,
    dask: str | None = None,
    progress: Callable[[int], object] | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> Packed:
    """Write a packed copy of a store to a new folder or to a URL (s3://bucket/name).

    It runs in threads, on local processes or on a Dask cluster. An interrupted job goes on when it is run again.
    Raises StoreError where there is a store already, or a chunk of the old one is damaged.
    """
    if codec == AUTO:
        codec = best_of(try_codecs(store)).codec
    codec_of(codec)
    packing = packing_for(store, codec, shard_bytes)
    job = _job_of(store, list(packing))
    place = place_of(dest)
    with _written(place, job) as staged:
        done = _receipts(staged, job)
        num_shards = -(-store.num_rows // packing.shard_rows)
        left = [number for number in range(num_shards) if number not in done]
        tasks = (_PackShard(store, staged, packing, job, number) for number in left)
        shards = {**done, **_run(tasks, store, packing.shard_rows, done, workers, dask, progress)}
        sizes = {name: [shards[number][name] for number in range(num_shards)] for name in store.layout.row_arrays}
        codecs = {name: _sharded(store, name, packing) for name in sizes}
        documents = relaid_documents(
            _root_of(store),
            store.layout,
            codecs=codecs,
            file_rows=packing.shard_rows,
            packed={**packing._asdict(), "shard_bytes": sizes},
        )
        _commit(store, documents, place, staged)
    return Packed(store.num_rows, sum(sizes["values"]), num_shards, len(done), codec)


def unpack(
    store: SeriesStore,
    dest: str | os.PathLike[str],
    *,
    workers: int | None = None,
    dask: str | None = None,
    progress: Callable[[int], object] | None = None,
) -> Packed:
    """Write a mapped copy of a packed store to a new folder: the same bytes as the store that was packed.

    Raises StoreError where there is a store already, `dest` is no folder of this machine, or a shard is damaged.
    """
    place = place_of(dest)
    if not isinstance(place, Folder):
        raise StoreError(f"{place.name} is no folder of this machine, which a mapped store needs")
    job = _job_of(store, ["mapped"])
    with _written(place, job) as staged:
        assert isinstance(staged, Folder)
        for name in store.layout.row_arrays:
            make_directory(staged.path / name)
        group = max(1, SHARD_BYTES // (store.chunk_rows * store.layout.row_arrays["values"].row_bytes))
        num_chunks = -(-store.num_rows // store.chunk_rows)
        tasks = (
            _UnpackChunks(store, staged, number, first, min(first + group, num_chunks))
            for number, first in enumerate(range(0, num_chunks, group))
        )
        found = _run(tasks, store, group * store.chunk_rows, {}, workers, dask, progress)
        documents = relaid_documents(_root_of(store), store.layout, file_rows=store.chunk_rows)
        for name in store.layout.row_arrays:
            sync_directory(staged.path / name)
        _commit(store, documents, place, staged)
    reused = sum(shard["reused"] for shard in found.values())
    return Packed(store.num_rows, store.values.nbytes, num_chunks, reused, None)


def _root_of(store: SeriesStore) -> dict[str, Any]:
    """The root document of the commit that was opened. Raises StoreError where there is another one by now."""
    document: dict[str, Any] = json.loads(store.get(ROOT))
    if document["attributes"][ATTRIBUTES]["generation"] != store.generation:
        raise StoreError(f"{store.name} was appended to meanwhile: run it again")
    return document


def _job_of(store: SeriesStore, what: list[Any]) -> str:
    """Name of a job: of what store, to what."""
    attributes = {key: value for key, value in store.attributes.items() if key != "packed"}
    return hashlib.sha256(json.dumps([attributes, what], sort_keys=True).encode()).hexdigest()[:16]


def _run(
    tasks: Iterator[Callable[[], Iterable[tuple[int, dict[str, int]]]]],
    store: SeriesStore,
    task_rows: int,
    done: dict[int, Any],
    workers: int | None,
    dask: str | None,
    progress: Callable[[int], object] | None,
) -> dict[int, dict[str, int]]:
    """Run tasks; what each found, by its number."""
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


@dataclass(frozen=True)
class _PackShard:
    """Writes one shard of each row array, and then a receipt with their sizes."""

    store: SeriesStore
    place: Place
    packing: Packing
    job: str
    number: int

    def __call__(self) -> Iterator[tuple[int, dict[str, int]]]:
        start = self.number * self.packing.shard_rows
        stop = min(start + self.packing.shard_rows, self.store.num_rows)
        sizes = {}
        for name, array in self.store.layout.row_arrays.items():
            rows = _checked_rows(self.store, name, start, stop)
            data = encode_shard(
                rows,
                codec_of(self.packing.codec if name == "values" else DEFAULT_CODEC),
                chunk_rows=self.packing.chunk_rows,
                num_chunks=self.packing.shard_rows // self.packing.chunk_rows,
                fill=np.nan if name == "values" else 0,
            )
            self.place.put(chunk_file(name, self.number, len(array.dimensions)), data)
            sizes[name] = len(data)
        self.place.put(f"{_receipts_folder(self.job)}/{self.number}.json", json.dumps(sizes).encode())
        yield self.number, sizes


@dataclass(frozen=True)
class _UnpackChunks:
    """Writes chunk files first:stop of each row array, but for those that are whole already."""

    store: SeriesStore
    place: Folder
    number: int
    first: int
    stop: int

    def __call__(self) -> Iterator[tuple[int, dict[str, int]]]:
        reused = 0
        for index in range(self.first, self.stop):
            rows = self.store.chunk_rows
            start, stop = index * rows, min((index + 1) * rows, self.store.num_rows)
            is_new = False
            for name, array in self.store.layout.row_arrays.items():
                path = self.place.path / chunk_file(name, index, len(array.dimensions))
                if not self._is_whole(path, name, index, (stop - start) * array.row_bytes, rows * array.row_bytes):
                    data = _checked_rows(self.store, name, start, stop)
                    write_file(path, [np.ascontiguousarray(data)], size=rows * array.row_bytes)
                    is_new = True
            reused += not is_new
        yield self.number, {"reused": reused}

    def _is_whole(self, path: Path, name: str, index: int, length: int, size: int) -> bool:
        if not path.exists() or path.stat().st_size != size:
            return False
        checksum = self.store.attributes["checksums_crc32c"][name][index]
        return bool(google_crc32c.value(path.read_bytes()[:length]) == checksum)


def _checked_rows(store: SeriesStore, name: str, start: int, stop: int) -> NDArray[Any]:
    """Rows of an array, held against the checksums of the store. Raises StoreError for others."""
    rows: NDArray[Any] = getattr(store, name)[start:stop]
    for row in range(start, stop, store.chunk_rows):
        chunk = np.ascontiguousarray(rows[row - start : row - start + store.chunk_rows])
        index = row // store.chunk_rows
        if google_crc32c.value(chunk) != store.attributes["checksums_crc32c"][name][index]:
            raise StoreError(
                f"{store.name}: rows {row:,} to {row + len(chunk) - 1:,} of {name} are damaged: restore them from "
                "a backup; `longstride verify` names all that are"
            )
    return rows


def _sharded(store: SeriesStore, name: str, packing: Packing) -> list[dict[str, Any]]:
    """Codecs of a packed array, as its metadata names them."""
    array = store.layout.row_arrays[name]
    codec = codec_of(packing.codec if name == "values" else DEFAULT_CODEC)
    configuration = {
        "chunk_shape": [packing.chunk_rows, *array.row_shape],
        "codecs": codec.as_zarr(array.dtype),
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        "index_location": "end",
    }
    return [{"name": "sharding_indexed", "configuration": configuration}]


def _receipts_folder(job: str) -> str:
    return f"{STAGED}/{job}"


def _receipts(place: Place, job: str) -> dict[int, dict[str, int]]:
    """Sizes of the shards that an interrupted job has written whole, by number."""
    names = [name for name in place.sizes(_receipts_folder(job)) if Path(name).stem.isdecimal()]
    there = {name: size for folder in ROW_ARRAYS for name, size in place.sizes(folder).items()}
    found = {}
    for receipt in names:
        number = int(Path(receipt).stem)
        sizes: dict[str, int] = json.loads(place.get(receipt))
        files = {chunk_file(name, number, 1 if name == "time" else 2): size for name, size in sizes.items()}
        if all(there.get(file) == size for file, size in files.items()):
            found[number] = sizes
    return found


@contextmanager
def _written(place: Place, job: str) -> Iterator[Place]:
    """Hold a place for this job, and give the one in which its shards are to be written."""
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
        raise  # what is there is gone on with, as soon as the place can be reached
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
        raise StoreError(f"{place.name} is a store already: remove it first, or give another path")
    try:
        place.put_new(LOCK_FILE, job.encode())
    except FileExistsError:
        if place.get(LOCK_FILE) != job.encode():
            raise StoreLockedError(
                f"{place.name} is being written by another job, or was when that died: if it did, remove what "
                "lies there, or give another path"
            ) from None


def _commit(store: SeriesStore, documents: dict[str, bytes], place: Place, staged: Place) -> None:
    """Put everything in its place, the root document last."""
    root = documents.pop(ROOT)
    for name in store.attributes["checksums_crc32c"]:
        if "/" in name:
            documents[name] = store.get_checked(name)
    arrays = store.layout.row_arrays
    for name, data in documents.items():
        (staged if name.split("/")[0] in arrays else place).put(name, data)
    if staged is not place:
        assert isinstance(staged, Folder)
        assert isinstance(place, Folder)
        for name in arrays:
            (staged.path / name).rename(place.path / name)
    try:
        place.put_new(ROOT, root)
    except FileExistsError:
        # It can be our own, where an answer was lost on the way.
        if place.get(ROOT) != root:
            raise StoreError(f"{place.name} was written by another job meanwhile: nothing was changed") from None
