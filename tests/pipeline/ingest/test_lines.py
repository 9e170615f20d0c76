import io
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO, cast

import pytest

from pipeline.ingest.errors import SourceError
from pipeline.ingest.lines import MAX_RECORD_BYTES, Header, cut_pieces, read_header
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.records import find_records

RECIPE = Recipe(time="a")


def header_of(data: bytes, **settings: object) -> Header:
    return read_header(io.BytesIO(data), "log.csv", Recipe(**{"time": "a", **settings}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "names", "line", "num_lines", "num_blank"),
    [
        (b"a,b\n1,2\n", ("a", "b"), b"a,b", 1, 0),
        (b"a,b\r\n1,2\r\n", ("a", "b"), b"a,b", 1, 0),
        (b"\xef\xbb\xbfa,b\n1,2\n", ("a", "b"), b"a,b", 1, 0),
        (b'\xef\xbb\xbf"a", b \n1,2\n', ("a", "b"), b'"a", b ', 1, 0),
        (b'\n,,,\r\n"a\nx","b,""c"""\n1,2\n', ("a\nx", 'b,"c"'), b'"a\nx","b,""c"""', 4, 2),
        (b"a,b", ("a", "b"), b"a,b", 1, 0),
        (b"a,b\n", ("a", "b"), b"a,b", 1, 0),
        ("é,b\n1,2\n".encode(), ("é", "b"), "é,b".encode(), 1, 0),
    ],
)
def test_header(data: bytes, names: tuple[str, ...], line: bytes, num_lines: int, num_blank: int) -> None:
    header = header_of(data)
    assert (header.names, header.line, header.unnamed) == (names, line, ())
    assert (header.num_lines, header.num_blank) == (num_lines, num_blank)
    assert data[header.num_bytes :] in (b"1,2\n", b"1,2\r\n", b"")


@pytest.mark.parametrize(
    ("header", "rows", "names", "unnamed"),
    [
        # Trailing separators, in the rows alone, in the header alone, in both.
        ("a,b", ["1,2,", "1,2, ", '1,2,""', "1,2,\r"], ("a", "b", "column_3"), ("column_3",)),
        ("a,b,", ["1,2", "1,2"], ("a", "b"), ()),
        ("a,b,", ["1,2,", "1,2,3"], ("a", "b", "column_3"), ("column_3",)),
        # Row names, as R writes them.
        ("a,b", ['"x,y",2,3', '"2",2,'], ("column_1", "a", "b"), ("column_1",)),
        (",a,b", ["1,2,3"], ("column_1", "a", "b"), ("column_1",)),
        ("a,column_2,,", ["1,2,3,4"], ("a", "column_2", "column_3", "column_4"), ("column_3", "column_4")),
        ("column_2,", ["1,2"], ("column_2", "column_2_"), ("column_2_",)),
        # What most rows have counts; where it fits no rule, the header does.
        ("a,b", ["1,2,3", "1,2", "1,2", "a,b,c,d,e", ",,,,", '1"'], ("a", "b"), ()),
        ("a,b", ["1,2,3", "1,2"], ("a", "b"), ()),
        ("a,b", ["1,2,3,4"] * 3, ("a", "b"), ()),
        ("a,b", ["1"] * 3, ("a", "b"), ()),
        ("a,b", [], ("a", "b"), ()),
    ],
)
def test_names_of_the_fields_that_rows_have(
    header: str, rows: list[str], names: tuple[str, ...], unnamed: tuple[str, ...]
) -> None:
    found = header_of("\n".join([header, *rows]).encode())
    assert found.names == names
    assert found.unnamed == unnamed


def test_a_file_without_a_header() -> None:
    found = header_of(b"\xef\xbb\xbf1,2\n3,4\n", header=("a", " b"))
    assert (found.names, found.line, found.num_bytes, found.num_lines) == (("a", "b"), None, 3, 0)
    assert header_of(b"1,2,\n3,4,\n", header=("a", "b")).names == ("a", "b", "column_3")
    assert header_of(b"1,2,3\n", header=("a", "b")).names == ("a", "b")
    assert header_of(b"", header=("a", "b")).names == ("a", "b")


