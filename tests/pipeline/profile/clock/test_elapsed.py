"""Elapsed times: as numbers whose name says the unit, and as the texts of a clock."""

from collections.abc import Callable
from pathlib import Path

import pytest

from longstride import Proposal, profile
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, log, propose, wave

LOOK = Callable[..., Proposal]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Laufzeit (s)", "s"),
        ("Время, сек", "s"),
        ("時間[s]", "s"),
        ("时间(ms)", "ms"),
        ("Seconds since start", "s"),
        ("Minutes", "min"),
        ("Tempo (s)", "s"),
    ],
)
def test_units_in_names(look: LOOK, name: str, unit: str) -> None:
    found = look(f"{name};v", [f"{0.5 * row:.1f}" for row in range(40)], wave(40), mark=";")
    assert found.settings["time-format"] == unit
    assert doubted(found, "start =")


def clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@pytest.mark.parametrize(
    ("texts", "format_", "doubt"),
    [
        ([clock(1800 * row) for row in range(80)], "h:m:s", "without a date"),
        ([f"{row // 24}d {row % 24:02}:00:00" for row in range(80)], "h:m:s", "without a date"),
        ([f"{row // 2}:{30 * (row % 2):02}" for row in range(80)], "m:s", 'time-format = "h:m:s"'),
        ([f"{row // 4}:{15 * (row % 4):02}" for row in range(80)], "h:m:s", 'time-format = "m:s"'),
        ([f"0:{row // 2:02}.{5 * (row % 2)}" for row in range(80)], "m:s", "without a date"),
    ],
)
def test_clocks_without_a_date(look: LOOK, texts: list[str], format_: str, doubt: str) -> None:
    found = look("Elapsed,v", texts, wave(80))
    assert found.settings["time-format"] == format_
    assert doubted(found, doubt)


@pytest.mark.parametrize(
    ("name", "texts", "unit", "doubt"),
    [
        (
            "Minutes",
            [f"{row / 120:.5f}" for row in range(40)],
            "min",
            "0.00833 min is 0.4998 s, and stored as 0.5 s",
        ),
        ("time", [f"{0.01 * row:.2f}" for row in range(40)], "s", 'time-format = "min"'),
        ("time", [repr(row / 30) for row in range(40)], "s", 'time-format = "min"'),
        ("čas", [repr(12.5 + row / 3600) for row in range(40)], "h", 'time-format = "s"'),
    ],
)
def test_fractions_and_units_that_nothing_says(
    look: LOOK, name: str, texts: list[str], unit: str, doubt: str
) -> None:
    found = look(f"{name},v", texts, wave(40))
    assert found.settings["time-format"] == unit
    assert doubted(found, doubt)


def test_whole_milliseconds_of_minutes_need_no_doubt(look: LOOK) -> None:
    found = look("Minutes,v", [f"{0.25 * row:.2f}" for row in range(40)], wave(40))
    assert not doubted(found, "rounded")


@pytest.mark.parametrize("name", ["Elapsed Time", "Time"])
def test_an_elapsed_clock_begins_when_the_head_says(write_log: Callable[..., Path], name: str) -> None:
    rows = log(f"{name},v", [clock(2 * row) for row in range(40)], wave(40))
    found = propose(write_log("a.csv", ["Start Time:,2024-03-01 10:02", "", *rows]))
    assert (found.settings["time-format"], found.settings["start"]) == ("h:m:s", "2024-03-01T10:02:00")


def test_a_clock_that_falls_is_none(look: LOOK) -> None:
    with raises("times-not-found"):
        look("Time,v", [clock(7200 * row % 86_400) for row in range(40)], wave(40))


def test_texts_that_only_begin_as_a_time(look: LOOK) -> None:
    with raises("times-not-found"):
        look("t,v", ["0:05" if row % 2 else "23-Jan-1918" for row in range(40)], wave(40))


