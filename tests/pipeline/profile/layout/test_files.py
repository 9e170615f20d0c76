"""Files that each hold one sensor or one machine, and files that do not."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride.pipeline.profile.layout.file_names import GROUP, namings
from longstride.pipeline.profile.sample import MAX_FILES
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import START, doubted, log, propose, times, wave

Write = Callable[..., Path]


def written(write_log: Write, name: str, scale: float = 1, day: int = 0, seed: int = 0, step: float = 60) -> Path:
    values = [f"{scale * float(value):.3f}" for value in wave(40, seed=seed)]
    others = [f"{scale * float(value):.3f}" for value in wave(40, seed=seed + 1)]
    start = START + timedelta(days=day)
    return write_log(name, log("time,x,y", times(40, step=step, start=start), values, others))


@pytest.mark.parametrize("step", [60, 59.5], ids=["at the same times", "at times of their own"])
def test_a_sensor_a_file(write_log: Write, store: Callable[..., SeriesStore], step: float) -> None:
    files = [written(write_log, "acc.csv", 1, seed=1), written(write_log, "gyro.csv", 0.01, seed=2, step=step)]
    found = propose(*files)
    assert found.settings == {"time": "time", "prefix-from": r"(?P<prefix>[A-Za-z]+)\.csv"}
    assert doubted(found, 'series-from = "(?P<series>')
    assert sorted(store(*files).channels) == ["acc/x", "acc/y", "gyro/x", "gyro/y"]


def test_a_machine_a_file(write_log: Write, store: Callable[..., SeriesStore]) -> None:
    files = [written(write_log, f"pump_{number}.csv", seed=number) for number in range(3)]
    found = propose(*files)
    assert found.settings == {"time": "time", "series-from": r"(?P<series>pump_[0-9]+)\.csv"}
    assert doubted(found, 'prefix-from = "(?P<prefix>')
    assert store(*files).series == ("pump_0", "pump_1", "pump_2")


def test_a_tag_a_file(write_log: Write, store: Callable[..., SeriesStore]) -> None:
    files = [
        write_log(f"{name}.csv", log("Time,Value", times(40), wave(40, seed=seed)))
        for seed, name in enumerate(("FT101", "TT205.PV", "P-7"))
    ]
    assert propose(*files).settings["prefix-from"] == r"^(?P<prefix>.+)\.csv$"
    assert sorted(store(*files).channels) == ["FT101/Value", "P-7/Value", "TT205.PV/Value"]


def test_sensors_and_days(write_log: Write) -> None:
    files = [
        written(write_log, f"{name}_2024-03-{18 + day}.csv", scale, day, seed=day)
        for name, scale in (("acc", 1), ("gyro", 0.01))
        for day in range(2)
    ]
    found = propose(*files)
    assert found.settings["prefix-from"] == r"(?P<prefix>[A-Za-z]+)_2024-03-[0-9]+\.csv"


def test_a_day_a_file_stays_as_it_is(write_log: Write) -> None:
    files = [written(write_log, f"log_{18 + day}.csv", day=day, seed=day) for day in range(3)]
    assert propose(*files).settings == {"time": "time"}


def test_the_same_rows_twice_are_one_sensor(write_log: Write) -> None:
    files = [written(write_log, "export.csv"), written(write_log, "export_copy.csv")]
    assert "prefix-from" not in (found := propose(*files)).settings
    assert "series-from" not in found.settings


def test_names_that_tell_nothing(tmp_path: Path, write_log: Write) -> None:
    # Two of three files could be told apart by their names, but no part of them does.
    names = ["a_1.csv", "a_2.csv", "b_1.csv", "b_2.csv"]
    files = [written(write_log, name, seed=seed) for seed, name in enumerate(names)]
    found = propose(*files)
    assert found.settings["series-from"] == r"(?P<series>[A-Za-z]+_[0-9]+)\.csv" or ".+" in str(found.settings)


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["acc.csv", "gyro.csv"], ["acc", "gyro"]),
        (["m1_01.csv", "m1_02.csv", "m2_01.csv"], ["m1", "m1", "m2"]),
        (["Accelerometer.csv", "Linear Accelerometer.csv"], ["Accelerometer", "Linear Accelerometer"]),
        (["a(1).csv", "b(1).csv"], ["a", "b"]),
        (["x-2024-01-01T00.csv", "y-2024-01-02T00.csv"], ["x", "y"]),
        (["east/log.csv", "west/log.csv"], ["east", "west"]),
    ],
)
def test_parts_of_names(names: Sequence[str], keys: Sequence[str]) -> None:
    found = list(namings(names))
    assert keys in [list(naming[1].values()) for naming in found]
    for pattern, groups in found:
        for name, group in groups.items():
            match = re.search(pattern, str(Path(name).absolute()) if "/" in pattern else Path(name).name)
            assert match is not None
            assert match[GROUP] == group
    assert np.all(np.diff([len(set(naming[1].values())) for naming in found]) >= 0)


def test_files_that_repeat_a_few_rows_of_the_one_before_are_one_log(write_log: Callable[..., Path]) -> None:
    # Of files that were not looked at first, a few rows are: those at which something is new, as a first fault.
    seen = set(np.linspace(0, 34, MAX_FILES, dtype=int).tolist())
    clock, flow = times(2000), [20 + row % 7 for row in range(2000)]
    files = [
        write_log(
            f"piece{number:02}.csv",
            log(
                "time,flow,fault",
                clock[at : at + 50],
                flow[at : at + 50],
                [int(number not in seen)] * 5 + [0] * 45,
            ),
        )
        for number, at in enumerate(range(0, 35 * 45, 45))
    ]
    assert not {"series-from", "prefix-from"} & propose(*files).settings.keys()
