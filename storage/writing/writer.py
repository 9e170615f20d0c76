"""Writing a store: chunk by chunk, each idempotent, then one atomic commit.

with StoreWriter(path, layout) as writer:
    writer.append(time, values, labels)      # any number of rows, any number of times
    writer.commit(segments, series, ...)     # without it, nothing has happened

with StoreLock(path, append=True) as lock, StoreWriter.appending(lock) as writer:
    ...                                      # the same, after the rows that are there
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.atomic import make_directory, write_file
from longstride.storage.errors import StoreError
from longstride.storage.format import StoreLayout, chunk_file
from longstride.storage.mapped.store import MappedStore
from longstride.storage.open import open_mapped
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.metadata import Commit, write_commit

__all__ = ["ChunkRecord", "StoreWriter", "write_chunk"]

THREADS = 2
"""Chunks written at the same time: one waits for the disk while statistics of the other are computed."""
MAX_PENDING_CHUNKS = 3


@dataclass(frozen=True, kw_only=True)
class ChunkRecord:
    """Facts about one written chunk that the commit needs."""

    index: int
    num_rows: int
    checksums: dict[str, int]
    """CRC-32C of the rows (not of the padding) in each array, by array name."""
    statistics: Statistics


def write_chunk(
    path: Path,
    layout: StoreLayout,
    index: int,
    time: NDArray[np.int64],
    values: NDArray[np.floating],
    labels: NDArray[np.int8] | None = None,
) -> ChunkRecord:
    """Write rows [index * R, index * R + len(time)) of every row array; only the last chunk may be shorter.

    Safe to repeat and to run for different chunks in different processes. Arguments have shapes (rows,),
    (rows, N) and (rows, L). Raises StoreError when they disagree with the layout.
    """
    arrays = _row_arrays(layout, time, values, labels)
    if not 0 < len(time) <= layout.chunk_rows:
        raise StoreError(f"a chunk holds 1 to {layout.chunk_rows} rows, not {len(time)}", code="store-input")
    checksums = {}
    for name, array in arrays.items():
        data = np.ascontiguousarray(array)
        checksums[name] = google_crc32c.value(data)
        row_bytes = data.nbytes // len(data)
        write_file(path / chunk_file(name, index, data.ndim), [data], size=layout.chunk_rows * row_bytes)
    return ChunkRecord(
        index=index,
        num_rows=len(time),
        checksums=checksums,
        statistics=Statistics.of(values),
    )


def _row_arrays(
    layout: StoreLayout,
    time: NDArray[np.int64],
    values: NDArray[np.floating],
    labels: NDArray[np.int8] | None,
) -> dict[str, NDArray[Any]]:
    """Arrays by name, each of the type and width that the layout has; a wrong one would be cast or repeated."""
    arrays = {"time": time, "values": values} | ({} if labels is None else {"labels": labels})
    expected = layout.row_arrays
    if arrays.keys() != expected.keys():
        raise StoreError(
            f"the store holds {', '.join(expected)}, rows came with {', '.join(arrays)}", code="store-input"
        )
    for name, array in arrays.items():
        dtype, shape = expected[name].dtype, (len(time), *expected[name].row_shape)
        if (array.dtype, array.shape) != (dtype, shape):
            raise StoreError(
                f"{name} is {array.dtype} {array.shape}, the store holds {dtype} {shape}", code="store-input"
            )
    return arrays


class StoreWriter:
    """The one writer of a store: cuts rows into chunks and commits them, or changes nothing that a reader sees."""

    def __init__(
        self, target: str | os.PathLike[str] | StoreLock, layout: StoreLayout, *, generation: int = 1
    ) -> None:
        """Prepare to write a new store at a path, or into a folder whose lock the caller holds.

        `generation` is the number of its commit. A store that replaces another gets the next number after the
        other's, so that a process which has the other one open can tell them apart.

        Files that an interrupted writer left there are removed, except for the lock's `staged` folder.
        """
        self._lock = target if isinstance(target, StoreLock) else StoreLock(target)
        self._owns_lock = self._lock is not target
        self._before: MappedStore | None = None
        self.path: Path = self._lock.path
        self.layout = layout
        self.num_rows = 0
        """Rows given so far; those that were committed before count."""
        self.first_new_row = 0
        """Rows that were committed before."""
        self.generation = generation
        """Number that the commit will have."""

    @classmethod
    def appending(cls, lock: StoreLock) -> "StoreWriter":
        """Prepare to write rows after those of a store whose lock the caller holds.

        Full chunks stay as they are. A last one that is not full is written again with the new rows and then
        replaces the old file, so that a reader never misses a row of the commit that it has opened. Raises
        StoreError where there is no store, or a packed one.
        """
        store = open_mapped(lock.path)
        if store.chunk_rows != store.layout.chunk_rows:
            raise StoreError(
                f"{store.path} has chunks of {store.chunk_rows:,} rows, this version writes "
                f"{store.layout.chunk_rows:,}: append with the version that wrote it, or ingest again",
                code="store-format",
            )
        writer = cls(lock, store.layout)
        writer._before = store
        writer.num_rows = writer.first_new_row = store.num_rows
        writer.generation = store.generation + 1
        return writer

    def __enter__(self) -> "StoreWriter":
        with ExitStack() as stack:
            if self._owns_lock:
                stack.enter_context(self._lock)
            self._begin()
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="longstride-writer")
            stack.callback(self._pool.shutdown, cancel_futures=True)
            self._leave = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave.__exit__(kind, error, trace)

    def _begin(self) -> None:
        self._pending: deque[tuple[Future[ChunkRecord], dict[str, NDArray[Any]]]] = deque()
        """Chunks that are being written, and their buffers."""
        self._records: list[ChunkRecord] = []
        self._num_full_before = self.first_new_row // self.layout.chunk_rows
        self._next_chunk = self._num_full_before
        self._finished = False
        self._committed = False
        if self._before is None and self._lock.is_committed:
            raise StoreError(
                f"{self.path} is a store already: append to it, or give another path", code="store-exists"
            )
        self._lock.clear()
        for name in self.layout.row_arrays:
            make_directory(self.path / name)
        self._buffer = self._new_buffer()
        self._filled = 0
        if self._before is not None:
            self._load_tail(self._before)

    def _load_tail(self, store: MappedStore) -> None:
        """Take the rows of a last chunk that is not full, once checked: a new checksum would hide any damage."""
        from longstride.storage.verify import check_row_chunk

        self._filled = store.num_rows % store.chunk_rows
        for name in self.layout.row_arrays if self._filled else ():
            check = check_row_chunk(store, name, self._next_chunk)
            if check.fault:
                raise StoreError(
                    f"chunk {check.name} {check.fault}: nothing can be appended to it; restore it from a backup "
                    "or ingest again",
                    code="store-damaged",
                )
            flat = self._buffer[name][: self._filled].reshape(-1)
            flat[:] = np.fromfile(check.name, flat.dtype, flat.size)

    def append(
        self, time: NDArray[np.int64], values: NDArray[np.floating], labels: NDArray[np.int8] | None = None
    ) -> None:
        """Add rows after those already given: time (rows,), values (rows, N), labels (rows, L).

        Values of another type than the store's are cast to it. Raises StoreError for other shapes.
        """
        if self._finished:
            raise StoreError(f"all rows of {self.path} are written: nothing can be appended", code="writer-closed")
        values = values.astype(self.layout.dtype, copy=False)
        arrays = _row_arrays(self.layout, time, values, labels)
        row = 0
        while row < len(time):
            taken = min(len(time) - row, self.layout.chunk_rows - self._filled)
            for name, array in arrays.items():
                self._buffer[name][self._filled : self._filled + taken] = array[row : row + taken]
            self._filled += taken
            self.num_rows += taken
            row += taken
            if self._filled == self.layout.chunk_rows:
                self._flush()

    def commit(
        self,
        segments: Segments,
        series: tuple[str, ...],
        *,
        cadence_ns: int,
        series_end_ns: Sequence[int] | None = None,
        sources: list[dict[str, Any]] | None = None,
        recipe: dict[str, Any] | None = None,
    ) -> None:
        """Make everything appended a store, in one atomic step; nothing can be appended after it.

        `segments` and `series` are those of all rows, also of the ones committed before. `cadence_ns` is the
        usual step in nanoseconds, `series_end_ns` the time of the last row of each series; `sources` are the files
        that rows came from and `recipe` is how they were read. All are kept in the attributes.

        Raises StoreError for segments outside the rows, or another number of ends than of series.
        """
        if self._committed:
            raise StoreError(
                f"{self.path} is committed: make another store, or append with another writer",
                code="writer-closed",
            )
        segments.check(self.num_rows, len(series))
        if series_end_ns is not None and len(series_end_ns) != len(series):
            raise StoreError(f"{len(series_end_ns)} ends were given for {len(series)} series", code="store-input")
        self._finish()
        self._committed = True  # even if it fails: its folder may be what the root document names by now
        write_commit(
            self.path,
            Commit(
                layout=self.layout,
                generation=self.generation,
                num_rows=self.num_rows,
                segments=segments,
                series=series,
                series_end_ns=tuple(int(end) for end in series_end_ns or ()),
                cadence_ns=cadence_ns,
                checksums=self._checksums(),
                statistics=self.block_statistics(),
                sources=sources or [],
                recipe=recipe or {},
            ),
        )

    def written_times(self, start_row: int = 0) -> Iterator[NDArray[np.int64]]:
        """Times of rows from `start_row` on, at most a chunk (R,) at a time, to find segments in.

        Nothing can be appended after it.
        """
        self._finish()
        rows = self.layout.chunk_rows
        bounds = ((max(start_row, row), min(row + rows, self.num_rows)) for row in range(0, self.num_rows, rows))
        return (
            np.fromfile(
                self.path / chunk_file("time", start // rows, 1), np.int64, stop - start, offset=start % rows * 8
            )
            for start, stop in bounds
            if start < stop
        )

    def written_values(self, block: int) -> NDArray[np.floating]:
        """Values (rows, channels) of a block, mapped; nothing can be appended after it."""
        self._finish()
        rows = min(self.layout.chunk_rows, self.num_rows - block * self.layout.chunk_rows)
        array = self.layout.row_arrays["values"]
        path = self.path / chunk_file("values", block, 2)
        return np.asarray(np.memmap(path, array.dtype, "r", shape=(rows, *array.row_shape)))

    def _checksums(self) -> dict[str, list[int]]:
        """Checksums of all row chunks: those of the last commit for unchanged chunks, then the new ones."""
        before = self._before.attributes["checksums_crc32c"] if self._before else {}
        return {
            name: [
                *before.get(name, ())[: self._num_full_before],
                *(record.checksums[name] for record in self._records),
            ]
            for name in self.layout.row_arrays
        }

    def block_statistics(self) -> list[Statistics]:
        """Statistics of all blocks, in the same way. Nothing can be appended after it."""
        self._finish()
        before = vars(self._before.block_statistics) if self._before else {}
        return [
            *(
                Statistics(**{name: field[index] for name, field in before.items()})
                for index in range(self._num_full_before)
            ),
            *(record.statistics for record in self._records),
        ]

    def _finish(self) -> None:
        """Write the last, shorter chunk and wait until every chunk is on disk."""
        if self.num_rows == 0:
            raise StoreError("no row was written: a store needs at least one", code="store-input")
        self._finished = True
        if self._filled:
            self._flush()
        while self._pending:
            self._await_chunk()

    def _flush(self) -> None:
        rows = {name: array[: self._filled] for name, array in self._buffer.items()}
        task = self._pool.submit(write_chunk, self.path, self.layout, self._next_chunk, **rows)
        self._pending.append((task, self._buffer))
        self._next_chunk += 1
        # A buffer is filled again as soon as its chunk is on disk: new memory is slower than the copy into it.
        full = len(self._pending) > MAX_PENDING_CHUNKS
        self._buffer = self._await_chunk() if full else self._new_buffer()
        self._filled = 0

    def _await_chunk(self) -> dict[str, NDArray[Any]]:
        """Wait until the oldest chunk is on disk; its buffer is free then."""
        task, buffer = self._pending.popleft()
        self._records.append(task.result())
        return buffer

    def _new_buffer(self) -> dict[str, NDArray[Any]]:
        return {
            name: np.empty((self.layout.chunk_rows, *array.row_shape), array.dtype)
            for name, array in self.layout.row_arrays.items()
        }
