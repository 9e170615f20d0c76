"""Series and pivot, found in logs that need them and in logs that nearly do."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import START, doubted, log, propose, times, unsteady, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]


def interleaved(rounds: int, devices: Sequence[str], *, jitter: float = 0) -> list[list[str]]:
    """Rows of several devices in turn: time, device, two numbers."""
    rows: list[list[str]] = []
    numbers = iter(wave(2 * rounds * len(devices)))
    for index in range(rounds):
        for place, device in enumerate(devices):
            moment = START + timedelta(seconds=10 * index + jitter * place)
            rows.append([moment.isoformat(timespec="milliseconds"), device, next(numbers), next(numbers)])
    return rows


@pytest.mark.parametrize("jitter", [0, 0.003], ids=["at the same time", "one after the other"])
def test_series_that_are_interleaved(look: LOOK, store: STORE, jitter: float) -> None:
    found = look("time,device,a,b", *zip(*interleaved(30, ["fan", "pump", "drive"], jitter=jitter), strict=True))
    assert found.settings == {"time": "time", "series": "device"}
    assert "the median step of a series is 10s, all steps are the same" in found.seen
    made = store()
    assert made.series == ("drive", "fan", "pump")
    assert made.num_rows == 90


def test_series_one_after_the_other(look: LOOK) -> None:
    rows = sorted(interleaved(30, ["7", "12", "3"]), key=lambda row: row[1])
    assert look("time,unit_id,a,b", *zip(*rows, strict=True)).settings == {"time": "time", "series": "unit_id"}


def test_texts_of_a_log_in_order_are_no_series(look: LOOK) -> None:
    winds = np.random.default_rng(0).choice(["N", "NE", "S"], 90)
    # Two states in turn are no two machines where they do not come at a steady pace.
    found = look("time,wind,v,state", unsteady(90), winds, wave(90), ["open", "shut"] * 45)
    assert found.settings == {"time": "time", "exclude": ["wind", "state"], "max-gap": "7m"}
    assert found.why["exclude=state"] == "texts: 'open', 'shut'"


def test_each_file_of_a_series(write_log: Callable[..., Path], store: STORE) -> None:
    # Neither order nor turns tell that the rows of the second are of another station.
    stamps = {"north": times(40), "south": times(40, start=START + timedelta(days=1))}
    files = [
        write_log(f"{name}.csv", log("time,station,v,w", stamps[name], [name] * 40, wave(40), wave(40, seed=1)))
        for name in stamps
    ]
    assert propose(*files).settings == {"time": "time", "series": "station"}
    assert store(*files).series == ("north", "south")
    assert propose(files[0]).settings == {"time": "time", "exclude": ["station"]}


def test_a_long_log_is_pivoted(look: LOOK, store: STORE) -> None:
    rows = [row[:3] for row in interleaved(30, ["speed", "heat", "load"])]
    found = look("time,what,value", *zip(*rows, strict=True))
    assert found.settings == {"time": "time", "pivot": "what"}
    assert doubted(found, "call it series instead")
    made = store()
    assert sorted(made.channels) == ["heat", "load", "speed"]
    assert made.num_rows == 30


def test_a_long_log_of_several_machines(look: LOOK, store: STORE) -> None:
    sensors = interleaved(30, ["speed", "heat", "load"])
    rows = [[row[0], machine, *row[1:3]] for row in sensors for machine in ("east", "west")]
    found = look("time,machine,sensor,value", *zip(*rows, strict=True))
    assert found.settings == {"time": "time", "series": "machine", "pivot": "sensor"}
    assert doubted(found, "it may be the other way round")
    assert store().num_rows == 60


@pytest.mark.parametrize(("names", "setting"), [("speed heat load", "pivot"), ("east west north", "series")])
def test_one_number_at_times_of_their_own(look: LOOK, names: str, setting: str) -> None:
    rows = sorted((row[:3] for row in interleaved(30, names.split(), jitter=0.5)), key=lambda row: row[1])
    found = look("time,which,value", *zip(*rows, strict=True))
    assert found.settings == {"time": "time", setting: "which"}
    assert doubted(found, "pivot = " if setting == "series" else "series = ")


WHOSE = [(zone, place) for zone in ("north", "south") for place in ("a", "b", "c")]


def panel(rows: int, whose: Sequence[Sequence[object]], order: str) -> list[list[str]]:
    """Rows of several machines at each time: time, what names them, two numbers."""
    numbers = iter(wave(2 * rows * len(whose)))
    found = [[stamp, *map(str, of), next(numbers), next(numbers)] for stamp in times(rows) for of in whose]
    if order == "one below the other":
        return sorted(found, key=lambda row: row[1 : 1 + len(whose[0])])
    return [found[row] for row in np.random.default_rng(3).permutation(len(found))] if order == "any" else found


ORDERS = pytest.mark.parametrize("order", ["by time", "one below the other", "any"])


@ORDERS
def test_two_columns_name_a_machine_together(look: LOOK, store: STORE, order: str) -> None:
    found = look("time,zone,place,a,b", *zip(*panel(30, WHOSE, order), strict=True))
    assert found.settings == {"time": "time", "series": ["zone", "place"]}
    assert doubted(found, "'zone', 'place' together name the series of a row")
    made = store()
    assert made.series == tuple(sorted(f"{zone}/{place}" for zone, place in WHOSE))
    assert made.num_rows == 180


@ORDERS
@pytest.mark.parametrize("name", ["gpu", "bus", "rep", "depth"])
def test_a_number_names_a_machine(look: LOOK, store: STORE, order: str, name: str) -> None:
    found = look(f"time,{name},a,b", *zip(*panel(30, [[0], [1], [2], [5]], order), strict=True))
    assert found.settings == {"time": "time", "series": name}
    assert doubted(found, "is taken for the number of a machine")
    assert store().num_rows == 120


@ORDERS
def test_a_second_column_tells_apart_what_the_first_leaves_together(look: LOOK, store: STORE, order: str) -> None:
    cities = [("Columbia", "SC"), ("Columbia", "MO"), *((f"City{number}", "MO") for number in range(20))]
    found = look("time,city,state,a,b", *zip(*panel(20, cities, order), strict=True))
    assert found.settings["series"] == ["city", "state"]
    assert len(store().series) == 22


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("words", [["auto", "hand", "off"], [f"W{number}" for number in range(16)]])
def test_a_text_of_rows_that_repeat_a_time_is_no_machine(look: LOOK, share: float, words: list[str]) -> None:
    random = np.random.default_rng(1)
    seconds = np.cumsum(random.random(400) > share) * 60
    stamps = [(START + timedelta(seconds=int(second))).isoformat() for second in seconds]
    found = look("time,remark,a,b", stamps, random.choice(words, 400), wave(400), wave(400, seed=1))
    assert not {"series", "pivot"} & found.settings.keys()
    assert doubted(found, "repeat a time with other values") or doubted(found, "of a time that was before")


def test_several_columns_take_turns_together(look: LOOK) -> None:
    rows = [
        [(START + timedelta(seconds=60 * row + place)).isoformat(), *whose]
        for row in range(30)
        for place, whose in enumerate(WHOSE)
    ]
    found = look("time,zone,place,a,b", *zip(*rows, strict=True), wave(180), wave(180, seed=1))
    assert found.settings["series"] == ["zone", "place"]


@pytest.mark.parametrize("name", ["probe", "state"])
def test_logs_of_a_clock_coarser_than_their_rows_follow_each_other(look: LOOK, store: STORE, name: str) -> None:
    stamps = [stamp for stamp in times(40, step=1) for _ in range(5)]
    names = [one for one in ("a", "b", "c") for _ in range(200)]
    found = look(f"time,{name},value", stamps * 3, names, wave(600))
    assert found.settings["series"] == name
    assert found.settings["duplicates"] == "spread"
    assert doubted(found, f'say pivot = "{name}" instead')
    made = store()
    assert made.series == ("a", "b", "c")
    assert np.allclose(made.values[:, 0], [float(number) for number in wave(600)])


def test_a_state_of_a_coarse_clock_is_no_machine(look: LOOK) -> None:
    """It takes turns within each second, as a pump of one stroke a second does."""
    stamps = [stamp for stamp in times(60, step=1) for _ in range(6)]
    found = look("time,valve,value,other", stamps, ["open", "open", "shut"] * 120, wave(360), wave(360, seed=1))
    assert not {"series", "pivot"} & found.settings.keys()
    stroke = ["up"] * 3 + ["down"] * 3
    found = look("time,stroke,value,other", stamps, stroke * 60, wave(360), wave(360, seed=1))
    assert not {"series", "pivot"} & found.settings.keys()


def test_a_state_of_a_slow_sensor_is_no_machine(look: LOOK) -> None:
    """Its rows of one second are alike, as if they were written twice."""
    random = np.random.default_rng(0)
    stamps = [stamp for stamp in times(60, step=1) for _ in range(8)]
    slow = [20 + row // 100 for row in range(480)]
    found = look("time,valve,a,b", stamps, random.choice(["open", "shut"], 480), slow, slow[::-1])
    assert not {"series", "pivot"} & found.settings.keys()


@pytest.mark.parametrize("number", [None, "row", "key"])
def test_rows_that_were_written_twice_hide_no_machine(look: LOOK, store: STORE, number: str | None) -> None:
    rows = [row for row in interleaved(60, ["fan", "pump", "drive"]) for _ in range(2)]
    names = "time,device,a,b"
    if number is not None:
        names = f"{number},{names}"
        rows = [[f"log_{index:x}" if number == "key" else str(index), *row] for index, row in enumerate(rows)]
    found = look(names, *zip(*rows, strict=True))
    assert found.settings["series"] == "device"
    assert found.settings["duplicates"] == "same"
    assert store().num_rows == 180


def test_a_text_that_tells_some_rows_apart_is_named(look: LOOK) -> None:
    stamps = [stamp for row, stamp in enumerate(times(120)) for _ in range(1 if row % 7 else 5)]
    found = look(
        "time,place,v", stamps, np.random.default_rng(0).choice(["in", "out"], len(stamps)), wave(len(stamps))
    )
    assert "series" not in found.settings
    assert doubted(found, "(if 'place' does, which tells some of them apart, say series = \"place\")")


def levels(rows: int, whose: Sequence[str], *, at_once: int = 1) -> list[list[str]]:
    """Rows of sensors at each time, which write several each: time, name, and a number near their own level."""
    random = np.random.default_rng(2)
    return [
        [stamp, name, f"{20 + 5 * place + random.normal():.3f}"]
        for stamp in times(rows, step=1)
        for place, name in enumerate(whose)
        for _ in range(at_once)
    ]


@pytest.mark.parametrize("name", ["Series", "sensor_id", "probe"])
@pytest.mark.parametrize("whose", [["p1", "p2", "p3"], ["1", "2", "3"]])
def test_sensors_that_write_several_rows_at_a_time(look: LOOK, name: str, whose: list[str]) -> None:
    found = look(f"time,{name},v", *zip(*levels(60, whose, at_once=4), strict=True))
    assert found.settings["series"] == name
    assert "at each time those of each of its 3 values follow each other" in found.why["series"]


@pytest.mark.parametrize("name", ["valve", "mode", "speed"])
def test_a_level_of_each_state_is_of_no_sensor(look: LOOK, name: str) -> None:
    for whose in (["low", "mid", "high"], ["1", "2", "3"]):
        found = look(f"time,{name},v", *zip(*levels(60, whose, at_once=4), strict=True))
        assert not {"series", "pivot"} & found.settings.keys()


@pytest.mark.parametrize(
    ("name", "doubt"), [("sensor_id", "pivot = "), ("probe", "if it is the number of a machine"), ("speed", None)]
)
def test_a_number_that_takes_turns(look: LOOK, name: str, doubt: str | None) -> None:
    rows = [
        [(START + timedelta(seconds=20 * index)).isoformat(), row[1], row[2]]
        for index, row in enumerate(levels(60, ["1", "2", "3"]))
    ]
    found = look(f"time,{name},v,w", *zip(*rows, strict=True), wave(180))
    assert found.settings.get("pivot") == (name if name == "sensor_id" else None)
    assert "series" not in found.settings
    assert doubted(found, "machine") == (doubt is not None)
