"""What long logs hold outside of the sample is seen."""

import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from longstride import Proposal, profile
from tests.helpers.logs.small_logs import START, doubted, log, propose, times, wave

WRITE = Callable[..., Path]
LENGTH = 20_000
PLACE = 14_000
"""In no excerpt of 1,000 rows of these."""


def _changed(values: list[str], new: dict[int, str]) -> list[str]:
    return [new.get(row, value) for row, value in enumerate(values)]


def _log(new: dict[int, str]) -> list[str]:
    return log("time,u,v", times(LENGTH), wave(LENGTH, seed=1), _changed(wave(LENGTH), new))


def _seen(found: Proposal, text: str) -> bool:
    return any(text in seen for seen in found.seen)


def _far() -> list[str]:
    return _log({PLACE + 7 * row: "-9999" for row in range(49)})


def test_a_number_far_from_all_others_is_missing(write_log: WRITE) -> None:
    found = propose(write_log("a.csv", _far()), rows=1000)
    assert found.settings == {"time": "time", "null": ["v=-9999"]}
    since = START + timedelta(minutes=PLACE)
    assert _seen(
        found, f"'v' is -9999 in 49 rows further on (the first at {since}), and 10 to 20 in the first rows"
    )
    assert _seen(found, "other rows (all) were looked through")
    assert not _seen(propose(write_log("b.csv", _log({})), rows=1000), "further on")


def test_in_files_that_are_read_from_their_beginning(write_log: WRITE, tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress("\n".join(_far()).encode()))
    assert propose(path, rows=1000).settings == {"time": "time", "null": ["v=-9999"]}
    frame = pl.read_csv("\n".join(_far()).encode(), try_parse_dates=True)
    for count, path in enumerate((tmp_path / "a.parquet", tmp_path / "a.arrow", tmp_path / "a.ndjson")):
        writers = frame.write_parquet, frame.write_ipc, frame.write_ndjson
        writers[count](path)
        found = propose(path, rows=1000)
        assert found.settings == {"time": "time", "null": ["v=-9999"]}, path
        assert _seen(found, "in 49 rows further on"), path


def test_row_groups_are_looked_at_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.read_csv("\n".join(_far()).encode(), try_parse_dates=True)
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=500)
    monkeypatch.setattr("longstride.pipeline.profile.whole.rest.MAX_BYTES", 24 * 12_000)
    found = propose(tmp_path / "a.parquet", rows=500)
    assert _seen(found, "(spread evenly) were looked through")
    assert found.settings == {"time": "time", "null": ["v=-9999"]}


