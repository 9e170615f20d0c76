"""Line protocol: each point as it was written, whatever its names and texts hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.json.ndjson import Fault
from longstride.pipeline.ingest.sources.records.line_protocol import LineProtocol, is_line_protocol
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, propose

NAMES = st.text('ab_ ,=é1"', min_size=1, max_size=6).filter(lambda name: not name.endswith("\\"))
TEXTS = st.text('ab ,=\\"é', max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def escaped(name: str, marks: str = ",= ") -> str:
    return "".join("\\" + letter if letter in marks else letter for letter in name)


def in_quotes(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> LineProtocol:
    path = tmp_path_factory.mktemp("points") / "log"
    path.write_text("m a=1 1\n")
    return LineProtocol(str(path), Recipe(time="time"))


@given(
    name=NAMES.filter(lambda name: not name.startswith(("#", " "))),
    tags=st.dictionaries(NAMES, NAMES, max_size=3),
    fields=st.dictionaries(NAMES, st.one_of(NUMBERS, TEXTS, st.booleans(), st.integers(-9, 2**40)), min_size=1),
    time=st.integers(0, 2**60),
)
def test_points_are_read_as_they_were_written(
    source: LineProtocol, name: str, tags: dict[str, str], fields: dict[str, Any], time: int
) -> None:
    def written(value: Any) -> str:
        if isinstance(value, bool):
            return "t" if value else "f"
        return (
            in_quotes(value) if isinstance(value, str) else f"{value}i" if isinstance(value, int) else repr(value)
        )

    head = ",".join([escaped(name, ", "), *(f"{escaped(key)}={escaped(text)}" for key, text in tags.items())])
    body = ",".join(f"{escaped(key)}={written(value)}" for key, value in fields.items())
    row = source.parse(f"{head} {body} {time}")
    if len({*tags, *fields, "measurement", "time"}) < len(tags) + len(fields) + 2:
        assert isinstance(row, Fault)
        assert row.reason == "key twice"
        return
    assert isinstance(row, dict)
    found = {key: value if isinstance(value, str | bool) else None for key, value in row.items()}
    expected = {key: value if isinstance(value, bool | str) else None for key, value in fields.items()}
    for key, value in fields.items():
        if not isinstance(value, bool | str):
            assert float(row[key]) == value
            found.pop(key), expected.pop(key)
    assert found == {"measurement": name, **tags, **expected, "time": str(time)}


@given(st.text('ab,= \\"1i#', max_size=30))
def test_any_line_is_a_point_or_a_fault(source: LineProtocol, text: str) -> None:
    row = source.parse(text.strip())
    assert row is None or isinstance(row, dict | Fault)


def points(count: int, *, end: str = "\n", more: str = "") -> str:
    return "".join(
        f"weather,site={site} temp={20 + row / 4}{more},hum={40 + row % 7}i {1709251200 + 10 * row}000000000{end}"
        for row in range(count)
        for site in ("roof", "shed")
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tags_become_series_and_fields_channels(tmp_path: Path, end: str) -> None:
    file = tmp_path / "weather.lp"
    file.write_text("# DML\n" + points(100, end=end), newline="")
    found = propose(file)
    assert found.settings["series"] == "site"
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    store = longstride.open(tmp_path / "log.zarr")
    assert tuple(store.channels) == ("temp", "hum")
    np.testing.assert_array_equal(store.time[:2], [1709251200 * 10**9, 1709251210 * 10**9])
    expected = [[20 + row / 4, 40 + row % 7] for row in range(100)] * 2
    np.testing.assert_array_equal(np.asarray(store.values[:]), np.array(expected, np.float32))


def test_damaged_points_are_rejected_with_their_lines(tmp_path: Path) -> None:
    lines = points(20).split("\n")
    lines[3] = lines[3][:25]  # cut in the middle
    lines[5] += " 7"
    lines[7] = "weather,site=roof temp=1,hum=1i"
    lines[9] = ""
    file = tmp_path / "weather.lp"
    file.write_text("\n".join(lines)[:-15])
    found = propose(file)
    assert doubted(found, "does not end with a line break: its last value")
    report = longstride.ingest(
        [file],
        tmp_path / "log.zarr",
        Recipe(time="time", time_format="ns", series="site", exclude=("measurement",), max_rejects="5"),
    )
    assert report.files[0].num_rejected == 3
    assert report.files[0].rows_in == 39


def test_points_of_several_measurements_are_doubted(tmp_path: Path) -> None:
    file = tmp_path / "host.lp"
    file.write_text(
        "".join(
            f"cpu used={row} {row}000000000\nmem free={row},all=9 {row}000000000\n"
            for row in range(1709251200, 1709251260)
        )
    )
    found = propose(file)
    assert doubted(found, "measurement = 'cpu'")
    recipe = Recipe(
        time="time",
        time_format="ns",
        sql="SELECT * FROM rows WHERE measurement = 'mem'",
        channels=("free",),
        dtype="float64",
    )
    assert longstride.ingest([file], tmp_path / "log.zarr", recipe).num_rows == 60


def test_the_query_for_one_measurement_is_sql_whatever_it_is_called() -> None:
    text = "o'brien used=1 1709251200000000000\nmem free=2 1709251201000000000\n"
    doubt = LineProtocol.left_out(text.encode())
    assert doubt is not None
    assert doubt.endswith("""sql = "SELECT * FROM rows WHERE measurement = 'o''brien'\"""")


def test_empty_and_other_files_are_no_points(tmp_path: Path) -> None:
    for text in ("", "time,a\n1,2\n", "a=1 b=2\n", "# remark\n", "{}"):
        assert not is_line_protocol(text.encode())
    with raises("source-format", "line protocol"):
        path = tmp_path / "log"
        path.write_text("a,b\n")
        LineProtocol(str(path), Recipe(time="time"))
