"""Times as people and devices write them."""

from calendar import month_abbr

import polars as pl
import pytest

from longstride import Recipe, RecipeError
from longstride.pipeline.ingest.settings.time_format import DIRECTIVE, PATTERNS
from longstride.pipeline.ingest.times.month_names import ENGLISH, SEVERAL
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from tests.helpers.errors import raises


def read(texts: list[str | None], time_format: str | None, timezone: str = "UTC") -> list[str | None]:
    recipe = Recipe(time="t", time_format=time_format, timezone=timezone)
    found = to_nanoseconds([pl.Series(texts, dtype=pl.String)], recipe).nanoseconds
    moments = found.cast(pl.Datetime("ns")).dt.cast_time_unit("us")
    return [None if moment is None else moment.isoformat() for moment in moments]


@pytest.mark.parametrize(
    ("time_format", "text", "expected"),
    [
        ("%d/%m/%Y %H:%M:%S.%f", "17/05/2031 08:00:00.25", "2031-05-17T08:00:00.250000"),
        ("%d/%m/%Y %H:%M:%S,%f", "17/05/2031 08:00:00,5", "2031-05-17T08:00:00.500000"),
        ("%d/%m/%Y %H:%M:%S:%f", "17/05/2031 08:00:00:250", "2031-05-17T08:00:00.250000"),
        ("%d/%m/%Y %I:%M:%S.%f %p", "17/05/2031 08:00:00.5 PM", "2031-05-17T20:00:00.500000"),
        ("%b %d, %Y %H:%M:%S,%f", "May 17, 2031 08:00:00,5", "2031-05-17T08:00:00.500000"),
        ("%Y-%m-%d %H:%M:%S.%f%z", "2031-05-17 08:00:00.5+02:00", "2031-05-17T06:00:00.500000"),
        ("%Y-%m-%d %H:%M:%S %Z", "2031-05-17 08:00:00 CEST", "2031-05-17T06:00:00"),
        ("%Y-%m-%d %H:%M:%S %Z", "2031-01-17 08:00:00 EST", "2031-01-17T13:00:00"),
        ("%Y-%m-%d %H:%M:%S %Z", "2031-05-17 08:00:00 utc", "2031-05-17T08:00:00"),
        ("%a %b %d %H:%M:%S %Z %Y", "Sat May 17 08:00:00 MESZ 2031", "2031-05-17T06:00:00"),
        ("%a %b %d %H:%M:%S %Y", "Sat May  7 08:00:00 2031", "2031-05-07T08:00:00"),
        ("%a %b %d %H:%M:%S %Y", "Sa Mai 17 24:00:00 2031", "2031-05-18T00:00:00"),
        ("%Y %j %H%.f", "2031 137 0.5", "2031-05-17T00:30:00"),
        ("%Y %j %H.%f", "2031 137 23,25", "2031-05-17T23:15:00"),
        ("%Y %j %H%.f", "2031 137 1", "2031-05-17T01:00:00"),
        ("%Y %j %H%.f", "2031 137 24.0", "2031-05-18T00:00:00"),
        ("%Y-%m-%d %H%.f", "2031-05-17 8.333333333", "2031-05-17T08:20:00"),
        ("%Y %j%.f", "2031 137.25", "2031-05-17T06:00:00"),
        ("%Y-%m-%d %H:%M%.f", "2031-05-17 08:15.1", "2031-05-17T08:15:06"),
        ("%Y-%m-%d %H:%M:%S%.f", "2031-05-17 08:15:01.1", "2031-05-17T08:15:01.100000"),
        ("%d. %B %Y %H:%M", "17. März 2031 08:00", "2031-03-17T08:00:00"),
        ("%d-%b-%Y %H:%M", "17-DÉC.-2031 08:00", "2031-12-17T08:00:00"),
        ("%d/%m/%Y %I:%M %p", "17/05/2031 8:00 p.m.", "2031-05-17T20:00:00"),
        ("%d/%m/%Y %I:%M %p", "17/05/2031 8:00 p.\u00a0m.", "2031-05-17T20:00:00"),
        ("%d/%m/%Y %H:%M", "  17/05/2031\u00a0 08:00\t", "2031-05-17T08:00:00"),
        ("%Y-%m-%d %H:%M", "2031-12-31 24:00", "2032-01-01T00:00:00"),
        ("%H:%M %d.%m.%Y", "24:00 17.05.2031", "2031-05-18T00:00:00"),
        ("%Y-%m-%d %H:%M:%S", "2031-05-17 23:59:60", "2031-05-18T00:00:00"),
        ("%Y%m%d %H%M", "20310517 5", "2031-05-17T00:05:00"),
        ("%Y%m%d %H%M", "20310517 123", "2031-05-17T01:23:00"),
        ("%Y%m%d %H%M", "20310517 2400", "2031-05-18T00:00:00"),
        ("%Y%m%d %H%M%S", "20310517 12345", "2031-05-17T01:23:45"),
        ("%Y %j %H%M", "2031 137 800", "2031-05-17T08:00:00"),
        ("%Y%m%d%H", "2031051708", "2031-05-17T08:00:00"),
        ("%Y%m%d%H", "2031051724", "2031-05-18T00:00:00"),
        ("%Y:%q", "2031:2", "2031-04-01T00:00:00"),
        ("%YQ%q", "2031Q4", "2031-10-01T00:00:00"),
        ("Q%q %Y", "Q1 2031", "2031-01-01T00:00:00"),
        ("%Y-%m-%d %H:%M:%S%.f", "2031-5-7 8:5:3.25", "2031-05-07T08:05:03.250000"),
        ("%I:%M %p, %a %b %d %Y", "As of 11:00 PM, Sat May 17 2031", "2031-05-17T23:00:00"),
        ("%I:%M %p, %a %b %d %Y", "Last Updated: 12:01 AM, Sat May 17 2031", "2031-05-17T00:01:00"),
        ("%d. %B %Y", "17. siječnja 2031", "2031-01-17T00:00:00"),
        ("%d %b %Y", "17 kol 2031", "2031-08-17T00:00:00"),
        ("%d tháng %m %Y", "17 tháng 5 2031", "2031-05-17T00:00:00"),
        ("%H%M%S %d%m%y", "221415 170531", "2031-05-17T22:14:15"),
        ("%G-W%V-%uT%H:%M", "2031-W20-6T08:00", "2031-05-17T08:00:00"),
        (None, "2031-05-17 24:00", "2031-05-18T00:00:00"),
        (None, "2031-05-17T23:59:60Z", "2031-05-18T00:00:00"),
        (None, "2031-05-17 08:00:00 CEST", "2031-05-17T06:00:00"),
        (None, "2031-05-17 08:00:00UTC", "2031-05-17T08:00:00"),
    ],
)
def test_a_spelling(time_format: str | None, text: str, expected: str) -> None:
    assert read([text, None, text, "no time"], time_format) == [expected, None, expected, None]


