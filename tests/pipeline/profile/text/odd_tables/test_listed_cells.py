"""Cells that hold a list of numbers: each number is a column."""

from pathlib import Path

import numpy as np
import pytest

import longstride
from tests.helpers.logs.small_logs import doubted, propose, times, wave

COUNT = 60
X, Y = ([float(value) for value in wave(COUNT, seed=seed)] for seed in (1, 2))
FORMS = {
    "tuple": '"({}, {}, nan)"',
    "json": '"[{},{},null]"',
    "numpy": "[ {}  {} nan]",
    "semicolons": "({}, {}, nan)",
}


def written(tmp_path: Path, form: str, *, names: str = "time,place,force,state") -> Path:
    cells = [FORMS[form].format(x, y) for x, y in zip(X, Y, strict=True)]
    lines = [f'{at},"(0.5, 0.5)",{cell},"a, b"' for at, cell in zip(times(COUNT), cells, strict=True)]
    if form == "semicolons":
        names = names.replace(",", ";")
        lines = [f"{at};(0.5, 0.5);{cell};a" for at, cell in zip(times(COUNT), cells, strict=True)]
    file = tmp_path / "log.csv"
    file.write_text("\n".join([names, *lines]) + "\n")
    return file


@pytest.mark.parametrize("form", FORMS)
def test_each_number_of_a_list_that_changes_is_a_channel(tmp_path: Path, form: str) -> None:
    file = written(tmp_path, form)
    found = propose(file)
    assert doubted(found, "'force' (force_1 to force_3)")
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    store = longstride.open(tmp_path / "log.zarr")
    assert list(store.channels) == ["force_1", "force_2"]
    np.testing.assert_array_equal(store.values[:], np.array([X, Y], np.float32).T)
    assert len(store.time) == COUNT


def test_a_row_whose_list_is_shorter_is_a_reject(tmp_path: Path) -> None:
    file = written(tmp_path, "tuple")
    lines = file.read_text().splitlines()
    lines[40] = lines[40].replace(", nan", "")
    file.write_text("\n".join(lines) + "\n")
    found = propose(file)
    report = longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    assert (report.num_rows, report.files[0].num_rejected) == (COUNT - 1, 1)


@pytest.mark.parametrize(
    "rows",
    [
        ['{},"(1, 2)",{}'] * COUNT,  # never changes
        [f'{{}},"({", ".join(["1"] * (2 + row % 2))})",{{}}' for row in range(COUNT)],  # of several lengths
        [f'{{}},"(a{row}, 2)",{{}}' for row in range(COUNT)],  # no numbers
        [f'{{}},"({row})",{{}}' for row in range(COUNT)],  # one number
    ],
)
def test_other_cells_are_left_as_they_are(tmp_path: Path, rows: list[str]) -> None:
    file = tmp_path / "log.csv"
    lines = [row.format(at, value) for row, at, value in zip(rows, times(COUNT), wave(COUNT), strict=True)]
    file.write_text("\n".join(["time,list,v", *lines]) + "\n")
    assert "line" not in propose(file).settings


def test_a_list_whose_numbers_would_have_the_name_of_a_column_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f'{time},"[{row}, {row % 7}]",{row % 5}' for row, time in enumerate(times(40))]
    path.write_text("\n".join(["time,acc,acc_1", *rows]) + "\n")
    found = propose(path)
    assert "line" not in found.settings
    assert found.settings["exclude"] == ["acc"]


def test_names_that_an_expression_cannot_have_are_kept(tmp_path: Path) -> None:
    rows = [f'{at},"({x}, {y})",{x}' for at, x, y in zip(times(COUNT), X, Y, strict=True)]
    file = tmp_path / "log.csv"
    file.write_text("\n".join(["time,list,force (N)", *rows]) + "\n")
    assert "line" not in propose(file).settings


@pytest.mark.parametrize("form", ["[{},5 {},25]", "[{},5, {},25]", "({},5  {},25)"])
def test_no_list_is_cut_at_decimal_commas(tmp_path: Path, form: str) -> None:
    rows = [f"{at};{form.format(row, 2 * row)};{row},5" for row, at in enumerate(times(COUNT))]
    file = tmp_path / "log.csv"
    file.write_text("\n".join(["time;place;force", *rows]) + "\n")
    found = propose(file)
    assert "line" not in found.settings
    assert "place" in found.settings["exclude"]
