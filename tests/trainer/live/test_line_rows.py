"""Lines of NDJSON and CSV as rows, and what is wrong with bad ones."""

import csv
import io
import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.trainer.live.line_rows import LineRow, LineRows
from longstride.trainer.live.line_values import BadLine, number_of, time_of
from longstride.trainer.live.watch_settings import WatchOptions
from tests.helpers.errors import raises

LARGEST = float(np.finfo(np.float32).max)
NUMBERS = st.floats(allow_infinity=False, width=32)


def reader(*channels: str, **options: Any) -> LineRows:
    return LineRows(WatchOptions(run="run", **options), channels or ("a", "b"), LARGEST)


def same(found: LineRow | None, values: list[float], series: str = "", time: int | None = None) -> None:
    assert found is not None
    np.testing.assert_array_equal(found.values, values)
    assert (found.series, found.time) == (series, time)


@given(st.lists(NUMBERS | st.none(), min_size=2, max_size=2), st.text(min_size=1), st.integers(0, 2**40))
def test_ndjson_as_python_wrote_it(values: list[float | None], series: str, time: int) -> None:
    line = json.dumps({"time": time, "b": values[1], "series": series, "a": values[0], "more": [1]})
    numbers = [math.nan if value is None else value for value in values]
    same(reader(time_unit="us").read(line + "\n"), numbers, series, time * 1000)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")))


