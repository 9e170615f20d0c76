"""Files by name: paths, patterns, folders and URLs; opened, and decompressed by what their first bytes say."""

import bz2
import glob
import gzip
import io
import lzma
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import google_crc32c

from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.sources.urls import address, filesystem, is_local, unreachable
from longstride.storage.remote.answers import fault_of_path, said_while_silent

__all__ = [
    "Names",
    "checksum",
    "find_files",
    "first_bytes",
    "identity",
    "is_compressed",
    "num_bytes",
    "open_file",
    "open_text",
    "refuse_changed",
]

SUFFIXES = (".csv", ".tsv", ".txt", ".log", ".json", ".ndjson", ".jsonl", ".parquet", ".pq", ".arrow", ".feather")
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\xfd7zXZ": "xz"}
COMPRESSED_SUFFIXES = (".gz", ".zst", ".bz2", ".xz")
MAGIC_BYTES = 8
STRIP_BYTES = 2**20
NO_LOGS = f"no file in this folder ends with {', '.join(SUFFIXES)}: name the files"


Names = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def find_files(names: Names) -> list[str]:
    """Names of single files, of one name or several: patterns and folders are expanded, in alphabetical order.

    Raises RecipeError where nothing is named or a file is reached twice, SourceError where a file does not exist.
    """
    names = [names] if isinstance(names, str | os.PathLike) else names
    if not names:
        raise RecipeError("no source is named: give at least one file", code="source-unnamed")
    for name in names:
        if not isinstance(name, str | os.PathLike):
            raise RecipeError(f"the source {name!r} is not a path or a URL", code="option-value")
    found = [file for name in names for file in _expanded(os.fspath(name))]
    by_place = defaultdict(list)
    for file in found:
        by_place[_place(file)].append(file)
    for first, *others in by_place.values():
        if others:
            also = f" (as {others[0]})" if others[0] != first else ""
            raise RecipeError(
                f"{first} is named twice among the sources{also}: name it once", code="source-repeated"
            )
    return found


def _expanded(name: str) -> list[str]:
    if "://" in name:
        return _expanded_url(name)
    path = Path(name)
    if path.is_file():
        return [name]
    if path.is_dir():
        files = sorted(str(file) for file in path.rglob("*") if _is_log(file.relative_to(path)) and file.is_file())
        if not files:
            raise SourceError(name, NO_LOGS, code="source-missing")
        return files
    if path.exists():
        raise SourceError(
            name, "this is a pipe or a device: write what it gives to a file first", code="source-format"
        )
    files = sorted(set(glob.glob(name, recursive=True))) if glob.has_magic(name) else []  # noqa: PTH207
    files = [file for file in files if Path(file).is_file()]
    if not files and (fault := fault_of_path(name)):
        raise SourceError(name, fault, code="source-address")
    if not files:
        raise SourceError(name, "there is no such file", code="source-missing")
    return files


def _expanded_url(url: str) -> list[str]:
    system, path = filesystem(url)
    with said_while_silent(url):
        return _found(system, path, url)


def _found(system: Any, path: str, url: str) -> list[str]:
    try:
        if not url.endswith("/") and system.isfile(path):
            return [url]
        is_pattern = glob.has_magic(url)
        if is_pattern:
            found = sorted(file for file in system.glob(path) if system.isfile(file))
        elif system.isdir(path):
            begin = len(path.rstrip("/"))
            found = sorted(file for file in system.find(path) if _is_log(PurePosixPath(file[begin:].strip("/"))))
        else:
            return [url]
    except Exception as error:
        raise unreachable(url, error) from error
    if not found:
        raise SourceError(url, "there is no such file" if is_pattern else NO_LOGS, code="source-missing")
    return [address(system, file, url) for file in found]


def _is_log(path: PurePath) -> bool:
    """Whether a file is meant where its folder is named. `path` is that within the folder; hidden ones are not."""
    stem = path.name.lower()
    for suffix in COMPRESSED_SUFFIXES:
        stem = stem.removesuffix(suffix)
    return stem.endswith(SUFFIXES) and not any(part.startswith(".") for part in path.parts)


def _place(name: str) -> str:
    """The same for all names of a file."""
    if "://" not in name:
        return os.path.realpath(name)
    system, path = filesystem(name)
    return os.path.realpath(path) if is_local(system) else address(system, path, name)


def num_bytes(name: str) -> int:
    """Bytes of a file. Raises SourceError where it cannot be reached."""
    if "://" not in name:
        return _status(name).st_size
    system, path = filesystem(name)
    try:
        return int(system.size(path))
    except Exception as error:
        raise unreachable(name, error) from error


def identity(name: str) -> list[str]:
    """A name, and what changes when the file does. Raises SourceError where it cannot be reached."""
    if "://" not in name:
        status = _status(name)
        return [str(Path(name).absolute()), str(status.st_size), str(status.st_mtime_ns)]
    system, path = filesystem(name)
    try:
        return [name, str(system.ukey(path))]
    except Exception as error:
        raise unreachable(name, error) from error


def refuse_changed(name: str, expected: int) -> None:
    """Raise SourceError where a file no longer has as many bytes."""
    found = num_bytes(name)
    if found != expected:
        raise SourceError(
            name,
            f"it had {expected:,} bytes and now has {found:,}: ingest it, or a copy, when no program writes to it",
            code="source-changed",
        )


def _status(name: str) -> os.stat_result:
    try:
        return Path(name).stat()
    except OSError as error:
        raise _unreadable(name, error) from error


def first_bytes(name: str) -> bytes:
    """The bytes by which the kind of a file is known."""
    with open_file(name) as file:
        return file.read(MAGIC_BYTES)


def is_compressed(magic: bytes) -> bool:
    """Whether the first bytes of a file are those of a compressed one."""
    return any(magic.startswith(mark) for mark in COMPRESSED)


def checksum(name: str) -> int:
    """CRC-32C of a file."""
    crc = 0
    with open_file(name) as file:
        while data := file.read(STRIP_BYTES):
            crc = google_crc32c.extend(crc, data)
    return crc


@contextmanager
def open_file(name: str) -> Iterator[io.BufferedIOBase]:
    """The bytes of a file as they are stored. Raises SourceError where it cannot be reached or read."""
    try:
        with _opened(name) as file:
            yield file
    except OSError as error:
        raise _unreadable(name, error) from error


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
    """The text of a file, decompressed, and the file itself. Raises SourceError where it is damaged."""
    with open_file(name) as file:
        magic = file.read(MAGIC_BYTES)
        file.seek(0)
        kind = next((kind for mark, kind in COMPRESSED.items() if magic.startswith(mark)), None)
        if kind is None:
            yield file, file
            return
        yield _reporting(_decompressed(file, kind), partial(_damaged, name)), file


def _decompressed(file: Any, kind: str) -> Any:
    match kind:
        case "gzip":
            return gzip.GzipFile(fileobj=file)
        case "bz2":
            return bz2.BZ2File(file)
        case "xz":
            return lzma.LZMAFile(file)
        case _:
            import pyarrow as pa

            return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


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


def _unreadable(name: str, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError(name, "there is no such file", code="source-missing")
    return SourceError(name, f"it cannot be read: {error.strerror or error}", code="source-unreadable")