@pytest.mark.parametrize(
    ("time_format", "text"),
    [
        ("%Y-%m-%d %H:%M", "2031-05-17 24:01"),
        ("%Y-%m-%d %H:%M", "2031-05-17 25:00"),
        ("%Y-%m-%d %H:%M:%S", "2031-05-17 24:00:01"),
        ("%Y-%m-%d %H:%M:%S", "2031-05-17 08:00:61"),
        ("%Y-%m-%d %H:%M %Z", "2031-05-17 08:00 IST"),
        ("%Y-%m-%d %H:%M %Z", "2031-05-17 08:00 XYZ"),
        ("%d %B %Y", "17 Brumaire 2031"),
        ("%Y-%m-%d %H:%M:%S.%f", "2031-05-17 08:00:00.x"),
        (None, "2031-05-17 08:00 IST"),
        ("%Y%m%d%H%M", "20311105123"),
        ("%Y%m%d", "2031111"),
        ("%Y%m%d%H", "203105171"),
        ("%y%m%d%H%M%S", "3111051234"),
        (None, "2031-05-17 24:30"),
        ("%Y %j %H%.f", "2031 137 24.5"),
        ("%Y %j %H%.f", "2031 137 25.5"),
        ("%Y %j %H", "2031 137 0.5"),
        ("%Y %j %H%.f", "2031 137 1.x"),
        ("%Y:%q", "2031:5"),
        ("%Y:%q", "2031:0"),
        ("%d %b %Y", "17 sunrise at 2031"),
        ("%H:%M %d.%m.%Y", "sunrise at 08:00 17.05.2031"),
    ],
)
def test_what_is_no_time_stays_none(time_format: str | None, text: str) -> None:
    assert read([text], time_format) == [None]