def test_excerpts_of_a_file_too_long_to_be_read(write_log: WRITE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longstride.pipeline.profile.whole.rest.MAX_BYTES", 2**18)
    monkeypatch.setattr("longstride.pipeline.profile.whole.rest.PIECE_BYTES", 2**13)
    new = dict.fromkeys(range(PLACE, PLACE + 2000), "-9999")
    found = propose(write_log("a.csv", _log(new)), rows=500)
    assert found.settings == {"time": "time", "null": ["v=-9999"]}
    assert _seen(found, "other rows (spread evenly) were looked through")
    again = propose(write_log("a.csv", _log(new)), rows=500)
    assert again.as_toml() == found.as_toml()


def test_one_number_far_from_all_others_is_in_doubt(write_log: WRITE) -> None:
    found = propose(write_log("a.csv", _log({PLACE: "-9999"})), rows=1000)
    assert "null" not in found.settings
    assert doubted(found, "'v' is -9999 in 1 row further on")
    assert doubted(found, 'say null = ["v=-9999"]')


def test_a_number_that_is_a_bit_larger_is_not(write_log: WRITE) -> None:
    found = propose(write_log("a.csv", _log(dict.fromkeys(range(PLACE, PLACE + 500), "23.5"))), rows=1000)
    assert not doubted(found, "'v'")
    assert found.settings == {"time": "time"}


def test_words_and_states_that_come_later(write_log: WRITE) -> None:
    new = {PLACE: "Bad Input", PLACE + 500: "Bad Input", PLACE + 900: "#REF!"}
    found = propose(write_log("a.csv", _log(new)), rows=1000)
    assert sorted(found.settings["null"]) == ["#REF!", "Bad Input"]
    modes = ["AUTO"] * PLACE + ["HAND"] * (LENGTH - PLACE - 4000) + ["AUTO"] * 4000
    lines = log("time,v,drive", times(LENGTH), wave(LENGTH), modes)
    found = propose(write_log("b.csv", lines), rows=1000)
    assert doubted(found, "'drive' is left out: it holds 'AUTO', 'HAND'")


def test_columns_that_are_empty_or_constant_at_first(write_log: WRITE) -> None:
    lab = _changed([""] * LENGTH, {PLACE + 100 * row: f"{7 + row / 100}" for row in range(20)})
    alarm = _changed(["0"] * LENGTH, {PLACE: "1"})
    found = propose(
        write_log("a.csv", log("time,v,lab,alarm", times(LENGTH), wave(LENGTH), lab, alarm)), rows=1000
    )
    assert found.settings == {"time": "time"}
    assert _seen(found, "empty in the first rows, but with values further on, and kept: 'lab'")
    assert not doubted(found, "'alarm' is 1")


def test_a_clock_that_changes(write_log: WRITE) -> None:
    later = times(3000, start=START + timedelta(minutes=LENGTH), step=600)
    lines = log("time,v", [*times(LENGTH), *later, *times(5000, start=START + timedelta(days=90))], wave(28_000))
    found = propose(write_log("a.csv", lines), rows=1000)
    assert doubted(found, f"most steps are 1m in the first rows, and 10m from {later[1]} on")
    assert doubted(found, 'say max-gap = "15m"; for one step, say every = "10m"')


def test_rows_that_cannot_be_read(write_log: WRITE) -> None:
    lines = _log({})
    lines[PLACE] = "time,v,u"
    assert doubted(propose(write_log("a.csv", lines), rows=1000), "line")
    lines[PLACE] = "2024-03-18 09:30:00,1,2,3,4"
    assert doubted(propose(write_log("b.csv", lines), rows=1000), "cannot be read: too many fields")
    lines[PLACE] = "18/03/2024 9h30,1,2"
    assert doubted(propose(write_log("c.csv", lines), rows=1000), "cannot be read")


def test_a_decimal_mark_that_changes(write_log: WRITE) -> None:
    values = wave(LENGTH)
    values = [
        *values[:PLACE],
        *(value.replace(".", ",") for value in values[PLACE : PLACE + 2000]),
        *values[16_000:],
    ]
    found = propose(write_log("a.csv", log("time;v", times(LENGTH), values, mark=";")), rows=1000)
    assert doubted(found, "'v' changes its decimal mark")


def test_files_that_are_not_in_the_sample(write_log: WRITE) -> None:
    paths = [
        write_log(f"{day:02}.csv", log("time,v", times(50, start=START + timedelta(days=day)), wave(50)))
        for day in range(40)
    ]
    write_log(
        "03.csv", log("time,v", times(50, start=START + timedelta(days=3)), _changed(wave(50), {9: "-9999"}))
    )
    assert doubted(propose(*paths), "'v' is -9999 in 1 row further on")


def test_progress(write_log: WRITE) -> None:
    calls: list[tuple[float, float]] = []
    profile([str(write_log("a.csv", _far()))], rows=1000, progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert calls[-1][0] == calls[-1][1] > 0


def test_a_clock_that_goes_back_beyond_the_sample(write_log: WRITE) -> None:
    stamps = times(LENGTH)
    stamps = stamps[:PLACE] + stamps[PLACE - 12 : -12]
    found = propose(write_log("a.csv", log("time,v", stamps, wave(LENGTH))), rows=1000)
    assert doubted(found, "times go back in 1 place, by 11m at most")
    assert "duplicates" not in found.settings


def test_decimal_commas_in_all_columns(write_log: WRITE) -> None:
    values = [value.replace(".", ",") for value in wave(LENGTH)]
    rows = log("time;u", times(LENGTH), _changed(values, {PLACE: "-9999"}), mark=";")
    found = propose(write_log("a.csv", rows), rows=1000)
    assert found.settings["decimal"] == ","
    assert doubted(found, "u=-9999")
