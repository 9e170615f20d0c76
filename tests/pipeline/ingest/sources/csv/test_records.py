"""Good rows, rejects and counts against a walk of the file that is written character by character."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from longstride.pipeline.ingest import reject
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.csv import lines, records, syntax
from longstride.pipeline.ingest.sources.csv.header import Header
from longstride.pipeline.ingest.sources.csv.lines import Piece, cut_lines
from longstride.pipeline.ingest.sources.csv.records import Records, find_records

NAMES = ("a", "b", "c")
TEXTS = st.text(st.sampled_from('a1,;"\n\r é'), max_size=30)
FIELDS = st.text(st.sampled_from('a1,;"\n\r é'), max_size=5)
QUOTED = FIELDS.map(lambda text: '"' + text.replace('"', '""') + '"')
PLAIN = st.text(st.sampled_from("a1 é"), max_size=3)


def header_of(names: tuple[str, ...], line: bytes | None) -> Header:
    return Header(
        names=names, unnamed=(), line=line, num_bytes=0, num_lines=0, block=frozenset({line} if line else ())
    )


def read(data: bytes, header: Header, recipe: Recipe, piece_bytes: int) -> list[tuple[Piece, Records]]:
    cuts = cut_lines(io.BytesIO(data), header, recipe, first_line=2, piece_bytes=piece_bytes)
    pieces = [cut.piece("log.csv") for cut in cuts]
    return [(piece, find_records(piece, header, recipe)) for piece in pieces]


def stripped(row: Iterable[str]) -> tuple[str, ...]:
    """Without carriage returns at the ends of fields: Polars drops some of them, even in quotes."""
    return tuple(text.rstrip("\r") for text in row)


def frame_of(found: Records, num_fields: int, separator: str) -> list[tuple[str, ...]]:
    if not found.data:
        return []
    schema = {str(number): pl.String for number in range(num_fields)}
    frame = pl.read_csv(found.data, has_header=False, schema=schema, separator=separator)
    return [stripped(row) for row in frame.fill_null("").rows()]


@dataclass
class Expected:
    rows: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    rejects: list[tuple[int, str, str]] = field(default_factory=list)
    num_blank: int = 0
    num_headers: int = 0
    num_continued: int = 0


def expected_of(
    data: bytes, num_fields: int, separator: str, header: bytes | None, encoding: str, max_bytes: int = 2**20
) -> Expected:
    """Walk a file line by line."""
    found = Expected()
    data += b"" if data.endswith(b"\n") or not data else b"\n"
    at, number = 0, 2
    while at < len(data):
        line = data[at : data.index(b"\n", at) + 1]
        record = record_at(data, at, separator.encode())
        whole = line
        if record is not None and len(record[0]) == num_fields and record[1] - at <= max_bytes:
            whole = data[at : record[1]]
        else:
            record = None
        text = whole[:-1].removesuffix(b"\r")
        raw = text.decode(encoding, "backslashreplace")
        if len(line) > max_bytes:
            found.rejects.append((number, "line too long", ""))
        elif all(character in b" \t\r\n" + separator.encode() for character in line):
            found.num_blank += 1
        elif header is not None and text.removeprefix(b"\xef\xbb\xbf") == header:
            found.num_headers += 1
        elif record is not None:
            try:
                found.rows.append((number, tuple(value.decode(encoding) for value in record[0])))
            except UnicodeDecodeError:
                found.rejects.append((number, f"not {'UTF-8' if encoding == 'utf-8' else encoding}", raw))
        else:
            alone = record_at(line, 0, separator.encode())
            reason = "quote out of place"
            if alone is not None:
                reason = "too few fields" if len(alone[0]) < num_fields else "too many fields"
            found.rejects.append((number, reason, raw))
        found.num_continued += whole.count(b"\n") - 1
        number += whole.count(b"\n")
        at += len(whole)
    return found


def record_at(data: bytes, at: int, separator: bytes) -> tuple[list[bytes], int] | None:
    """Fields of the record that begins here, and where it ends; None where a quote is out of place."""
    fields, value, state = [], b"", "start"
    while at < len(data):
        character = data[at : at + 1]
        at += 1
        if state == "quoted":
            if character == b'"':
                state = "closed"
            else:
                value += character
        elif character == b'"' and state == "closed":
            value, state = value + b'"', "quoted"
        elif character == b'"':
            if state != "start":
                return None
            state = "quoted"
        elif character == separator:
            fields, value, state = [*fields, value], b"", "start"
        elif character == b"\n":
            return [*fields, value if state == "closed" else value.removesuffix(b"\r")], at
        elif state == "closed":
            if data[at - 1 : at + 1] != b"\r\n":
                return None
        else:
            value, state = value + character, "plain"
    return None


@st.composite
def files(draw: st.DrawFn, separator: str) -> bytes:
    """Good rows, rows of one number of fields too many or few, blank lines, headers and noise."""
    ends = st.sampled_from(["\n", "\r\n"])
    row = st.lists(st.one_of(QUOTED, PLAIN), min_size=2, max_size=4).map(separator.join)
    good = st.lists(st.one_of(QUOTED, PLAIN), min_size=3, max_size=3).map(separator.join)
    other = st.sampled_from(["", " ", separator * 2, separator * 6, f" {separator}\t{separator} "])
    header = st.sampled_from([separator.join(NAMES), "\ufeff" + separator.join(NAMES)])
    spoilt = st.sampled_from(["\udcff", "a\udcc3", '"', '"a', 'a"'])
    line = st.one_of(good, good, good, row, other, header, TEXTS, st.tuples(good, spoilt).map("".join))
    text = "".join(text + end for text, end in draw(st.lists(st.tuples(line, ends), max_size=12)))
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return text.encode("utf-8", "surrogateescape")


@given(st.data(), st.sampled_from(",;"), st.integers(1, 120))
def test_rows_and_rejects_are_those_of_a_walk_over_the_file(
    data: st.DataObject, separator: str, piece_bytes: int
) -> None:
    check(data.draw(files(separator)), separator, piece_bytes)


@given(TEXTS, st.sampled_from(",;"), st.integers(1, 40), st.integers(1, 3))
@example('"', ",", 1, 1)
@example('"a\n"",b\n"c\nd",e\n', ",", 3, 2)
@example('a"b,\n"c\nd",e\n', ",", 13, 2)
@example('"\n"\n"\n', ",", 1, 1)
def test_noise(text: str, separator: str, piece_bytes: int, num_fields: int) -> None:
    check(text.encode(), separator, piece_bytes, names=NAMES[:num_fields])


@given(st.data(), st.integers(1, 60), st.integers(6, 40))
def test_lines_and_rows_longer_than_the_limit(data: st.DataObject, piece_bytes: int, max_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (lines, records, syntax):
            patch.setattr(module, "MAX_RECORD_BYTES", max_bytes)
        patch.setattr(reject, "MAX_RAW", 1)
        noise = st.text(st.sampled_from('a,"\n'), max_size=80).map(str.encode)
        check(data.draw(files(",") | noise), ",", piece_bytes, max_bytes=max_bytes, raw=False)


def check(
    data: bytes,
    separator: str,
    piece_bytes: int,
    *,
    names: tuple[str, ...] = NAMES,
    max_bytes: int = 2**20,
    raw: bool = True,
) -> None:
    for encoding in ("utf-8", "latin-1", "cp1252"):
        recipe = Recipe(time="a", separator=separator, encoding=encoding)
        header = header_of(names, separator.join(names).encode())
        found = read(data, header, recipe, piece_bytes)
        expected = expected_of(data, len(names), separator, header.line, encoding, max_bytes)

        rows = [
            (int(line), fields)
            for _, part in found
            for line, fields in zip(part.lines, frame_of(part, len(names), separator), strict=True)
        ]
        assert rows == [(line, stripped(row)) for line, row in expected.rows]
        told = [(reject.line, reject.reason, reject.raw) for _, part in found for reject in part.rejects]
        if raw:
            assert told == expected.rejects
        assert [reject[:2] for reject in told] == [reject[:2] for reject in expected.rejects]
        assert sum(part.num_blank for _, part in found) == expected.num_blank
        assert sum(part.num_headers for _, part in found) == expected.num_headers
        assert sum(part.num_continued for _, part in found) == expected.num_continued

        assert all(piece.data.endswith(b"\n") for piece, _ in found)
        for (piece, _), (after, _) in pairwise(found):
            assert after.first_line == piece.first_line + piece.data.count(b"\n")
        for piece, part in found:
            length = len(piece.data) - (not data.endswith(b"\n") and piece is found[-1][0])
            if length <= max_bytes:
                assert data[piece.offset : piece.offset + length] == piece.data[:length]
            texts = [part.raw(row) for row in range(len(part.lines))]
            if raw and encoding == "utf-8" and "\r" not in part.data.decode().replace("\r\n", ""):
                table = csv.reader(io.StringIO("\n".join(texts), newline=""), delimiter=separator, strict=True)
                assert [stripped(row) for row in table] == frame_of(part, len(names), separator)


@given(st.lists(st.lists(FIELDS, min_size=3, max_size=3), max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_no_row_of_the_csv_module_is_rejected(table: list[list[str]], end: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(table)
    header = header_of(NAMES, None)
    found = read(text.getvalue().encode(), header, Recipe(time="a"), 20)
    assert not [reject for _, part in found for reject in part.rejects]
    assert [row for _, part in found for row in frame_of(part, 3, ",")] == [stripped(row) for row in table]


@pytest.mark.parametrize(
    ("line", "reason", "fact"),
    [
        (b"1", "too few fields", "1 field,"),
        (b"1,2", "too few fields", "2 fields,"),
        (b'"1,1",2', "too few fields", "2 fields,"),
        (b"1,2,3,", "too many fields", "4 fields,"),
        (b'1,5" pipe,3', "quote out of place", """'5" pipe,3'"""),
        (b'1,"2"x,3', "quote out of place", """'"2"x,3'"""),
        (b'1, "2",3', "quote out of place", """' "2",3'"""),
        (b'1,"2,3', "quote out of place", """'"2,3'"""),
        (b"1,2\xb0,3", "not UTF-8", "0xb0"),
    ],
)
@pytest.mark.parametrize("neighbour", [b"4,5,6", b'"4","5\n5","6"'])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_bad_line_takes_no_good_one_with_it(
    line: bytes, reason: str, fact: str, neighbour: bytes, end: bytes
) -> None:
    ((piece, found),) = read(
        end.join([neighbour, line, neighbour]), header_of(NAMES, None), Recipe(time="a"), 1000
    )
    assert found.data == neighbour + end + neighbour + b"\n"
    assert [found.raw(row) for row in (0, 1)] == [neighbour.decode()] * 2
    (reject,) = found.rejects
    first = 2 + neighbour.count(b"\n") + 1
    assert (reject.line, reject.reason) == (first, reason)
    assert fact in reject.detail
    assert reject.raw == line.decode(errors="backslashreplace")
    assert found.lines.tolist() == [2, first + 1]
    assert piece.data.count(b"\n") == 3 + found.num_continued


def test_a_good_piece_is_handed_on_as_it_is() -> None:
    ((piece, found),) = read(b'1,2,3\n"4\n",5,6\n', header_of(NAMES, b"a,b,c"), Recipe(time="a"), 1000)
    assert found.data is piece.data
    assert not read(b"", header_of(NAMES, None), Recipe(time="a"), 1000)


def test_a_long_raw_text_is_cut() -> None:
    data = "é".encode() * 5000 + b"\n"
    ((_, found),) = read(data, header_of(NAMES, None), Recipe(time="a"), 20_000)
    assert found.rejects[0].raw == "é" * 4096 + "..."


@pytest.mark.parametrize("quoted", [False, True])
def test_many_rows_of_several_lines_reach_polars_whole(quoted: bool) -> None:
    text = '"x\n""y"",\r\n"' if quoted else "x"
    data = "".join(f"{number},{text},{number % 7}\n" for number in range(100_000)).encode()
    found = [part for _, part in read(data, header_of(NAMES, None), Recipe(time="a"), 2**20)]
    rows = [row for part in found for row in frame_of(part, 3, ",")]
    value = 'x\n"y",\r\n' if quoted else "x"
    assert rows == [(str(number), value, str(number % 7)) for number in range(100_000)]


@pytest.mark.parametrize("surplus", [0, 1, 2])
def test_rows_with_as_many_separators_more_as_others(surplus: int) -> None:
    header = replace(header_of(NAMES, None), surplus=surplus)
    data = b'1,2,3\n4,5,6,\n"a",,"",,\r\n7,8,9,,x\n"1\n,",2,3,\n'
    ((_, found),) = read(data, header, Recipe(time="a"), 2**20)
    rows = {0: [], 1: [("4", "5", "6")], 2: [("a", "", "")]}[surplus]
    assert frame_of(found, 3, ",") == [("1", "2", "3"), *rows]
    assert len(found.lines) + len(found.rejects) == 6


def test_comments_are_no_rows() -> None:
    recipe = Recipe(time="a", comment="//")
    data = b'1,2,3\n// a "remark\n/,4,5\n//\n// ,,\n'
    ((_, found),) = read(data, header_of(NAMES, None), recipe, 2**20)
    assert frame_of(found, 3, ",") == [("1", "2", "3"), ("/", "4", "5")]
    assert (found.num_blank, found.rejects, found.lines.tolist()) == (3, [], [2, 4])


def test_all_lines_above_the_first_row_are_known_again() -> None:
    block = frozenset({b"logger 7, restarted", b"a,b,c", b"s,bar,K"})
    header = Header(names=NAMES, unnamed=(), line=b"a,b,c", num_bytes=0, num_lines=0, block=block)
    data = b"1,2,3\r\nlogger 7, restarted\r\na,b,c\r\ns,bar,K\r\n4,5,6\r\ns,bar,L\r\n"
    ((_, found),) = read(data, header, Recipe(time="a"), 2**20)
    assert frame_of(found, 3, ",") == [("1", "2", "3"), ("4", "5", "6"), ("s", "bar", "L")]
    assert (found.num_headers, found.rejects) == (3, [])


def test_a_row_that_holds_zero_bytes_is_rejected_and_no_other() -> None:
    data = b"1,2,3\n4,5," + bytes(40) + b"4,6\n7,8,9\n"
    header = header_of(NAMES, None)
    [(_, found)] = read(data, header, Recipe(time="a"), 2**20)
    assert found.lines.tolist() == [2, 4]
    assert [(bad.line, bad.reason) for bad in found.rejects] == [(3, "zero bytes")]
