"""One file by its name, a path or a URL: opened, decompressed by what its first bytes say, known again later."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.compressed import MAGIC_BYTES, CompressedStream, kind_of
from longstride.pipeline.ingest.sources.urls import filesystem, is_local, unreachable

__all__ = [
    "PieceSums",
    "SummedFile",
    "Version",
    "checksum",
    "first_bytes",
    "num_bytes",
    "open_file",
    "open_text",
    "refuse_changed",
    "refuse_other_bytes",
    "unreadable",
    "version_of",
]

STRIP_BYTES = 2**20
MARKS = ("ETag", "etag", "md5Hash", "CRC", "mtime", "LastModified", "last_modified", "created")
"""Entries of what fsspec knows of a file, of which the first that is there changes when the file does."""


class Version(NamedTuple):
    """By which a file is known to be the same: another one is likely to differ in it."""

    num_bytes: int
    mark: str
    """When it was written, or what an object store says of its bytes; empty where nothing is known."""
    touched: str = ""
    """When anything of it was changed, its name too; no program can set that back. Empty where it is not known."""


def version_of(name: str) -> Version:
    """The version of a file that is there now. Raises SourceError where it cannot be reached."""
    if "://" not in name:
        return _version_on_disk(name)
    system, path = filesystem(name)
    if is_local(system):
        return _version_on_disk(path)
    try:
        system.invalidate_cache(path)  # a listing is remembered, and says what was
        known = system.info(path)
        mark = next((f"{key} {known[key]}" for key in MARKS if known.get(key)), "")
        return Version(int(known["size"]), mark)
    except Exception as error:
        raise unreachable(name, error) from error


def _version_on_disk(path: str) -> Version:
    status = _status(path)
    # Not the inode: file systems of networks give a file a new number.
    return Version(status.st_size, str(status.st_mtime_ns), str(status.st_ctime_ns))


def num_bytes(name: str) -> int:
    """Bytes of a file. Raises SourceError where it cannot be reached."""
    return version_of(name).num_bytes


def refuse_changed(name: str, expected: Version, crc: int | None = None) -> None:
    """Raise SourceError where a file is no longer of this version.

    Its bytes are compared with `crc`, where that is given, only if the version leaves a doubt.
    """
    found = version_of(name)
    if found.num_bytes != expected.num_bytes:
        raise _changed(name, f"it had {expected.num_bytes:,} bytes and now has {found.num_bytes:,}")
    if found.mark != expected.mark:
        raise _changed(name, f"it was written to after the job began ({_shown(expected)}, now {_shown(found)})")
    if crc is not None and (found.touched != expected.touched or not found.mark):
        refuse_other_bytes(name, crc, checksum(name))


def refuse_other_bytes(name: str, expected: int | None, found: int) -> None:
    """Raise SourceError where the checksum of what was read is not the one of before; None is not known."""
    if expected is not None and found != expected:
        raise _changed(name, "its bytes are not those that it had when the job began")


def _changed(name: str, found: str) -> SourceError:
    remedy = "ingest it, or a copy, when no program writes to it"
    return SourceError(name, f"{found}: {remedy}", code="source-changed")


def _shown(version: Version) -> str:
    if not version.mark.isdecimal():
        return version.mark or "no mark"
    return f"{datetime.fromtimestamp(int(version.mark) / 1e9, UTC):%Y-%m-%dT%H:%M:%S.%f}"


def _status(name: str) -> os.stat_result:
    try:
        return Path(name).stat()
    except OSError as error:
        raise unreadable(name, error) from error


def first_bytes(name: str) -> bytes:
    """The bytes by which the kind of a file is known."""
    with open_file(name) as file:
        return file.read(MAGIC_BYTES)


def checksum(name: str, num_bytes: int | None = None, *, start: int = 0, crc: int = 0) -> int:
    """CRC-32C of a file, or of its first `num_bytes`; `crc` is that of the bytes before `start`, where known."""
    left = (sys.maxsize if num_bytes is None else num_bytes) - start
    with open_file(name) as file:
        if start:
            file.seek(start)
        while data := file.read(min(left, STRIP_BYTES)):
            crc = google_crc32c.extend(crc, data)
            left -= len(data)
    return crc


@contextmanager
def open_file(name: str) -> Iterator[io.BufferedIOBase]:
    """The bytes of a file as they are stored. Raises SourceError where it cannot be reached or read."""
    try:
        with _opened(name) as file:
            yield file
    except OSError as error:
        raise unreadable(name, error) from error


@contextmanager
def _opened(name: str) -> Iterator[io.BufferedIOBase]:
    if "://" not in name:
        with open(name, "rb") as file:
            yield file
        return
    system, path = filesystem(name)  # kept until the end: that of an archive closes it when it goes
    try:
        remote = system.open(path, "rb")
    except Exception as error:
        raise unreachable(name, error) from error
    with remote:
        yield _reporting(remote, partial(unreachable, name))


@contextmanager
def open_text(name: str) -> Iterator[tuple[io.BufferedIOBase, io.BufferedIOBase]]:
    """The text of a file, decompressed, and the file itself: a SummedFile where it is compressed.

    Raises SourceError where it is damaged.
    """
    with open_file(name) as file:
        magic = file.read(MAGIC_BYTES)
        file.seek(0)
        kind = kind_of(magic)
        if kind is None:
            yield file, file
            return
        summed = SummedFile(file)
        yield _reporting(CompressedStream(summed, kind), partial(_damaged, name)), summed


class PieceSums:
    """CRC-32C of a file and of the pieces that it is cut into, for which each byte is summed once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._end = 0
        self.crc = 0
        """Of the file up to the end of the last piece."""

    def add(self, offset: int, data: bytes | NDArray[np.uint8]) -> dict[str, int]:
        """Give `crc` and `crc_before` of the piece that begins there (see `Section`)."""
        before = self.up_to(offset)
        self.crc = google_crc32c.extend(before, data)
        self._end += len(data)
        return {"crc": self.crc, "crc_before": before}

    def up_to(self, offset: int) -> int:
        """CRC-32C of the file up to there. What is in no piece, as the rest of a line too long, is read for it."""
        if offset > self._end:
            self.crc = checksum(self._name, offset, start=self._end, crc=self.crc)
            self._end = offset
        return self.crc


