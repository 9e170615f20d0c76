"""When the first row was, as heads tell it."""

import pytest

from longstride.pipeline.profile.clock.told import doubt_of_begin
from longstride.pipeline.profile.head.begin import Begin
from longstride.pipeline.profile.head.facts import find_facts


def begin(*lines: str) -> Begin | None:
    return find_facts(lines, 2).begin


@pytest.mark.parametrize(
    ("lines", "start"),
    [
        (["Start Time 09:00:00", "Start Date 8/26/2023", "Download Date 9/3/2023"], "2023-08-26T09:00:00"),
        (["# start_time = Aug 31 1992 12:00:00"], "1992-08-31T12:00:00"),
        (["Log : 20250718 02:15:46"], "2025-07-18T02:15:46"),
        (["Start time: 2021/03/01 10:00:00.250"], "2021-03-01T10:00:00.250000"),
        (["Date\t2024/03/01", "Time\t08:00:01,1970510124996275989"], "2024-03-01T08:00:01.197051"),
        (["iBike,11,english", "2010,2,2,12,52,8"], "2010-02-02T12:52:08"),
        (["2024 03 01 08 00 01.25"], "2024-03-01T08:00:01.250000"),
        (["Datum;15.03.2024", "Uhrzeit;08:15:00"], "2024-03-15T08:15:00"),
        (["Recorded: 2024-03-01T08:00:00Z"], "2024-03-01T08:00:00+00:00"),
        (
            ["Cast time (UTC),2024-03-01 02:00:00", "Cast time (local),2024-03-01 12:00:00"],
            "2024-03-01T02:00:00+00:00",
        ),
        (["Start date: 3/4/2024", "date format M/d/yyyy"], "2024-03-04"),
        (["Name:,Row,,,Model:,GPS", "Start Time:,2024-03-01 10:02,,,Version:,2.1"], "2024-03-01T10:02:00"),
        (["start_time = Mar 01 2024 10:02:00 [Instrument's time stamp, header]"], "2024-03-01T10:02:00"),
        (
            ["start_time = Mar 01 2024 10:02:00 [header]", "binavg_date = Mar 09 2024 08:00:00, 7.26"],
            "2024-03-01T10:02:00",
        ),
        (["Start time: 1709287320 UTC"], "2024-03-01T10:02:00+00:00"),
        (["Start date: 3/4/2024", "date format d/M/yyyy"], "2024-04-03"),
        (["Date=20240301", "StartTime=2:16:26.0"], "2024-03-01T02:16:26"),
        (["~Start of Test: 15.03.2024 17:56:53", "~End of Test: 16.03.2024 11:05:04"], "2024-03-15T17:56:53"),
        (["Acquisition started on : 15/03/2024 11:03:23"], "2024-03-15T11:03:23"),
        (['"OPEN 6.1.4"', '"Fri Mar 15 2024 09:23:53"'], "2024-03-15T09:23:53"),
    ],
)
def test_ways_to_tell_a_start(lines: list[str], start: str) -> None:
    found = begin(*lines)
    assert found is not None
    assert found.start == start
    assert found.other is None


@pytest.mark.parametrize(
    "line",
    [
        "Download time: 2024-03-01 08:00:00",
        "Calibration date: 2024-03-01",
        "End time: 2024-03-01 08:00:00",
        "Start: 5",
        "2024,13,1,8,0,0",
        "2,2,2010,12,52,8",
        "2024,2,2,12,52",
        "2024,2,2,12,52,8,1",
        "binavg_date = Mar 09 2024 08:00:00, 7.26",
        "Time zone: 2024-03-01",
        "Start time: 08:00:00",
    ],
)
def test_what_tells_no_start(line: str) -> None:
    assert begin(line) is None


def test_the_last_of_several_and_a_start_before_a_date() -> None:
    found = begin("Date\t2024/03/01", "Time\t08:00:00", "Date\t2024/03/02", "Time\t09:00:00")
    assert found is not None
    assert (found.start, found.is_start, found.line) == ("2024-03-02T09:00:00", False, 2)
    found = begin("Start date: 2024-03-01", "Date: 2024-03-05")
    assert found is not None
    assert (found.start, found.is_start) == ("2024-03-01", True)


def test_lines_that_tell_other_times_are_named() -> None:
    found = begin("Start time: 2024-03-01 10:02:00", "Start: 2024-03-02 08:00:00", "Start date: 2024-03-02")
    assert found is not None
    assert [rival.text for rival in found.rivals] == ["Start time: 2024-03-01 10:02:00"]
    assert "line 1" in doubt_of_begin(found, "x")


def test_day_and_month_that_nothing_tells_apart() -> None:
    found = begin("Start date: 03/04/2024", "Start time: 08:00:00")
    assert found is not None
    assert {found.start, found.other} == {"2024-04-03T08:00:00", "2024-03-04T08:00:00"}