def test_encodings_and_separators() -> None:
    assert header_of("é|b\n1|2\n".encode("latin-1"), separator="|", encoding="latin-1").names == ("é", "b")
    assert header_of(b"a\tb\n1\t\n2\t\n", separator="tab").names == ("a", "b")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty: expected a header"),
        (b"\n,,\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"\na,\xff\n", "line 2: byte 0xff is not utf-8: .*--encoding latin-1"),
        (b'a,b"\n', """line 1: this is no header of a CSV file: a quote is out of place in 'a,b"'"""),
        (b'a,"b\n', "line 1: this is no header of a CSV file: a quote is out of place"),
        (b"x" * 2**21, "line 1: this is no header .* its first line is longer than 1,048,576 bytes"),
        (b"a,b\r1,2\r", r"line 1: lines end in \\r alone: .*`tr '\\r' '\\n'`"),
        ("a,b\n".encode("utf-16"), "this is UTF-16: .*`iconv -f utf-16 -t utf-8`"),
        (
            b"a;b;c\n1;2;3\n",
            "line 1: the header is one column, 'a;b;c': say what separates it, as with --separator ';'$",
        ),
        (b"a\tb\n1\t2\n", ".*--separator tab$"),
        (b"a|b\n", r".*--separator '\|'$"),
        (b"a,b,a\n", "two columns are named 'a': rename one in the header"),
    ],
)
def test_no_header(data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=rf"^log\.csv(: |, ){message}"):
        header_of(data)


@pytest.mark.parametrize("piece_bytes", [1, 7, 2**16, 2**23])
def test_a_quote_that_is_never_closed_costs_one_line(piece_bytes: int) -> None:
    data = b'a,b\n"c,d\n' + b"e,f\n" * 2**12
    header = header_of(data)
    stream = io.BytesIO(data[header.num_bytes :])
    rejects, num_rows = [], 0
    for piece in cut_pieces(stream, "log.csv", header, RECIPE, first_line=2, piece_bytes=piece_bytes):
        assert len(piece.data) <= piece_bytes + 5
        found = find_records(piece, header, RECIPE)
        rejects += found.rejects
        num_rows += len(found.lines)
    assert [(reject.line, reject.reason) for reject in rejects] == [(2, "quote out of place")]
    assert num_rows == 2**12


def test_a_piece_is_longer_only_for_a_row_of_several_lines() -> None:
    header = header_of(b"a,b\n")
    data = b'1,2\n3,"x\ny\nz"\n4,5\n'
    pieces = list(cut_pieces(io.BytesIO(data), "log.csv", header, RECIPE, first_line=2, piece_bytes=6))
    assert [piece.data for piece in pieces] == [b'1,2\n3,"x\ny\nz"\n', b"4,5\n"]
    assert [(piece.offset, piece.first_line, piece.num_lines) for piece in pieces] == [(0, 2, 4), (14, 6, 1)]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n3,4\n"])
def test_a_line_without_end_is_one_reject_in_bounded_memory(end: bytes) -> None:
    header = header_of(b"a,b\n")
    size = 2**26
    stream = Zeros(b"1,2\n", size, end)
    tracemalloc.start()
    found = [
        find_records(piece, header, RECIPE)
        for piece in cut_pieces(cast(BinaryIO, stream), "log.csv", header, RECIPE, first_line=2, piece_bytes=1000)
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * MAX_RECORD_BYTES
    (reject,) = (reject for part in found for reject in part.rejects)
    assert (reject.line, reject.reason) == (3, "line too long")
    assert reject.raw == "\0" * 4096 + "..."
    assert [line for part in found for line in part.lines] == [2, 4][: 1 + (len(end) > 1)]
    if len(end) > 1:
        assert found[-1].piece.offset == 4 + size + 1


class Zeros:
    """A stream of many zeros, with something before and behind them."""

    def __init__(self, before: bytes, size: int, behind: bytes) -> None:
        self._parts = self._cut(before, size, behind)
        self._rest = b""
        self._at = 0

    @staticmethod
    def _cut(before: bytes, size: int, behind: bytes) -> Iterator[bytes]:
        yield before
        yield from (bytes(2**16) for _ in range(size // 2**16))
        yield behind

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (part := next(self._parts, b"")):
            self._rest += part
        data, self._rest = self._rest[:size], self._rest[size:]
        self._at += len(data)
        return data

    def tell(self) -> int:
        return self._at
