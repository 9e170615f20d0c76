"""Writing a store: chunk by chunk, each idempotent, then one atomic commit.

with StoreWriter(path, layout) as writer:
    writer.append(time, values, labels)      # any number of rows, any number of times
    writer.commit(segments, series, ...)     # without it, nothing has happened
"""

import fcntl
import json
import os
import shutil
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from storage.durable import sync_directory, write_file
from storage.errors import StoreError, StoreLockedError
from storage.format import StoreLayout, chunk_file
from storage.metadata import Commit, write_commit
from storage.segments import Segments
from storage.statistics import Statistics

__all__ = ["ChunkRecord", "StoreWriter", "write_chunk"]

LOCK_FILE = ".lock"
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
    checksums = {}
    for name, array in arrays.items():
        data = array.tobytes()
        checksums[name] = google_crc32c.value(data)
        row_bytes = array.itemsize * (array.shape[1] if array.ndim == 2 else 1)
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
    arrays: dict[str, NDArray[Any]] = {"time": time, "values": values}
    expected: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
        "time": (np.dtype(np.int64), (len(time),)),
        "values": (np.dtype(layout.dtype), (len(time), len(layout.channels))),
    }
    if layout.labels:
        arrays["labels"] = np.empty(0, np.int8) if labels is None else labels
        expected["labels"] = (np.dtype(np.int8), (len(time), len(layout.labels)))
    for name, array in arrays.items():
        if (array.dtype, array.shape) != expected[name]:
            dtype, shape = expected[name]
            raise StoreError(f"{name} is {array.dtype} {array.shape}, the store holds {dtype} {shape}")
    if not 0 < len(time) <= layout.chunk_rows:
        raise StoreError(f"a chunk holds 1 to {layout.chunk_rows} rows, not {len(time)}")
    return arrays


class StoreWriter:
    """The one writer of a store: holds its lock, cuts rows into chunks, commits or leaves nothing behind."""

    def __init__(self, path: str | os.PathLike[str], layout: StoreLayout) -> None:
        """Prepare to write a new store at `path`; what an interrupted writer left there is taken over."""
        self.path = Path(path)
        self.layout = layout
        self.num_rows = 0
        self._committed = False

    def __enter__(self) -> "StoreWriter":
        existed = self.path.exists()
        if existed and not self.path.is_dir():
            raise StoreError(f"{self.path} is a file: give the path of a new folder")
        if existed and any(self.path.iterdir()) and not (self.path / LOCK_FILE).exists():
            raise StoreError(f"{self.path} holds other files: give the path of a new folder")
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = _acquire_lock(self.path)
        if (self.path / "zarr.json").exists():
            self._lock.close()
            raise StoreError(f"{self.path} is a store already: remove it first, or give another path")
        _clear(self.path)
        for name in ("time", "values", *(["labels"] if self.layout.labels else [])):
            (self.path / name).mkdir()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="longstride-writer")
        self._pending: deque[Future[ChunkRecord]] = deque()
        self._records: list[ChunkRecord] = []
        self._next_chunk = 0
        self._new_buffer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        if not self._committed:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    def append(
        self, time: NDArray[np.int64], values: NDArray[np.floating], labels: NDArray[np.int8] | None = None
    ) -> None:
        """Add rows after those already given: time (rows,), values (rows, N), labels (rows, L)."""
        row = 0
        while row < len(time):
            taken = min(len(time) - row, self.layout.chunk_rows - self._filled)
            into = slice(self._filled, self._filled + taken)
            self._time[into] = time[row : row + taken]
            self._values[into] = values[row : row + taken]
            if labels is not None:
                self._labels[into] = labels[row : row + taken]
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
        """Make everything appended so far a store, in one atomic step.

        `cadence_ns` is the usual step in nanoseconds; `sources` says where rows came from and `recipe` how
        they were read: both are kept in the attributes. Raises StoreError for segments outside the rows.
        """
        self.finish()
        segments.check(self.num_rows, len(series))
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
        self._committed = True

    def finish(self) -> None:
        """Write the last, shorter chunk and wait until every chunk is on disk."""
        if self._filled:
            self._flush()
        while self._pending:
            self._records.append(self._pending.popleft().result())
        if not self._records:
            raise StoreError("no row was written: a store needs at least one")
        for name in self._records[0].checksums:
            sync_directory(self.path / name)

    def _flush(self) -> None:
        rows = slice(0, self._filled)
        while len(self._pending) >= MAX_PENDING_CHUNKS:
            self._records.append(self._pending.popleft().result())
        labels = self._labels[rows] if self.layout.labels else None
        self._pending.append(
            self._pool.submit(
                write_chunk,
                self.path,
                self.layout,
                self._next_chunk,
                self._time[rows],
                self._values[rows],
                labels,
            )
        )
        self._next_chunk += 1
        self._new_buffer()

    def _new_buffer(self) -> None:
        # The writing thread still reads the last buffer, so each chunk has one of its own.
        rows = self.layout.chunk_rows
        self._filled = 0
        self._time = np.empty(rows, np.int64)
        self._values = np.empty((rows, len(self.layout.channels)), self.layout.dtype)
        self._labels = np.empty((rows, len(self.layout.labels)), np.int8)


def _clear(path: Path) -> None:
    """Remove what an interrupted writer left, which no reader has ever seen."""
    for entry in path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != LOCK_FILE:
            entry.unlink()


def _acquire_lock(path: Path) -> Any:
    """Hold the store's lock for the life of the returned file; the kernel frees it when the process dies."""
    file = open(path / LOCK_FILE, "a+")  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise StoreLockedError(
            f"{path} is being written by another process ({owner}): wait for it to end, or stop it"
        ) from None
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid()}))
    file.flush()
    return file
