"""One field at a time, both ways of reading it, against what Python's `float` says."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest import Recipe, SourceError
from pipeline.ingest.columns import Columns
from pipeline.ingest.lines import Piece
from pipeline.ingest.parse import Raw, typed
from pipeline.ingest.records import find_records
from pipeline.ingest.sources import CsvSource

COLUMNS = Columns(time="time", series=None, labels=(), channels=("a",))
RECIPE = Recipe(time="time", dtype="float64")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> CsvSource:
    path = tmp_path_factory.mktemp("parse") / "log.csv"
    path.write_text("time,a\n")
    return CsvSource(str(path))


def read(source: CsvSource, field: str, *, as_text: bool) -> float | None:
    """The value of a field, None where it is refused."""
    quoted = '"' + field.replace('"', '""') + '"' if set(field) & set(',"\n') else field
    piece = Piece(source="log.csv", data=f"2024-03-01,{quoted}\n".encode(), first_line=2, num_lines=1)
    records = find_records(piece, 2)
    source._all_numbers = not as_text
    try:
        raw = Raw(source="log.csv", frame=source._read(records, ("a",)), place=records.place)
        value: float = typed(raw, COLUMNS, RECIPE).frame["a"][0]
    except SourceError:
        return None
    return value


def expected(field: str) -> float | None:
    if not field.strip():
        return math.nan
    try:
        value = float(field)
    except ValueError:
        return None
    # Python alone takes 1_000 for a number.
    return None if "_" in field or math.isinf(value) else value


@given(st.text(st.sampled_from('0123456789.eE+-naif \t_x,d"'), max_size=7) | st.floats().map(str))
def test_a_field_is_the_number_that_it_says_or_is_refused(source: CsvSource, field: str) -> None:
    for as_text in (False, True):
        found, wanted = read(source, field, as_text=as_text), expected(field)
        assert found == wanted or (
            found is not None and wanted is not None and math.isnan(found) and math.isnan(wanted)
        )
