"""Logs that stand one below the other in a file, told apart from rows that come late."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import START, doubted, log, propose, times, wave

LOOK = Callable[..., Proposal]
WRITE = Callable[..., Path]
BEGIN = "stand one below the other"


def logs(*offsets: float, rows: int = 60) -> list[str]:
    return [stamp for offset in offsets for stamp in times(rows, start=START + timedelta(seconds=offset))]


@pytest.mark.parametrize("offsets", [(0, 0), (0, 0, 0), (0, 30), (0, 10, 20), (0, 1815)])
@pytest.mark.skipif(shutil.which("awk") is None, reason="the doubt names a command of awk")
def test_the_command_numbers_the_logs(
    write_log: WRITE, tmp_path: Path, store: Callable[..., SeriesStore], offsets: tuple[float, ...]
) -> None:
    stamps = logs(*offsets)
    path = write_log("a.csv", log("time,v,w", stamps, wave(len(stamps)), wave(len(stamps), seed=1)))
    found = propose(path)
    assert "duplicates" not in found.settings
    assert doubted(found, f"line 62, {stamps[60]} after {stamps[59]}")
    (doubt,) = (doubt for doubt in found.doubts if BEGIN in doubt)
    subprocess.run(doubt.split("`")[1], shell=True, check=True, cwd=tmp_path)
    assert propose(tmp_path / "runs.csv").settings == {"time": "time", "series": "run"}
    made = store(tmp_path / "runs.csv")
    assert made.series == tuple(map(str, range(len(offsets))))
    assert made.num_rows == 60 * len(offsets)


def test_a_clock_that_was_set_back(look: LOOK) -> None:
    stamps = times(200, step=300)
    stamps[100:] = times(100, step=300, start=START + timedelta(seconds=100 * 300 - 3450))
    found = look("time,v", stamps, wave(200))
    assert doubted(found, "times go back in 1 place and run on from there, the first by 52m30s")


@pytest.mark.parametrize("offsets", [(3600, 0), (7200, 0, 3600)])
def test_parts_in_another_order_are_one_log(look: LOOK, offsets: tuple[float, ...]) -> None:
    stamps = logs(*offsets)
    assert not doubted(look("time,v", stamps, wave(len(stamps))), BEGIN)


def test_rows_that_come_late_are_of_one_log(look: LOOK) -> None:
    stamps = times(200)
    for row in range(5, 200, 17):
        stamps[row] = times(1, start=START + timedelta(seconds=60 * row - 90))[0]
    late = [*range(50), *range(60, 100), *range(50, 60), *range(100, 200)]
    for order in (range(200), late):
        found = look("time,v", [stamps[row] for row in order], wave(200))
        assert not doubted(found, BEGIN)
        assert not doubted(found, "run on from there")


def test_a_clock_that_was_set_back_by_a_few_rows_is_named(look: LOOK) -> None:
    stamps = times(400, step=1800)
    stamps[41:] = times(359, step=1800, start=START + timedelta(seconds=38 * 1800))
    found = look("time,count,v", stamps, range(400), wave(400))
    assert doubted(found, f"Times go back in 1 place, the first {stamps[41]} after {stamps[40]}")


def test_sensors_that_stand_one_below_the_other_are_told_apart(look: LOOK) -> None:
    stamps = logs(0, 0)
    found = look("time,sensor,value", stamps, ["temp"] * 60 + ["hum"] * 60, wave(60) + wave(60, seed=1))
    assert found.settings["pivot"] == "sensor"
    assert not doubted(found, BEGIN)
