"""Files in which other tables, sections or sentences stand: the right rows are taken, and the rest is told."""

from pathlib import Path

import numpy as np
import pytest

from longstride import profile
from tests.helpers.logs.small_logs import doubted, ingest, propose, times, wave

COUNT = 60


def test_the_longest_section_of_numbers_is_read(tmp_path: Path) -> None:
    head = "[Params]\nVersion=106\nDate=20240301\nInterval=5\n\n[Note]\n\n[Trip]\n1\t2\t3\n4\t5\t6\n\n[HRData]\n"
    file = tmp_path / "ride.hrm"
    file.write_text(head + "".join(f"{80 + row * 7 % 31}\n" for row in range(COUNT)))
    found = propose(file)
    assert found.settings["skip-lines"] == "12"
    assert doubted(found, "rows are those below '[HRData]'")
    store = ingest(file, out=tmp_path / "log.zarr")
    np.testing.assert_array_equal(store.values[:, 0], [80 + row * 7 % 31 for row in range(COUNT)])


@pytest.mark.parametrize("mark", [";", "\t"])
def test_names_above_the_title_of_the_rows(tmp_path: Path, mark: str) -> None:
    head = ["[info]", "plant=4", "[values]", "time;gain;volt;watt", ";;V;W", "[start]"]
    rows = [f"{clock};0.5;{230 + row % 7};{row % 31}" for row, clock in enumerate(times(COUNT))]
    file = tmp_path / "plant.txt"
    file.write_text("\n".join([*head, *rows]).replace(";", mark) + "\n")
    store = ingest(file, out=tmp_path / "log.zarr")
    assert store.channels == ("volt", "watt")
    assert store.units == ("V", "W")
    assert len(store.values) == COUNT


def test_facts_above_the_title_of_the_rows_are_no_names(tmp_path: Path) -> None:
    rows = [f"{clock};{230 + row % 7};{row % 31}" for row, clock in enumerate(times(COUNT))]
    file = tmp_path / "plant.txt"
    file.write_text("\n".join(["[info]", "site;north;4", "[values]", *rows]) + "\n")
    assert propose(file).settings["header"] == ["a1", "a2", "a3"]


def test_a_short_section_is_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    rows = "".join(f"{clock},{value}\n" for clock, value in zip(times(COUNT), wave(COUNT), strict=True))
    file.write_text("time,temp\n" + rows + "[End]\n" + "[Sums]\n1\n2\n")
    assert not doubted(propose(file), "rows are those below")


def test_rows_without_names_far_below_another_table(tmp_path: Path) -> None:
    first = [f"{20020 + 10_000 * row},{800 - row}" for row in range(100)]
    second = [f"{clock},ERR,{value},0.5" for clock, value in zip(times(150), wave(150), strict=True)]
    file = tmp_path / "log.csv"
    file.write_text("\n".join(["ms,co2", *first, *second]) + "\n")
    found = propose(file)
    assert found.settings["header"] == ["a1", "a2", "a3", "a4"]
    assert doubted(found, "100 lines above the table look like rows of another one")


def test_comments_that_name_other_columns_are_a_doubt(tmp_path: Path) -> None:
    rows = [f"host;{clock};{value}" for clock, value in zip(times(COUNT), wave(COUNT), strict=True)]
    file = tmp_path / "log.txt"
    file.write_text("\n".join(["# host;timestamp;load", *rows[:40], "# host;timestamp;swap", *rows[40:]]) + "\n")
    assert doubted(profile(file), "line 1 is a comment that names other columns, such as 'load'")


def test_blanks_are_no_separator_where_each_line_holds_marks(tmp_path: Path) -> None:
    rows = [f"a;31;{clock} UTC;-1;{'1;' * (row % 3)}2.5" for row, clock in enumerate(times(COUNT))]
    file = tmp_path / "log.txt"
    file.write_text("\n".join(["host;step;time;cpu;load", *rows]) + "\n")
    assert profile(file).settings.get("separator") == ";"


def test_times_in_apostrophes(tmp_path: Path) -> None:
    file = tmp_path / "ecg.csv"
    rows = [f"'0:{row // 10:02}.{row % 10}00',{row / 8},," for row in range(COUNT)]
    file.write_text("\n".join(["'Elapsed time','ECG',,", *rows]) + "\n")
    assert propose(file).settings["quote"] == "apostrophe"
    store = ingest(file, out=tmp_path / "log.zarr")
    assert store.channels == ("ECG",)
    np.testing.assert_array_equal(np.diff(store.time), 10**8)


def test_sentences_with_several_blanks_and_a_tab_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    rows = [f"Time: {row * 5}.25\tRTD:  {3900 + row}.5\tTemp:   {row / 4}\t" for row in range(COUNT)]
    file.write_text("\n".join(["Voltage: 0.15", "Heater 1. Current: 2.3mA", *rows]) + "\n")
    store = ingest(file, out=tmp_path / "log.zarr")
    assert store.channels == ("RTD", "Temp")
    np.testing.assert_array_equal(store.values[:, 1], np.arange(COUNT) / 4)
