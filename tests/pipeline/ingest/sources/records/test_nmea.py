"""Sentences of NMEA 0183: those of one time are a row, with the date that was said last."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import longstride
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.json.ndjson import Fault
from longstride.pipeline.ingest.sources.records.kinds import kind_of_records
from longstride.pipeline.ingest.sources.records.nmea import NmeaSentences, is_nmea
from tests.helpers.logs.small_logs import doubted, propose

START = datetime(2024, 3, 1, 23, 59, 0, tzinfo=UTC)
COUNT = 120


def summed(body: str) -> str:
    return f"${body}*{reduce(xor, body.encode(), 0):02X}"


def angle(degrees: float, width: int) -> str:
    whole = int(abs(degrees))
    return f"{whole:0{width}d}{60 * (abs(degrees) - whole):07.4f}"


def position(latitude: float, longitude: float) -> str:
    sides = "S" if latitude < 0 else "N", "W" if longitude < 0 else "E"
    return f"{angle(latitude, 2)},{sides[0]},{angle(longitude, 3)},{sides[1]}"


def sentences(row: int, kinds: str = "GPGGA GPGSA GPRMC") -> list[str]:
    time = START + timedelta(seconds=row)
    place = position(-33.5 - row / 1000, 151.2 + row / 500)
    bodies = {
        "GPGGA": f"GPGGA,{time:%H%M%S}.00,{place},1,08,0.9,{545 + row / 4},M,46.9,M,,",
        "GPGSA": "GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1",
        "GPRMC": f"GPRMC,{time:%H%M%S}.00,A,{place},{row % 30 / 4},84.4,{time:%d%m%y},003.1,W",
        "GNZDA": f"GNZDA,{time:%H%M%S}.00,{time:%d,%m,%Y},00,00",
    }
    return [summed(bodies[kind]) for kind in kinds.split()]


def written(file: Path, lines: list[str], end: str = "\r\n") -> Path:
    file.write_text("".join(line + end for line in lines), newline="")
    return file


@pytest.mark.parametrize("kinds", ["GPGGA GPGSA GPRMC", "GPRMC GPGGA", "GPRMC", "GNZDA GPGGA"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_row_for_each_time_across_midnight(tmp_path: Path, kinds: str, end: str) -> None:
    file = written(tmp_path / "log.nmea", [line for row in range(COUNT) for line in sentences(row, kinds)], end)
    found = propose(file)
    assert doubted(found, "GPGSA (120)") == ("GSA" in kinds)
    longstride.ingest([file], tmp_path / "log.zarr", Recipe(time="time", channels=("latitude", "longitude")))
    store = longstride.open(tmp_path / "log.zarr")
    np.testing.assert_array_equal(
        np.asarray(store.time[:]).astype("int64"), int(START.timestamp()) * 10**9 + 10**9 * np.arange(COUNT)
    )
    expected = [[-33.5 - row / 1000, 151.2 + row / 500] for row in range(COUNT)]
    np.testing.assert_allclose(np.asarray(store.values[:]), expected, atol=2e-5)


def test_damaged_sentences_are_rejected_and_take_no_other_with_them(tmp_path: Path) -> None:
    lines = [line for row in range(COUNT) for line in sentences(row)]
    lines[3] = lines[3].replace("GPGGA", "GPGGX")  # checksum wrong
    lines[8] = lines[8][:30]  # cut in the middle
    lines[11] = "\x02\x03"
    file = written(tmp_path / "log.nmea", lines)
    recipe = Recipe(time="time", channels=("latitude", "altitude"), max_rejects="9")
    report = longstride.ingest([file], tmp_path / "log.zarr", recipe)
    assert report.files[0].num_rejected == 3
    assert report.num_rows == COUNT


def test_a_time_without_a_date_before_it_is_rejected(tmp_path: Path) -> None:
    lines = [*sentences(0, "GPGGA"), *sentences(1, "GPRMC"), *sentences(2, "GPGGA"), *sentences(59, "GPGGA")]
    lines += [*sentences(61, "GPGGA"), *sentences(62, "GPRMC")]  # midnight lies between
    source = NmeaSentences(str(written(tmp_path / "log", lines)), Recipe(time="time"))
    rows = [row for _, _, row in source.records(enumerate(map(str.encode, lines), 1))]
    assert [row.reason if isinstance(row, Fault) else "" for row in rows] == ["no date", "", "", "", "no date", ""]


def test_a_late_sentence_is_of_the_same_day(tmp_path: Path) -> None:
    """As where a receiver is read twice; one that is half a day off may be of another."""
    lines = [line for row in (70, 63, 71, 59) for line in sentences(row, "GPRMC" if row >= 70 else "GPGGA")]
    source = NmeaSentences(str(written(tmp_path / "log", lines)), Recipe(time="time"))
    rows = [row for _, _, row in source.records(enumerate(map(str.encode, lines), 1))]
    times = [row["time"] if isinstance(row, dict) else row and row.reason for row in rows]
    clocks = [f"2024-03-02T00:00:{second}.00Z" for second in ("10", "03", "11")]
    assert times == [*clocks, "no date"]


def test_positions_without_a_fix_are_missing(tmp_path: Path) -> None:
    lines = [
        *sentences(0),
        summed("GPGGA,235901.00,0000.0000,N,00000.0000,E,0,00,50.0,0.0,M,0.0,M,,"),
        summed("GPRMC,235901.00,V,0000.0000,N,00000.0000,E,0.0,0.0,010324,,"),
        summed("GPRMC,235902.00,V,,,,,,,010324,,"),
        summed("GPGGA,235902.00,3330.0000,S,15112.0000,E,1,05,1.0,7.5,M,0.0,M,,"),
    ]
    source = NmeaSentences(str(written(tmp_path / "log", lines)), Recipe(time="time"))
    rows = [row for _, _, row in source.records(enumerate(map(str.encode, lines), 1)) if isinstance(row, dict)]
    assert [row["latitude"] for row in rows] == ["-33.500000000", None, "-33.500000000"]
    assert [row["altitude"] for row in rows] == ["545.0", None, "7.5"]
    assert [row["valid"] for row in rows] == [True, False, False]


def test_times_of_day_alone_ask_for_their_date(tmp_path: Path) -> None:
    file = written(tmp_path / "log", [line for row in range(50) for line in sentences(row, "GPGGA")])
    found = propose(file)
    assert found.settings["time-format"] == "h:m:s"
    assert doubted(found, "start")


@given(st.text("$GPRMCA,0123456789.*NWES", max_size=60))
@settings(max_examples=300)
def test_any_line_is_a_sentence_a_fault_or_nothing(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    file = tmp_path_factory.getbasetemp() / "some.nmea"
    if not file.exists():
        written(file, sentences(0))
    source = NmeaSentences(str(file), Recipe(time="time"))
    for line in (body, summed("GPRMC," + body), summed("GNGGA,120000," + body)):
        for _, _, row in source.records([(1, line.encode())]):
            assert row is None or isinstance(row, Fault | dict)


def test_other_texts_are_no_sentences() -> None:
    for text in (
        "",
        "$GPRMC",
        "time,a\n1,2\n",
        "$WIMWV,1,R,2,N,A*00\n" * 5,
        "kind,time\n$GPRMC,1\n" + "x,1\n" * 9,
    ):
        assert not is_nmea(text.encode())
    assert kind_of_records(b"") is None


@pytest.mark.parametrize(
    "before",
    [
        "20240301 235901+00:00 ",
        "2024-03-01T23:59:01.123Z,",
        "2024/03/01 23:59:01.123;",
        "13:35:17.783 -> ",
        "[2024-03-01 23:59:01] ",
        "1709337541.25 ",
    ],
)
def test_what_a_program_writes_before_a_sentence_is_left_out(tmp_path: Path, before: str) -> None:
    lines = [line for row in range(COUNT) for line in sentences(row)]
    plain = written(tmp_path / "plain.nmea", lines)
    file = written(tmp_path / "received.log", [f"{before}{line}" for line in lines])
    found = propose(file)
    assert doubted(found, f"what stands before a sentence, such as {before.strip()!r}, is left out")
    assert doubted(found, "GPGSA (120)")
    assert not doubted(found, "only-lines")
    stores = []
    for number, (source, recipe) in enumerate(((plain, propose(plain).recipe), (file, found.recipe))):
        longstride.ingest([source], tmp_path / f"{number}.zarr", recipe)
        stores.append(longstride.open(tmp_path / f"{number}.zarr"))
    assert stores[0].channels == stores[1].channels
    np.testing.assert_array_equal(stores[0].time, stores[1].time)
    np.testing.assert_array_equal(stores[0].values, stores[1].values)


@pytest.mark.parametrize("before", ["21.5,7,", "a,", "20.5 ", "name: "])
def test_columns_before_a_sentence_are_not_left_out(before: str) -> None:
    text = "".join(f"{before}{line}\n" for row in range(9) for line in sentences(row))
    assert not is_nmea(text.encode())
