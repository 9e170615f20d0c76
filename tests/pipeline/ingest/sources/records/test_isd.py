"""Reports of ISD: values by their place, in their units, and missing where all digits are nine."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.json.ndjson import Fault
from longstride.pipeline.ingest.sources.records.isd import IsdReports, is_isd
from tests.helpers.logs.small_logs import doubted, propose

START = datetime(2024, 3, 1, tzinfo=UTC)
COUNT = 100


def report(moment: datetime, *, temperature: int = 51, quality: str = "1", station: str = "01149099999") -> str:
    return (
        f"0050{station}{moment:%Y%m%d%H%M}4-33267-013983FM-12-0039ABCD V020190{quality}N0046{quality}"
        f"22000{quality}CN030000{quality}N9{temperature:+05}{quality}{-177:+05}{quality}10097{quality}ADDAG12000"
    )


def written(folder: Path, lines: list[str]) -> Path:
    file = folder / "station.txt"
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def test_values_by_their_place(tmp_path: Path) -> None:
    moments = [START + timedelta(hours=row) for row in range(COUNT)]
    lines = [report(one, temperature=9999 if row == 7 else row - 50) for row, one in enumerate(moments)]
    file = written(tmp_path, lines)
    found = propose(file)
    assert found.settings["time"] == "time"
    assert doubted(found, "what stands behind ADD")
    recipe = Recipe(time="time", channels=("latitude", "elevation", "temperature", "dew_point", "wind_speed"))
    longstride.ingest([file], tmp_path / "log.zarr", recipe)
    store = longstride.open(tmp_path / "log.zarr")
    expected = np.array([np.nan if row == 7 else (row - 50) / 10 for row in range(COUNT)], np.float32)
    assert store.time.tolist() == [int(moment.timestamp()) * 10**9 for moment in moments]
    np.testing.assert_array_equal(store.values[:, store.channels.index("temperature")], expected)
    for name, value in {"latitude": -33.267, "elevation": -39, "dew_point": -17.7, "wind_speed": 4.6}.items():
        assert set(store.values[:, store.channels.index(name)].tolist()) == {np.float32(value).item()}


def test_stations_are_told_apart(tmp_path: Path) -> None:
    moments = [START + timedelta(hours=row // 2) for row in range(COUNT)]
    lines = [report(one, station=("01149099999", "A0735500241")[row % 2]) for row, one in enumerate(moments)]
    found = propose(written(tmp_path, lines))
    assert found.settings["series"] == "station"


def test_a_line_that_is_cut_is_a_reject(tmp_path: Path) -> None:
    lines = [report(START + timedelta(hours=row)) for row in range(COUNT)]
    file = written(tmp_path, [*lines, lines[0][:90]])
    run = longstride.ingest([file], tmp_path / "log.zarr", propose(file).recipe)
    assert (run.num_rows, run.files[0].rejected) == (COUNT, {"no report": 1})


@given(st.integers(-932, 618))
def test_tenths_are_exact(temperature: int) -> None:
    source = IsdReports.__new__(IsdReports)
    row = source.parse(report(START, temperature=temperature))
    assert isinstance(row, dict)
    assert float(str(row["temperature"])) == temperature / 10


@pytest.mark.parametrize("text", ["", "2024-03-01,1,2\n", "20240301 0000 1 2 3\n" * 9, "0" * 120 + "\n"])
def test_other_texts_are_no_reports(text: str) -> None:
    assert not is_isd(text.encode())
    assert isinstance(IsdReports.__new__(IsdReports).parse(text.split("\n")[0]), Fault)
