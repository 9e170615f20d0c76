"""CSV as bytes: the header, and pieces of whole records whose line numbers are known.

A record is one row: one line, or several where a quoted field holds a line break.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from pipeline.ingest.errors import SourceError

__all__ = ["Header", "Piece", "cut_pieces", "read_header"]

MAX_RECORD_BYTES = 2**20
QUOTE, NEWLINE = b'"\n'


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first record of a file."""

    names: tuple[str, ...]
    num_bytes: int
    """Up to where the rows begin, blank lines before the header included."""
    num_lines: int


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Whole records of a file."""

    source: str
    data: bytes
    """Ends with a line break."""
    first_line: int
    """Number of the first line, from 1."""
    num_lines: int

    def place(self, offset: int) -> str:
        """Where in the file byte `offset` of the data lies."""
        return f"line {self.first_line + self.data.count(NEWLINE, 0, offset)}"


def read_header(stream: BinaryIO, source: str) -> Header:
    """Read the column names and leave the stream at the first row. Raises SourceError where there are none."""
    record = b""
    num_lines = 0
    while line := stream.readline(MAX_RECORD_BYTES):
        record += line
        num_lines += 1
        if record.strip() and record.count(QUOTE) % 2 == 0:
            break
    try:
        text = record.decode("utf-8-sig").strip("\r\n")
        names = next(csv.reader([text], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(source, f"this is no header of a CSV file: {error}", place="line 1") from None
    if not names:
        raise SourceError(source, "the file is empty: expected a header with the names of the columns")
    return Header(names=tuple(name.strip() for name in names), num_bytes=len(record), num_lines=num_lines)


def cut_pieces(stream: BinaryIO, source: str, first_line: int, piece_bytes: int) -> Iterator[Piece]:
    """Cut the rest of a stream into pieces of about `piece_bytes`, each ending where a record ends.

    Raises SourceError for a line longer than 1 MiB.
    """
    while data := stream.read(piece_bytes):
        rest = b"".join(_rest_of_record(stream, data))
        data = data + rest if rest else data
        if not data.endswith(b"\n"):
            if stream.read(1):
                place = f"line {first_line + data.count(NEWLINE)}"
                message = f"the line is longer than {MAX_RECORD_BYTES:,} bytes: is this a CSV file?"
                raise SourceError(source, message, place=place)
            data += b"\n"
        num_lines = int(np.count_nonzero(np.frombuffer(data, np.uint8) == NEWLINE))
        yield Piece(source=source, data=data, first_line=first_line, num_lines=num_lines)
        first_line += num_lines


def _rest_of_record(stream: BinaryIO, data: bytes) -> Iterator[bytes]:
    """What follows `data` up to the next line break outside quotes, or up to the limit of a record."""
    quoted = QUOTE in data and data.count(QUOTE) % 2
    num_bytes = 0
    while (quoted or not data.endswith(b"\n")) and num_bytes < MAX_RECORD_BYTES:
        data = stream.readline(MAX_RECORD_BYTES)
        if not data:
            return
        quoted ^= data.count(QUOTE) % 2
        num_bytes += len(data)
        yield data