@given(st.lists(NUMBERS | st.none(), min_size=2, max_size=2), TEXT, st.sampled_from(",;\t|"))
def test_csv_as_python_wrote_it(values: list[float | None], note: str, separator: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerows([["note", "b", "a"], [note, values[1], values[0]]])
    header, line, *_ = text.getvalue().split("\r\n")
    read = reader(separator=separator).read
    assert read("\ufeff" + header) is None
    same(read(line), [math.nan if value is None else value for value in values])
    assert read(header) is None
    assert read("") is None


@given(
    st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
    st.integers(0, 999),
    st.none()
    | st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(
        lambda one: timedelta(minutes=one // timedelta(minutes=1))
    ),
    st.sampled_from(["T", " "]),
)
def test_times_to_the_nanosecond(at: datetime, more: int, offset: timedelta | None, between: str) -> None:
    zoned = at if offset is None else at.replace(tzinfo=timezone(offset))
    text = zoned.isoformat(between, timespec="microseconds")
    text = text[:26] + f"{more:03}" + text[26:]
    since = (at if offset is None else at - offset) - datetime(1970, 1, 1)
    assert time_of(text, None) == since // timedelta(microseconds=1) * 1000 + more
    assert time_of(at.date().isoformat(), None) % (86_400 * 10**9) == 0
    assert (
        time_of(f"{at:%Y-%m-%dT%H:%M:%S}Z", None) == int(at.replace(microsecond=0, tzinfo=UTC).timestamp()) * 10**9
    )


@pytest.mark.parametrize(
    ("given", "unit", "expected"),
    [(1709280000, 10**9, 1709280000 * 10**9), ("1709280000.5", 10**9, 1709280000500000000),
     (1709280000.25, 10**9, 1709280000250000000), ("-5", 1, -5), (-5, 10**6, -5000000)],
)  # fmt: skip
def test_times_as_numbers(given: Any, unit: int, expected: int) -> None:
    assert time_of(given, unit) == expected


@pytest.mark.parametrize(
    "given", ["now", "", None, True, "2024", 5, "1500-01-01", "9999-01-01T00:00", "2024-13-01", [1], "NaT"]
)
def test_what_is_no_time(given: Any) -> None:
    with pytest.raises(BadLine, match=r"."):
        time_of(given, None)


@pytest.mark.parametrize("given", ["nan", "inf", "x", 10**30, "1e40", "1e999999999", "9" * 70, "--", "", 1e300])
def test_what_is_no_time_of_numbers(given: Any) -> None:
    with pytest.raises(BadLine, match=r"."):
        time_of(given, 10**9)


@pytest.mark.parametrize(("given", "expected"), [("1.5", 1.5), (" -2e3 ", -2000.0), (7, 7.0)])
def test_numbers(given: Any, expected: float) -> None:
    assert number_of(given, (), LARGEST) == expected


@pytest.mark.parametrize("given", ["", " ", "NaN", "null", "NULL", None, "n/a", math.nan])
def test_missing_ones(given: Any) -> None:
    assert math.isnan(number_of(given, {"n/a"}, LARGEST))


@pytest.mark.parametrize("given", ["x", "1_0", "1,5", True, [1], {}, math.inf, "-inf", 1e39, 10**400, "0x1"])
def test_what_is_no_number(given: Any) -> None:
    with pytest.raises(BadLine, match=r"."):
        number_of(given, (), LARGEST)


@pytest.mark.parametrize(
    ("line", "fault"),
    [('{"a": 1', "not JSON"), ("[1, 2]", "not an object"), ("7", "not an object"),
     ('{"c": 1}', "none of the channels a, b"),
     ('{"a": "hot"}', "a: 'hot' is not a number"), ('{"a": [1]}', "a: "), ("[" * 100_000, "not JSON")],
)  # fmt: skip
def test_bad_lines_of_ndjson(line: str, fault: str) -> None:
    read = reader(format="ndjson").read
    with pytest.raises(BadLine, match=fault):
        read(line)
    same(read('{"a": 1, "b": 2}'), [1, 2])


def test_bad_lines_of_csv() -> None:
    read = reader().read
    read("a,b,time")
    for line, fault in (
        ("1,2", "2 fields, expected 3"),
        ("1,2,noon", "time: 'noon'"),
        ("x,2,2024-03-01", "a: 'x' is not a number"),
        ("1,2,5", "--time-unit"),
        ('"1,2,3', "not a line of CSV|1 fields"),
    ):
        with pytest.raises(BadLine, match=fault):
            read(line)
    same(read("1,2,1970-01-01"), [1, 2], time=0)


def test_fields_of_the_first_row_are_expected_of_all() -> None:
    read = reader().read
    same(read('{"a": 1, "time": "1970-01-01", "series": 7}'), [1, math.nan], "7", 0)
    for line, fault in (('{"a": 1, "series": "x"}', "no time"), ('{"a": 1, "time": "1970-01-01"}', "no series")):
        with pytest.raises(BadLine, match=fault):
            read(line)


def test_fields_that_are_named() -> None:
    read = reader(time="when", time_unit="s", series="machine").read
    same(
        read('{"a": 1, "when": 5, "machine": "x", "time": "nonsense", "series": "y"}'),
        [1, math.nan],
        "x",
        5 * 10**9,
    )
    with pytest.raises(BadLine, match="no when"):
        read('{"a": 1, "machine": "x"}')


def test_channels_that_have_these_names_are_channels() -> None:
    same(reader("time", "series").read('{"time": 1, "series": 2}'), [1, 2])


@pytest.mark.parametrize(
    ("options", "line", "facts"),
    [({}, "a;b", ["the first line has the columns a;b", "--separator"]),
     ({}, "1,2", ["the first line", "--columns"]),
     ({"columns": ("a", "c")}, "1,2", ["--columns", "not b"]), ({}, "a,b,a", ["a twice"]),
     ({"time": "when"}, "a,b", ["not when"])],
)  # fmt: skip
def test_a_header_that_does_not_fit(options: dict[str, Any], line: str, facts: list[str]) -> None:
    with raises("row-format", *facts):
        reader(**options).read(line)


def test_columns_without_a_header() -> None:
    read = reader(columns=("b", "x", "a")).read
    same(read("1,0,2"), [2, 1])
    assert read("b,x,a") is None


@pytest.mark.parametrize(
    "options",
    [{"separator": ""}, {"separator": '"'}, {"columns": ("a", "a")}, {"columns": ("a",), "format": "ndjson"},
     {"time": "x", "series": "x"}, {"max_rejects": -1}, {"format": "xml"}],
)  # fmt: skip
def test_options_that_cannot_work(options: dict[str, Any]) -> None:
    with raises("option-value"):
        WatchOptions(run="run", **options)
