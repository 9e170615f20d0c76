"""A second header further down a file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from longstride import Recipe, ingest
from longstride.pipeline.ingest.errors import SourceError
from tests.helpers.errors import raises

Log = Callable[..., Path]
ROWS = [f"2025-03-01 {row // 60:02d}:{row % 60:02d}:00,{row % 7},{row % 5},{row % 3}" for row in range(600)]


def with_line(text: str, place: int = 300) -> list[str]:
    return ["time,level,speed,heat", *ROWS[:place], text, *ROWS[place:]]


@pytest.mark.parametrize("text", ["time,speed,level,heat", "time,level,speed,power", "when,volts,amps,watts"])
@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_it_is_refused_with_its_line(write_log: Log, tmp_path: Path, text: str, name: str) -> None:
    log = write_log(name, with_line(text))
    with raises("header-changed", "line 302", repr(text), "time, level, speed, heat", kind=SourceError):
        ingest([log], tmp_path / "s.zarr", Recipe(time="time", max_rejects="10%"))
    assert not (tmp_path / "s.zarr").exists()


@pytest.mark.parametrize(
    "text",
    [
        "System restarted",
        "Min,1,2,3",
        "-,-,-,-",
        "logger,,,",
        "off,off,off,off",
        "x,1.5,a,b",
        "Time,LEVEL,Speed,heat",
    ],
)
def test_other_lines_are_rows_that_cannot_be_read(write_log: Log, tmp_path: Path, text: str) -> None:
    report = ingest(
        [write_log("log.csv", with_line(text))], tmp_path / "s.zarr", Recipe(time="time", max_rejects="1")
    )
    assert (report.num_rows, report.files[0].rows_in) == (600, 601)


@pytest.mark.parametrize("place", [0, 600])
def test_units_below_the_header_and_words_at_the_end_are_none(write_log: Log, tmp_path: Path, place: int) -> None:
    log = write_log("log.csv", with_line("s,bar,kmh,degC", place))
    assert ingest([log], tmp_path / "s.zarr", Recipe(time="time", max_rejects="1")).num_rows == 600


def test_a_remark_of_as_many_words_can_be_called_one(write_log: Log, tmp_path: Path) -> None:
    log = write_log("log.csv", with_line("pump,was,restarted,here"))
    with raises("header-changed", "--comment 'pump'"):
        ingest([log], tmp_path / "s.zarr", Recipe(time="time", max_rejects="1"))
    assert ingest([log], tmp_path / "s.zarr", Recipe(time="time", comment="pump")).num_rows == 600
