"""Lines of CSV as pieces of whole records, whose line numbers are known.

A record is one row: one line, or several where a quoted field holds a line break.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pipeline.ingest.header import Header
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.rejects import MAX_RECORD_BYTES, row_syntax

__all__ = ["Piece", "cut_pieces", "read_piece"]

NEWLINE = b"\n"


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


def cut_pieces(
    stream: BinaryIO, source: str, header: Header, recipe: Recipe, *, first_line: int, piece_bytes: int
) -> Iterator[Piece]:
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
        piece = data[:stop] if stop else data[:MAX_RECORD_BYTES] + NEWLINE
        num_lines = piece.count(NEWLINE)
        yield Piece(source=source, data=piece, offset=offset, first_line=first_line, num_lines=num_lines)
        first_line += num_lines
        if stop:
            offset += stop
            data = data[stop:]
        else:
            data = _behind_line(stream)
            offset = stream.tell() - len(data)


def read_piece(stream: BinaryIO, source: str, first_line: int, num_bytes: int) -> Piece:
    """Read again, from where it begins, a piece that `cut_pieces` has cut and whose data had `num_bytes`."""
    offset = stream.tell()
    data = stream.read(num_bytes)
    if not data.endswith(NEWLINE):
        # It is the end of the file, or the beginning of a line too long.
        data = data[: num_bytes - 1] + NEWLINE
    return Piece(source=source, data=data, offset=offset, first_line=first_line, num_lines=data.count(NEWLINE))


def _behind_line(stream: BinaryIO) -> bytes:
    """Read up to the end of a line and a bit further; give what follows it."""
    while data := stream.read(MAX_RECORD_BYTES):
        _, newline, rest = data.partition(NEWLINE)
        if newline:
            return rest
    return b""
