"""Text whose columns are in line: cells may be empty, names may hold blanks, and numbers may touch."""

from pathlib import Path

import numpy as np
import pytest

import longstride
from longstride.pipeline.profile.text.places import find_places
from tests.helpers.logs.small_logs import propose

COUNT = 60
TIMES = [f"2025-11-{1 + row // 24:02d} {row % 24:02d}:00" for row in range(COUNT)]
AIR = [None if row % 4 == 1 else -20 + (row * 7 % 23) / 4 for row in range(COUNT)]
FLOW = [None if row % 5 == 2 else 30 + row * 11 % 370 for row in range(COUNT)]


def cell(value: float | None, form: str) -> str:
    return format("" if value is None else str(value), form)


@pytest.mark.parametrize("units", ["", "                      degC    l/s\n---------- ----- ---------- ------\n"])
@pytest.mark.parametrize("align", ["right", "left"])
def test_empty_cells_below_names_with_blanks(tmp_path: Path, align: str, units: str) -> None:
    forms = {"right": (">10", ">8"), "left": ("<10", "<8")}[align]
    between = {"right": "", "left": "  "}[align]
    head = {"right": "Date       Time    Air Temp   Flow", "left": "Timestamp         Air Temp  Flow"}[align]
    rows = [
        f"{time}{between}{cell(air, forms[0])}{cell(flow, forms[1])}"
        for time, air, flow in zip(TIMES, AIR, FLOW, strict=True)
    ]
    file = tmp_path / "log.txt"
    file.write_text("\n".join([head, *units.splitlines(), *rows]) + "\n")
    found = propose(file)
    assert "columns-at" in found.settings
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    store = longstride.open(tmp_path / "log.zarr")
    values = dict(zip(store.channels, np.asarray(store.values[:]).T, strict=True))
    assert list(values) == ["Air Temp", "Flow"]
    np.testing.assert_array_equal(values["Air Temp"], np.array(AIR, np.float32))
    np.testing.assert_array_equal(values["Flow"], np.array(FLOW, np.float32))


def test_numbers_that_touch_are_cut_behind_their_digits() -> None:
    rows = [f"{row:3d}{-9.9 - row:7.1f}{-10.25 - row:7.2f}" for row in range(0, 900, 30)]
    assert find_places(rows) == "0,4,10"


@pytest.mark.parametrize(
    "rows",
    [
        [f"{row} {row * 37 % 1000} {row * 7}" for row in range(40)],
        ["2024-01-05,4.2,7"] * 40,
        ["12.34.56", "10.3.4.5"] * 9,
        ["\t1.5\t2.25\t\t-7.5"] * 9,  # cells between tabs, though they are in line
        ["a b c"] * 40,
    ],
)
def test_what_is_not_in_line_has_no_places(rows: list[str]) -> None:
    assert find_places(rows) is None
