"""Reading the packed layout: rows are decoded where they are asked for, from a folder or an object store."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError
from longstride.storage.format import chunk_file
from longstride.storage.location import Folder, Place
from longstride.storage.packed.codecs import codec_of
from longstride.storage.packed.shards import index_bytes, read_index
from longstride.storage.store import SeriesStore

__all__ = ["PackedRows", "PackedStore", "Packing", "threads_for"]

SHARD_BYTES = 64 * 2**20
"""Of values in a shard, before they are made small."""
CHUNK_BYTES = 128 * 2**10
"""Of values that are decoded at a time: little beside a block of windows, and enough to be made small."""
MIN_CHUNK_ROWS = 64
CHUNKS_KEPT = 64
PIECE_CHUNKS = 32
LOCAL_THREADS = 4
REMOTE_THREADS = 16
"""At a time: what waits for an object store does not compute."""


def threads_for(place: Place) -> int:
    """How many threads read and decode chunks of a place."""
    return min(LOCAL_THREADS, os.cpu_count() or 1) if isinstance(place, Folder) else REMOTE_THREADS


class Packing(NamedTuple):
    """How the rows of a packed store are cut up; the same for all its row arrays."""

    codec: str
    """Of `values`; times and labels have the default one."""
    shard_rows: int
    """Rows of one file."""
    chunk_rows: int
    """Rows that are decoded at a time."""

    @staticmethod
    def of(store: SeriesStore, codec: str, shard_bytes: int = SHARD_BYTES) -> "Packing":
        """How to cut up a store.

        In powers of two, so that chunks fill a shard, and shards begin where chunks of the mapped layout do.
        """
        row_bytes = store.layout.row_arrays["values"].row_bytes
        chunk_rows = 1 << max(0, (CHUNK_BYTES // row_bytes).bit_length() - 1)
        per_shard = max(1, shard_bytes // (store.chunk_rows * row_bytes))
        return Packing(
            codec,
            shard_rows=store.chunk_rows * (1 << (per_shard.bit_length() - 1)),
            chunk_rows=min(store.chunk_rows, max(MIN_CHUNK_ROWS, chunk_rows)),
        )


class _Run(NamedTuple):
    """Rows start:stop of an array, within one shard, and where they go."""

    start: int
    stop: int
    out: NDArray[Any]


class PackedStore(SeriesStore):
    """A store in the packed layout. It has what a SeriesStore has; rows are decoded anew each time."""

    def __init__(self, place: Place, attributes: dict[str, Any]) -> None:
        """Use `open_store`."""
        super().__init__(Path(place.name), attributes)
        self.place = place
        self.name = place.name
        self.packing = Packing(*(attributes["packed"][field] for field in Packing._fields))

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedStore, (self.place, self.attributes)

    @property
    def is_mapped(self) -> bool:
        """False: there is no view of all rows in memory."""
        return False

    def rows(self, array: str) -> "PackedRows":
        """Rows of `values`, `time` or `labels`."""
        return PackedRows(self, array)

    @cached_property
    def values(self) -> NDArray[np.floating]:
        """What stands for all values (T, N): slices of it are decoded and copied."""
        return cast(NDArray[np.floating], self.rows("values"))

    @cached_property
    def time(self) -> NDArray[np.int64]:
        """What stands for the time of each row (T,), in the same way."""
        return cast(NDArray[np.int64], self.rows("time"))

    @cached_property
    def labels(self) -> NDArray[np.int8] | None:
        """What stands for the labels (T, L), in the same way; None where the store has none."""
        return cast(NDArray[np.int8], self.rows("labels")) if self.label_names else None

    def get(self, name: str) -> bytes:
        """See SeriesStore."""
        return self.place.get(name)

    def _check_kept(self) -> None:
        """Nothing is appended to a packed store."""


class PackedRows:
    """Rows of one array of a packed store; it is sliced like the array itself."""

    def __init__(self, store: PackedStore, name: str) -> None:
        """Nothing is read yet."""
        array = store.layout.row_arrays[name]
        self.name = name
        self.shape = (store.num_rows, *array.row_shape)
        self.dtype = array.dtype
        self.nbytes = store.num_rows * array.row_bytes
        self.bytes_decoded = 0
        """So far."""
        self._place = store.place
        self._packing = store.packing
        self._codec = codec_of(store.packing.codec if name == "values" else "blosc-zstd")
        self._sizes: list[int] = store.attributes["packed"]["shard_bytes"][name]
        self._indexes: dict[int, NDArray[np.uint64]] = {}
        # Who looks for a time by bisection asks for single rows, the first ones again and again.
        self._chunk = lru_cache(maxsize=CHUNKS_KEPT)(self._read_chunk)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        key, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step != 1:
                raise IndexError(f"rows of a packed store are read one after the other, not in steps of {step}")
            found = self.read(start, max(start, stop))
        elif isinstance(key, int | np.integer):
            row = int(key) + (len(self) if key < 0 else 0)
            if not 0 <= row < len(self):
                raise IndexError(f"row {key} is not within the {len(self)} rows of {self._place.name}")
            found = self._chunk(row // self._packing.chunk_rows)[row % self._packing.chunk_rows]
            return cast(NDArray[Any], found[tuple(rest)] if rest else found)
        else:
            found = np.stack([self[int(row)] for row in np.asarray(key).ravel()])
        return found[(slice(None), *rest)] if rest else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.read(0, len(self)).astype(dtype or self.dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("send the store to other processes, not its rows")

    def _read_chunk(self, chunk: int) -> NDArray[Any]:
        start = chunk * self._packing.chunk_rows
        return self.read(start, min(start + self._packing.chunk_rows, len(self)))

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start:stop. Raises IndexError outside 0..T, StoreError for a shard that is absent or damaged."""
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"rows {start}:{stop} are not within the {len(self)} rows of {self._place.name}")
        out = np.empty((stop - start, *self.shape[1:]), self.dtype)
        self.read_many([(start, stop)], [out])
        return out

    def read_many(self, ranges: Sequence[tuple[int, int]], outs: Sequence[NDArray[Any]]) -> None:
        """Rows of several ranges, each into an array of its own; several at a time."""
        runs = [
            run for (start, stop), out in zip(ranges, outs, strict=True) for run in self._runs(start, stop, out)
        ]
        if len(runs) == 1:
            self._read_run(runs[0])
            return
        for _ in self._pool.map(self._read_run, runs):
            pass

    def _runs(self, start: int, stop: int, out: NDArray[Any]) -> Iterator[_Run]:
        """Cut a range where shards begin; a long one into pieces, that several threads may decode."""
        if start == stop:
            return
        rows = self._packing.shard_rows
        if stop - start > PIECE_CHUNKS * self._packing.chunk_rows:
            rows = min(rows, PIECE_CHUNKS * self._packing.chunk_rows)
        for first in range(start - start % rows, stop, rows):
            begin = max(start, first)
            yield _Run(begin, min(stop, first + rows), out[begin - start :])

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(threads_for(self._place), thread_name_prefix="longstride-decoder")

    def _read_run(self, run: _Run) -> None:
        rows = self._packing.chunk_rows
        shard, begin = divmod(run.start, self._packing.shard_rows)
        first, last = begin // rows, (begin + run.stop - run.start - 1) // rows
        entries = self._index(shard)[first : last + 1]
        offset, length = int(entries[0, 0]), int(entries[:, 1].sum())
        data = memoryview(self._fetch(shard, offset, length))
        row = run.start - begin % rows
        at = 0
        for size in entries[:, 1].tolist():
            self._decode(shard, data[at : at + size], row, run)
            at += size
            row += rows

    def _decode(self, shard: int, data: memoryview, row: int, run: _Run) -> None:
        """Decode the chunk that begins at `row`, and keep the rows of it that are asked for."""
        rows = self._packing.chunk_rows
        begin, end = max(row, run.start), min(row + rows, run.stop)
        out = run.out[begin - run.start : end - run.start]
        whole = out if len(out) == rows else np.empty((rows, *self.shape[1:]), self.dtype)
        try:
            self._codec.decode(data, whole)
        except (StoreError, RuntimeError, ValueError) as error:
            raise self._damaged(shard, str(error)) from error
        if whole is not out:
            out[:] = whole[begin - row : end - row]
        self.bytes_decoded += whole.nbytes

    def _index(self, shard: int) -> NDArray[np.uint64]:
        index = self._indexes.get(shard)
        if index is None:
            length = index_bytes(self._packing.shard_rows // self._packing.chunk_rows)
            try:
                index = read_index(bytes(self._fetch(shard, self._sizes[shard] - length, length)))
            except StoreError as error:
                raise self._damaged(shard, str(error)) from error
            self._indexes[shard] = index
        return index

    def _fetch(self, shard: int, start: int, length: int) -> bytes | memoryview:
        name = self._file(shard)
        try:
            data = self._place.get_range(name, start, length)
        except FileNotFoundError:
            raise self._damaged(shard, "it is missing") from None
        if len(data) != length:
            raise self._damaged(shard, f"it ends before byte {start + length:,}")
        return data

    def _file(self, shard: int) -> str:
        return chunk_file(self.name, shard, len(self.shape))

    def _damaged(self, shard: int, what: str) -> StoreError:
        return StoreError(
            f"shard {self._place.name}/{self._file(shard)} is damaged, {what.strip()}: "
            "copy it again from a backup, or pack the store again"
        )
