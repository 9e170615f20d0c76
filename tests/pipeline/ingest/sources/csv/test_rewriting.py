"""Text of other encodings, line ends, separators and quotes, rewritten as CSV."""

import csv
import io
from collections.abc import Callable
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.csv import rewriting
from longstride.pipeline.ingest.sources.csv.rewriting import Rewriting

LETTERS = "ab1é. ,;\"'\\|\t"
FIELD = st.text(LETTERS, max_size=5).map(str.strip)
ROWS = st.lists(st.lists(FIELD, min_size=2, max_size=4).filter(any), max_size=6)


def doubled(mark: str) -> Callable[[str], str]:
    return lambda text: mark + text.replace(mark, mark * 2) + mark


def escaped(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


QUOTED: dict[str, Callable[[str], str]] = {
    "strict": doubled('"'),
    "loose": doubled('"'),
    "backslash": escaped,
    "apostrophe": doubled("'"),
}


def rewritten(data: bytes, **options: object) -> list[list[str]]:
    recipe = Recipe(time="t", **options)  # type: ignore[arg-type]
    found = Rewriting.of(data, recipe)
    text, separator = data, recipe.separator
    if found is not None:
        text, separator = found.text(data), found.canonical_separator
        recipe = found.recipe(recipe)
        assert Rewriting.of(text, recipe) is None
    return list(
        csv.reader(io.StringIO(text.decode(recipe.encoding), newline=""), delimiter=separator, strict=True)
    )


@pytest.mark.parametrize("quote", QUOTED)
@pytest.mark.parametrize("separator", [",", ";", "||", "blanks", "tab", "§"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\r\r\n"])
@settings(max_examples=12, deadline=None)
@given(
    rows=ROWS,
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-be", "utf-32-le", "gb18030"]),
    block_bytes=st.sampled_from([1, 2, 7, 2**20]),
)
def test_fields_are_those_that_were_written(
    rows: list[list[str]], quote: str, separator: str, line_end: str, encoding: str, block_bytes: int
) -> None:
    between = {"blanks": "  ", "tab": "\t"}.get(separator, separator)
    lines = [between.join(map(QUOTED[quote], row)) for row in rows]
    data = "".join(f"{line}{line_end}" for line in lines).encode(encoding)
    with mock.patch.object(rewriting, "BLOCK_BYTES", block_bytes):
        assert rewritten(data, separator=separator, quote=quote, encoding=encoding) == rows


@pytest.mark.parametrize(
    ("line", "options", "fields"),
    [
        ('1,valve 5" no 0,2', {"quote": "loose"}, ["1", 'valve 5" no 0', "2"]),
        ('1, "a, b" ,2', {"quote": "loose"}, ["1", "a, b", "2"]),
        ('1,"a "b" c",2', {"quote": "loose"}, ["1", '"a "b" c"', "2"]),
        ('"1,""a,b"",2"', {"quote": "lines"}, ["1", "a,b", "2"]),
        ('1,"a,2', {"quote": "none"}, ["1", '"a', "2"]),
        ('"1","a"', {"quote": "none"}, ['"1"', '"a"']),
        (r"1,C:\logs\new,2", {"quote": "backslash"}, ["1", r"C:\logs\new", "2"]),
        (r"1,a\,b,2", {"quote": "backslash"}, ["1", "a,b", "2"]),
        ("1,it's,'a, b'", {"quote": "apostrophe"}, ["1", "it's", "a, b"]),
        ("  1   2.5\t3  ", {"separator": "blanks"}, ["1", "2.5", "3"]),
        (' 1 "a b"  3', {"separator": "blanks"}, ["1", "a b", "3"]),
        ("1::2::3", {"separator": "::"}, ["1", "2", "3"]),
    ],
)
def test_spellings(line: str, options: dict[str, str], fields: list[str]) -> None:
    assert rewritten(f"{line}\n".encode(), **options) == [fields]
    assert rewritten(line.encode(), **options) == [fields]


def test_plain_text_is_not_rewritten() -> None:
    for data in (b"", b"a,b\n", b"a,b\r\n", "é\n".encode("latin-1")):
        assert Rewriting.of(data, Recipe(time="t", encoding="latin-1")) is None


@pytest.mark.parametrize("settings", [{"separator": "§"}, {"comment": "§", "separator": ";"}])
def test_marks_are_found_in_the_encoding_of_the_text(settings: dict[str, str]) -> None:
    recipe = Recipe(time="t", encoding="latin-1", **settings)  # type: ignore[arg-type]
    text = "t§é\n1§2\n".encode("latin-1")
    found = Rewriting.of(text, recipe)
    assert found is not None
    rewritten = found.text(text).decode(found.recipe(recipe).encoding)
    assert rewritten == ("t\x1fé\n1\x1f2\n" if recipe.separator == "§" else text.decode("latin-1"))


def test_what_cannot_be_decoded_is_no_text() -> None:
    recipe = Recipe(time="t", encoding="gbk")
    found = Rewriting.of(b"a", recipe)
    assert found is not None
    assert found.text(b"a\xff\xff,1\n2,3\n").endswith(b",1\n2,3\n")
    with pytest.raises(UnicodeDecodeError):
        found.text(b"a\xff\xff,1\n").decode()


def test_a_stream_says_where_it_is() -> None:
    found = Rewriting.of(b"1 2\n", Recipe(time="t", separator="blanks"))
    assert found is not None
    stream = found.stream(io.BytesIO(b"1  2\n3   4\n"))
    assert stream.read(4) == b"1\t2\n"
    assert stream.tell() == 4
