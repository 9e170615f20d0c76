"""Which columns are found to be the time, and in which format."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Proposal
from longstride.pipeline.profile.clock.times import find_times
from longstride.pipeline.profile.column import Column
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, propose, times, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]
HOUR_NS = 3_600 * 10**9
FORMATS = [
    ("%Y-%m-%d %H:%M:%S", None),
    ("%Y-%m-%dT%H:%M:%S.%fZ", None),
    ("%Y-%m-%d %H:%M:%S+01:00", None),
    ("%Y-%m-%d", None),
    ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M"),
    ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"),
    ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M"),
    ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p"),
    ("%d.%m.%Y %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S%.f"),
    ("%d.%m.%Y %H:%M:%S,%f", "%d.%m.%Y %H:%M:%S,%f"),
    ("%d.%m.%y %H:%M", "%d.%m.%y %H:%M"),
    ("%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M:%S"),
    ("%d %B %Y %H:%M", "%d %B %Y %H:%M"),
    ("%b %d, %Y %I:%M %p", "%b %d, %Y %I:%M %p"),
    ("%d/%b/%Y:%H:%M:%S +0100", "%d/%b/%Y:%H:%M:%S %#z"),
    ("%d/%m/%Y %H:%M:%S UTC", "%d/%m/%Y %H:%M:%S UTC"),
    ("%Y%m%d%H%M%S", "%Y%m%d%H%M%S"),
    ("%Y%m%dT%H%M%S", "%Y%m%dT%H%M%S"),
    ("%Y%m%d", "%Y%m%d"),
]


@pytest.mark.parametrize("name", ["Due date", "valid_until", "ExpiryDate", "Next calibration", "date of birth"])
def test_a_time_of_something_else_is_not_the_clock(look: LOOK, name: str) -> None:
    other = times(40, start=datetime(2025, 1, 1))
    found = look(f"{name},logged,v", other, times(40), wave(40))
    assert found.settings["time"] == "logged"
    assert not doubted(found, "something else than a row")
    found = look(f"{name},ms,v", other, range(0, 4000, 100), wave(40))
    assert (found.settings["time"], found.settings["time-format"]) == ("ms", "ms")
    found = look(f"{name},v", other, wave(40))
    assert found.settings["time"] == name
    assert doubted(found, f"{name!r} is called a time of something else than a row")


FORMS = [("MM/DD/YY", "%m/%d/%y"), ("dd/mm/yyyy", "%d/%m/%y"), ("M/d/yyyy", "%m/%d/%y"), ("YY/MM/DD", "%y/%m/%d")]


@pytest.mark.parametrize(("form", "format_"), FORMS)
@pytest.mark.parametrize("lines", [["Date [{}],v"], ["When,v", "{} HH:mm,kW"]])
def test_names_and_units_tell_the_order_of_dates(look: LOOK, form: str, format_: str, lines: list[str]) -> None:
    rows = [f"03/05/04 {row // 4:02}:{row % 4 * 15:02}" for row in range(40)]
    found = look("\n".join(lines).format(form), rows, wave(40))
    assert found.settings["time-format"] == f"{format_} %H:%M"
    assert doubted(found, "only what the column is called tells which")
    assert found.settings.get("unit", []) == (["v=kW"] if lines[1:] else [])


def test_am_and_pm_tell_more_than_the_form_in_a_name(look: LOOK) -> None:
    rows = [f"03/05/2024 {1 + row // 4:02}:{row % 4 * 15:02} AM" for row in range(40)]
    assert look("Date [DD-MM-YYYY],v", rows, wave(40)).settings["time-format"] == "%m/%d/%Y %I:%M %p"


def test_another_clock_tells_more_than_the_form_in_a_name(look: LOOK) -> None:
    """As a logger whose owner changed the language of the computer."""
    rows = [f"03/05/2024 {row // 4:02}:{row % 4 * 15:02}" for row in range(40)]
    seconds = [int(datetime(2024, 3, 5, tzinfo=UTC).timestamp()) + 900 * row for row in range(40)]
    found = look("Date (DD/MM/YYYY),stamp,v", rows, seconds, wave(40))
    assert found.settings["time"] == "stamp" or found.settings["time-format"] == "%m/%d/%Y %H:%M"


def test_a_form_that_rows_contradict_tells_nothing(look: LOOK) -> None:
    rows = [f"{1 + row}/05/2024" for row in range(25)]
    assert look("Date (MM/DD/YYYY),v", rows, wave(25)).settings["time-format"] == "%d/%m/%Y"


@pytest.mark.parametrize("name", ["valid", "valid_time", "Datum", "created_at"])
def test_a_time_of_rows_is_not_doubted_as_one_of_something_else(look: LOOK, name: str) -> None:
    found = look(f"{name},v", times(40), wave(40))
    assert found.settings["time"] == name
    assert not doubted(found, "something else")


@pytest.mark.parametrize(
    ("name", "is_at_the_sun"), [("JD", False), ("julian_date", False), ("BJD_TDB", True), ("HJD", True)]
)
@pytest.mark.parametrize("digits", [5, 6, 8])
def test_julian_dates_of_astronomers(look: LOOK, name: str, is_at_the_sun: bool, digits: int) -> None:
    days = [f"{2460370.5 + row / 144:.{digits}f}" for row in range(40)]
    found = look(f"{name},v", days, wave(40))
    assert found.settings["time-format"] == "julian"
    assert doubted(found, "time at the Sun") == is_at_the_sun
    assert not doubted(found, "not called a time")


def test_julian_dates_of_six_digits_by_any_name(look: LOOK, store: STORE) -> None:
    days = [f"{2460370.5 + row / 144:.6f}" for row in range(40)]
    assert look("x,v", days, wave(40)).settings["time-format"] == "julian"
    assert set(np.diff(store().time)) == {600 * 10**9}


@pytest.mark.parametrize("header", ["Period,v", "Date,Time,v"])
def test_an_interval_is_doubted_beside_the_order_of_day_and_month(look: LOOK, header: str) -> None:
    """Neither doubt takes the place of the other."""
    begins = [datetime(2024, 3, 1) + timedelta(minutes=10 * row) for row in range(40)]
    ends = [begin + timedelta(minutes=10) for begin in begins]
    mark, form = (",", "%H:%M") if "Date" in header else (" ", "%d/%m/%Y %H:%M")
    texts = [
        f"{begin:%d/%m/%Y}{mark}{begin:%H:%M} - {end.strftime(form)}"
        for begin, end in zip(begins, ends, strict=True)
    ]
    found = look(header, texts, wave(40))
    assert found.settings["interval"] == "begin"
    assert doubted(found, "is an interval: its beginning is taken")
    assert doubted(found, "2024-01-03")


@pytest.mark.parametrize(("form", "expected"), FORMATS)
def test_formats_of_time(look: LOOK, form: str, expected: str | None) -> None:
    step = 86_400 if "%H" not in form and "%I" not in form else 600
    stamps = [f'"{text}"' for text in times(40, step=step, start=datetime(2024, 1, 20), form=form)]
    found = look("stamp,v", stamps, wave(40))
    assert found.settings.get("time-format") == expected
    assert doubted(found, "no zone") == (not form.endswith(("Z", "0", "UTC")))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([form for form in FORMATS if "%H" in form[0] or "%I" in form[0]]),
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
    st.integers(1, 4000),
)
def test_times_are_read_as_they_were_written(form: tuple[str, str | None], start: datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    stamps = times(40, step=60 * minutes, start=start, form=form[0])
    found, *_ = find_times({"time": Column(pl.Series("time", stamps))}, pl.Series([0] * 40))
    zone = timedelta(hours=1) if "01" in form[0] else timedelta(0)
    wanted = [round((datetime.strptime(text, form[0]).replace(tzinfo=UTC) - zone).timestamp()) for text in stamps]
    if found.doubt is None or not any(words in found.doubt for words in ("nothing tells which", "the future")):
        assert (found.nanoseconds // 10**9).to_list() == wanted


@pytest.mark.parametrize(
    ("stamps", "expected", "doubt"),
    [
        (times(40, step=86_400, form="%d/%m/%Y"), "%d/%m/%Y", None),
        (times(40, step=86_400, form="%m/%d/%Y"), "%m/%d/%Y", None),
        (
            [time for day in ("11/02", "12/02", "01/03") for time in times(5, form=f"{day}/2024 %H:%M")],
            "%d/%m/%Y %H:%M",
            "read as 2024-11-02 09:30:00, more rows would go back in time.",
        ),
        (
            times(40, step=10_800, start=datetime(2024, 2, 8), form="%m/%d/%Y %H:%M"),
            "%m/%d/%Y %H:%M",
            'steps would differ more. If it is that, say time-format = "%d/%m/%Y %H:%M"',
        ),
        (times(40, start=datetime(2024, 4, 3), form="%d/%m/%Y %H:%M"), "%d/%m/%Y %H:%M", "nothing tells which"),
    ],
    ids=["day first", "month first", "order", "steps", "neither"],
)
def test_day_and_month(look: LOOK, stamps: list[str], expected: str, doubt: str | None) -> None:
    found = look("time,v", stamps, wave(len(stamps)))
    assert found.settings["time-format"] == expected
    in_doubt = [text for text in found.doubts if text.startswith("time-format")]
    assert len(in_doubt) == (doubt is not None)
    assert doubt is None or doubt in in_doubt[0]


@pytest.mark.parametrize(("unit", "scale"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("year", [2005, 2024, 2030])
def test_numbers_since_1970(look: LOOK, store: STORE, unit: str, scale: int, year: int) -> None:
    begin = int(datetime(year, 6, 1, tzinfo=UTC).timestamp())
    found = look("ts,v", [(begin + 60 * row) * scale for row in range(40)], wave(40))
    assert found.settings == {"time": "ts", "time-format": unit}
    assert store().time[-1] == (begin + 60 * 39) * 10**9


@pytest.mark.parametrize("year", [1995, 2005, 2010, 2024])
def test_digits_that_say_the_whole_year_are_not_of_a_younger_one(look: LOOK, year: int) -> None:
    stamps = times(99, step=1800, start=datetime(year, 1, 1), form="%Y%m%d%H%M")
    found = look("TIMESTAMP_START,v", stamps, wave(99))
    assert found.settings["time-format"] == "%Y%m%d%H%M"
    assert not doubted(found, "%y%m%d")


def test_digits_of_two_years_are_in_doubt(look: LOOK) -> None:
    found = look("time,v", times(9, step=60, start=datetime(2005, 1, 1), form="%Y%m%d%H%M"), wave(9))
    assert found.settings["time-format"] == "%Y%m%d%H%M"
    assert doubted(found, "2020-05-01 01:00:00")


def test_numbers_as_large_as_times_are_none_where_they_do_not_rise(look: LOOK) -> None:
    numbers = np.random.default_rng(0).integers(10**9, 2 * 10**9, 40)
    with raises("times-not-found", "a.csv: ", "'flow'"):
        look("flow,v", numbers, wave(40))
    assert look("flow,v,stamp", numbers, wave(40), times(40)).settings["time"] == "stamp"


def test_typed_times_that_are_missing(tmp_path: Path) -> None:
    stamps = [float("nan") if row % 5 == 1 else 1.7e9 + 60 * row for row in range(40)]
    pl.DataFrame({"ts": stamps, "v": range(0, 80, 2)}).write_parquet(tmp_path / "a.parquet")
    found = propose(tmp_path / "a.parquet")
    assert found.settings == {"time": "ts", "time-format": "s"}
    assert doubted(found, "8 rows of the sample cannot be read: no time")


def test_time_is_chosen_by_its_name_and_others_are_left_out(look: LOOK) -> None:
    received, begin = times(40, start=datetime(2024, 3, 19)), [1_700_000_000] * 40
    clock = times(40, step=7200, form="%H:%M")  # whose values take turns, as series do
    stamps = times(40, step=7200)
    found = look("received,time,start time,clock,v", received, stamps, begin, clock, wave(40))
    assert found.settings == {"time": "time", "exclude": ["received", "start time", "clock"]}
    assert found.why["exclude=start time"] == "another time: '1700000000'"


@pytest.mark.parametrize(
    ("header", "forms", "expected"),
    [
        ("day,clock,v", ("%d/%m/%Y", "%H.%M.%S"), {"time": ["day", "clock"], "time-format": "%d/%m/%Y %H.%M.%S"}),
        ("day,clock,v", ("%Y-%m-%d", "%H:%M"), {"time": ["day", "clock"]}),
        ("day,hour,v", ("%Y-%m-%d", "%H"), {"time": ["day", "hour"], "time-format": "%Y-%m-%d %H"}),
        ("YY,MM,DD,hh,mm,v", ("%Y", "%m", "%d", "%H", "%M"), {"time": ["YY", "MM", "DD", "hh", "mm"]}),
        (",v", ("%Y-%m-%d %H:%M",), {"time": "column_1"}),
    ],
    ids=["date and time of day", "in ISO 8601", "date and hour", "parts", "without a name"],
)
def test_columns_of_time(
    look: LOOK, store: STORE, header: str, forms: tuple[str, ...], expected: dict[str, Any]
) -> None:
    found = look(header, *(times(100, step=3600, form=form) for form in forms), wave(100))
    assert found.settings == expected
    np.testing.assert_array_equal(np.diff(store().time), [HOUR_NS] * 99)


@pytest.mark.parametrize(
    ("header", "columns", "why"),
    [
        # A number could be anything.
        ("day,clock", ([f"{row:02}.{25 * (row % 2):02}" for row in range(24)],), {}),
        ("day,clock", ([f"{row:02}00" for row in range(24)],), {}),
        (
            "day,year,month,dd,v",
            ([2024] * 24, [3] * 24, [18] * 24, wave(24)),
            dict.fromkeys(["exclude=year", "exclude=month", "exclude=dd"], "a part of the time"),
        ),
        ("day,month,v", ([3] * 24, wave(24)), {"exclude=month": "always 3 in the sample"}),
    ],
    ids=["fractions", "digits", "parts beside a time", "a month alone"],
)
def test_what_is_no_part_of_the_time(look: LOOK, header: str, columns: Any, why: dict[str, str]) -> None:
    found = look(header, times(24, step=86_400), *columns)
    assert found.settings["time"] == "day"
    assert found.why == why


def test_the_newest_row_first(look: LOOK, store: STORE) -> None:
    found = look("time,v", times(40)[::-1], wave(40))
    assert found.settings == {"time": "time"}
    assert "the newest row is first; an ingest puts rows in order" in found.seen
    assert "the median step is 1m, all steps are the same" in found.seen
    np.testing.assert_array_equal(store().values[:, 0], np.array(wave(40)[::-1], np.float32))


def test_parts_come_before_a_time_of_another_name(look: LOOK) -> None:
    parts = (times(40, step=86_400, form=form) for form in ("%Y", "%m", "%d"))
    found = look("received,year,month,day,v", times(40, step=86_460), *parts, wave(40))
    assert found.settings == {"time": ["year", "month", "day"], "exclude": ["received"]}


def test_parts_that_are_missing_now_and_then(look: LOOK) -> None:
    days = ["NaN" if row == 3 else 1 + row // 24 for row in range(96)]
    found = look("year,month,day,hour,v", [2024] * 96, [3] * 96, days, [row % 24 for row in range(96)], wave(96))
    assert found.settings == {"time": ["year", "month", "day", "hour"], "max-rejects": "1"}
    assert doubted(found, "1 row of the sample cannot be read: no time")


@pytest.mark.parametrize(
    ("form", "time"),
    [
        ("%Y %m %d %H", ["a1", "a2", "a3", "a4"]),
        ("%Y %m %d %H %M", ["a1", "a2", "a3", "a4", "a5"]),
        ("%Y %j %m %d %H %M", ["a1", "a3", "a4", "a5", "a6"]),
        ("7 %Y %m %d %H", ["a2", "a3", "a4", "a5"]),
        ("53131 %Y%m%d %H%M", ["a2", "a3"]),
    ],
)
def test_parts_of_the_time_without_names(look: LOOK, form: str, time: list[str]) -> None:
    rows = [f"{stamp} {value:.2f} {number % 7}" for number, (stamp, value) in enumerate(_hourly(form))]
    found = look(rows[0], rows[1:])
    assert found.settings["time"] == time
    assert doubted(found, "the columns have no names") == (len(time) > 2)


def test_hours_and_minutes_without_zeros(look: LOOK) -> None:
    clocks = [f"{8 + row // 60}:{row % 60}" for row in range(0, 200, 5)]
    found = look("Date,Time,v", ["2024-3-1"] * 40, clocks, wave(40))
    assert found.settings["time"] == ["Date", "Time"]
    assert "times from 2024-03-01 08:00:00 to 2024-03-01 11:15:00" in found.seen
    assert found.settings.get("time-format") is None


def test_dates_that_are_the_same_either_way_are_in_doubt(look: LOOK) -> None:
    found = look("stamp,v", [f"11/11/2015 {row // 60}:{row % 60:02}" for row in range(40)], wave(40))
    assert doubted(found, 'time-format = "%m/%d/%Y %H:%M"')
    assert not doubted(look("stamp,v", times(40, start=datetime(2015, 11, 11)), wave(40)), "same time")


@pytest.mark.parametrize("form", ["%Y %m", "%m %d %H", "%d %m %Y"])
def test_numbers_that_are_no_clock_are_not_taken_for_one(look: LOOK, form: str) -> None:
    rows = [f"{stamp} {value:.2f} {number % 7}" for number, (stamp, value) in enumerate(_hourly(form))]
    with raises("times-not-found"):
        look(rows[0], rows[1:])


def _hourly(form: str) -> list[tuple[str, float]]:
    first = datetime(2024, 3, 1)
    return [((first + timedelta(hours=hour)).strftime(form), 20 + hour % 11 / 4) for hour in range(60)]


@pytest.mark.parametrize(
    ("header", "day", "time"),
    [
        ("Year,DoY,Hour,v", [80, 81], datetime(2024, 3, 20)),
        ("year,month,day,hour,v", ["3,20", "3,21"], datetime(2024, 3, 20)),
    ],
)
@pytest.mark.parametrize("step", [0.5, 0.25])
def test_hours_with_a_fraction(
    look: LOOK, store: STORE, header: str, day: list[object], time: datetime, step: float
) -> None:
    count = round(24 / step)
    hours = [f"{row % count * step:g}" for row in range(2 * count)]
    found = look(
        header, [2024] * 2 * count, [day[row // count] for row in range(2 * count)], hours, wave(2 * count)
    )
    assert found.settings["time"] == header.split(",")[:-1]
    assert not doubted(found, "repeat a time")
    made = store()
    assert made.time[0] == int(time.replace(tzinfo=UTC).timestamp()) * 10**9
    assert set(np.diff(made.time).tolist()) == {round(step * 3600 * 10**9)}


def test_hours_and_minutes_with_a_point_are_no_fraction(look: LOOK) -> None:
    clock = [f"{row // 2}.{row % 2 * 3}0" for row in range(48)]
    found = look("year,month,day,hour,v", [2024] * 96, [3] * 96, [1] * 48 + [2] * 48, 2 * clock, wave(96))
    assert "%H%.f" not in str(found.settings.get("time-format"))


@pytest.mark.parametrize(("format_", "first"), [("s", 1_709_251_200), ("excel", 45_352)])
def test_numbers_with_a_decimal_comma_are_times_too(look: LOOK, format_: str, first: int) -> None:
    stamps = [f"{first + 0.25 * row:.2f}".replace(".", ",") for row in range(40)]
    values = [f"{value}".replace(".", ",") for value in wave(40)]
    found = look("Zeit;v", stamps, values, mark=";")
    assert found.settings["time-format"] == format_


@pytest.mark.parametrize(("unit", "scale"), [("ms", 10**3), ("ns", 10**9)])
def test_milliseconds_since_2001_are_not_those_of_1994(look: LOOK, unit: str, scale: int) -> None:
    found = look("timestamp,v", [str((765_268_200 + row) * scale) for row in range(60)], wave(60))
    assert found.settings["time-format"] == f"{unit} since 2001-01-01"
    assert doubted(found, "1994-04-02 06:30:00")


def test_a_name_says_that_milliseconds_may_be_of_gps(look: LOOK) -> None:
    found = look("gps_time_ms,v", [str((1_427_610_618 + row) * 1000) for row in range(60)], wave(60))
    assert doubted(found, 'time-format = "ms since gps"')
