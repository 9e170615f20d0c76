"""Times without a year, in the year that `start` gives them; and years with a fraction."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe, RecipeError
from longstride.pipeline.ingest.times.stamps import explain, to_nanoseconds
from tests.helpers.errors import raises

DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))
FORMATS = ("%b %d %H:%M:%S", "%d-%m %H:%M:%S", "%m%d%H%M%S", "%j %H:%M:%S", "%H:%M:%S %d %B")


def read(texts: list[str | None], format_: str, start: str, **settings: str) -> list[int | None]:
    recipe = Recipe.from_settings({"time": "t", "time-format": format_, "start": start, **settings})
    return to_nanoseconds([pl.Series("t", texts, dtype=pl.String)], recipe).nanoseconds.to_list()


def nanoseconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


@given(DAYS, st.lists(st.integers(0, 365 * 86_400 - 1), min_size=1, max_size=20), st.sampled_from(FORMATS))
def test_a_year_from_the_start_on_is_read_as_it_was(start: date, seconds: list[int], format_: str) -> None:
    """Of a day of the year, the number of a day changes with the year: it is compared as it is written."""
    moments = [
        datetime(start.year, start.month, start.day, tzinfo=UTC) + timedelta(seconds=one) for one in seconds
    ]
    if format_.startswith("%j"):
        limit = start.timetuple().tm_yday
        moments = [at for at in moments if at.year == start.year or at.timetuple().tm_yday < limit]
    expected = [nanoseconds(at) for at in moments]
    assert read([at.strftime(format_) for at in moments], format_, start.isoformat()) == expected


def test_the_end_of_a_day_and_a_local_zone() -> None:
    texts = ["Dec 31 24:00", "Jan 01 00:30", "Dec 31 23:30"]
    hour = 3600 * 10**9
    new_year = nanoseconds(datetime(2024, 1, 1, tzinfo=UTC))
    assert read([*texts], "%b %d %H:%M", "2023-12-31") == [new_year, new_year + hour // 2, new_year - hour // 2]
    local = read([*texts], "%b %d %H:%M", "2023-12-31", timezone="Europe/Berlin")
    assert local == [new_year - hour, new_year - hour // 2, new_year - hour * 3 // 2]


def test_a_day_that_its_year_has_not_says_so() -> None:
    recipe = Recipe(time="t", time_format="%b %d", start="2023-01-01")
    columns = [pl.Series("t", ["Feb 28", "Feb 29", "Feb 30", ""])]
    assert to_nanoseconds(columns, recipe).nanoseconds.is_null().to_list() == [False, True, True, True]
    why = explain(columns, recipe)
    assert "29th of February" in why(1)[1]
    assert "2023" in why(1)[1]
    assert "29th of February" not in why(2)[1]
    assert read(["Feb 29", "366"], "%b %d", "2024-01-01")[0] is not None


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"time-format": "%b %d %H:%M"}, "recipe-conflict"),
        ({"time-format": "%b %d %H:%M", "start": "2024-01-01T08:00"}, "recipe-value"),
        ({"time-format": "%b %d %H:%M", "start": "?"}, "recipe-unfinished"),
        ({"time-format": "%Y %b %d %H:%M", "start": "2024-01-01"}, "recipe-conflict"),
        ({"time": ["t", "u"], "time-format": "year"}, "recipe-conflict"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, object], code: str) -> None:
    with raises(code, kind=RecipeError):
        Recipe.from_settings({"time": "t", **settings})


@given(st.integers(1900, 2200), st.text("0123456789", min_size=1, max_size=9))
def test_a_fraction_is_one_of_its_year(year: int, digits: str) -> None:
    begin, end = (nanoseconds(datetime(one, 1, 1, tzinfo=UTC)) for one in (year, year + 1))
    expected = begin + Fraction(int(digits), 10 ** len(digits)) * (end - begin)
    (found,) = to_nanoseconds([pl.Series([f"{year}.{digits}"])], Recipe(time="t", time_format="year")).nanoseconds
    assert abs(found - expected) <= 500_001


def test_years_as_files_hold_them() -> None:
    recipe = Recipe(time="t", time_format="year")
    half = nanoseconds(datetime(2024, 7, 2, tzinfo=UTC))
    for column in (
        pl.Series(["2024.5", "x", None]),
        pl.Series([2024.5, 99.0, None]),
        pl.Series(["2024,5", "", "1"]),
    ):
        assert to_nanoseconds([column], recipe).nanoseconds.to_list() == [half, None, None]
    whole = Recipe(time="t", time_format="%Y")
    expected = [nanoseconds(datetime(2024, 1, 1, tzinfo=UTC))]
    assert to_nanoseconds([pl.Series(["2024"])], whole).nanoseconds.to_list() == expected
    assert to_nanoseconds([pl.Series([2024])], recipe).nanoseconds.to_list() == expected
