"""Numbers that count from the day, the week or the year that other columns say."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe, RecipeError
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from tests.helpers.errors import raises

LONDON = ZoneInfo("Europe/London")
DAYS = st.dates(date(1990, 1, 1), date(2035, 1, 1)) | st.sampled_from(
    [date(2024, 3, 31), date(2024, 10, 27), date(2023, 3, 26), date(2023, 10, 29)]
)


def read(format_: str, *columns: list[object], **settings: str) -> list[int | None]:
    names = [f"c{number}" for number in range(len(columns))]
    recipe = Recipe.from_settings({"time": names, "time-format": format_, **settings})
    series = [pl.Series(name, column) for name, column in zip(names, columns, strict=True)]
    return to_nanoseconds(series, recipe).nanoseconds.to_list()


def nanoseconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


@given(DAYS, st.integers(0, 52))
def test_periods_of_days_on_which_clocks_change(day: date, period: int) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)
    after = day + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=LONDON).astimezone(UTC)
    moment = begin + timedelta(minutes=30) * (period - 1)
    expected = nanoseconds(moment) if begin <= moment < end else None
    found = read("%d/%m/%Y + 30min from 1", [f"{day:%d/%m/%Y}"], [str(period)], timezone="Europe/London")
    assert found == [expected]


@given(st.datetimes(datetime(2017, 1, 2), datetime(2040, 1, 1)))
def test_weeks_of_gps(moment: datetime) -> None:
    at = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    weeks, rest = divmod(at - datetime(1980, 1, 6, tzinfo=UTC) + timedelta(seconds=18), timedelta(days=7))
    milliseconds = rest // timedelta(milliseconds=1)
    expected = [nanoseconds(at)]
    assert read("gps-week + ms", [weeks], [milliseconds]) == expected
    assert read("gps-week + s", [str(weeks)], [f"{milliseconds // 1000}.{milliseconds % 1000:03}"]) == expected


@pytest.mark.parametrize(
    ("format_", "columns", "expected"),
    [
        ("%Y-%m-%d + s", (["2024-02-27"] * 4, ["0", "86400", "86401", "-1"]), [0, 86_400, None, None]),
        ("%Y%m%d + min", (["20240227"], ["90.5"]), [5430]),
        ("%Y %m %d + s", (["2024"], ["2"], ["27"], ["7"]), [7]),
        ("mjd + s", (["60367", "60367"], ["86399.5", "86400"]), [86_399.5, None]),
        ("%Y-%m-%d + d", (["2024-02-27", "2024-02-27"], ["0.25", "x"]), [21_600, None]),
        ("%Y + d from 1", (["2024", "2023"], ["58", "366.5"]), [0, None]),
        ("gps-week + s", (["2303", "2303"], ["604800", ""]), [None, None]),
    ],
)
def test_what_is_counted(format_: str, columns: tuple[list[object], ...], expected: list[float | None]) -> None:
    midnight = nanoseconds(datetime(2024, 2, 27, tzinfo=UTC))
    assert read(format_, *columns) == [None if one is None else midnight + int(one * 1e9) for one in expected]


@pytest.mark.parametrize(
    "settings",
    [
        {"time": "a", "time-format": "%Y-%m-%d + s"},
        {"time": ["a", "b"], "time-format": "%Y-%m-%d + s", "interval": "begin"},
        {"time": ["a", "b"], "time-format": "%b %d + s"},
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, object]) -> None:
    with raises("recipe-conflict", kind=RecipeError):
        Recipe.from_settings(settings)


@pytest.mark.parametrize("format_", ["noon + s", "%Y-%m-%d + weeks", "%Y-%m-%d + s from 7", "%Y %Y + s"])
def test_formats_that_mean_nothing(format_: str) -> None:
    with raises("recipe-value", kind=RecipeError):
        Recipe.from_settings({"time": ["a", "b"], "time-format": format_})
