"""Files of several tables: the last one is taken where it has a clock and the most rows, and the rest is told."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.logs.small_logs import doubted, ingest, propose

COUNT = 60
CLOCK = [f"08:{row:02d}:00" for row in range(COUNT)]


def padded(lines: list[str], width: int, mark: str) -> str:
    return "".join(line + mark * (width - 1 - line.count(mark)) + "\n" for line in lines)


def watch(mark: str, *, names: str = "Line,Date,Time,Worn,Activity") -> tuple[str, int]:
    above = ["Export of a watch", "", "Name:,unknown", "Kind,Number,Begin,End,Length,Most,Least,Mean", ""]
    above += [f"REST,{row},23/11/2019 20:42,24/11/2019 08:05,{row}.5,{row},1,2" for row in range(9)]
    above += ["", "---- Epochs ----", "", "Title,Note", "Worn:,1 means worn", ""]
    rows = [f"{row},23/11/2019,{CLOCK[row]},{row % 2},{row * 7 % 11}" for row in range(COUNT)]
    lines = [line.replace(",", mark) for line in [*above, names, "", *rows]]
    return padded(lines, 8, mark), len(above)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_below_others_is_taken(tmp_path: Path, mark: str) -> None:
    text, num_above = watch(mark)
    file = tmp_path / "watch.csv"
    file.write_text(text)
    found = propose(file)
    assert found.settings["skip-lines"] == str(num_above)
    assert doubted(found, "9 lines above the table look like rows of another one")
    store = ingest(file, out=tmp_path / "log.zarr")
    assert tuple(store.channels) == ("Worn", "Activity")
    expected = [[row % 2, row * 7 % 11] for row in range(COUNT)]
    np.testing.assert_array_equal(np.asarray(store.values[:]), np.array(expected, np.float32))


def test_a_table_of_few_rows_below_a_long_head_is_taken(tmp_path: Path) -> None:
    facts = [f"STEP{row}\tQUANT\t{row}.50000E+001\tStep {row} (s)" for row in range(40)]
    head = ["EXPLAIN", "TAG\tCHRONOA", "DATE\tLABEL\t3/10/2019\tDate", "", *facts, "CURVE\tTABLE\t10"]
    rows = [f"\t{row}\t{row * 30}\t{row / 8}E+000\t{row % 3}.5\t....\n" for row in range(10)]
    file = tmp_path / "curve.dta"
    file.write_text("\n".join(head) + "\n\tPt\tT\tVf\tIm\tOver\n\t#\ts\tV\tA\tbits\n" + "".join(rows))
    found = propose(file)
    assert doubted(found, "Lines 1 to 45, ")
    assert found.settings["time"] == "T"
    store = ingest(file, out=tmp_path / "log.zarr")
    assert tuple(store.channels) == ("Vf", "Im")
    np.testing.assert_array_equal(np.asarray(store.values[:])[:, 0], np.arange(10, dtype=np.float32) / 8)


def test_rows_above_other_names_are_told(tmp_path: Path) -> None:
    first = [f"23/11/2019 {CLOCK[row]},{row},{row % 3}" for row in range(20)]
    second = [f"23/11/2019 {CLOCK[row]},{row},{row % 3},1.5" for row in range(20, COUNT)]
    file = tmp_path / "log.csv"
    file.write_text("\n".join(["time,a,b", *first, "time,a,b,c", *second]) + "\n")
    found = propose(file)
    assert doubted(found, "20 lines above the table look like rows of another one")


def test_a_restarted_logger_and_a_head_are_no_tables(tmp_path: Path) -> None:
    rows = [f"23/11/2019 {CLOCK[row]},{row},{row % 3}" for row in range(COUNT)]
    file = tmp_path / "log.csv"
    file.write_text(
        "\n".join(["Station,7,roof", "time,a,b", *rows[:9], "Station,7,roof", "time,a,b", *rows[9:]]) + "\n"
    )
    assert not doubted(propose(file), "last table")
