"""Annotated CSV of InfluxDB: tables of several kinds below each other."""

from pathlib import Path

import numpy as np
import pytest

import longstride
from longstride.pipeline.ingest.recipe import Recipe
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import ingest, propose

HEAD = (
    "#group,false,false,true,true,false,false,true,true\n"
    "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,{type},string,string\n"
    "#default,_result,,,,,{default},,\n"
    ",result,table,_start,_stop,_time,_value,_field,room\n"
)
COUNT = 60


def table(
    number: int, field: str, room: str, *, kind: str = "double", default: str = "", head: bool = True
) -> str:
    rows = "".join(
        f",,{number},2024-03-01T00:00:00Z,2024-03-02T00:00:00Z,2024-03-01T08:{row:02d}:00Z,"
        f"{'' if default and row % 5 == 0 else number * 100 + row},{field},{room}\n"
        for row in range(COUNT)
    )
    return HEAD.format(type=kind, default=default) * head + rows


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_become_series_and_channels(tmp_path: Path, end: str) -> None:
    file = tmp_path / "query.csv"
    tables = [
        table(0, "temp", "hall"),
        table(1, "temp", "roof", head=False),
        "\n",
        table(2, "hum", "hall", kind="long"),
    ]
    tables.append(table(3, "hum", "roof", default="7", kind="long"))
    file.write_text("".join(tables), newline=end)
    found = propose(file)
    assert (found.settings["series"], found.settings["pivot"]) == ("room", "_field")
    store = ingest(file, out=tmp_path / "log.zarr")
    values = np.asarray(store.values[:])[:, [list(store.channels).index(name) for name in ("temp", "hum")]]
    rows = np.arange(COUNT)
    hall, roof = np.stack([rows, 200 + rows], 1), np.stack([100 + rows, np.where(rows % 5, 300 + rows, 7)], 1)
    np.testing.assert_array_equal(values, np.concatenate([hall, roof]).astype(np.float32))


def test_damaged_rows_are_rejected(tmp_path: Path) -> None:
    lines = table(0, "temp", "hall").splitlines()
    lines[6] = lines[6][:40]
    lines[8] += ',"x'
    lines[10] += ",more"
    file = tmp_path / "query.csv"
    file.write_text("\n".join(lines) + "\n")
    recipe = Recipe(time="_time", pivot="_field", exclude=("room",), max_rejects="5")
    report = longstride.ingest([file], tmp_path / "log.zarr", recipe)
    assert report.files[0].num_rejected == 3
    assert report.num_rows == COUNT - 3


def test_annotations_alone_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "query.csv"
    file.write_text(HEAD)
    with raises("source-format", "annotated CSV"):
        longstride.profile([file])
