"""Reading the packed layout: rows are decoded when they are asked for, from a folder or an object store."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError
from longstride.storage.format import RowArray, chunk_file
from longstride.storage.packages import PackageError
from longstride.storage.packed.shards import Packing, index_bytes, read_index
from longstride.storage.places.folder import Folder
from longstride.storage.places.place import FileChanged, Part, Place
from longstride.storage.series.row_keys import sliced

__all__ = ["PackedRows", "threads_for"]

KEPT_BYTES = 8 * 2**20
"""Of decoded chunks that are kept; of larger ones, the last alone."""
MAX_KEPT = 64
PIECE_CHUNKS = 32
LOCAL_THREADS = 4
REMOTE_THREADS = 16
"""More than cores: a thread that waits for an object store does not compute."""


def threads_for(place: Place) -> int:
    """How many threads read and decode chunks from a place."""
    return min(LOCAL_THREADS, os.cpu_count() or 1) if isinstance(place, Folder) else REMOTE_THREADS


class _Run(NamedTuple):
    """Rows start:stop of an array, within one shard, and where they go."""

    start: int
    stop: int
    out: NDArray[Any]


class _Shard(NamedTuple):
    """A shard that was opened."""

    chunks: NDArray[np.uint64]
    """Offset and length of each chunk."""
    version: str | None


class PackedRows:
    """Rows of one array of a packed store; it is sliced like the array itself."""

    def __init__(
        self,
        place: Place,
        name: str,
        array: RowArray,
        num_rows: int,
        *,
        packing: Packing,
        shard_sizes: list[int],
        check_unchanged: Callable[[], None],
    ) -> None:
        """Rows of the array `name`, whose shards in `place` have `shard_sizes` bytes. Nothing is read yet.

        `check_unchanged` is called each time that a shard was opened, and raises StoreError where the place holds
        another store by then. What is read of the shard after that is of the same file.
        """
        self.name = name
        self.shape = (num_rows, *array.row_shape)
        self.dtype = array.dtype
        self._row_bytes = array.row_bytes
        self.nbytes = num_rows * array.row_bytes
        self.bytes_decoded = 0
        """Bytes of rows decoded so far."""
        self._place = place
        self._packing = packing
        self._codec = packing.codec_for(name)
        self._sizes = shard_sizes
        self._check_unchanged = check_unchanged
        self._shards: dict[int, _Shard] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._pool_of = 0
        # A search for a time by bisection asks for single rows, the first ones again and again.
        num_kept = KEPT_BYTES // (packing.chunk_rows * array.row_bytes)
        self._chunk = lru_cache(maxsize=max(1, min(MAX_KEPT, num_kept)))(self._read_chunk)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Rows as numpy gives them; only those that are asked for are decoded. Raises IndexError as `sliced`."""
        return sliced(key, self.shape, self._row, self.read)

    def _row(self, row: int) -> Any:
        chunk, within = divmod(row, self._packing.chunk_rows)
        return self._chunk(chunk)[within]

    @property
    def in_memory(self) -> None:
        """None: rows have to be decoded."""
        return None

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
        """Read several ranges of rows (start, stop), each into its array, by several threads. Raises as `read`."""
        runs = [
            run for (start, stop), out in zip(ranges, outs, strict=True) for run in self._runs(start, stop, out)
        ]
        if len(runs) == 1:
            self._read_run(runs[0])
            return
        for _ in self._decoders().map(self._read_run, runs):
            pass

    def _runs(self, start: int, stop: int, out: NDArray[Any]) -> Iterator[_Run]:
        """Cut a range where shards begin, and a long one into pieces, so that several threads can decode it."""
        if start == stop:
            return
        rows = self._packing.shard_rows
        if stop - start > PIECE_CHUNKS * self._packing.chunk_rows:
            rows = min(rows, PIECE_CHUNKS * self._packing.chunk_rows)
        for first in range(start - start % rows, stop, rows):
            begin = max(start, first)
            yield _Run(begin, min(stop, first + rows), out[begin - start :])

    def _decoders(self) -> ThreadPoolExecutor:
        # A process that was forked has a copy of the pool, but none of its threads: it would wait for ever.
        if self._pool is None or self._pool_of != os.getpid():
            self._pool = ThreadPoolExecutor(threads_for(self._place), thread_name_prefix="longstride-decoder")
            self._pool_of = os.getpid()
        return self._pool

    def _read_run(self, run: _Run) -> None:
        rows = self._packing.chunk_rows
        shard, begin = divmod(run.start, self._packing.shard_rows)
        first, last = begin // rows, (begin + run.stop - run.start - 1) // rows
        chunks, version = self._shard(shard)
        entries = chunks[first : last + 1]
        offset, length = int(entries[0, 0]), int(entries[:, 1].sum())
        data = memoryview(self._fetch(shard, offset, length, version).data)
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
        try:
            self._codec.decode(data, out, rows, skip=begin - row)
        except PackageError:  # what is missing here is no fault of the shard
            raise
        except (StoreError, RuntimeError, ValueError) as error:
            raise self._damaged(shard, str(error)) from error
        self.bytes_decoded += rows * self._row_bytes

    def _shard(self, shard: int) -> _Shard:
        opened = self._shards.get(shard)
        if opened is None:
            length = index_bytes(self._packing.shard_chunks)
            size = self._sizes[shard]
            if size < length:
                raise self._damaged(shard, f"it has {size:,} bytes, fewer than its index")
            part = self._fetch(shard, size - length, length)
            self._check_unchanged()
            rows = min(self._packing.shard_rows, len(self) - shard * self._packing.shard_rows)
            try:
                chunks = read_index(bytes(part.data), -(-rows // self._packing.chunk_rows), size - length)
            except StoreError as error:
                raise self._damaged(shard, str(error)) from error
            opened = self._shards[shard] = _Shard(chunks, part.version)
        return opened

    def _fetch(self, shard: int, start: int, length: int, version: str | None = None) -> Part:
        name = self._file(shard)
        try:
            part = self._place.get_range(name, start, length, version)
        except FileNotFoundError:
            self._check_unchanged()
            raise self._damaged(shard, "it is missing") from None
        except FileChanged:
            self._check_unchanged()
            raise self._damaged(shard, "it was replaced since it was opened") from None
        if len(part.data) != length:
            self._check_unchanged()
            raise self._damaged(shard, f"it ends before byte {start + length:,}")
        return part

    def _file(self, shard: int) -> str:
        return chunk_file(self.name, shard, len(self.shape))

    def _damaged(self, shard: int, fault: str) -> StoreError:
        return StoreError(
            f"shard {self._place.name}/{self._file(shard)} is damaged, {fault.strip()}: "
            "copy it again from a backup, or pack the store again",
            code="store-damaged",
        )
