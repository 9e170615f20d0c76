"""Texts in which two tables take turns are refused; a table whose names come again is read."""

from pathlib import Path

import pytest

from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import propose, times, wave

CPU = "avg-cpu:  %user   %nice  %system\n          {}    0.00     {}\n\n"
DISK = "Device:   r/s   w/s   util\nsda      {}    0.00   {}\nsdb      {}    0.00   {}\n\n"


@pytest.mark.parametrize("stamp", ["", "01/25/2022 06:47:{:02} AM\n"])
def test_two_tables_that_take_turns_are_refused(tmp_path: Path, stamp: str) -> None:
    file = tmp_path / "iostat.txt"
    blocks = [(stamp.format(row) + CPU + DISK).format(*wave(6, seed=row)) for row in range(8)]
    file.write_text("Linux 6.1.0 (web1)\n\n" + "".join(blocks))
    with raises("header-changed", "avg-cpu", "Device", "iostat -d"):
        propose(file)


def test_a_table_whose_names_come_again_is_read(tmp_path: Path) -> None:
    rows = [f"{at} {one} {other}" for at, one, other in zip(times(60), wave(60), wave(60, seed=1), strict=True)]
    file = tmp_path / "log.txt"
    file.write_text(
        "".join("day clock temp wind\n" + "\n".join(rows[start : start + 10]) + "\n" for start in range(0, 60, 10))
    )
    assert {"temp", "wind"} <= propose(file).described().keys()