def test_a_zone_knows_its_own_names() -> None:
    format_ = "%Y-%m-%d %H:%M %Z"
    assert read(["2031-05-17 08:00 IST"], format_, "Asia/Kolkata") == ["2031-05-17T02:30:00"]
    assert read(["2031-05-17 08:00 BST"], format_, "Europe/London") == ["2031-05-17T07:00:00"]
    assert read(["2031-05-17 08:00 CST"], format_, "America/Chicago") == ["2031-05-17T14:00:00"]


def test_the_hour_24_of_a_day_on_which_clocks_change() -> None:
    assert read(["2031-03-30 24:00"], "%Y-%m-%d %H:%M", "Europe/Berlin") == ["2031-03-30T22:00:00"]


@pytest.mark.parametrize(
    ("time_format", "facts"),
    [
        ("%H%M%S%f", ("%3f", "%6f")),
        ("%d.%m.%Y %H:%M - %d.%m.%Y %H:%M", ("%d", "2 times", "interval")),
        ("%d %e %Y", ("%d", "2 times")),
        ("100%%", ("100%%", "directives")),
    ],
)
def test_formats_that_would_not_mean_what_they_say(time_format: str, facts: tuple[str, ...]) -> None:
    with raises("recipe-value", *facts, kind=RecipeError):
        Recipe(time="t", time_format=time_format)


def test_names_of_months_mean_one_month() -> None:
    assert set(ENGLISH.values()) == set(month_abbr[1:])
    own = {"january", "jan", "march", "mar", "may", "sep", "dec"}
    assert not own & ENGLISH.keys()
    assert all(DIRECTIVE.fullmatch(f"%{letter}") for letter in PATTERNS)


@pytest.mark.parametrize(
    "text",
    [
        "17.05.2031 08:00 - 17.05.2031 09:00",
        "17.05.2031 08:00 – 17.05.2031 09:00",  # noqa: RUF001
        "17.05.2031 08:00 bis 17.05.2031 09:00",
        "17.05.2031 08:00/17.05.2031 09:00",
        "17.05.2031 08:00..17.05.2031 09:00",
        "17.05.2031 08:00-17.05.2031 09:00",
    ],
)
def test_an_interval_has_two_ends(text: str) -> None:
    for interval, expected in (("begin", 8), ("end", 9)):
        recipe = Recipe(time="t", time_format="%d.%m.%Y %H:%M", interval=interval)  # type: ignore[arg-type]
        found = to_nanoseconds([pl.Series("t", [text, "17.05.2031 08:00", None])], recipe).nanoseconds
        assert found.cast(pl.Datetime("ns")).dt.hour().to_list() == [expected, None, None]


@pytest.mark.parametrize("text", ["1924948800", "1924948800.5"])
def test_unix_seconds_are_in_utc_whatever_the_zone(text: str) -> None:
    format_ = "%s%.f" if "." in text else "%s"
    assert read([text], format_, "Europe/Berlin") == read([text], f"{format_}", "UTC") != [None]
    assert read([f"{text} UTC"], f"{format_} UTC", "Europe/Berlin") == read([text], format_)


def test_names_of_months_that_are_others_elsewhere() -> None:
    assert {name: ENGLISH[name] for name in SEVERAL} == {name: first for name, (first, _) in SEVERAL.items()}


def test_an_interval_behind_a_date() -> None:
    recipe = Recipe(time=("d", "t"), time_format="%d.%m.%Y %H:%M", interval="end")
    columns = [pl.Series("d", ["17.05.2031"]), pl.Series("t", ["08:00-09:00"])]
    assert to_nanoseconds(columns, recipe).nanoseconds.cast(pl.Datetime("ns")).dt.hour().to_list() == [9]


def test_dates_with_slashes_are_no_intervals() -> None:
    recipe = Recipe(time="t", time_format="%d/%m/%Y %H:%M", interval="end")
    found = to_nanoseconds([pl.Series("t", ["17/05/2031 08:00 - 17/05/2031 09:00"])], recipe).nanoseconds
    assert found.cast(pl.Datetime("ns")).dt.hour().to_list() == [9]


def test_times_can_be_rounded() -> None:
    recipe = Recipe(time="t", time_format="excel", round_time="1s")
    found = to_nanoseconds([pl.Series("t", ["47985.333333", "47985.334028", None])], recipe).nanoseconds
    assert found.cast(pl.Datetime("ns")).dt.to_string("%H:%M:%S%.f").to_list() == ["08:00:00", "08:01:00", None]
