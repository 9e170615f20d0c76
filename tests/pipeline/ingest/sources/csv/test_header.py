"""The names of the fields that the rows have."""

import io

import pytest

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.csv.header import Header, read_header
from tests.helpers.errors import raises


def header_of(data: bytes, **settings: object) -> Header:
    return read_header(io.BytesIO(data), "log.csv", Recipe(**{"time": "a", **settings}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "names", "line", "num_lines"),
    [
        (b"a,b\n1,2\n", ("a", "b"), b"a,b", 1),
        (b"a,b\r\n1,2\r\n", ("a", "b"), b"a,b", 1),
        (b"\xef\xbb\xbfa,b\n1,2\n", ("a", "b"), b"a,b", 1),
        (b'\xef\xbb\xbf"a", b \n1,2\n', ("a", "b"), b'"a", b ', 1),
        (b'\n,,,\r\n"a\nx","b,""c"""\n1,2\n', ("a\nx", 'b,"c"'), b'"a\nx","b,""c"""', 4),
        (b"a,b", ("a", "b"), b"a,b", 1),
        (b"a,b\n", ("a", "b"), b"a,b", 1),
        ("é,b\n1,2\n".encode(), ("é", "b"), "é,b".encode(), 1),
    ],
)
def test_header(data: bytes, names: tuple[str, ...], line: bytes, num_lines: int) -> None:
    header = header_of(data)
    assert (header.names, header.line, header.unnamed) == (names, line, ())
    assert header.num_lines == num_lines
    assert data[header.num_bytes :] in (b"1,2\n", b"1,2\r\n", b"")