class SummedFile(io.BufferedIOBase):
    """A file that sums up what is read from it."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        super().__init__()
        self._file = file
        self.crc = 0
        """CRC-32C of all that was read."""

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read into the buffer until it is full or there is no more."""
        num_bytes = self._file.readinto(buffer)
        self.crc = google_crc32c.extend(self.crc, np.frombuffer(buffer, np.uint8, num_bytes))
        return num_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        """Read bytes."""
        data = self._file.read(size)
        self.crc = google_crc32c.extend(self.crc, data)
        return data

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read the rest of a line."""
        data = self._file.readline(size)
        self.crc = google_crc32c.extend(self.crc, data)
        return data

    def tell(self) -> int:
        """Where the next byte is."""
        return self._file.tell()


def _reporting(stream: Any, as_error: Callable[[Exception], SourceError]) -> io.BufferedIOBase:
    return io.BufferedReader(_Reporting(stream, as_error), STRIP_BYTES)


class _Reporting(io.RawIOBase):
    """A stream whose errors are all raised as SourceError."""

    def __init__(self, stream: Any, as_error: Callable[[Exception], SourceError]) -> None:
        super().__init__()
        self._stream = stream
        self._as_error = as_error
        self._position = 0

    def tell(self) -> int:
        """Where the next byte is."""
        return self._position

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be read from any byte on."""
        return bool(self._stream.seekable())

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte."""
        try:
            self._position = self._stream.seek(offset, whence)
        except Exception as error:
            raise self._as_error(error) from error
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer."""
        try:
            data = self._stream.read(len(buffer))
        except SourceError:
            raise
        except Exception as error:  # each library has its own
            raise self._as_error(error) from error
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _damaged(name: str, error: Exception) -> SourceError:
    return SourceError(
        name, f"the compressed data is damaged ({error}): fetch the file again", code="source-damaged"
    )


def unreadable(name: str, error: OSError) -> SourceError:
    """What to say of a path that cannot be reached or read."""
    if isinstance(error, FileNotFoundError):
        return SourceError(name, "there is no such file", code="source-missing")
    return SourceError(name, f"it cannot be read: {error.strerror or error}", code="source-unreadable")
