"""Pieces that are read without looking for rows give what they give when every line is looked at."""

import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from longstride import Recipe
from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.sources.base import Raw
from longstride.pipeline.ingest.sources.csv import source
from longstride.pipeline.ingest.sources.csv.source import CsvSource

RECIPE = Recipe(time="time")
HEADER = b"time,12,3"
COLUMNS = Columns(
    time=("time",), series=None, pivot=None, labels=(), channels=("12", "3"), unused=(), absent_labels=()
)
GOOD = st.sampled_from([b"1,2,3", b"2024-01-01,-1.5,1e5", b"x,,7", b",4,nan", b"5,6,inf", b" ,1,2"])
DAMAGED = (
    b"",
    b" ",
    b"\t",
    b",,",
    b"1,2",
    b"1,2,",
    b"1,2,3,",
    b"1,2,3,4",
    b"1,2, 3",
    b"1,2,x",
    b'"1",2,3',
    b'1,2"3,4',
)
ODD = (b"\xc3\xa9,1,2", b"\xff,1,2", b"1\0,2,3", HEADER, b"\r1,2,3", b"1,2,3\r", b"#1,2,3", b"1\r,2,3")
BAD = st.sampled_from([*DAMAGED, *ODD])
LINES = st.lists(st.one_of(*[GOOD] * 6, BAD), max_size=12)


def read(path: Path, recipe: Recipe, piece_bytes: int) -> list[Raw]:
    file = CsvSource(str(path), recipe)
    sections = list(file.sections(piece_bytes))
    return [piece() for one in sections for piece in file.pieces(one, COLUMNS, recipe, piece_bytes)]


def told(raw: Raw) -> tuple[object, ...]:
    texts = [raw.text(row) for row in range(raw.frame.height)]
    rows = [tuple(map(repr, row)) for row in raw.frame.rows()]
    return (
        raw.frame.schema,
        rows,
        raw.lines.tolist(),
        texts,
        raw.rejects,
        raw.num_rows,
        raw.num_blank,
        raw.num_headers,
    )


@settings(max_examples=300, deadline=None)
@given(LINES, st.sampled_from([b"\n", b"\r\n"]), st.booleans(), st.sampled_from([1, 30, 1000]))
@example([b"1,2,3", b"time,12,3", b"1,2,3"], b"\n", True, 1000)
@example([b"1,2,3", b"1,2", b"1,2,3"], b"\n", False, 1000)
def test_every_piece_is_as_it_is_line_by_line(
    lines: list[bytes], newline: bytes, is_ended: bool, piece_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.csv")
        path.write_bytes(newline.join([HEADER, *lines]) + newline * is_ended)
        for recipe in (RECIPE, Recipe(time="time", comment="#"), Recipe(time="time", encoding="latin-1")):
            found = [told(raw) for raw in read(path, recipe, piece_bytes)]
            with mock.patch.object(source, "may_be_plain", return_value=False):
                assert [told(raw) for raw in read(path, recipe, piece_bytes)] == found


def test_no_row_is_looked_for_among_numbers(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"\n".join([HEADER, *[b"2024-01-01,2,3.5"] * 50]))
    with mock.patch.object(source, "find_records", side_effect=AssertionError("rows are looked for")):
        assert sum(raw.frame.height for raw in read(path, RECIPE, 200)) == 50


@pytest.mark.parametrize("length", [2**20 - 10, 2**20 + 10])
def test_a_number_of_a_million_digits_is_in_a_row_up_to_the_limit_of_a_line(tmp_path: Path, length: int) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"\n".join([HEADER, b"1,2,3", b"4,5,0." + b"0" * (length - 7), b"7,8,9", b""]))
    (raw,) = read(path, RECIPE, 2**22)
    assert (raw.frame.height, len(raw.rejects)) == ((3, 0) if length < 2**20 else (2, 1))
