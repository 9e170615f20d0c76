"""Compressed files as text: all their members, one behind the other, each whole or an error.

A compressed file is one member or several, as `cat a.gz b.gz`, pbzip2 or an appending logger writes them. Python's
own readers stop without a word at a second member that is damaged, so members are walked here.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

__all__ = ["COMPRESSED_SUFFIXES", "MAGIC_BYTES", "CompressedStream", "DamagedError", "is_compressed", "kind_of"]

COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\xfd7zXZ\0": "xz"}
SKIPPABLE = tuple(bytes([byte]) + b"\x2a\x4d\x18" for byte in range(0x50, 0x60))
"""Frames of zstd that hold no text, as pzstd writes them: one may be the first."""
COMPRESSED_SUFFIXES = (".gz", ".zst", ".bz2", ".xz")
MAGIC_BYTES = 8
READ_BYTES = 2**18
PADDING = {"gzip": 1, "xz": 4}
"""Zero bytes behind a member come in multiples of this; the other formats have none."""


class DamagedError(Exception):
    """A compressed file is damaged."""


class _Decompressor(Protocol):
    """What decompresses one member, as in `bz2` and `lzma`."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """A member of a gzip file by zlib, with the interface of the others."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        text = self._member.decompress(self._member.unconsumed_tail + data, max_length)
        self.needs_input = not self._member.unconsumed_tail and len(text) < max_length
        return text


def _gzip_decompressor() -> _Decompressor:
    """By ISA-L, which takes half the time of zlib, on processors that it has a wheel for."""
    try:
        from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor
    except ImportError:
        return _Gzip()
    return IgzipDecompressor(flag=DECOMP_GZIP)


def kind_of(magic: bytes) -> str | None:
    """The format of a compressed file by its first bytes, None where it is not compressed."""
    if magic.startswith(SKIPPABLE):
        return "zstd"
    return next((kind for mark, kind in COMPRESSED.items() if magic.startswith(mark)), None)


def is_compressed(magic: bytes) -> bool:
    """Whether the first bytes of a file are those of a compressed one."""
    return kind_of(magic) is not None


class CompressedStream:
    """The text of a compressed file. What is read raises DamagedError where a member is damaged or cut short."""

    def __init__(self, file: io.BufferedIOBase, kind: str) -> None:
        """`file` is at its beginning; it is read to its end, where the text is."""
        self._chunks = _zstd_chunks(file) if kind == "zstd" else _Members(file, kind).chunks()
        self._rest = memoryview(b"")
        self._position = 0

    def seekable(self) -> bool:
        """No: what is read is gone."""
        return False

    def read(self, size: int) -> memoryview:
        """Bytes, at most `size`; none at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return self._rest
            self._rest = memoryview(chunk)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


class _Members:
    """The members of a file of gzip, bz2 or xz."""

    def __init__(self, file: io.BufferedIOBase, kind: str) -> None:
        self._file = file
        self._kind = kind
        self._data = b""
        """Read, and not decompressed."""
        self._end = 0
        """Where in the file the data ends."""

    def chunks(self) -> Iterator[bytes]:
        """The text of all members."""
        while self._fill():
            begin = self._end - len(self._data)
            yield from self._member(begin)
            self._skip_padding()

    def _member(self, begin: int) -> Iterator[bytes]:
        if begin and not self._begins_member():
            raise DamagedError(f"what follows at byte {begin:,} is no {self._kind} data")
        member = self._decompressor()
        while not member.eof:
            if member.needs_input and not self._fill():
                raise DamagedError(f"the part of it that begins at byte {begin:,} has no end")
            data, self._data = (self._data, b"") if member.needs_input else (b"", self._data)
            try:
                text = member.decompress(data, READ_BYTES)
            except Exception as error:  # each library has its own
                place = f"in the part that begins at byte {begin:,}, before byte {self._end:,}"
                raise DamagedError(f"{place}: {error}") from error
            yield text
        self._data = member.unused_data + self._data

    def _decompressor(self) -> _Decompressor:
        match self._kind:
            case "gzip":
                return _gzip_decompressor()
            case "bz2":
                return bz2.BZ2Decompressor()
            case _:
                return lzma.LZMADecompressor(lzma.FORMAT_XZ)

    def _begins_member(self) -> bool:
        """Whether the data is the beginning of a member, as far as it goes: the end of the file may cut it."""
        while len(self._data) < MAGIC_BYTES and self._fill(more=True):
            pass
        return any(
            self._data.startswith(mark) or mark.startswith(self._data)
            for mark, kind in COMPRESSED.items()
            if kind == self._kind
        )

    def _skip_padding(self) -> None:
        unit = PADDING.get(self._kind)
        if unit is None:
            return
        num_zeros = 0
        while self._fill():
            rest = self._data.lstrip(b"\0")
            num_zeros += len(self._data) - len(rest)
            self._data = rest
            if rest:
                break
        if num_zeros % unit:
            begin = self._end - len(self._data) - num_zeros
            raise DamagedError(f"at byte {begin:,} there are {num_zeros:,} zeros, not a multiple of {unit}")

    def _fill(self, *, more: bool = False) -> bool:
        """Read on where no data is left, or `more` is wanted; whether there is data, or more of it."""
        if self._data and not more:
            return True
        data = self._file.read(READ_BYTES)
        self._data += data
        self._end += len(data)
        return bool(data)


def _zstd_chunks(file: Any) -> Iterator[bytes]:
    """The text of all frames; Arrow itself walks them, and knows where one is cut short."""
    import pyarrow as pa

    source = pa.PythonFile(file, mode="r")
    stream = pa.CompressedInputStream(source, "zstd")
    while True:
        try:
            text = stream.read(READ_BYTES)
        except (OSError, pa.ArrowException) as error:
            raise DamagedError(f"before byte {file.tell():,}: {error}") from error
        if not text:
            return
        yield text
