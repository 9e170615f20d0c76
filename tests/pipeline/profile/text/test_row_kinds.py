"""Rows of several kinds in one file: the kind with a clock is proposed, and the rest is told with its counts."""

from pathlib import Path

import numpy as np
import pytest

from longstride.pipeline.profile.text.row_kinds import find_row_kind
from longstride.pipeline.profile.text.table import find_table
from tests.helpers.logs.small_logs import doubted, ingest, propose

COUNT = 80
CLOCK = [f"2024-03-01 08:{row // 60:02d}:{row % 60:02d}" for row in range(COUNT)]


def written(tmp_path: Path, lines: list[str], end: str = "\n") -> Path:
    file = tmp_path / "log.txt"
    file.write_text("".join(line + end for line in lines), newline="")
    return file


@pytest.mark.parametrize(("mark", "end"), [(",", "\n"), (";", "\r\n"), ("\t", "\n")])
def test_the_kind_with_times_is_taken(tmp_path: Path, mark: str, end: str) -> None:
    lines = []
    for row in range(COUNT):
        lines.append(mark.join(("ACC", CLOCK[row], f"{row / 8}", f"{row % 7}")))
        lines += [mark.join(("$RAW", str(row % 11), f"{row % 5}"))] * 2
        lines += [mark.join(("NOTE", "all is well"))] * (row % 20 == 0)
    file = written(tmp_path, lines, end)
    found = propose(file)
    assert found.settings["only-lines"] == "ACC"
    assert doubted(found, "$RAW (160), NOTE (4)")
    store = ingest(file, out=tmp_path / "log.zarr")
    rows = np.arange(COUNT)
    np.testing.assert_array_equal(
        np.asarray(store.values[:]), np.stack([rows / 8, rows % 7], 1).astype(np.float32)
    )


def test_a_line_that_says_the_columns_names_them(tmp_path: Path) -> None:
    lines = [
        "FMT, 128, 89, FMT, BBnNZ, Type,Length,Name,Format,Columns",
        "FMT, 131, 40, IMU, Qff, Stamp,GyrX,GyrY",
    ]
    for row in range(COUNT):
        lines.append(f"IMU, {CLOCK[row]}, {row / 8}, {row % 7}")
        lines.append(f"BAT, {row}, {row % 5}")
    found = propose(written(tmp_path, lines))
    assert list(found.settings["header"]) == ["kind", "Stamp", "GyrX", "GyrY"]
    assert found.settings["time"] == "Stamp"


@pytest.mark.parametrize(
    "rows",
    [
        [f"{('a', 'b')[row % 2]},{CLOCK[row]},{row},1" for row in range(COUNT)],
        [f"a,{CLOCK[row]},{row}" + ",2" * (row % 2) for row in range(COUNT)],
        [f"{CLOCK[row]},{row}" for row in range(COUNT)],
    ],
    ids=["keys", "two widths", "no kinds"],
)
def test_rows_of_one_width_or_one_kind_are_left_as_they_are(rows: list[str]) -> None:
    assert find_row_kind(find_table("".join(f"{row}\n" for row in rows).encode(), None)) is None
