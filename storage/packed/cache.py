"""A cache of decoded rows of a packed store: one file that all processes of a machine map.

The file is as long as all rows, and sparse: rows that have not been decoded take no room. A second file has one
byte for each chunk, which says whether the chunk is there, or will be; a third one has its checksum. Each process
compares a chunk that another one has left with its checksum, once, and decodes it again where they differ.

Every epoch visits all rows, in another order, so chunks are kept as they come until the limit is reached, and none
is removed to make room for another: no other choice of chunks would serve more rows of an epoch.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.atomic import make_directory
from longstride.storage.errors import StoreError
from longstride.storage.packed.store import PackedStore
from longstride.storage.series.row_source import DecodedRows

__all__ = ["RowCache", "cache_of"]

RESERVED, THERE = 1, 2
"""Marks of a chunk: it counts towards the limit, and is being decoded; it is decoded."""
LAYOUT = 2
"""Of the files of a cache; files of others are not used."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class RowCache:
    """Values (T, N), decoded chunk by chunk into a mapped file; it reads like `PackedRows`."""

    def __init__(
        self,
        rows: DecodedRows,
        chunk_rows: int,
        identity: object,
        folder: str | os.PathLike[str],
        limit_bytes: int | None = None,
    ) -> None:
        """Keep at most `limit_bytes` of rows in a folder, on a local disk or in memory (/dev/shm).

        `identity` is plain JSON that differs wherever the rows do. Rows that an earlier process left there are
        used, unless the machine was restarted since: then it is not known which of them had reached the disk.
        Raises StoreError where the folder cannot be used.
        """
        self._rows = rows
        self.shape, self.dtype, self.nbytes = rows.shape, rows.dtype, rows.nbytes
        self._chunk_rows = chunk_rows
        self._num_chunks = -(-rows.shape[0] // self._chunk_rows)
        row_bytes = rows.nbytes // rows.shape[0]
        limit = rows.nbytes if limit_bytes is None else limit_bytes
        self._max_chunks = self._num_chunks if limit >= rows.nbytes else limit // (self._chunk_rows * row_bytes)
        name = _name_of(identity, rows.shape[0], chunk_rows)
        values, there, sums = (Path(folder) / f"{name}.{kind}" for kind in ("values", "there", "checksums"))
        try:
            make_directory(Path(folder))
            with open(Path(folder) / f"{name}.lock", "a+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                _sized(values, rows.nbytes)
                has_room = all(
                    _sized(path, size * self._num_chunks, whole=True) for path, size in ((there, 1), (sums, 4))
                )
            self._file = os.open(values, os.O_RDWR)
            weakref.finalize(self, os.close, self._file)
            self._claims = os.open(Path(folder) / f"{name}.claims", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(
                f"{folder} cannot keep decoded rows ({error.strerror}): give a folder of a local disk with room",
                code="cache-folder",
            ) from error
        weakref.finalize(self, os.close, self._claims)
        self._kept: NDArray[Any] = np.memmap(values, rows.dtype, "r+", shape=rows.shape)
        self._there: NDArray[np.uint8] = np.zeros(self._num_chunks, np.uint8)
        self._checksums: NDArray[np.uint32] = np.zeros(self._num_chunks, np.uint32)
        self._is_checked = np.zeros(self._num_chunks, bool)
        if has_room:
            self._there = np.memmap(there, np.uint8, "r+", shape=(self._num_chunks,))
            self._checksums = np.memmap(sums, np.uint32, "r+", shape=(self._num_chunks,))
        else:
            self._max_chunks = 0  # rows are decoded each time

    @property
    def is_complete(self) -> bool:
        """Whether every row is there."""
        return bool((self._there == THERE).all())

    @property
    def in_memory(self) -> NDArray[Any] | None:
        """All values (T, N), once every row is there."""
        if self.is_complete:
            self._check(np.arange(self._num_chunks))
        if not self.is_complete:
            return None
        view: NDArray[Any] = self._kept.view(np.ndarray)
        view.flags.writeable = False
        return view

    def read_many(self, ranges: Sequence[tuple[int, int]], outs: Sequence[NDArray[Any]]) -> None:
        """Read several ranges of rows (start, stop), each into its array; chunks decoded for it are kept.

        If another process is decoding a chunk, this one waits for it, so that each is fetched once.
        """
        wanted = np.unique(
            np.concatenate([np.arange(a // self._chunk_rows, -(-b // self._chunk_rows)) for a, b in ranges])
        )
        self._check(wanted)
        absent = wanted[self._there[wanted] != THERE]
        if (self._there != 0).sum() >= self._max_chunks:
            absent = absent[self._there[absent] == RESERVED]  # being decoded, or left by a process that died
        for chunks in self._claimed(absent):
            self._fill(self._reserve(chunks))
        for (start, stop), out in zip(ranges, outs, strict=True):
            self._copy(start, stop, out)

    def _copy(self, start: int, stop: int, out: NDArray[Any]) -> None:
        """Copy rows that are kept, and decode the others."""
        first = start // self._chunk_rows
        there = self._there[first : -(-stop // self._chunk_rows)] == THERE
        edges = np.flatnonzero(np.diff(there, prepend=not there[0])).tolist()
        for begin, end in zip(edges, [*edges[1:], len(there)], strict=True):
            low = max(start, (first + begin) * self._chunk_rows)
            high = min(stop, (first + end) * self._chunk_rows)
            part = out[low - start : high - start]
            if there[begin]:
                part[:] = self._kept[low:high]
            else:
                self._rows.read_many([(low, high)], [part])

    def _reserve(self, chunks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The claimed chunks that the limit has room for; one process counts at a time."""
        with self._locked(self._num_chunks, wait=True):
            room = max(0, self._max_chunks - int((self._there != 0).sum()))
            counted = self._there[chunks] == RESERVED  # by a process that has died
            chosen = np.sort(np.concatenate([chunks[counted], chunks[~counted][:room]]))
            self._there[chosen] = RESERVED
        return chosen

    def _fill(self, chunks: NDArray[np.int64]) -> None:
        """Decode chunks into their place, neighbours together."""
        if not len(chunks):
            return
        bounds = [
            (int(run[0]) * self._chunk_rows, min((int(run[-1]) + 1) * self._chunk_rows, self.shape[0]))
            for run in np.split(chunks, np.flatnonzero(np.diff(chunks) > 1) + 1)
        ]
        if not self._has_room(bounds):
            self._there[chunks] = 0
            return
        self._rows.read_many(bounds, [self._kept[start:stop].view(np.ndarray) for start, stop in bounds])
        self._checksums[chunks] = [self._checksum(chunk) for chunk in chunks.tolist()]
        self._is_checked[chunks] = True
        self._there[chunks] = THERE

    def _check(self, chunks: NDArray[np.int64]) -> None:
        """Compare chunks that other processes have left with their checksums; those that differ are not there."""
        for chunk in chunks[(self._there[chunks] == THERE) & ~self._is_checked[chunks]].tolist():
            if self._checksum(chunk) == self._checksums[chunk]:
                self._is_checked[chunk] = True
            else:
                self._there[chunk] = 0

    def _checksum(self, chunk: int) -> int:
        rows = self._kept[chunk * self._chunk_rows : (chunk + 1) * self._chunk_rows]
        return int(google_crc32c.value(rows.view(np.ndarray)))

    def _has_room(self, bounds: Sequence[tuple[int, int]]) -> bool:
        """Whether the disk has room for these rows; if not, none are kept from now on."""
        row_bytes = self.nbytes // self.shape[0]
        has_room = all(
            _allocated(self._file, start * row_bytes, (stop - start) * row_bytes) for start, stop in bounds
        )
        if not has_room:
            self._max_chunks = 0
        return has_room

    @contextlib.contextmanager
    def _locked(self, chunk: int, *, wait: bool) -> Iterator[bool]:
        try:
            fcntl.lockf(self._claims, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, chunk)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.lockf(self._claims, fcntl.LOCK_UN, 1, chunk)

    def _claimed(self, chunks: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Chunks that this process is to decode: first those that no other decodes, then those left by others."""
        with contextlib.ExitStack() as stack:
            held = np.array([stack.enter_context(self._locked(int(chunk), wait=False)) for chunk in chunks], bool)
            mine = chunks[held]
            mine = mine[self._there[mine] != THERE]  # another process may have been faster
            if len(mine):
                yield mine
        for chunk in chunks[~held]:
            with self._locked(int(chunk), wait=True):
                if self._there[chunk] != THERE:  # the process that was decoding it has died
                    yield np.array([chunk])


def cache_of(store: PackedStore, folder: str | os.PathLike[str], limit_bytes: int | None = None) -> RowCache:
    """A cache of the values of a packed store."""
    checksums = store.attributes["checksums_crc32c"]["values"]
    return RowCache(store.rows("values"), store.packing.chunk_rows, checksums, folder, limit_bytes)


def _name_of(identity: object, num_rows: int, chunk_rows: int) -> str:
    """A name for these rows, wherever they lie, and for the time since the machine was started."""
    boot = BOOT_ID.read_text(encoding="utf-8").strip() if BOOT_ID.exists() else ""
    known = [identity, num_rows, chunk_rows, boot, LAYOUT]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:24]


def _sized(path: Path, size: int, *, whole: bool = False) -> bool:
    """Make a file of this size, unless it is there: a sparse one, or where it is `whole`, one with all its room.

    Whether the disk has that room.
    """
    if path.exists() and path.stat().st_size == size:
        return True
    with open(path, "wb") as file:
        if whole and not _allocated(file.fileno(), 0, size):
            return False
        file.truncate(size)
    return True


def _allocated(file: int, start: int, length: int) -> bool:
    """Take room on the disk: writing to a mapped page without room would kill the process."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        return True
    try:
        os.posix_fallocate(file, start, length)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        return False
    return True