@pytest.mark.parametrize(
    ("header", "rows", "names", "unnamed"),
    [
        # Trailing separators, in the rows alone, in the header alone, in both.
        ("a,b", ["1,2,", "1,2, ", '1,2,""', "1,2,\r"], ("a", "b", "column_3"), ("column_3",)),
        ("a,b,", ["1,2", "1,2"], ("a", "b"), ()),
        ("a,b,", ["1,2,", "1,2,3"], ("a", "b", "column_3"), ("column_3",)),
        # Of several, too, but not where one of the rows has a value there.
        ("a,b", ["1,2,,", '1,2, ,""', "1,2,,\r"], ("a", "b", "column_3", "column_4"), ("column_3", "column_4")),
        ("a,b", ["1,2,,", "1,2,,3"], ("a", "b"), ()),
        ("a,b", ['1,2,"x,,"', '2,2,"x"",,"'], ("column_1", "a", "b"), ("column_1",)),
        ("a,b,,", ["1,2", "1,2"], ("a", "b"), ()),
        ("a,b,,", ["1,2,", "1,2,"], ("a", "b", "column_3"), ("column_3",)),
        ("a,b,c,", ["1,2"] * 2, ("a", "b", "c", "column_4"), ("column_4",)),
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


def test_zero_bytes_behind_the_names_begin_a_row() -> None:
    header = header_of(b"time,a,b" + bytes(64) + b"12:00,1,2\n12:01,3,4\n")
    assert header.names == ("time", "a", "b")
    assert (header.num_bytes, header.num_lines) == (8, 0)


@pytest.mark.parametrize(
    ("data", "code", "facts"),
    [
        (b"", "source-empty", ()),
        (b"\n,,\n", "source-empty", ()),
        (b"\xef\xbb\xbf", "source-empty", ()),
        (b"\na,\xff\n", "encoding-wrong", ("line 2: ", "0xff", "utf-8", "--encoding latin-1")),
        (b'a,b"\n', "header-unreadable", ("line 1: ", "quote", """'a,b"'""")),
        (b'a,"b\n', "header-unreadable", ("line 1: ", "quote")),
        (b"x" * 2**21, "header-unreadable", ("line 1: ", "1,048,576 bytes")),
        (b"a,b\r1,2\r", "source-format", ("line 1: ", r"`tr '\r' '\n'`")),
        ("a,b\n".encode("utf-16"), "encoding-wrong", ("UTF-16", "--encoding utf-16")),
        (b"a;b;c\n1;2;3\n", "separator-wrong", ("line 1: ", "'a;b;c'", "--separator ';'")),
        (b"a\tb\n1\t2\n", "separator-wrong", ("--separator tab",)),
        (b"a|b\n", "separator-wrong", ("--separator '|'",)),
        (b"a\0,b\n", "source-format", ("zero bytes",)),
    ],
)
def test_no_header(data: bytes, code: str, facts: tuple[str, ...]) -> None:
    with raises(code, "log.csv", *facts):
        header_of(data)


@pytest.mark.parametrize(
    ("line", "names", "repeated"),
    [
        ("a,b,a", ("a", "b", "a_2"), {"a_2": "a"}),
        ("a,a,a", ("a", "a_2", "a_3"), {"a_2": "a", "a_3": "a"}),
        ("a,a,a_2", ("a", "a_3", "a_2"), {"a_3": "a"}),
        ("a_2,a,a,b,b", ("a_2", "a", "a_3", "b", "b_2"), {"a_3": "a", "b_2": "b"}),
        ("a,,", ("a", "column_2", "column_3"), {}),
    ],
)
def test_names_that_come_twice(line: str, names: tuple[str, ...], repeated: dict[str, str]) -> None:
    data = f"{line}\n{','.join('1' * (line.count(',') + 1))}\n".encode()
    header = read_header(io.BytesIO(data), "log.csv", Recipe(time="a"))
    assert (header.names, header.repeated) == (names, repeated)


def test_names_that_are_given_are_different() -> None:
    recipe = Recipe(time="a", header=("a", "b", "a"))
    with raises("column-repeated", "'a'", "--header"):
        read_header(io.BytesIO(b"1,2,3\n"), "log.csv", recipe)


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"'])
@pytest.mark.parametrize("has_header", [True, False])
def test_the_line_that_names_the_separator_is_no_row(line: str, has_header: bool) -> None:
    recipe = Recipe(time="a", separator=";", header=() if has_header else ("a", "b"))
    data = f"{line}\r\n{'a;b' if has_header else '0;0'}\r\n1;2\r\n".encode()
    header = read_header(io.BytesIO(data), "log.csv", recipe)
    assert (header.names, header.num_lines) == (("a", "b"), 1 + has_header)
    assert data[header.num_bytes :] == (b"1;2\r\n" if has_header else b"0;0\r\n1;2\r\n")


def test_lines_above_and_below_the_header() -> None:
    data = b"station 7\n\nT,P\nC,bar\n1,2\n"
    header = header_of(data, skip_lines=1, skip_below_header="1")
    assert (header.names, header.num_lines) == (("T", "P"), 4)
    assert header.block == {b"station 7", b"T,P", b"C,bar"}
    assert data[header.num_bytes :] == b"1,2\n"
    given = header_of(data, skip_lines=4, header=("x", "y"))
    assert (given.names, given.num_lines, given.line) == (("x", "y"), 4, None)
    with raises("source-empty"):
        header_of(data, skip_lines=5)


def test_comments_are_no_header() -> None:
    data = b"# made by us\n#\nT,P\n# again\n1,2,\n#,,,\n"
    header = header_of(data, comment="#")
    assert (header.names, header.num_lines) == (("T", "P", "column_3"), 3)


@pytest.mark.parametrize(
    "rows",
    [
        ["2024-03-01 08:00:00,1,2", "2024-03-01 08:01:00,3,4"],
        ["20240301080000,1,2", "20240301080100,3,4"],
        ["4.2,1,2", "4.3,3,4"],
        ["7,1,2", "9,3,4"],
        ["1,1,2", "1,3,4"],
    ],
    ids=["times", "compact times", "numbers", "no count", "repeated"],
)
def test_names_are_not_shifted_where_rows_have_no_names(rows: list[str]) -> None:
    assert header_of("\n".join(["a,b", *rows]).encode()).names == ("a", "b")


@pytest.mark.parametrize(
    ("rows", "surplus"),
    [
        (["1,2"] * 10, 0),
        (["1,2", "1,2,"] * 5, 1),
        (["1,2,,"] * 3 + ["1,2"] * 7, 2),
        (["1,2,"] + ["1,2"] * 9, 0),
        (["1.5,2,"] * 5 + ["1.5,2,3"] * 5, 0),
    ],
)
def test_separators_that_some_rows_have_at_their_end(rows: list[str], surplus: int) -> None:
    found = header_of("\n".join(["a,b", *rows]).encode())
    assert (found.names, found.surplus) == (("a", "b"), surplus)
