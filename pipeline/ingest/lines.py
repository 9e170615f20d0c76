"""Lines of CSV as pieces of whole records, whose line numbers are known.

A record is one row: one line, or several where a quoted field holds a line break.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np

from pipeline.ingest.header import Header
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.rejects import MAX_RECORD_BYTES, row_syntax

__all__ = ["Cut", "Piece", "cut_lines", "read_piece"]

NEWLINE = b"\n"
STRIP_BYTES = 2**18
"""So much stays in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Whole records of a file."""

    source: str
    data: bytes
    """Ends with a line break, even if the file does not."""
    offset: int
    """Where it begins in the stream."""
    first_line: int
    """Number of the first line, from 1."""
    num_lines: int


class Cut(NamedTuple):
    """Where a piece lies in a stream."""

    window: bytes
    """What the piece is at the beginning of."""
    num_bytes: int
    """Of the piece."""
    offset: int
    first_line: int
    num_lines: int

    def piece(self, source: str) -> Piece:
        """The piece."""
        data = self.window[: self.num_bytes]
        return Piece(
            source=source, data=data, offset=self.offset, first_line=self.first_line, num_lines=self.num_lines
        )


def cut_lines(
    stream: BinaryIO, header: Header, recipe: Recipe, *, first_line: int, piece_bytes: int
) -> Iterator[Cut]:
    """Cut the rest of a stream into pieces of about `piece_bytes`, each ending at a boundary (see `rejects`).

    So the rows and rejects of all pieces together do not depend on `piece_bytes`. Of a line too long for a piece
    and a row, only the beginning is given, so that it is rejected: memory is bounded by the piece and 1 MiB.
    """
    syntax = row_syntax(recipe.separator, len(header.names))
    offset = stream.tell()
    data = b""
    while True:
        wanted = piece_bytes + MAX_RECORD_BYTES - len(data)
        more = stream.read(wanted)
        data = data + more if data else more
        if not data:
            return
        if len(more) < wanted and not data.endswith(NEWLINE):
            data += NEWLINE
        last = min(piece_bytes, len(data)) - 1
        start, stop = data.rfind(NEWLINE, 0, last) + 1, data.find(NEWLINE, last) + 1
        if stop:
            stop = syntax.boundary(data, stop)
        elif start:
            # No row can hold the line that begins here, so there is a boundary.
            stop = start
        window, num_bytes = (data, stop) if stop else (data[:MAX_RECORD_BYTES] + NEWLINE, MAX_RECORD_BYTES + 1)
        num_lines = _count_lines(window, num_bytes)
        yield Cut(window, num_bytes, offset, first_line, num_lines)
        first_line += num_lines
        if stop:
            offset += stop
            data = data[stop:]
        else:
            data = _behind_line(stream)
            offset = stream.tell() - len(data)


def read_piece(stream: BinaryIO, source: str, first_line: int, num_bytes: int) -> Piece:
    """Read again, from where it begins, a piece of `num_bytes` that `cut_lines` has found."""
    offset = stream.tell()
    data = stream.read(num_bytes)
    if not data.endswith(NEWLINE):
        # It is the end of the file, or the beginning of a line too long.
        data = data[: num_bytes - 1] + NEWLINE
    return Cut(data, len(data), offset, first_line, _count_lines(data, len(data))).piece(source)


def _count_lines(data: bytes, stop: int) -> int:
    """Count line breaks before `stop`; other threads go on meanwhile, as they do not with `bytes.count`."""
    codes = np.frombuffer(data, np.uint8, stop)
    strips = (codes[start : start + STRIP_BYTES] for start in range(0, stop, STRIP_BYTES))
    return sum(int(np.count_nonzero(strip == NEWLINE[0])) for strip in strips)


def _behind_line(stream: BinaryIO) -> bytes:
    """Read up to the end of a line and a bit further; give what follows it."""
    while data := stream.read(MAX_RECORD_BYTES):
        _, newline, rest = data.partition(NEWLINE)
        if newline:
            return rest
    return b""
