"""Logs whose times hold a month and a day, and no year."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal, SourceError, ingest, profile
from longstride.storage.open import open_store
from longstride.storage.text import iso_time
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, log, propose, wave

WRITE = Callable[..., Path]
START = datetime(2024, 2, 27, 22, 10)
OVER = datetime(2023, 12, 30, 22, 10)
FORMS = [
    ("Time", "%b %d %H:%M:%S"),
    ("Time", "%m-%d %H:%M:%S.%f"),
    ("system/time", "%d-%m %H:%M:%S"),
    ("Time", "%m/%d %I:%M %p"),
    ("Time", "%d. %B %H:%M"),
    ("Time", "[%d/%b %H:%M:%S]"),
    ("Time", "%m%d %H:%M:%S.%f"),
    ("Time", "%m月%d日 %H:%M"),
    ("Time", "%H:%M:%S %d/%m"),
    ("Date,Time", "%d/%m,%H:%M"),
    ("Month,Day,Hour,Minute", "%m,%d,%H,%M"),
    ("Month,Day,Time", "%B,%d,%H:%M"),
    ("DOY,HHMM", "%j,%H%M"),
]


def written(
    write_log: WRITE,
    header: str = "Time",
    form: str = FORMS[0][1],
    *,
    start: datetime = START,
    count: int = 60,
    step: timedelta = timedelta(hours=1),
    name: str = "a.csv",
    above: Sequence[str] = (),
) -> Path:
    moments = [(start + number * step).strftime(form) for number in range(count)]
    return write_log(name, [*above, *log(f"{header},v", moments, wave(count))])


def first_and_last(tmp_path: Path, *files: Path, recipe: object) -> tuple[str, str]:
    ingest([*files], tmp_path / "s.zarr", recipe)  # type: ignore[arg-type]
    found = np.asarray(open_store(tmp_path / "s.zarr").time[:])
    return iso_time(int(found[0]))[:16], iso_time(int(found[-1]))[:16]


def told(found: Proposal) -> list[str]:
    return [doubt for doubt in found.doubts if doubt.startswith("start: ")]


@pytest.mark.parametrize(("header", "form"), FORMS)
def test_the_year_is_asked_for(write_log: WRITE, tmp_path: Path, header: str, form: str) -> None:
    path = written(write_log, header, form)
    found = profile([path])
    assert found.settings["start"] == "?"
    assert isinstance(found.question, SourceError)
    assert found.question.code == "times-not-found"
    assert "--start" in str(found.question)
    filled = profile([path], start="2024-02-27")
    assert filled.question is None
    assert first_and_last(tmp_path, path, recipe=filled.recipe) == ("2024-02-27T22:10", "2024-03-01T09:10")


@pytest.mark.parametrize(("header", "form"), FORMS)
def test_the_year_in_the_name_of_the_file(write_log: WRITE, tmp_path: Path, header: str, form: str) -> None:
    path = written(write_log, header, form, start=OVER, name="log_2023.csv")
    found = profile([path])
    assert "2023" in told(found)[0]
    assert first_and_last(tmp_path, path, recipe=found.recipe) == ("2023-12-30T22:10", "2024-01-02T09:10")


@pytest.mark.parametrize("above", ["Year: 2024", "Start Date: 2024-02-27", "# Year = 2024"])
def test_the_year_above_the_table(write_log: WRITE, tmp_path: Path, above: str) -> None:
    path = written(write_log, above=[above])
    found = profile([path])
    assert "2024" in told(found)[0]
    assert first_and_last(tmp_path, path, recipe=found.recipe)[0] == "2024-02-27T22:10"


def test_a_date_of_the_new_year_in_the_name(write_log: WRITE) -> None:
    path = written(write_log, start=OVER, name="log-2024-01-02.csv")
    assert profile([path]).settings["start"] == "2023-12-30"


def test_years_in_names_that_differ(write_log: WRITE, tmp_path: Path) -> None:
    files = [written(write_log, start=START.replace(year=year), name=f"log_{year}.csv") for year in (2023, 2024)]
    found = profile(files)
    assert found.settings["date-from"] == "(?P<year>(?:19|20)[0-9]{2})"
    assert found.settings["time-format"] == "%Y %b %d %H:%M:%S"
    assert first_and_last(tmp_path, *files, recipe=found.recipe) == ("2023-02-27T22:10", "2024-03-01T09:10")


def test_a_column_of_the_year(write_log: WRITE, tmp_path: Path) -> None:
    path = written(write_log, "Year,Date", "%Y,%d %b %H:%M", start=OVER)
    found = profile([path])
    assert not told(found)
    assert first_and_last(tmp_path, path, recipe=found.recipe) == ("2023-12-30T22:10", "2024-01-02T09:10")


def test_days_of_the_week_tell_the_last_year_that_fits(write_log: WRITE) -> None:
    found = profile([written(write_log, form="%a %b %d %H:%M:%S", count=20)])
    assert found.settings["start"] == "2024-01-01"
    assert "days of the week" in told(found)[0]
    assert "2018" in told(found)[0]


def test_nothing_tells_day_and_month_apart(write_log: WRITE) -> None:
    path = written(write_log, form="%d/%m %H:%M", start=datetime(2024, 3, 4, 10), count=8, name="log_2024.csv")
    found = profile([path])
    assert doubted(found, "and nothing tells which")


def test_a_log_of_more_than_a_year_is_refused(write_log: WRITE, tmp_path: Path) -> None:
    path = written(write_log, step=timedelta(days=3), count=250)
    found = profile([path], start="2024-02-27")
    with raises("new-year-passed", "2025-02-2", "line"):
        ingest([path], tmp_path / "s.zarr", found.recipe)


def test_the_newest_row_is_first(write_log: WRITE, tmp_path: Path) -> None:
    path = written(write_log, start=datetime(2024, 1, 2, 9, 10), step=-timedelta(hours=1), name="log_2023.csv")
    found = profile([path])
    assert first_and_last(tmp_path, path, recipe=found.recipe) == ("2023-12-30T22:10", "2024-01-02T09:10")


def test_a_leap_day_of_another_year_is_rejected(write_log: WRITE, tmp_path: Path) -> None:
    path = written(write_log, name="log_2023.csv")
    found = profile([path])
    assert doubted(found, "29th of February")
    with raises("too-many-rejects", "29th of February"):
        ingest([path], tmp_path / "s.zarr", found.recipe)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("pressure", [f"{120 + row % 9}/{70 + row % 7}" for row in range(40)]),
        ("score", [f"{row % 12 + 1}-{row % 28 + 1}" for row in range(40)]),
        ("place", [f"Hall {row % 28 + 1}" for row in range(40)]),
        ("version", [f"{row % 9 + 1}.{row % 9}." for row in range(40)]),
        ("day", [str(row % 28 + 1) for row in range(40)]),
    ],
)
def test_none_is_invented(write_log: WRITE, name: str, texts: list[str]) -> None:
    found = profile([write_log("a.csv", log(f"{name},v", texts, wave(40)))])
    assert found.settings["every"] == "?"


def test_a_file_of_one_year_that_goes_over_new_year_is_refused(write_log: WRITE, tmp_path: Path) -> None:
    files = [written(write_log, start=start, name=f"log_{start.year}.csv") for start in (OVER, START)]
    with raises("new-year-passed", "log_2023.csv", "line 28"):
        ingest(files, tmp_path / "s.zarr", profile(files).recipe)


def test_a_date_above_says_which_is_the_day(tmp_path: Path, write_log: WRITE) -> None:
    """As dstat writes it, with the name of a zone behind."""
    head = ['"Host:","a",,,,"User:","b"', '"Cmdline:","dstat -t",,,,"Date:","09 May 2020 17:13:50 JST"']
    minute = timedelta(minutes=1)
    path = written(
        write_log, "time", "%d-%m %H:%M:%S", start=datetime(2020, 5, 9, 17, 13, 50), step=minute, above=head
    )
    found = profile([path])
    assert first_and_last(tmp_path, path, recipe=found.recipe)[0].startswith("2020-05-09T17:13")


def test_texts_of_which_each_form_reads_others_are_no_crash(tmp_path: Path) -> None:
    """As in the text of iostat, where one line of many is a date and a time."""
    block = [
        "01/25/2022 06:47:54 AM",
        "cpu:  user  idle",
        "      6.61  76.79",
        "",
        "disk  reads",
        "sda   3.00",
        "",
    ]
    path = tmp_path / "iostat.log"
    path.write_text("\n".join(block * 8) + "\n")
    with raises("times-not-found"):
        propose(path)
