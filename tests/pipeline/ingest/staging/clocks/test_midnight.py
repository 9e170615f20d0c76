"""Files with the date in their name, and the time of day in their rows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride import Recipe, RecipeError, SourceError, append, ingest
from longstride.storage.open import open_store
from tests.helpers.errors import raises

Write = Callable[..., Path]
DATE = "(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"


def rows(*clocks: str, columns: str = "clock,v") -> list[str]:
    return [columns, *(f"{clock},{row}" for row, clock in enumerate(clocks))]


def run(files: Sequence[Path], out: Path, **settings: Any) -> list[str]:
    recipe = Recipe(**{"time": "clock", "date_from": DATE, **settings})
    ingest(files, out, recipe, piece_bytes=1)
    return [
        str(moment) for moment in np.asarray(open_store(out).time).view("datetime64[ns]").astype("datetime64[m]")
    ]


def test_a_day_a_file(write_log: Write, tmp_path: Path) -> None:
    files = [write_log(f"log_2024-03-0{day}.csv", rows("08:00:00", "23:59:00")) for day in (1, 2)]
    days = ["2024-03-01T08:00", "2024-03-01T23:59", "2024-03-02T08:00", "2024-03-02T23:59"]
    assert run(files, tmp_path / "out") == days


def test_a_format_of_date_and_time(write_log: Write, tmp_path: Path) -> None:
    log = write_log("log_01032024.csv", rows("08.30", "08.31"))
    found = run([log], tmp_path / "out", date_from="(?P<date>[0-9]{8})", time_format="%d%m%Y %H.%M")
    assert found == ["2024-03-01T08:30", "2024-03-01T08:31"]


@pytest.mark.parametrize("num_before", [1, 2000])
@pytest.mark.parametrize("piece_bytes", [1, 2**23])
def test_midnight_is_refused(write_log: Write, tmp_path: Path, num_before: int, piece_bytes: int) -> None:
    clocks = [f"{20 + row // 600:02}:{row // 10 % 60:02}:{row % 10:02}" for row in range(num_before)]
    log = write_log("2024-03-01.csv", rows(*clocks, "00:00:01", "00:00:02"))
    with raises("midnight-passed", "2024-03-01T00:00:01", "date-from", kind=SourceError):
        ingest([log], tmp_path / "out", Recipe(time="clock", date_from=DATE), piece_bytes=piece_bytes)


def test_a_clock_without_a_date_must_not_pass_midnight_either(write_log: Write, tmp_path: Path) -> None:
    log = write_log("a.csv", rows("23:58", "23:59", "00:00"))
    with raises("midnight-passed", "h:m:s", kind=SourceError):
        ingest([log], tmp_path / "out", Recipe(time="clock", time_format="h:m:s", start="2024-03-01"))


def test_rows_out_of_order_and_machines_one_after_the_other_are_not(write_log: Write, tmp_path: Path) -> None:
    assert len(run([write_log("2024-03-01.csv", rows("12:00", "18:00", "13:00"))], tmp_path / "a")) == 3
    lines = ["clock,machine,v", "00:01,a,1", "23:00,a,2", "00:01,b,3", "23:00,b,4"]
    assert len(run([write_log("2024-03-02.csv", lines)], tmp_path / "b", series="machine")) == 4


def test_misuse(write_log: Write, tmp_path: Path) -> None:
    with raises("name-unmatched", "log.csv", "date-from", kind=SourceError):
        run([write_log("log.csv", rows("08:00"))], tmp_path / "out")
    with raises("recipe-conflict", "date-from", kind=RecipeError):
        Recipe(every="1s", start="2024-03-01", date_from=DATE)


def test_a_date_for_all_times_of_day(write_log: Write, tmp_path: Path) -> None:
    log = write_log("log.csv", rows("08:00:00.5", "23:59:00"))
    recipe = Recipe(time="clock", time_format="%H:%M:%S%.f", start="2024-03-01")
    ingest([log], tmp_path / "out", recipe)
    assert np.asarray(open_store(tmp_path / "out").time).view("datetime64[ns]").tolist() == [
        1709280000500000000,
        1709337540000000000,
    ]
    with raises("recipe-conflict", "2024-03-01", "--rebuild", kind=RecipeError):
        append([write_log("b.csv", rows("23:59:30"))], tmp_path / "out")
    with raises("midnight-passed", "start", kind=SourceError):
        ingest([write_log("c.csv", rows("23:59:59", "00:00:01"))], tmp_path / "c", recipe)


def test_a_date_for_local_times_of_day(write_log: Write, tmp_path: Path) -> None:
    settings = {"date_from": None, "time_format": "%H:%M", "start": "2024-03-01", "timezone": "Europe/Berlin"}
    assert run([write_log("log.csv", rows("08:00"))], tmp_path / "out", **settings) == ["2024-03-01T07:00"]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"time_format": "%H:%M", "start": "2024-03-01T08:00"}, "recipe-value"),
        ({"time_format": "%H:%M", "start": "?"}, "recipe-unfinished"),
        ({"time_format": "%H:%M", "start": "2024-03-01", "date_from": DATE}, "recipe-conflict"),
        ({"time_format": "%d %H:%M", "start": "2024-03-01"}, "recipe-conflict"),
        ({"start": "2024-03-01"}, "recipe-conflict"),
    ],
)
def test_dates_that_cannot_be_those_of_times_of_day(settings: dict[str, str], code: str) -> None:
    with raises(code, "start", kind=RecipeError):
        Recipe(time="clock", **settings)
