"""Files by name: paths, patterns, folders and URLs; opened, and decompressed by what their first bytes say."""

import bz2
import glob
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import google_crc32c

from pipeline.ingest.errors import RecipeError, SourceError

__all__ = [
    "checksum",
    "find_files",
    "first_bytes",
    "identity",
    "is_compressed",
    "num_bytes",
    "open_file",
    "open_text",
]

SUFFIXES = (".csv", ".tsv", ".txt", ".log", ".json", ".ndjson", ".jsonl", ".parquet", ".pq", ".arrow", ".feather")
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\xfd7zXZ": "xz"}
COMPRESSED_SUFFIXES = (".gz", ".zst", ".bz2", ".xz")
MAGIC_BYTES = 8
STRIP_BYTES = 2**20


def find_files(names: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Names of single files: patterns and folders are expanded, in alphabetical order.

    Raises RecipeError where nothing is named or a file is named twice, SourceError where there is no such file.
    """
    if not names:
        raise RecipeError("no source is named: give at least one file")
    found = [file for name in names for file in _expanded(os.fspath(name))]
    repeated = sorted({name for name in found if found.count(name) > 1}) if len(set(found)) < len(found) else []
    if repeated:
        raise RecipeError(f"{', '.join(repeated)} is named twice among the sources")
    return found


def _expanded(name: str) -> list[str]:
    if "://" in name:
        return _expanded_url(name)
    path = Path(name)
    if path.is_dir():
        files = sorted(str(file) for file in path.rglob("*") if file.is_file() and _is_log(file.name))
        if not files:
            raise SourceError(name, f"no file in this folder ends with {', '.join(SUFFIXES)}: name the files")
        return files
    if path.exists():
        return [name]
    files = sorted(glob.glob(name, recursive=True)) if glob.has_magic(name) else []  # noqa: PTH207
    files = [file for file in files if Path(file).is_file()]
    if not files:
        raise SourceError(name, "there is no such file")
    return files


def _expanded_url(url: str) -> list[str]:
    system, path = _filesystem(url)
    try:
        if glob.has_magic(url):
            found = sorted(system.glob(path))
        elif system.isdir(path) and not system.isfile(path):
            found = sorted(file for file in system.find(path) if _is_log(file.rpartition("/")[2]))
        else:
            return [url]
    except Exception as error:
        raise _unreachable(url, error) from error
    if not found:
        raise SourceError(url, "there is no such file")
    return [system.unstrip_protocol(file) for file in found]


def _is_log(name: str) -> bool:
    stem = name.lower()
    for suffix in COMPRESSED_SUFFIXES:
        stem = stem.removesuffix(suffix)
    return stem.endswith(SUFFIXES) and not name.startswith(".")


def num_bytes(name: str) -> int:
    """Bytes of a file."""
    if "://" not in name:
        return Path(name).stat().st_size
    system, path = _filesystem(name)
    try:
        return int(system.size(path))
    except Exception as error:
        raise _unreachable(name, error) from error


def identity(name: str) -> list[str]:
    """A name, and what changes when the file does."""
    if "://" not in name:
        status = Path(name).stat()
        return [str(Path(name).absolute()), str(status.st_size), str(status.st_mtime_ns)]
    system, path = _filesystem(name)
    return [name, str(system.ukey(path))]


def first_bytes(name: str) -> bytes:
    """The bytes that tell what a file is."""
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
def open_file(name: str) -> Iterator[BinaryIO]:
    """The bytes of a file as they lie there. Raises SourceError where it cannot be reached."""
    if "://" not in name:
        with open(name, "rb") as file:
            yield file
        return
    system, path = _filesystem(name)
    try:
        remote = system.open(path, "rb")
    except Exception as error:
        raise _unreachable(name, error) from error
    with remote:
        yield cast(BinaryIO, remote)


@contextmanager
def open_text(name: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The text of a file, decompressed, and the file itself. Raises SourceError where it is damaged."""
    with open_file(name) as file:
        magic = file.read(MAGIC_BYTES)
        file.seek(0)
        kind = next((kind for mark, kind in COMPRESSED.items() if magic.startswith(mark)), None)
        if kind is None:
            yield file, file
            return
        try:
            with _decompressed(file, kind) as text:
                yield text, file
        except (EOFError, zlib.error, lzma.LZMAError, _Damaged) as error:
            raise SourceError(name, f"the compressed data is damaged ({error}): fetch the file again") from error


class _Damaged(Exception):
    """The stream says that it is not what it was."""


def _decompressed(file: BinaryIO, kind: str) -> BinaryIO:
    stream: Any
    match kind:
        case "gzip":
            stream = _Guarded(gzip.GzipFile(fileobj=file))
        case "bz2":
            stream = _Guarded(bz2.BZ2File(file))
        case "xz":
            stream = lzma.LZMAFile(file)
        case _:
            import pyarrow as pa

            stream = _Guarded(pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"))
    return cast(BinaryIO, io.BufferedReader(stream, STRIP_BYTES))


class _Guarded(io.RawIOBase):
    """A stream whose errors mean damage."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream
        self._position = 0

    def tell(self) -> int:
        """Where the next byte is."""
        return self._position

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer."""
        try:
            data = self._stream.read(len(buffer))
        except (OSError, ValueError) as error:  # ValueError: Arrow's own
            raise _Damaged(str(error)) from error
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _filesystem(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        return cast("tuple[Any, str]", fsspec.core.url_to_fs(url))
    except (ImportError, ValueError) as error:
        raise SourceError(url, f"this kind of address cannot be opened: {error}") from None


def _unreachable(url: str, error: Exception) -> SourceError:
    return SourceError(url, f"it cannot be reached: {type(error).__name__}: {error}")
