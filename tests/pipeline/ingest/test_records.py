import csv
import io
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest import SourceError
from pipeline.ingest.lines import Piece, cut_pieces, read_header
from pipeline.ingest.records import check_fields, find_records

FIELDS = st.text(st.sampled_from('ab,"\n é'), max_size=6)


def pieces_of(data: bytes, piece_bytes: int, first_line: int = 1) -> list[Piece]:
    return list(cut_pieces(io.BytesIO(data), "log.csv", first_line, piece_bytes))


def written(table: list[list[str]], end: str, quoting: int) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(table)
    return text.getvalue().encode()


@given(
    st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=20),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.integers(1, 60),
    st.integers(0, 2**16),
)
def test_records_are_those_of_the_csv_module(
    table: list[list[str]], end: str, quoting: int, piece_bytes: int, seed: int
) -> None:
    records = [written([row], end, quoting) for row in table]
    dice = random.Random(seed)
    # Blank lines anywhere between records are no rows.
    parts, lines = [], []
    line = 1
    for record in records:
        while dice.random() < 0.2:
            parts.append(end.encode())
            line += 1
        parts.append(record)
        lines.append(line)
        line += record.count(b"\n")
    data = b"".join(parts)
    if dice.random() < 0.5:
        data = data.removesuffix(end.encode())

    pieces = pieces_of(data, piece_bytes)
    found = [find_records(piece, 3) for piece in pieces]
    read = list(csv.reader(io.StringIO(b"".join(part.data for part in found).decode(), newline="")))
    assert read == table
    assert [part.place(row) for part in found for row in range(len(part.starts))] == [f"line {n}" for n in lines]
    num_rows = [
        piece.num_lines - part.num_blank - part.num_continued for piece, part in zip(pieces, found, strict=True)
    ]
    assert sum(num_rows) == len(table)
    assert num_rows == [len(part.starts) for part in found]
    assert all(after.first_line == piece.first_line + piece.num_lines for piece, after in pairwise(pieces))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.booleans(), st.integers(1, 50))
def test_the_first_row_with_a_wrong_number_of_fields_is_named(
    widths: list[int], quoted: bool, piece_bytes: int
) -> None:
    field = '"x,\n"' if quoted else "x"
    lines_each = 2 if quoted else 1
    rows = [",".join([field] + ["y"] * (width - 1)) + "\n" for width in widths]
    wrong = [index for index, width in enumerate(widths) if width != 3]

    def check() -> None:
        for piece in pieces_of("".join(rows).encode(), piece_bytes, first_line=2):
            find_records(piece, 3)
            check_fields(piece, 3)

    if not wrong:
        check()
        return
    with pytest.raises(
        SourceError,
        match=rf"^log\.csv, line {2 + wrong[0] * lines_each}: the row has {widths[wrong[0]]} fields, expected 3",
    ):
        check()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n5" pipe,1\nc,"d"\n', 2),
        ('a,b\n"5" pipe,1\n', 2),
        ('a,b\nc, "d"\n', 2),
        ('a,b\n\n"c,d\ne,f\n', 3),
        ('a,"b"\r,c\n', 1),
        ('"a""b,c\n"d,e\n', 1),
        ('a,b\n"c"d,"e"\n', 2),
    ],
)
def test_a_quote_out_of_place_is_named(text: str, line: int) -> None:
    (piece,) = pieces_of(text.encode(), 1000)
    with pytest.raises(SourceError, match=rf"^log\.csv, line {line}: a quote is out of place at .*holds \"\""):
        find_records(piece, 2)


def test_a_quote_that_is_never_closed_is_found_without_reading_the_file_into_memory() -> None:
    data = b'a,b\n"c,d\n' + b"e,f\n" * 2**19
    first, *_ = cut_pieces(io.BytesIO(data), "log.csv", 1, 100)
    assert len(first.data) < 2**20 + 200
    with pytest.raises(SourceError, match="line 2: a quote is out of place"):
        find_records(first, 2)


def test_a_line_without_end_is_refused() -> None:
    data = b"a,b\n" + b"x" * 2**21
    with pytest.raises(SourceError, match="line 2: the line is longer than 1,048,576 bytes"):
        pieces_of(data, 100)


@pytest.mark.parametrize(
    ("data", "names", "num_lines"),
    [
        (b"a,b\n1,2\n", ("a", "b"), 1),
        (b"a,b\r\n1,2\r\n", ("a", "b"), 1),
        (b"\xef\xbb\xbfa,b\n1,2\n", ("a", "b"), 1),
        (b'\xef\xbb\xbf"a", b \n1,2\n', ("a", "b"), 1),
        (b'\n\n"a\nx","b,c"\n1,2\n', ("a\nx", "b,c"), 4),
        (b"a,b", ("a", "b"), 1),
    ],
)
def test_header(data: bytes, names: tuple[str, ...], num_lines: int) -> None:
    stream = io.BytesIO(data)
    header = read_header(stream, "log.csv")
    assert header.names == names
    assert header.num_lines == num_lines
    assert stream.read() == data[header.num_bytes :]
    assert data[header.num_bytes :] in (b"1,2\n", b"1,2\r\n", b"")


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "the file is empty"), (b"\n\n", "the file is empty"), (b"a,\xff\n", "line 1: this is no header")],
)
def test_no_header(data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_header(io.BytesIO(data), "log.csv")
