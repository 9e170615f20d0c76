"""Writing a store: chunk by chunk, each idempotent, then one atomic commit.

with StoreWriter(path, layout) as writer:
    writer.append(time, values, labels)      # any number of rows, any number of times
    writer.commit(segments, series, ...)     # without it, nothing has happened
"""

import fcntl
import os
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from storage.durable import make_directory, write_file
from storage.errors import StoreError, StoreLockedError
from storage.format import LOCK_FILE, ROOT, StoreLayout, chunk_file
from storage.metadata import Commit, write_commit
from storage.segments import Segments
from storage.statistics import Statistics

__all__ = ["ChunkRecord", "StoreWriter", "write_chunk"]

MAX_PENDING_CHUNKS = 2


@dataclass(frozen=True, kw_only=True)
class ChunkRecord:
    """What the commit must know of one written chunk."""

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
        raise StoreError(f"a chunk holds 1 to {layout.chunk_rows} rows, not {len(time)}")
    checksums = {}
    for name, array in arrays.items():
        data = array.tobytes()
        checksums[name] = google_crc32c.value(data)
        row_bytes = len(data) // len(array)
        write_file(path / chunk_file(name, index, array.ndim), [data], size=layout.chunk_rows * row_bytes)
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
        raise StoreError(f"the store holds {', '.join(expected)}, rows came with {', '.join(arrays)}")
    for name, array in arrays.items():
        dtype, shape = expected[name].dtype, (len(time), *expected[name].row_shape)
        if (array.dtype, array.shape) != (dtype, shape):
            raise StoreError(f"{name} is {array.dtype} {array.shape}, the store holds {dtype} {shape}")
    return arrays


class StoreWriter:
    """The one writer of a store: holds its lock, cuts rows into chunks, commits or leaves nothing behind."""

    def __init__(self, path: str | os.PathLike[str], layout: StoreLayout) -> None:
        """Prepare to write a new store at `path`; what an interrupted writer left there is taken over."""
        self.path = Path(path)
        self.layout = layout
        self.num_rows = 0

    def __enter__(self) -> "StoreWriter":
        _check_free(self.path)
        self._lock = _acquire_lock(self.path)
        try:
            _check_free(self.path)  # another writer may have committed meanwhile
            _clear(self.path)
            for name in self.layout.row_arrays:
                make_directory(self.path / name)
        except BaseException:
            self._release()
            raise
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="longstride-writer")
        self._pending: deque[Future[ChunkRecord]] = deque()
        self._records: list[ChunkRecord] = []
        self._next_chunk = 0
        self._finished = False
        self._new_buffer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._release()

    def append(
        self, time: NDArray[np.int64], values: NDArray[np.floating], labels: NDArray[np.int8] | None = None
    ) -> None:
        """Add rows after those already given: time (rows,), values (rows, N), labels (rows, L).

        Values of another type than the store's are cast to it. Raises StoreError for other shapes.
        """
        if self._finished:
            raise StoreError(f"all rows of {self.path} are written: nothing can be appended")
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
        sources: list[dict[str, Any]] | None = None,
        recipe: dict[str, Any] | None = None,
    ) -> None:
        """Make everything appended a store, in one atomic step; nothing can be appended after it.

        `cadence_ns` is the usual step in nanoseconds; `sources` says where rows came from and `recipe` how
        they were read: both are kept in the attributes. Raises StoreError for segments outside the rows.
        """
        if (self.path / ROOT).exists():
            raise StoreError(f"{self.path} is committed: make another store")
        segments.check(self.num_rows, len(series))
        self._finish()
        write_commit(
            self.path,
            Commit(
                layout=self.layout,
                generation=1,
                num_rows=self.num_rows,
                segments=segments,
                series=series,
                cadence_ns=cadence_ns,
                checksums={
                    name: [record.checksums[name] for record in self._records]
                    for name in self._records[0].checksums
                },
                statistics=[record.statistics for record in self._records],
                sources=sources or [],
                recipe=recipe or {},
            ),
        )

    def written_times(self) -> Iterator[NDArray[np.int64]]:
        """Times of all rows, a chunk (R,) at a time, to find segments in; nothing can be appended after it."""
        self._finish()
        rows = self.layout.chunk_rows
        return (
            np.fromfile(
                self.path / chunk_file("time", index, 1), np.int64, min(rows, self.num_rows - index * rows)
            )
            for index in range(self._next_chunk)
        )

    def _finish(self) -> None:
        """Write the last, shorter chunk and wait until every chunk is on disk."""
        if self.num_rows == 0:
            raise StoreError("no row was written: a store needs at least one")
        self._finished = True
        if self._filled:
            self._flush()
        while self._pending:
            self._records.append(self._pending.popleft().result())

    def _flush(self) -> None:
        while len(self._pending) >= MAX_PENDING_CHUNKS:
            self._records.append(self._pending.popleft().result())
        rows = {name: array[: self._filled] for name, array in self._buffer.items()}
        self._pending.append(self._pool.submit(write_chunk, self.path, self.layout, self._next_chunk, **rows))
        self._next_chunk += 1
        self._new_buffer()

    def _new_buffer(self) -> None:
        # The writing thread still reads the last buffer, so each chunk has one of its own.
        self._filled = 0
        self._buffer = {
            name: np.empty((self.layout.chunk_rows, *array.row_shape), array.dtype)
            for name, array in self.layout.row_arrays.items()
        }

    def _release(self) -> None:
        """Give up the lock, and with it everything that was not committed; the lock file goes last."""
        with self._lock:
            if not (self.path / ROOT).exists():
                _clear(self.path)
            (self.path / LOCK_FILE).unlink(missing_ok=True)
            with suppress(OSError):  # a committed store is not empty
                self.path.rmdir()


def _check_free(path: Path) -> None:
    """Refuse to write over anything but a new folder, or one that an interrupted writer left."""
    if (path / ROOT).exists():
        raise StoreError(f"{path} is a store already: remove it first, or give another path")
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path} is a file: give the path of a new folder")
    if path.is_dir() and any(path.iterdir()) and not (path / LOCK_FILE).exists():
        raise StoreError(f"{path} holds other files: give the path of a new folder")


def _clear(path: Path) -> None:
    """Remove what an interrupted writer left, which no reader has ever seen."""
    for entry in path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != LOCK_FILE:
            entry.unlink()


def _acquire_lock(path: Path) -> IO[str]:
    """Hold the store's lock for the life of the returned file; the kernel frees it when the process dies."""
    while True:
        make_directory(path)
        try:
            file = open(path / LOCK_FILE, "a+")  # noqa: SIM115
        except FileNotFoundError:
            continue  # a writer that gave up has just removed the folder
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise StoreLockedError(
                f"{path} is being written by another process ({owner}): wait for it to end, or stop it"
            ) from None
        if os.fstat(file.fileno()).st_nlink:
            file.truncate(0)
            file.write(f"{os.getpid()} on {os.uname().nodename}")
            file.flush()
            return file
        file.close()  # removed by a writer that gave up: a lock on it would hold nobody off
