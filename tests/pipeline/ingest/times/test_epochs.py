"""Numbers that are times, whatever they are counted from."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe
from longstride.pipeline.ingest.settings.epochs import UNITS_NS, Epoch, epoch_of
from longstride.pipeline.ingest.times.epochs import from_numbers, from_texts
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.storage.errors import LongstrideError
from tests.helpers.errors import raises

MOMENT = datetime(2031, 5, 17, 8, 30, tzinfo=UTC)


def nanoseconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def days_since(year: int, month: int = 1, day: int = 1, hour: int = 0) -> Fraction:
    since = nanoseconds(datetime(year, month, day, hour, tzinfo=UTC))
    return Fraction(nanoseconds(MOMENT) - since, UNITS_NS["d"])


CLOCKS = [
    ("excel", f"{float(days_since(1899, 12, 30)):.9f}"),
    ("excel-1904", f"{float(days_since(1904)):.9f}"),
    ("matlab", f"{float(days_since(1, 1, 1)) + 367:.9f}"),
    ("julian", f"{float(days_since(2000, 1, 1, 12)) + 2_451_545:.9f}"),
    ("mjd", f"{float(days_since(2000, 1, 1)) + 51_544:.9f}"),
    ("labview", str(int(days_since(1904) * 86_400))),
    ("apple", str(int(days_since(2001) * 86_400))),
    ("ntp", str(int(days_since(1900) * 86_400))),
    ("gps", str(int(days_since(1980, 1, 6) * 86_400) + 18)),
    ("ticks", str(int(days_since(1) * 864 * 10**9))),
    ("filetime", str(int(days_since(1601) * 864 * 10**9))),
    ("h since 2031-05-17", "8.5"),
    ("min since 2031-05-17T08:00", "30"),
    ("s since 2031-05-17T08:00+02:00", "9000"),
    ("ms", str(nanoseconds(MOMENT) // 10**6)),
]
"""MOMENT as each counts it."""
LOCAL = ("excel", "excel-1904", "matlab", "julian", "mjd", "ordinal", "ticks")


@pytest.mark.parametrize(("name", "number"), CLOCKS)
def test_one_moment_by_every_clock(name: str, number: str) -> None:
    found = to_nanoseconds([pl.Series([number, "", None, "no"])], Recipe(time="t", time_format=name)).nanoseconds
    assert found.to_list() == [nanoseconds(MOMENT), None, None, None]
    typed = pl.Series([float(number)] if "." in number else [int(number)])
    found = to_nanoseconds([typed], Recipe(time="t", time_format=name)).nanoseconds
    assert found.to_list() == [nanoseconds(MOMENT)]


@pytest.mark.parametrize(("name", "number"), CLOCKS)
def test_a_clock_on_the_wall_has_a_zone(name: str, number: str) -> None:
    """Days, and the steps of .NET, count what it shows, as hours since a date do; others count from a moment."""
    recipe = Recipe(time="t", time_format=name, timezone="Europe/Berlin")
    is_local = name in LOCAL or (" since " in name and "+" not in name)
    ahead = 2 * 3600 * 10**9 if is_local else 0
    for column in (pl.Series([number]), pl.Series([float(number)] if "." in number else [int(number)])):
        assert to_nanoseconds([column], recipe).nanoseconds.to_list() == [nanoseconds(MOMENT) - ahead]


def test_years_with_a_fraction_are_local() -> None:
    found = [
        to_nanoseconds([pl.Series([2031.5])], Recipe(time="t", time_format="year", timezone=zone)).nanoseconds[0]
        for zone in ("UTC", "Etc/GMT-3")
    ]
    assert found[0] - found[1] == 3 * 3600 * 10**9


@pytest.mark.parametrize("name", ["excel", "matlab", "mjd", "year"])
def test_times_are_rounded_on_the_wall(name: str) -> None:
    """Where clocks are set, the moment before an hour is of another one: 2:00 with few digits is 1:59:59.7."""
    hours = (
        datetime(2024, 10, 27, 2),
        datetime(2024, 3, 31, 3),
    )  # it comes twice; it follows one that never comes
    origin = {"excel": datetime(1899, 12, 30), "matlab": datetime(1, 1, 1), "mjd": datetime(1858, 11, 17)}
    for hour, summer in zip(hours, (0, 1), strict=True):
        if name == "year":
            number = 2024 + (hour - datetime(2024, 1, 1)) / timedelta(days=366) - 1e-8
        else:
            number = (hour - origin[name]) / timedelta(days=1) + 367 * (name == "matlab") - 4e-6
        recipe = Recipe(time="t", time_format=name, timezone="Europe/Berlin", ambiguous="latest", round_time="1s")
        found = to_nanoseconds([pl.Series([number])], recipe).nanoseconds
        expected = nanoseconds(hour.replace(tzinfo=UTC)) - (1 + summer) * 3600 * 10**9
        assert found.to_list() == [expected]


def test_gps_counts_leap_seconds() -> None:
    epoch = epoch_of("gps")
    assert epoch is not None
    first_after = nanoseconds(datetime(2017, 1, 1, tzinfo=UTC))
    seconds = (first_after - epoch.origin_ns) // 10**9
    found = from_numbers(pl.Series([0, seconds + 16, seconds + 17, seconds + 18, None]), epoch)
    assert found.to_list() == [
        nanoseconds(datetime(1980, 1, 6, tzinfo=UTC)),
        first_after - 10**9,
        first_after,
        first_after,
        None,
    ]


@given(
    st.integers(-(10**6), 10**6),
    st.text("0123456789", max_size=12),
    st.sampled_from(sorted(UNITS_NS.values())),
    st.integers(-(10**20), 10**20),
)
def test_numbers_are_exact(whole: int, fraction: str, unit: int, origin: int) -> None:
    text = f"{whole}.{fraction}" if fraction else str(whole)
    size = Fraction(f"0.{fraction or 0}") * unit
    is_power = set(str(unit)) <= {"1", "0"}
    part = int(size) if is_power else round(size / 10**6) * 10**6
    expected = origin + whole * unit + (-part if whole < 0 else part)
    found = from_texts(pl.Series([text, "x"]), Epoch(unit, origin)).to_list()
    assert found[1] is None
    if found[0] is None:
        assert abs(expected) > 2**63 - 3 * unit
    elif is_power:
        assert found[0] == expected
    else:
        assert abs(found[0] - expected) <= 10**6  # halves may go either way


@given(st.integers(-(9 * 10**12), 9 * 10**12), st.sampled_from(["", "+0100", "-0530"]), st.booleans())
def test_milliseconds_as_dot_net_writes_them(ms: int, offset: str, is_escaped: bool) -> None:
    slash = "\\/" if is_escaped else "/"
    found = from_texts(pl.Series([f"{slash}Date({ms}{offset}){slash}", f"/Date({ms}", "/Date()/"]), Epoch(10**6))
    assert found.to_list() == [ms * 10**6, None, None]


@given(st.integers(1000, 10**10), st.text("0123456789", min_size=1, max_size=9))
def test_a_comma_behind_four_digits_is_no_one_of_thousands(whole: int, fraction: str) -> None:
    epoch = Epoch(10**9)
    texts = pl.Series([f"{whole},{fraction}", "1,234", "1,234,567", "12,5"])
    assert from_texts(texts, epoch).to_list() == [
        *from_texts(pl.Series([f"{whole}.{fraction}"]), epoch),
        *[None] * 3,
    ]


@pytest.mark.parametrize(
    ("text", "plain"), [("1.7e+09", 1_700_000_000.0), ("1.7D+09", 1_700_000_000.0), ("-5.0E-01", -0.5)]
)
def test_exponents(text: str, plain: float) -> None:
    epoch = epoch_of("s")
    assert epoch is not None
    assert from_texts(pl.Series([text, "1.5"]), epoch).to_list() == [int(plain * 10**9), 1_500_000_000]


def test_elapsed_time_begins_at_the_start() -> None:
    recipe = Recipe(time="t", time_format="ms", start="2031-05-17T10:30", timezone="Europe/Berlin")
    found = to_nanoseconds([pl.Series(["0", "2.5"])], recipe).nanoseconds
    assert found.to_list() == [nanoseconds(MOMENT), nanoseconds(MOMENT) + 2_500_000]


@pytest.mark.parametrize(
    ("settings", "code", "facts"),
    [
        ({"time_format": "weeks since 2024"}, "recipe-value", ("'weeks since 2024'", "excel", "100ns")),
        ({"time_format": "s since yesterday"}, "recipe-value", ("'s since yesterday'", "2024-03-01")),
        ({"time_format": "s", "start": "soon"}, "recipe-value", ("'soon'", "2024-03-01T08:00")),
        ({"time_format": "excel", "start": "2024-03-01"}, "recipe-conflict", ("start",)),
        ({"start": "2024-03-01"}, "recipe-conflict", ("start",)),
    ],
)
def test_what_makes_no_sense(settings: dict[str, str], code: str, facts: tuple[str, ...]) -> None:
    with raises(code, *facts, kind=LongstrideError):
        Recipe(time="t", **settings)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_parts_of_a_second_of_gps_count_leap_seconds_too(unit: str) -> None:
    seconds = pl.Series("t", ["1427610618"])
    parts = pl.Series("t", [str(1_427_610_618 * 10**9 // UNITS_NS[unit])])
    expected = to_nanoseconds([seconds], Recipe(time="t", time_format="gps")).nanoseconds
    found = to_nanoseconds([parts], Recipe(time="t", time_format=f"{unit} since gps")).nanoseconds
    assert found.to_list() == expected.to_list() == [nanoseconds(datetime(2025, 4, 2, 6, 30, tzinfo=UTC))]
