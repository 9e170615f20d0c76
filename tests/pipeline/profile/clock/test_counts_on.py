"""Columns that count on from another column, and numbers of which a name says what they are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal, ingest, profile
from longstride.storage.open import open_store
from longstride.storage.text import iso_time
from tests.helpers.logs.small_logs import doubted, log, wave

LOOK = Callable[..., Proposal]
WRITE = Callable[..., Path]
NAMES = [
    ("Settlement Date", "Settlement Period"),
    ("date", "period"),
    ("TradingDate", "TradingPeriod"),
    ("Datum", "Intervall"),
    ("Date", "HH"),
]


def periods(minutes: int, days: int = 3, form: str = "%d/%m/%Y") -> list[tuple[str, str]]:
    start, length = datetime(2024, 2, 27), timedelta(minutes=minutes)
    moments = [start + number * length for number in range(days * 1440 // minutes)]
    return [(at.strftime(form), str((at.hour * 60 + at.minute) // minutes + 1)) for at in moments]


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("minutes", [30, 15, 5])
def test_parts_of_a_day_by_number(look: LOOK, names: tuple[str, str], minutes: int) -> None:
    rows = periods(minutes)
    found = look(f"{','.join(names)},v", *zip(*rows, strict=True), wave(len(rows)))
    assert found.settings["time"] == list(names)
    assert found.settings["time-format"] == f"%d/%m/%Y + {minutes}min from 1"
    assert found.rows["time"].diff().drop_nulls().unique().to_list() == [minutes * 60 * 10**9]
    assert doubted(found, f"a period of {minutes} minutes")
    assert doubted(found, "Europe/London")


def test_a_day_of_autumn_needs_its_zone(write_log: WRITE, tmp_path: Path) -> None:
    rows = [(f"{day}/10/2024", period) for day in (26, 27, 28) for period in range(1, 51 if day == 27 else 49)]
    path = write_log("a.csv", log("date,period,v", *zip(*rows, strict=True), wave(len(rows))))
    found = profile([path])
    assert found.settings["time-format"] == "%d/%m/%Y + 30min from 1"
    assert doubted(found, "'27/10/2024 49' is not a time")
    settings = {**found.settings, "timezone": "Europe/London", "max-rejects": "0"}
    ingest([path], tmp_path / "s.zarr", type(found.recipe).from_settings(settings))
    found_times = np.asarray(open_store(tmp_path / "s.zarr").time[:])
    assert len(found_times) == len(rows)
    assert set(np.diff(found_times).tolist()) == {1800 * 10**9}


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ("date,number", [(f"{day}/03/2024", one) for day in (25, 26) for one in range(1, 49)]),
        ("date,period", [(f"{day}/03/2024", one) for day in (25, 26) for one in range(1, 41)]),
    ],
)
def test_other_numbers_are_no_parts_of_a_day(look: LOOK, names: str, rows: list[tuple[str, int]]) -> None:
    found = look(f"{names},v", *zip(*rows, strict=True), wave(len(rows)))
    assert "from 1" not in str(found.settings.get("time-format"))


def test_beats_below_the_time_at_which_they_began(write_log: WRITE, tmp_path: Path) -> None:
    """As wrist loggers write the intervals between beats: the first line is their beginning, and the name."""
    rows = [f"{0.8 * number + 3.5:.6f},{0.8 + number % 3 / 100}" for number in range(40)]
    path = write_log("IBI.csv", ["1709078380.000000, IBI", *rows])
    found = profile([path])
    assert found.settings["time-format"] == "s since 2024-02-27T23:59:40+00:00"
    ingest([path], tmp_path / "s.zarr", found.recipe)
    store = open_store(tmp_path / "s.zarr")
    assert list(store.channels) == ["IBI"]
    assert iso_time(int(store.time[0])).startswith("2024-02-27T23:59:43.5")
    assert store.num_rows == 40


@pytest.mark.parametrize(
    ("name", "numbers", "format_"),
    [
        ("days since 1970-01-01", [20_000 + number for number in range(40)], "d since 1970-01-01"),
        (
            "time (hours since 1900-01-01 12:30)",
            [1_000_000 + number for number in range(40)],
            "h since 1900-01-01T12:30:00",
        ),
        ("decimal_year", [f"{2014 + number / 12:.4f}" for number in range(40)], "year"),
        ("Year", [1980 + number for number in range(40)], "year"),
    ],
)
def test_a_name_says_since_when(look: LOOK, name: str, numbers: list[object], format_: str) -> None:
    found = look(f"{name},v", numbers, wave(40))
    assert found.settings["time-format"].replace(":00", "") == format_.replace(":00", "")
    assert not [doubt for doubt in found.doubts if doubt.startswith("time-format")]


def test_years_of_a_time_that_is_not_called_so_are_in_doubt(look: LOOK) -> None:
    found = look("time,v", [f"{2014 + number / 12:.4f}" for number in range(40)], wave(40))
    assert found.settings["time-format"] == "year"
    assert doubted(found, "years with a fraction")


@pytest.mark.parametrize(
    ("number", "readings"),
    [
        (762_387_000, ("apple", "s since 2000-01-01")),
        (738_943, ("matlab", "ordinal")),
    ],
)
def test_what_two_programs_write_alike_is_in_doubt(look: LOOK, number: int, readings: tuple[str, str]) -> None:
    found = look("time,v", [number + row for row in range(40)], wave(40))
    assert found.settings["time-format"] == readings[0]
    assert doubted(found, readings[1])


def test_a_clock_of_twelve_hours_without_its_half_is_in_doubt(look: LOOK) -> None:
    moments = [datetime(2024, 2, 27, tzinfo=UTC) + timedelta(hours=number) for number in range(48)]
    found = look("time,v", [f"{at:%Y-%m-%d %I:%M}" for at in moments], wave(48))
    assert doubted(found, "AM and PM")
    twelve = [at for at in moments if 1 <= at.hour <= 12]
    found = look("time,v", [f"{at:%Y-%m-%d %H:%M}" for at in twelve], wave(len(twelve)))
    assert not doubted(found, "AM and PM")


def days(name: str, numbers: list[object]) -> tuple[str, list[str], list[object]]:
    start = datetime(2024, 2, 10)
    return f"Date,{name},v", [f"{start + timedelta(days=number):%Y-%m-%d}" for number in range(40)], numbers


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("sod", [100 * number for number in range(40)]),
        ("run time", [number / 50 for number in range(40)]),
        ("period", [number % 48 + 1 for number in range(40)]),
        ("Hour", [number % 24 for number in range(40)]),
        ("Min", [number % 30 for number in range(40)]),
    ],
)
def test_a_day_a_row_has_no_part_of_one(look: LOOK, name: str, numbers: list[object]) -> None:
    header, dates, numbers = days(name, numbers)
    found = look(header, dates, numbers, wave(40))
    assert found.settings["time"] == "Date"
    assert found.rows["time"].diff().drop_nulls().unique().to_list() == [86_400 * 10**9]


def test_a_minimum_is_no_minute(look: LOOK) -> None:
    moments = [datetime(2024, 2, 27) + timedelta(hours=number) for number in range(48)]
    rows = [(at.year, at.month, at.day, at.hour, 7 * at.hour % 23) for at in moments]
    found = look("Year,Month,Day,Hour,Min,v", *zip(*rows, strict=True), wave(48))
    assert found.settings["time"] == ["Year", "Month", "Day", "Hour"]
    assert doubted(found, "'Min' is not taken for the minute")


def test_years_beside_times_are_a_channel_or_left_out(look: LOOK) -> None:
    moments = [datetime(2024, 2, 27) + timedelta(hours=number) for number in range(40)]
    found = look("Time,year,v", moments, [2014 + number / 12 for number in range(40)], wave(40))
    assert found.settings["time"] == "Time"
