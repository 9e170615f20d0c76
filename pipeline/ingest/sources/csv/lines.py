"""Lines of CSV as pieces of whole records, whose line numbers are known.

A record is one row: one line, or several where a quoted field holds a line break.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.csv.header import Header
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES, row_syntax

__all__ = ["Cut", "Piece", "count_lines", "cut_lines", "read_piece"]

NEWLINE = b"\n"
STRIP_BYTES = 2**18
"""So much stays in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Whole records of a file."""

    source: str
    data: bytes
    """Ends with a line break, even if the file has none there."""
    num_in_file: int
    """Bytes of it that the file has."""
    offset: int
    """Where it begins in the stream."""
    first_line: int
    """Number of the first line, from 1."""

    def in_file(self) -> NDArray[np.uint8]:
        """What the file has of it."""
        return np.frombuffer(self.data, np.uint8, self.num_in_file)


class Cut(NamedTuple):
    """Where a piece lies in a stream."""

    window: bytearray
    """Begins with the piece, until the next one is cut."""
    num_bytes: int
    """Length of the piece."""
    offset: int
    first_line: int
    num_in_file: int
    """As for Piece."""

    def in_file(self) -> NDArray[np.uint8]:
        """What the file has of it, to be let go before the next piece is cut."""
        return np.frombuffer(self.window, np.uint8, self.num_in_file)

    def piece(self, source: str) -> Piece:
        """The piece, to keep."""
        with memoryview(self.window) as view:
            data = bytes(view[: self.num_bytes])
        return Piece(
            source=source,
            data=data,
            offset=self.offset,
            first_line=self.first_line,
            num_in_file=self.num_in_file,
        )


def cut_lines(
    stream: BufferedIOBase, header: Header, recipe: Recipe, *, first_line: int, piece_bytes: int
) -> Iterator[Cut]:
    """Cut the rest of a stream into pieces of about `piece_bytes`, each ending at a boundary (see `syntax`).

    So the rows and rejects of all pieces together do not depend on `piece_bytes`. Of a line too long for a piece
    and a row, only the beginning is given, so that it is rejected: memory is bounded by the piece and 1 MiB.
    """
    syntax = row_syntax(recipe.separator, len(header.names))
    offset = stream.tell()
    window = bytearray(piece_bytes + MAX_RECORD_BYTES)
    filled = 0
    is_cut_short = False
    while True:
        filled += _read_into(stream, window, filled)
        if filled < len(window):
            del window[filled:]
            if window and not window.endswith(NEWLINE):
                window += NEWLINE
                is_cut_short = True
        if not window:
            return
        last = min(piece_bytes, len(window)) - 1
        start, stop = window.rfind(NEWLINE, 0, last) + 1, window.find(NEWLINE, last) + 1
        if stop:
            stop = syntax.boundary(window, stop)
        elif start:
            # No row can hold the line that begins here, so there is a boundary.
            stop = start
        else:
            window[MAX_RECORD_BYTES : MAX_RECORD_BYTES + 1] = NEWLINE
        num_bytes = stop or MAX_RECORD_BYTES + 1
        is_made = not stop or (is_cut_short and stop == len(window))
        yield Cut(window, num_bytes, offset, first_line, num_bytes - is_made)
        first_line += count_lines(window, num_bytes)
        rest = window[stop:] if stop else _behind_line(stream)
        offset = offset + stop if stop else stream.tell() - len(rest)
        filled = len(rest)
        window[:filled] = rest


def read_piece(stream: BufferedIOBase, source: str, first_line: int, num_bytes: int) -> Piece:
    """Read again, from where it begins, a piece of `num_bytes` that `cut_lines` has found."""
    offset = stream.tell()
    data = stream.read(num_bytes)
    num_in_file = num_bytes
    if not data.endswith(NEWLINE):
        # It is the end of the file, or the beginning of a line too long.
        num_in_file -= 1
        data = data[:num_in_file] + NEWLINE
    return Piece(source=source, data=data, offset=offset, first_line=first_line, num_in_file=num_in_file)


def _read_into(stream: BufferedIOBase, window: bytearray, start: int) -> int:
    with memoryview(window) as view, view[start:] as rest:
        return stream.readinto(rest)


def count_lines(window: bytes | bytearray, stop: int) -> int:
    """Count line breaks before `stop`; other threads run meanwhile, which they do not with `bytearray.count`."""
    codes = np.frombuffer(window, np.uint8, stop)
    strips = (codes[start : start + STRIP_BYTES] for start in range(0, stop, STRIP_BYTES))
    return sum(int(np.count_nonzero(strip == NEWLINE[0])) for strip in strips)


def _behind_line(stream: BufferedIOBase) -> bytes:
    """Read up to the end of a line and a bit further; give what follows it."""
    while data := stream.read(MAX_RECORD_BYTES):
        _, newline, rest = data.partition(NEWLINE)
        if newline:
            return rest
    return b""
