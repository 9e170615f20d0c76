"""Columns of times of day, and dates in the names of files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, log, propose, times, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]
HALF_HOURS = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 1440, 30)]


def meter(look: LOOK, names: Sequence[str], days: Sequence[str], meters: Sequence[str] = ("m1",)) -> Proposal:
    rows = [(name, day) for day in days for name in meters]
    values = [wave(len(rows), seed=seed) for seed in range(len(names))]
    return look(",".join(["meter", "day", *names]), *zip(*rows, strict=True), *values)


@pytest.mark.parametrize(
    ("names", "format_", "first"),
    [
        (HALF_HOURS, "%H:%M", "00:00"),
        ([*HALF_HOURS[1:], "24:00"], "%H:%M", "00:30"),
        ([name.lstrip("0") if name[:2] != "00" else name[1:] for name in HALF_HOURS], "%H:%M", "00:00"),
        ([f"H{hour}" for hour in range(1, 25)], "H%H", "01:00"),
        ([f"{hour}" for hour in range(24)], "%H", "00:00"),
        ([f"kWh_{name}" for name in HALF_HOURS], "kWh_%H:%M", "00:00"),
    ],
    ids=["from midnight", "to midnight", "without zeros", "hours", "numbers", "with a word"],
)
def test_columns_of_times_of_day(look: LOOK, store: STORE, names: list[str], format_: str, first: str) -> None:
    days = [f"{day:02}/03/2024" for day in range(10, 20)]
    found = meter(look, names, days)
    assert found.settings["melt"] == format_
    assert found.settings["time"] == "day"
    assert doubted(found, "leave out melt")
    assert doubted(found, "of the next day") == (first != "00:00")
    made = store()
    assert made.channels == ("value",)
    assert made.num_rows == 10 * len(names)
    assert str(np.asarray(made.time)[:1].view("datetime64[ns]")[0]).startswith(f"2024-03-10T{first}")
    assert len(set(np.diff(made.time))) == 1


def test_meters_are_series(look: LOOK, store: STORE) -> None:
    found = meter(look, HALF_HOURS, [f"2024-03-{day}" for day in range(10, 20)], ["m1", "m2"])
    assert found.settings["series"] == "meter"
    assert store().series == ("m1", "m2")


def test_other_columns_of_numbers_are_no_times(look: LOOK) -> None:
    found = look(
        "time," + ",".join(f"H{hour}" for hour in range(24)), times(30), *(wave(30, seed=s) for s in range(24))
    )
    assert "melt" not in found.settings
    days = [f"2024-03-{day}" for day in range(10, 20)]
    found = meter(look, [f"s{sensor}" for sensor in range(24)], days)
    assert "melt" not in found.settings


@pytest.mark.parametrize(
    "names",
    [
        [f"p{part}" for part in range(1, 49)],
        [f"HH{part:02}" for part in range(1, 49)],
        [f"Value_{part}" for part in range(1, 97)],
        [f"H{part}" for part in range(1, 26)],
        [f"{part}" for part in range(50)],
    ],
    ids=["half hours", "with a word of hours", "quarters", "with the hour of autumn", "numbers alone"],
)
def test_numbered_parts_of_a_day_are_never_channels_in_silence(look: LOOK, names: list[str]) -> None:
    found = meter(look, names, [f"2024-03-{day}" for day in range(10, 20)])
    assert "melt" not in found.settings
    assert doubted(found, f"{names[0]!r} to {names[-1]!r} are {len(names)} columns")


@pytest.mark.parametrize(
    "names",
    [
        [f"{hour}:00-{hour + 1}:00" for hour in range(24)],
        [f"{hour % 12 or 12} {'AM' if hour < 12 else 'PM'}" for hour in range(24)],
        [*HALF_HOURS, "02:00B", "02:30B"],
        [name.replace(":", "") for name in [*HALF_HOURS[1:], "00:00"]],
    ],
    ids=["from and to", "twelve hours", "the second hour of autumn", "midnight last"],
)
def test_other_times_of_day_in_names_are_doubted(look: LOOK, names: list[str]) -> None:
    found = meter(look, names, [f"2024-03-{day}" for day in range(10, 20)])
    assert doubted(found, "begin as times of day, and are kept as channels")


def test_a_day_without_its_last_hour_is_doubted(look: LOOK) -> None:
    days = [f"2024-03-{day}" for day in range(27, 32)]
    values = [wave(5, seed=seed) for seed in range(48)]
    assert not doubted(look(",".join(["day", *HALF_HOURS]), days, *values), "the last hour alone is missing")
    values[46][2] = values[47][2] = ""
    assert doubted(
        look(",".join(["day", *HALF_HOURS]), days, *values), "the last hour alone is missing, first on 2024-03-29"
    )


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("log_2031-05-17.csv", "2031-05-17"),
        ("20240517.csv", "2024-05-17"),
        ("tank 17.05.2024 b.csv", "2024-05-17"),
    ],
)
def test_the_date_in_the_name(write_log: Callable[..., Path], store: STORE, name: str, date: str) -> None:
    path = write_log(name, log("time,v", times(40, form="%H:%M:%S"), wave(40)))
    found = propose(path)
    assert found.settings["time"] == "time"
    assert "(?P<date>" in str(found.settings["date-from"])
    assert doubted(found, "date-from")
    made = store(path)
    assert str(np.asarray(made.time)[:1].view("datetime64[ns]")[0]).startswith(f"{date}T09:30")


def test_machines_by_the_day(write_log: Callable[..., Path], store: STORE) -> None:
    paths = [
        write_log(
            f"pump{pump}_2024-05-{day}.csv",
            log("time,a,b", times(40, form="%H:%M:%S"), wave(40, seed=pump), wave(40, seed=day)),
        )
        for pump in (1, 2)
        for day in (17, 18)
    ]
    found = propose(*paths)
    assert {"date-from", "series-from"} <= found.settings.keys()
    assert found.settings["time"] == "time"
    assert store(*paths).series == ("pump1", "pump2")


def test_no_date_at_all(write_log: Callable[..., Path]) -> None:
    path = write_log("log_3.csv", log("time,v", times(40, form="%H:%M:%S"), wave(40)))
    found = propose(path)
    assert found.settings["time-format"] == "h:m:s"
    assert doubted(found, "the date alone for times of day")
