"""Logs of stations and observatories: what a head tells of values, parts of times without names, old years."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal, open, profile
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, ingest, propose

DAY_NS = 86_400 * 10**9


def made(tmp_path: Path, lines: list[str]) -> tuple[Proposal, SeriesStore]:
    path = tmp_path / "a.txt"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return propose(path), ingest(path, out=tmp_path / "made.zarr")


def since_1970(moment: date) -> int:
    return (moment - date(1970, 1, 1)).days * DAY_NS


def times_of(store: SeriesStore) -> list[int]:
    return np.asarray(store.time[:]).astype("int64").tolist()


@pytest.mark.parametrize("factors", ["1 1 1", "1 0.01 1"])
def test_a_head_in_sections_tells_names_and_what_is_missing(tmp_path: Path, factors: str) -> None:
    head = ["SNOW 1.0", "[HEADER]", "station = X1", "nodata = -77", "tz = 1", f"units_multiplier = {factors}"]
    head += ["fields = timestamp HS TA", "[DATA]"]
    rows = [f"2020-01-{day:02}T00:00   {70 + day}.5  {-77 if day == 9 else 260 + day}" for day in range(1, 31)]
    found, store = made(tmp_path, [*head, *rows])
    assert tuple(store.channels) == ("HS", "TA")
    assert times_of(store) == [since_1970(date(2020, 1, day)) for day in range(1, 31)]
    assert np.flatnonzero(np.isnan(store.values[:, 1])).tolist() == [8]
    assert doubted(found, 'timezone = "Etc/GMT-1"')
    assert not doubted(found, "if that means missing")
    assert doubted(found, "a factor or an offset of each column") is (factors != "1 1 1")


def test_sentences_in_comments_are_no_names(tmp_path: Path) -> None:
    head = [
        "# Please cite the authors of it.",
        "# Values are daily means of",
        "# ",
        "# Units are in the manual.",
        "#",
    ]
    rows = [f"{2000 + month // 12} {month % 12 + 1} {month}.25 {month % 5} {month % 7} 1.5" for month in range(40)]
    found, store = made(tmp_path, [*head, *rows])
    assert found.settings["header"][0] == "a1"
    assert found.settings["time"] == ["a1", "a2"]
    assert doubted(found, "'a1', 'a2' are taken for 'year', 'month'")
    expected = [since_1970(date(2000 + month // 12, month % 12 + 1, 1)) for month in range(40)]
    assert times_of(store) == expected


def test_how_many_are_missing_is_no_missing_value(tmp_path: Path) -> None:
    rows = [f"2020-01-{day:02}T00:00   {day % 5}" for day in range(1, 31)]
    found, _ = made(tmp_path, ["[HEADER]", "missing = 3", "nodata = 0", "fields = time level", "[DATA]", *rows])
    assert "null" not in found.settings


def test_names_in_the_last_comment_below_lines_with_keys(tmp_path: Path) -> None:
    head = [":Product: indices.txt", ":Issued: 2024 May 10", "# Made of the means of a month by us.", "#"]
    head += ["#      --- Flux ---", "# YR MO   SWO  10.7cm  Ap", "#---------------------"]
    rows = [
        f"{1991 + month // 12} {month % 12 + 1:02}  {month}.5 {200 + month}.1 {month % 9}" for month in range(30)
    ]
    _, store = made(tmp_path, [*head, *rows])
    assert tuple(store.channels) == ("SWO", "10.7cm", "Ap")
    assert times_of(store)[13] == since_1970(date(1992, 2, 1))


@pytest.mark.parametrize("names", ["", "Station,Year,Month,Day,Rain"])
def test_years_before_1900(tmp_path: Path, names: str) -> None:
    days = [date(1818, 1, 1) + timedelta(days=number) for number in range(800)]
    station = "X9," if names else ""
    rows = [
        f"{station}{day.year},{day.month:02},{day.day:02},{number % 11 / 4}" for number, day in enumerate(days)
    ]
    _, store = made(tmp_path, [*filter(None, [names]), *rows])
    assert times_of(store) == list(map(since_1970, days))


def test_a_row_a_year_without_names(tmp_path: Path) -> None:
    rows = [f"{year} {(year % 7 - 3) / 4} {(year % 5 - 2) / 4} {(year % 9 - 4) / 8}" for year in range(1900, 1960)]
    found, store = made(tmp_path, [*rows, "1960 0.5 -99.99 -99.99", "1961 -99.99 -99.99 -99.99"])
    assert doubted(found, "'a1' is taken for the year of a row")
    assert times_of(store) == [since_1970(date(year, 1, 1)) for year in range(1900, 1962)]
    assert np.isnan(store.values[-2:]).sum() == 5
    assert found.settings["null"] == ["-99.99"]


@pytest.mark.parametrize("name", ["year_AD", "Year (CE)"])
def test_a_year_with_a_fraction(tmp_path: Path, name: str) -> None:
    found, store = made(tmp_path, [f"{name},level", *(f"{year}.5,{year % 7 / 4}" for year in range(1881, 1940))])
    assert doubted(found, f"{name!r} is taken for years with a fraction")
    assert times_of(store)[0] == since_1970(date(1881, 1, 1)) + 365 * DAY_NS // 2


def test_names_that_begin_with_numbers(tmp_path: Path) -> None:
    head = "Water Year,09480000flow(cfs),11151300flow(cfs),11098000flow(cfs)"
    rows = [f"{year},{year % 7 + 0.25},{year % 5 + 0.5},{year % 3 + 0.75}" for year in range(1981, 2011)]
    found, store = made(tmp_path, [head, *rows])
    assert tuple(store.channels) == ("09480000flow(cfs)", "11151300flow(cfs)", "11098000flow(cfs)")
    assert len(store.values) == 30
    assert doubted(found, "'Water Year' is taken for years (1981)")


def test_a_minute_by_its_whole_name_is_one(tmp_path: Path) -> None:
    moments = [datetime(2016, 9, 23, 1, 52, tzinfo=UTC) + timedelta(minutes=372 * row) for row in range(60)]
    rows = [f"{one:%Y,%-m,%-d,%-H,%-M},{row % 2 * 8 + 0.5}" for row, one in enumerate(moments)]
    _, store = made(tmp_path, ["Year,Month,Day,Hour,Minute,Height", *rows])
    assert times_of(store) == [int(one.timestamp()) * 10**9 for one in moments]


def test_a_few_numbers_without_names_are_no_years(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"{number} {number % 7 / 4}" for number in range(1990, 2000)))
    assert "every" in profile(path).settings
    path.write_text("\n".join(f"{number} {number % 7}" for number in range(1900, 1990)))
    assert profile(path).settings.get("time-format") != "year"


def test_julian_days_of_long_ago(tmp_path: Path) -> None:
    rows = [f"{2432187.25 + number},{number % 9}.5" for number in range(60)]
    found, store = made(tmp_path, ["time (Julian Date),flux", *rows])
    assert found.settings["time-format"] == "julian"
    first = datetime(1947, 1, 1, 18, tzinfo=UTC).timestamp()
    assert times_of(store)[:2] == [int(first) * 10**9, int(first) * 10**9 + DAY_NS]


def test_a_line_of_a_station_above_narrower_rows(tmp_path: Path) -> None:
    rows = [f"2007/01/{day:02} 01:00   0.{day:02}1 U" for day in range(1, 31)]
    found, store = made(tmp_path, ["NET  Town   43.15  2.95  112.0  0.05 Probe-X", *rows])
    assert doubted(found, "names are invented")
    np.testing.assert_allclose(store.values[:, 0], [day / 100 + 0.001 for day in range(1, 31)], rtol=1e-6)


def test_a_head_that_is_longer_than_its_table(tmp_path: Path) -> None:
    head = [f"Setting {number},{number}.5," for number in range(30)]
    rows = [f"{row},7/27/2017,10:33:{row + 13},26.{row},98.{row},0.5" for row in range(1, 9)]
    _, store = made(tmp_path, [*head, "Sample #,Date,Start Time,Temp (C),Pressure (kPa),6.15", *rows])
    assert {"Temp (C)", "Pressure (kPa)"} <= set(store.channels)
    assert times_of(store)[0] == since_1970(date(2017, 7, 27)) + (10 * 3600 + 33 * 60 + 14) * 10**9


def test_one_name_above_a_date_and_a_time(tmp_path: Path) -> None:
    head = ["Site,X,,,", "Scan No ,Date and Time,  Light,   ,", "   ,   ,RAW VALUE ,CALIBRATED VALUE,", ",,,,"]
    rows = [f"{row},{row}/6/2020, 13:15:00,{row * 3},{row * 2.5}" for row in range(1, 31)]
    found, store = made(tmp_path, [*head, *rows])
    assert tuple(store.channels) == ("Light RAW VALUE", "Light CALIBRATED VALUE")
    np.testing.assert_array_equal(store.values[:, 1], [row * 2.5 for row in range(1, 31)])
    assert doubted(found, "names behind it are those of one column further on")


def test_the_start_of_a_session_that_stands_in_a_table_above(tmp_path: Path) -> None:
    head = ["Name,Sport,Date,Start time,Duration,Calories", "X,RUN,15-02-2020,08:14:34,00:01:30,56"]
    rows = [f",00:{second // 60:02}:{second % 60:02},{90 + second % 7},{second % 3}" for second in range(90)]
    found, store = made(tmp_path, [*head, "Sample rate,Time,HR (bpm),Cadence", *rows])
    assert found.settings["start"] == "2020-02-15T08:14:34"
    assert times_of(store)[0] == since_1970(date(2020, 2, 15)) + (8 * 3600 + 14 * 60 + 34) * 10**9
    assert doubted(found, "Start time 08:14:34")


def test_a_time_in_bed_is_no_zone(tmp_path: Path) -> None:
    rows = [f"2015-03-{day:02} 22:12:36;{day % 9 + 1}:{day:02};{day * 2}" for day in range(1, 31)]
    found, _ = made(tmp_path, ["Start;Time in bed;Steps", *rows])
    assert not doubted(found, "seems to say it")


def test_rows_of_each_machine_that_complete_each_other(tmp_path: Path) -> None:
    rows = [
        f"2024-03-01 08:{minute:02},{machine},remark {minute} {machine} {first},"
        + (f"{20 + minute * 5 % 7 + at}.5," if first else f",{50 + minute % 5 - at}.25")
        for minute in range(50)
        for at, machine in enumerate(("north", "south"))
        for first in (True, False)
    ]
    found, store = made(tmp_path, ["time,machine,note,temp,hum", *rows])
    assert (found.settings["series"], found.settings["duplicates"]) == ("machine", "same")
    assert store.values.shape == (100, 2)
    assert not np.isnan(store.values).any()


def test_rows_of_one_time_that_complete_each_other(tmp_path: Path) -> None:
    rows = [f"2020-02-12 08:14:{second:02},{second}.5," for second in range(40)]
    rows += [f"2020-02-12 08:14:{second:02},,{100 + second}" for second in range(40)]
    found, store = made(tmp_path, ["time,temperature,heart_rate", *sorted(rows)])
    assert found.settings["duplicates"] == "same"
    np.testing.assert_array_equal(store.values, [[second + 0.5, 100 + second] for second in range(40)])


@pytest.mark.parametrize("head", [[["Station report"]], [["A", "A", "A"], ["B", "B", "B"]]])
def test_rows_above_the_names_of_a_sheet(tmp_path: Path, head: list[list[str]]) -> None:
    pytest.importorskip("fastexcel")
    xlsxwriter = pytest.importorskip("xlsxwriter")
    path = tmp_path / "log.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([*head, ["Timestamp", "W/m2 Sun", "mm Rain"]]):
            sheet.write_row(number, 0, row)
        for number in range(50):
            moment = datetime(2024, 3, 1) + timedelta(minutes=30 * number)
            sheet.write_row(len(head) + 1 + number, 0, [moment, number / 2, number % 7])
    found = propose(path)
    store = open(ingest(path, out=tmp_path / "made.zarr").path)
    assert tuple(store.channels) == ("W/m2 Sun", "mm Rain")
    assert any(" above that of the names" in line for line in found.seen)
    np.testing.assert_array_equal(store.values[:, 0], [number / 2 for number in range(50)])
