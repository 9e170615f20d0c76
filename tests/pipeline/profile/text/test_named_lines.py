"""Logs whose lines name their values: in any order, with names that lack, alone or as records of several lines."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import longstride
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, propose

COUNT = 60
TEMP = [20 + row / 4 for row in range(COUNT)]
HUM = [40.0 + row % 7 for row in range(COUNT)]
WIND = [np.nan if row % 3 == 0 else row % 5 for row in range(COUNT)]
CLOCK = [f"{8 + row // 60:02d}:{row % 60:02d}:00" for row in range(COUNT)]


def log_of(form: Callable[[int, list[tuple[str, float]]], str]) -> str:
    rows = []
    for row in range(COUNT):
        pairs = [("temp", TEMP[row]), ("hum", HUM[row])] + [("wind", WIND[row])] * (row % 3 != 0)
        rows.append(form(row, pairs[row % 2 :] + pairs[: row % 2]))
    return "\n".join(rows) + "\n"


def joined(pairs: list[tuple[str, float]], mark: str, between: str, units: dict[str, str] | None = None) -> str:
    return between.join(f"{name}{mark}{value}{(units or {}).get(name, '')}" for name, value in pairs)


FORMS: dict[str, Callable[[int, list[tuple[str, float]]], str]] = {
    "logfmt": lambda row, pairs: f'ts=2024-03-01T{CLOCK[row]}Z msg="it is, a=1" {joined(pairs, "=", " ")}',
    "commas": lambda row, pairs: ",".join([joined(pairs, "=", ","), f"time=2024-03-01T{CLOCK[row]}Z"]),
    "semicolons": lambda row, pairs: f"2024-03-01 {CLOCK[row]} {joined(pairs, ': ', '; ')}",
    "arduino": lambda row, pairs: (
        f"2024-03-01 {CLOCK[row]}.250 -> " + joined(pairs, ":", " ", {"temp": "C", "hum": "%", "wind": "m/s"})
    ),
    "day of the week": lambda row, pairs: f"Fri Mar 1 {CLOCK[row]} 2024 {joined(pairs, '=', ' ')}",
    "level": lambda row, pairs: (
        f"[2024-03-01 {CLOCK[row]}] {'INFO' if row % 4 else 'WARN'} {joined(pairs, '=', ' ')}"
    ),
    "record": lambda row, pairs: f"2024-03-01 {CLOCK[row]}\n{joined(pairs, ': ', chr(10), {'hum': ' %'})}\n",
    "dated record": lambda row, pairs: f"Date: 2024-03-01 {CLOCK[row]}\n{joined(pairs, ' = ', chr(10))}\n",
    "record of a name": lambda row, pairs: (
        f"Fix mode: {row % 2}\nTaken at: 2024-03-01 {CLOCK[row]}\n{joined(pairs, ': ', chr(10))}\n"
    ),
    "record of `date`": lambda row, pairs: (
        f"--- Fri Mar  1 {CLOCK[row]} UTC 2024 ---\n{joined(pairs, ': ', chr(10))}\n"
    ),
}


def values_of(store: SeriesStore) -> dict[str, np.ndarray]:
    return dict(zip(store.channels, np.asarray(store.values[:]).T, strict=True))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_names_become_channels_in_any_order(tmp_path: Path, form: str, end: str) -> None:
    file = tmp_path / "log.txt"
    file.write_text(log_of(FORMS[form]), newline=end)
    found = propose(file)
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    store = longstride.open(tmp_path / "log.zarr")
    values = values_of(store)
    for name, expected in (("temp", TEMP), ("hum", HUM), ("wind", WIND)):
        np.testing.assert_array_equal(values[name], np.array(expected, np.float32))
    times = np.asarray(store.time[:]).astype("int64")
    first = np.datetime64("2024-03-01T08:00", "ns").astype("int64") + 250_000_000 * (form == "arduino")
    np.testing.assert_array_equal(times, first + 60 * 10**9 * np.arange(COUNT))


def test_titles_tell_names_of_a_record_apart(tmp_path: Path) -> None:
    file = tmp_path / "sensors.log"
    file.write_text(
        "".join(
            f"2024-03-01 {CLOCK[row]}\ncpu-0\nAdapter: ISA adapter\ntemp1: +{TEMP[row]}°C  (crit = +105.0°C)\n\n"
            f"nvme-1\nAdapter: PCI adapter\ntemp1: +{HUM[row]}°C  (crit = +81.0°C)\n\n"
            for row in range(COUNT)
        ),
        encoding="utf-8",
    )
    found = propose(file)
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    values = values_of(longstride.open(tmp_path / "log.zarr"))
    np.testing.assert_array_equal(values["cpu-0/temp1"], np.array(TEMP, np.float32))
    np.testing.assert_array_equal(values["nvme-1/temp1"], np.array(HUM, np.float32))


def test_one_name_a_line_behind_a_time(tmp_path: Path) -> None:
    lines = []
    for row in range(COUNT):
        lines += [f"{CLOCK[row]}.125 -> Temp = {TEMP[row]} *C", f"{CLOCK[row]}.130 -> Hum = {HUM[row]} %"]
    file = tmp_path / "log.txt"
    file.write_text("\n".join(lines) + "\n")
    found = propose(file)
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    values = values_of(longstride.open(tmp_path / "log.zarr"))
    np.testing.assert_array_equal(values["Temp"][::2], np.array(TEMP, np.float32))
    np.testing.assert_array_equal(values["Hum"][1::2], np.array(HUM, np.float32))


def test_records_begin_with_a_named_number_of_seconds(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_text(
        "\n".join(
            f"Timestamp: {1709290800 + 60 * row}\nTemp: {TEMP[row]} C\nLoad: 0.{row}, 0.2, 0.3\n"
            for row in range(COUNT)
        )
    )
    found = propose(file)
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    values = values_of(longstride.open(tmp_path / "log.zarr"))
    np.testing.assert_array_equal(values["Temp"], np.array(TEMP, np.float32))
    assert "Load" not in values


def test_damaged_lines_are_rejected_and_named(tmp_path: Path) -> None:
    lines = log_of(FORMS["semicolons"]).splitlines()
    lines[3] = lines[3][:15]
    lines[5] += "; temp: 7"
    lines[8] += "; pressure: 1000"
    file = tmp_path / "log.txt"
    file.write_text("\n".join(lines) + "\n")
    found = propose(file)
    assert doubted(found, "name twice")
    report = longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    assert report.files[0].num_rejected == 2


def test_a_record_that_is_cut_off_lacks_what_was_not_written(tmp_path: Path) -> None:
    whole = log_of(FORMS["record"])
    file = tmp_path / "log.txt"
    file.write_text("hum: 7\n" + whole[: whole.rindex("hum")])
    found = propose(file)
    assert doubted(found, "no record")
    report = longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    assert report.files[0].num_rejected == 1
    assert report.num_rows == COUNT


def test_recipes_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    with raises("recipe-conflict", "separator"):
        longstride.Recipe(time="time", record="(?P<time>.+)", separator=";")
    with raises("recipe-conflict", "line"):
        longstride.Recipe(time="time", record="(?P<time>.+)", line="(?P<a>.+)")
    with raises("recipe-value", "record"):
        longstride.Recipe(time="time", record=".+")
    with raises("recipe-conflict", "iconv"):
        longstride.Recipe(time="time", line="(?P<pairs>.+)", encoding="utf-16")
    empty = tmp_path / "empty.log"
    empty.write_text("\n")
    for settings in ({"line": "(?P<pairs>.+)"}, {"record": "(?P<time>.+)"}):
        with raises("source-format", "expected"):
            longstride.ingest([empty], tmp_path / "log.zarr", longstride.Recipe(time="time", **settings))


def test_a_record_that_a_name_begins_keeps_its_value(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_text(log_of(FORMS["record of a name"]))
    found = propose(file)
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    np.testing.assert_array_equal(
        values_of(longstride.open(tmp_path / "log.zarr"))["Fix_mode"], [row % 2 for row in range(COUNT)]
    )


def test_lines_of_names_that_repeat_before_the_first_are_no_records(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_text("".join(f"open: {row}\nread: {row}\nread: {row + 1}\n" for row in range(COUNT)))
    with raises("times-not-found"):
        assert "record" not in propose(file).settings