@pytest.mark.parametrize(
    ("name", "beside", "step", "unit", "is_doubted"),
    [
        ("time", "gyroX", 5, "ms", True),
        ("t", "AccX", 10, "ms", True),
        ("time", "accel_z", 1, "s", True),
        ("time", "ecg", 4, "ms", True),
        ("time (s)", "gyroX", 5, "s", False),
        ("time", "temperature", 5, "s", True),
        ("time", "access", 5, "s", True),
        ("Engine_Run_Time", "RPM", 22, "s", False),
        ("Time since engine start", "RPM", 22, "s", False),
        ("time", "RPM", 22, "ms", True),
    ],
)
def test_the_unit_of_whole_numbers(
    look: LOOK, name: str, beside: str, step: int, unit: str, is_doubted: bool
) -> None:
    found = look(f"{name},{beside}", [100 + step * row for row in range(80)], wave(80))
    assert (found.settings["time"], found.settings["time-format"]) == (name, unit)
    assert doubted(found, "its name says no unit") == is_doubted


LONG = [("rpm", "900"), ("speed", "0"), ("coolant", "81")]


@pytest.mark.parametrize("name", ["SECONDS", "time_ms"])
def test_rows_of_one_time_that_name_another_sensor_each(look: LOOK, name: str) -> None:
    seconds = [f"{60_338 + row // 3}" for row in range(90)]
    sensors = [LONG[row % 3][0] for row in range(90)]
    values = [int(LONG[row % 3][1]) + row // 3 % 7 for row in range(90)]
    found = look(f"{name};PID;VALUE", seconds, sensors, values, mark=";")
    assert (found.settings["time"], found.settings["pivot"]) == (name, "PID")


def test_rows_of_one_time_and_sensor_are_of_no_clock(look: LOOK) -> None:
    with raises("times-not-found"):
        look("SECONDS,PID,VALUE", [row // 30 for row in range(90)], ["rpm", "speed"] * 45, wave(90))


@pytest.mark.parametrize(
    ("step", "other"), [(25, '"s"'), (250, '"s"'), (5001, '"s" or "us"'), (100_003, '"s" or "us"')]
)
def test_whole_numbers_are_ms_unless_they_rise_too_fast(look: LOOK, step: int, other: str) -> None:
    found = look("timestamp,v", [step * row for row in range(40)], wave(40))
    assert found.settings["time-format"] == "ms"
    assert doubted(found, f"say time-format = {other}")


@pytest.mark.parametrize("steps", [[19_030_263] * 40, [600_001] * 40, [5003] * 39 + [40_000_000_000]])
def test_the_unit_is_asked_of_numbers_that_may_be_ns(look: LOOK, steps: list[int]) -> None:
    with raises("times-not-found", "nothing says its unit", "ns:" if steps[0] > 10**7 else "us:"):
        look("timestamp,v", [sum(steps[:row]) for row in range(1, 41)], wave(40))


@pytest.mark.parametrize(
    ("name", "unit"), [("TimeUS", "us"), ("time_ms", "ms"), ("sysTimeMs", "ms"), ("timestampNS", "ns")]
)
def test_units_that_end_the_name_of_a_time(look: LOOK, name: str, unit: str) -> None:
    assert look(f"{name},v", [12_000 + 400 * row for row in range(40)], wave(40)).settings["time-format"] == unit


def digits(count: int, name: str, rate: int = 20) -> list[str]:
    """A log of 20 Hz, as of a VBOX, or of 1 Hz, as of a GPS receiver: hours, minutes and seconds in digits."""
    seconds = [37_882 + row / rate for row in range(count)]
    clocks = [f"{int(at // 3600):02}{int(at // 60 % 60):02}{at % 60:05.2f}" for at in seconds]
    return log(f"{name},v", clocks, wave(count))


@pytest.mark.parametrize(("name", "rate"), [("time", 20), ("a", 20), ("a", 1)])
def test_digits_that_run_as_a_clock_are_times_of_day(write_log: Callable[..., Path], name: str, rate: int) -> None:
    path = write_log("a.csv", digits(120 * rate, name, rate))
    with raises("times-not-found", "the time of day alone"):
        propose(path)
    found = profile([path], start="2024-03-01")
    assert found.settings["time-format"] == "%H%M%S%.f"


def test_digits_of_less_than_a_minute_are_a_doubt(write_log: Callable[..., Path]) -> None:
    found = propose(write_log("a.csv", digits(200, "time")))
    assert found.settings["time-format"] == "s"
    assert doubted(found, "103122.00 of 'time' may be a time of day")
