"""Frames of a CAN bus: their bytes as numbers, kept apart by their identifiers."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.json.ndjson import Fault
from longstride.pipeline.ingest.sources.records.frames import AscFrames, CandumpFrames, is_asc, is_candump
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, propose

FRAMES = [(0.02 * row + 0.001 * (row % 3), ("044", "1F3", "18FEF100")[row % 3], [row % 256, 255, 7][: 1 + row % 3])
          for row in range(120)]  # fmt: skip
HEAD = "date Tue May 27 04:09:35.000 pm 2014\nbase {base}  timestamps absolute\ninternal events logged\n// 10.0\n"


def logged() -> str:
    return "".join(
        f"({1709251200 + at:.6f}) can0 {name}#{bytes(data).hex().upper()}\n" for at, name, data in FRAMES
    )


def shown() -> str:
    return "".join(
        f" ({1709251200 + at:.6f})  can0  {name}   [{len(data)}]  {bytes(data).hex(' ').upper()}\n"
        for at, name, data in FRAMES
    )


def asc(base: str = "hex") -> str:
    rows = "".join(
        f"   {at:.6f} 1  {name}{'x' * (len(name) > 3)}             Rx   d {len(data)} "
        f"{' '.join(f'{byte:02X}' if base == 'hex' else str(byte) for byte in data)}  Length = 0 ID = 100\n"
        for at, name, data in FRAMES
    )
    return HEAD.format(base=base) + rows + "   3.100000 1  ErrorFrame\nEnd TriggerBlock\n"


@pytest.mark.parametrize("text", [logged(), shown(), asc(), asc("dec")], ids=["logged", "shown", "hex", "dec"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_identifiers_are_series_and_bytes_channels(tmp_path: Path, text: str, end: str) -> None:
    file = tmp_path / "bus.log"
    file.write_text(text, newline=end)
    found = propose(file)
    assert found.settings["series"] == "id"
    assert doubted(found, "cantools")
    recipe = Recipe(time="time", time_format="s", series="id")
    report = longstride.ingest([file], tmp_path / "log.zarr", recipe)
    assert report.num_rows == len(FRAMES)
    values = np.asarray(longstride.open(tmp_path / "log.zarr").values[:])
    expected = np.full((len(FRAMES), 3), np.nan, np.float32)
    for row, (_, _, data) in enumerate(sorted(FRAMES, key=lambda frame: (frame[1], frame[0]))):
        expected[row, : len(data)] = data
    np.testing.assert_array_equal(values, expected)


@given(st.binary(max_size=64), st.integers(0, 2**29 - 1), st.integers(0, 10**9))
def test_each_frame_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: int, time: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "bus.log"
    if not file.exists():
        file.write_text(logged())
    source = CandumpFrames(str(file), Recipe(time="time"))
    flags = "#1" if len(data) > 8 else ""
    row = source.parse(f"({time}.000001) can1 {name:03X}#{flags}{data.hex().upper()}")
    assert isinstance(row, dict)
    assert row["id"] == f"can1/{name:03X}"
    assert row["time"] == f"{time}.000001"
    assert [int(row[f"byte_{place}"]) for place in range(len(data))] == list(data)
    assert len(row) == 2 + len(data)


def test_damaged_frames_are_rejected(tmp_path: Path) -> None:
    lines = logged().splitlines()
    lines[3] = lines[3][:24]
    lines[5] = lines[5] + "4"
    lines[7] = "(1709251201.000000) can0 044#R"
    file = tmp_path / "bus.log"
    file.write_text("\n".join(lines))
    recipe = Recipe(time="time", time_format="s", series="id", max_rejects="5")
    report = longstride.ingest([file], tmp_path / "log.zarr", recipe)
    assert report.files[0].num_rejected == 2
    assert report.num_rows == len(FRAMES) - 3
    source = tmp_path / "bus.asc"
    source.write_text(asc())
    cut = AscFrames(str(source), Recipe(time="time")).parse("0.1 1  12F Rx   d 4 64 00")
    assert isinstance(cut, Fault)
    assert cut.reason == "bytes lack"


def test_other_texts_are_no_frames() -> None:
    for text in ("", "(1.5) can0 044#11\n", "time,a\n1,2\n", "date,base\nhex 1\n", "(1) (2) (3)\n" * 9):
        assert not is_candump(text.encode())
        assert not is_asc(text.encode())


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (asc("dec"), "   3.2 1  044             Rx   d 2 0A 1B\n", "no number"),
        (asc(), "   3.2 CANFD   1 Rx        2AA      1 0 2  2 01 02   130000  130 203000 a0000140\n", "no frame"),
        (shown(), " (1709251300.000000)  can0  044   [8]  2A 36\n", "bytes lack"),
    ],
    ids=["hexadecimal bytes among decimal ones", "CAN FD", "cut off"],
)
def test_frames_that_cannot_be_read_are_rejects(tmp_path: Path, text: str, line: str, reason: str) -> None:
    file = tmp_path / "bus.log"
    file.write_text(text + line)
    recipe = Recipe(time="time", time_format="s", series="id", max_rejects="1")
    report = longstride.ingest([file], tmp_path / "log.zarr", recipe)
    assert (report.num_rows, report.files[0].rejected) == (len(FRAMES), {reason: 1})


def test_relative_times_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bus.asc"
    file.write_text(asc().replace("absolute", "relative"))
    with raises("source-format", "relative"):
        longstride.profile(file)


@pytest.mark.parametrize(
    ("date", "start"),
    [
        ("Tue May 27 04:09:35.000 pm 2014", "2014-05-27T16:09:35.000"),
        ("Tue May 27 12:09:35 am 2014", "2014-05-27T00:09:35"),
        ("Die Mär 4 13:26:36.250 2025", "2025-03-04T13:26:36.250"),
        ("Fri Jun  4 13:26:36 2021", "2021-06-04T13:26:36"),
        ("Fri Xyz 4 13:26:36 2021", None),
        ("Fri Jun 31 13:26:36 2021", None),
        ("yesterday", None),
    ],
)
def test_the_date_in_the_first_line_is_when_times_are_zero(tmp_path: Path, date: str, start: str | None) -> None:
    file = tmp_path / "bus.asc"
    first, _, rest = asc().partition("\n")
    assert first.startswith("date ")
    file.write_text(f"date {date}\n{rest}")
    found = longstride.profile(file)
    assert found.settings.get("start") == start
    told = [doubt for doubt in found.doubts if " ".join(date.split()) in doubt]
    assert len(told) == 1
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    begin = datetime.fromisoformat(f"{start or '1970-01-01'}+00:00")
    first_time = int(longstride.open(tmp_path / "log.zarr").time.min()) / 1e9
    assert -1e-6 < first_time - begin.timestamp() < 10
