"""One field at a time, both ways of reading it, against what Python's `float` says."""

import math
import re
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Raw, Section
from longstride.pipeline.ingest.sources.csv.source import CsvSource
from longstride.pipeline.ingest.staging.values import Parsed, parse

RECIPE = Recipe(time="time", separator=";", dtype="float64", max_rejects="100%")
FIELDS = st.text(st.sampled_from('0123456789.eE+-naif \t_x,d"'), max_size=7) | st.floats().map(str)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("parse"))


def raw_of(folder: str, fields: list[str], recipe: Recipe, *, numbers: bool) -> Raw:
    """A log with these fields in the column `a`, read with `a` as numbers where that can be, or all as texts."""
    path = f"{folder}/log.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("time;a\n")
        file.writelines(f"2024-03-01;{quoted(field)}\n" for field in fields)
    source = CsvSource(path, recipe)
    columns = replace(Columns.resolve(path, source.names, (), recipe), channels=("a",) if numbers else ())
    (section,) = source.sections(2**20)
    (piece,) = source.pieces(Section(*section), columns, recipe, 2**20)
    return piece()


def quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if '"' in field else field


def parse_fields(folder: str, fields: list[str], recipe: Recipe, *, numbers: bool) -> Parsed:
    raw = raw_of(folder, fields, recipe, numbers=numbers)
    return parse("log.csv", raw, Columns.resolve("log.csv", ("time", "a"), (), recipe), recipe)


def read(folder: str, field: str, recipe: Recipe, *, numbers: bool) -> float | None:
    """The value of a field, None where it is refused."""
    parsed = parse_fields(folder, [field], recipe, numbers=numbers)
    assert len(parsed.lines) + len(parsed.rejects) == 1
    if parsed.rejects:
        assert parsed.rejects[0].line == 2
        return None
    value: float | None = parsed.frame["a"].item()
    return math.nan if value is None else value


HEXADECIMAL = re.compile(r"([+-]?)0[xX]([0-9a-fA-F]{1,16})")
FORTRAN = re.compile(r"([\d.])[dD]([+-]?\d)")


def expected(field: str) -> float | None:
    if not field.strip():
        return math.nan
    if (found := HEXADECIMAL.fullmatch(field)) is not None:
        return float(found[1] + str(int(found[2], 16)))
    try:
        value = float(FORTRAN.sub(r"\1e\2", field))
    except ValueError:
        return None
    # Python alone takes 1_000 for a number.
    return None if "_" in field or math.isinf(value) else value


def same(found: float | None, wanted: float | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    if math.isnan(wanted):
        return math.isnan(found)
    return found == wanted and math.copysign(1, found) == math.copysign(1, wanted)


@given(FIELDS)
def test_a_field_is_the_number_that_it_says_or_is_refused(folder: str, field: str) -> None:
    for numbers in (True, False):
        found = read(folder, field, RECIPE, numbers=numbers)
        assert same(found, expected(field)), (found, numbers)


@given(FIELDS)
def test_a_decimal_comma_is_the_point_of_others(folder: str, field: str) -> None:
    wanted = None if "." in field or field.count(",") > 1 else expected(field.replace(",", "."))
    for numbers in (True, False):
        assert same(read(folder, field, replace(RECIPE, decimal=","), numbers=numbers), wanted)


def test_the_numbers_of_a_column_are_read_directly_where_all_are(folder: str) -> None:
    assert raw_of(folder, ["1.5", "", "nan"], RECIPE, numbers=True).frame["a"].dtype == pl.Float64
    assert raw_of(folder, ["1.5", "NA"], RECIPE, numbers=True).frame["a"].dtype == pl.String
    assert raw_of(folder, ["1.5"], RECIPE, numbers=False).frame["a"].dtype == pl.String


@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize(
    ("null", "fields", "missing", "rejected"),
    [
        # A number means that number, however it is written, and no other.
        (("-200",), ["-200", "-200.0", " -2e2 ", "-200.5", "200"], [0, 1, 2], []),
        # Of this column, of all, of another.
        (("a=-200",), ["-200", "5"], [0], []),
        (("b=-200",), ["-200", "5"], [], []),
        (("b=NA", "-1"), ["NA", "-1"], [1], [0]),
        # Texts, as they are written but for spaces around them.
        (("NA", "a=n/a"), ["NA", " NA ", "n/a", "na", "5"], [0, 1, 2], [3]),
        (("a=x=y",), ["x=y", "5"], [0], []),
        (("inf",), ["inf", "1"], [0], []),
    ],
)
def test_what_means_missing(
    folder: str, null: tuple[str, ...], fields: list[str], missing: list[int], rejected: list[int], numbers: bool
) -> None:
    parsed = parse_fields(folder, fields, replace(RECIPE, null=null), numbers=numbers)
    values = dict(zip(parsed.lines.tolist(), parsed.frame["a"].fill_null(math.nan).to_list(), strict=True))
    assert [line - 2 for line, value in values.items() if math.isnan(value)] == missing
    assert [reject.line - 2 for reject in parsed.rejects] == rejected


def test_sentinels_of_typed_columns_and_of_decimal_commas(folder: str) -> None:
    recipe = replace(RECIPE, null=("a=-99.5",))
    frame = pl.DataFrame({"time": ["2024-03-01"] * 2, "a": [-99.5, 1.0], "b": [-99.5, 1.0]})
    raw = Raw(frame=frame, lines=pl.Series([1, 2]).to_numpy(), text=str, num_rows=2)
    parsed = parse("x", raw, Columns.resolve("x", frame.columns, (), recipe), recipe)
    assert parsed.frame.select("a", "b").rows() == [(None, -99.5), (1.0, 1.0)]
    parsed = parse_fields(folder, ["-99,5", "-99,25"], replace(recipe, decimal=","), numbers=False)
    assert parsed.frame["a"].to_list() == [None, -99.25]


@given(st.sampled_from(["true", "False", "0", "1", "127", " 5.0 ", "128", "-1", "1.5", "", "x", "nan"]))
def test_labels_are_small_whole_numbers(folder: str, field: str) -> None:
    recipe = Recipe(time="time", separator=";", labels=("a",), sql="SELECT *, 1 AS b FROM rows")
    parsed = parse_fields(folder, [field], recipe, numbers=False)
    known = {"true": 1, "False": 0, "0": 0, "1": 1, "127": 127, " 5.0 ": 5}
    assert parsed.frame["a"].to_list() == ([known[field]] if field in known else [])
    assert [reject.reason for reject in parsed.rejects] == ([] if field in known else ["no label"])
