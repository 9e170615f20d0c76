"""Pieces of whole records, in bounded memory."""

import io
import tracemalloc
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any

import pytest

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.csv.header import Header, read_header
from longstride.pipeline.ingest.sources.csv.lines import Piece, cut_lines
from longstride.pipeline.ingest.sources.csv.records import find_records
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES

RECIPE = Recipe(time="a")


def cut_pieces(stream: BufferedIOBase, header: Header, piece_bytes: int) -> Iterator[Piece]:
    cuts = cut_lines(stream, header, RECIPE, first_line=2, piece_bytes=piece_bytes)
    return (cut.piece("log.csv") for cut in cuts)


def header_of(data: bytes) -> Header:
    return read_header(io.BytesIO(data), "log.csv", RECIPE)


@pytest.mark.parametrize("piece_bytes", [1, 7, 2**16, 2**23])
def test_a_quote_that_is_never_closed_costs_one_line(piece_bytes: int) -> None:
    data = b'a,b\n"c,d\n' + b"e,f\n" * 2**12
    header = header_of(data)
    stream = io.BytesIO(data[header.num_bytes :])
    rejects, num_rows = [], 0
    for piece in cut_pieces(stream, header, piece_bytes):
        assert len(piece.data) <= piece_bytes + 5
        found = find_records(piece, header, RECIPE)
        rejects += found.rejects
        num_rows += len(found.lines)
    assert [(reject.line, reject.reason) for reject in rejects] == [(2, "quote out of place")]
    assert num_rows == 2**12


def test_a_piece_is_longer_only_for_a_row_of_several_lines() -> None:
    header = header_of(b"a,b\n")
    data = b'1,2\n3,"x\ny\nz"\n4,5\n'
    pieces = list(cut_pieces(io.BytesIO(data), header, 6))
    assert [piece.data for piece in pieces] == [b'1,2\n3,"x\ny\nz"\n', b"4,5\n"]
    assert [(piece.offset, piece.first_line) for piece in pieces] == [(0, 2), (14, 6)]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n3,4\n"])
def test_a_line_without_end_is_one_reject_in_bounded_memory(end: bytes) -> None:
    header = header_of(b"a,b\n")
    size = 2**26
    stream = Zeros(b"1,2\n", size, end)
    tracemalloc.start()
    found = [find_records(piece, header, RECIPE) for piece in cut_pieces(stream, header, 1000)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * MAX_RECORD_BYTES
    (reject,) = (reject for part in found for reject in part.rejects)
    assert (reject.line, reject.reason) == (3, "line too long")
    assert reject.raw == "\0" * 4096 + "..."
    assert [line for part in found for line in part.lines] == [2, 4][: 1 + (len(end) > 1)]
    if len(end) > 1:
        assert found[-1].piece.offset == 4 + size + 1


class Zeros(BufferedIOBase):
    """A stream of many zeros, with something before and behind them."""

    def __init__(self, before: bytes, size: int, behind: bytes) -> None:
        super().__init__()
        self._parts = self._cut(before, size, behind)
        self._rest = b""
        self._at = 0

    @staticmethod
    def _cut(before: bytes, size: int, behind: bytes) -> Iterator[bytes]:
        yield before
        yield from (bytes(2**16) for _ in range(size // 2**16))
        yield behind

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        while len(self._rest) < size and (part := next(self._parts, b"")):
            self._rest += part
        data, self._rest = self._rest[:size], self._rest[size:]
        self._at += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        return self._at
