"""Long logs: a row for each value of each sensor, with whatever loggers write beside it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longstride import Proposal, Recipe, ingest
from longstride.pipeline.profile.layout.quantities import are_far
from longstride.pipeline.profile.words.quantity_names import are_quantities
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import START, doubted, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]


def changes(count: int, *, every: float, low: float, high: float, seed: int) -> list[tuple[str, str]]:
    """Times, none of which is that of another sensor, and values of one that writes when it changes."""
    generator = np.random.default_rng(seed)
    seconds = np.cumsum(generator.exponential(every, count))
    values = generator.uniform(low, high, count)
    return [
        ((START + timedelta(seconds=float(second))).isoformat(timespec="microseconds"), f"{value:.2f}")
        for second, value in zip(seconds, values, strict=True)
    ]


def events(**logs: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Rows of all sensors in the order of time."""
    return sorted((time, name, value) for name, rows in logs.items() for time, value in rows)


BOILER = changes(200, every=60, low=20, high=24, seed=1)
PUMP = changes(60, every=200, low=400, high=695, seed=2)


@pytest.mark.parametrize("is_mixed", [True, False], ids=["mixed", "one after the other"])
@pytest.mark.parametrize("name", ["entity_id", "tag", "x"])
def test_sensors_that_write_when_they_change(look: LOOK, store: STORE, is_mixed: bool, name: str) -> None:
    rows = events(boiler=BOILER, pump=PUMP)
    if not is_mixed:
        rows.sort(key=lambda row: row[1])
    found = look(f"time,{name},v", *zip(*rows, strict=True))
    assert {key: value for key, value in found.settings.items() if key != "max-gap"} == {
        "time": "time",
        "pivot": name,
    }
    assert doubted(found, "'boiler'")
    assert doubted(found, f'series = "{name}"')
    assert doubted(found, 'fill = "forward"')
    made = store()
    assert sorted(made.channels) == ["boiler", "pump"]
    counts = dict(zip(made.channels, np.isfinite(np.asarray(made.values[:])).sum(axis=0).tolist(), strict=True))
    assert counts == {"boiler": 200, "pump": 60}


def test_texts_of_one_sensor_are_no_sensors(look: LOOK) -> None:
    rows = changes(200, every=60, low=20, high=24, seed=3)
    times, values = zip(*rows, strict=True)
    mode = np.random.default_rng(0).choice(["heating", "idle"], 200)
    power = np.where(mode == "heating", 500.0, 0.0) + np.arange(200) % 7
    settings = look("time,mode,power", times, mode, power).settings
    assert (settings["time"], settings["exclude"]) == ("time", ["mode"])
    runs = np.repeat(["pump", "fan"], 100)
    assert "pivot" not in look("time,operator,v", times, runs, values).settings


def test_states_among_numbers_are_not_called_missing_in_silence(
    look: LOOK, tmp_path: Path, write_log: Callable[..., Path]
) -> None:
    door = [(time, "on" if index % 2 else "off") for index, (time, _) in enumerate(PUMP)]
    boiler = [*BOILER[:-1], (BOILER[-1][0], "unavailable")]
    found = look(
        "entity_id,state,last_changed",
        *zip(*[(b, c, a) for a, b, c in events(boiler=boiler, door=door)], strict=True),
    )
    assert found.settings["pivot"] == "entity_id"
    assert sorted(found.settings["null"]) == ["state=off", "state=on", "unavailable"]
    (doubt,) = [doubt for doubt in found.doubts if "states" in doubt]
    assert "'door'" in doubt
    # What the doubt says is done.
    settings = dict(found.settings) | {
        "exclude": ["state"],
        "sql": doubt.partition('sql = "')[2].rstrip('"').replace('\\"', '"'),
    }
    del settings["null"]
    ingest(tmp_path / "a.csv", tmp_path / "made", Recipe.from_settings(settings))
    made = open_store(tmp_path / "made")
    doors = np.asarray(made.values[:])[:, made.channels.index("door")]
    assert set(doors[np.isfinite(doors)]) == {0, 1}


@pytest.mark.parametrize(
    ("name", "of_row"),
    [
        ("table", lambda row, sensor: sensor),
        ("row", lambda row, sensor: row),
        ("Time_ms", lambda row, sensor: 45370395833.3 + 694.444 * (row // 3)),
        ("Validity", lambda row, sensor: 192 if row % 11 else 24),
    ],
)
def test_numbers_beside_the_value(
    look: LOOK, store: STORE, name: str, of_row: Callable[[int, int], float]
) -> None:
    values = wave(90)
    rows = [
        (
            (START + timedelta(minutes=row // 3)).isoformat(),
            ["temp", "hum", "pressure"][row % 3],
            float(values[row]) * [1, 5, 100][row % 3],
            of_row(row, row % 3),
        )
        for row in range(90)
    ]
    found = look(f"time,_field,_value,{name}", *zip(*rows, strict=True))
    assert found.settings["pivot"] == "_field"
    assert found.settings["exclude"] == [name]
    assert "series" not in found.settings
    assert sorted(store().channels) == ["hum", "pressure", "temp"]


def test_a_quality_that_is_left_out_is_a_doubt(look: LOOK) -> None:
    rows = [
        (time, name, value, 0 if index % 9 else 1)
        for index, (time, name, value) in enumerate(events(boiler=BOILER, pump=PUMP))
    ]
    found = look("time,tag,value,quality", *zip(*rows, strict=True))
    assert found.settings["exclude"] == ["quality"]
    assert doubted(found, "WHERE quality = '0'")


def test_several_numbers_of_each_are_series(look: LOOK) -> None:
    rows = [(time, name, value, float(value) / 3) for time, name, value in events(north=BOILER, south=PUMP)]
    found = look("time,station,a,b", *zip(*rows, strict=True))
    assert "pivot" not in found.settings


@pytest.mark.parametrize("text", ["{0},5,N,00{0},1", "+00{0};5", "{0} kW"])
def test_measured_texts_are_no_key(look: LOOK, text: str) -> None:
    texts = [text.format(10 + row % 9) for row in range(180)]
    times = [(START + timedelta(hours=row)).isoformat() for row in range(180)]
    found = (
        look("time;wind;v", times, texts, wave(180), mark=";")
        if ";" not in text
        else look("time,wind,v", times, texts, wave(180))
    )
    assert "series" not in found.settings
    assert "pivot" not in found.settings


def test_far_values() -> None:
    keys = pl.Series(["a", "b"] * 10)
    for one, other, is_far in [(20, 500, True), (20, 21, False), (20, 24, False), (-5, 5, False)]:
        values = pl.Series([float(one if row % 2 else other) + row % 3 / 2 for row in range(20)])
        assert are_far(values, keys) == is_far, (one, other)
    assert not are_far(pl.Series([1.0, 1000.0] * 2), keys[:4])


def test_names_of_quantities() -> None:
    assert are_quantities(["sensor.boiler_temperature", "sensor.pumpPower", "x"])
    assert not are_quantities(["room1_temp", "room2_temp"])
    assert not are_quantities(["north", "south"])


def event_log(num_rows: int, *, share_again: float, seed: int = 0) -> list[tuple[str, str, str]]:
    """Time, sensor and value: some sensors write in the same second, none of them twice."""
    random = np.random.default_rng(seed)
    sensors = {"temperature": 20, "humidity": 50, "co2": 600}
    rows: list[tuple[str, str, str]] = []
    moment, written = START, set[str]()
    while len(rows) < num_rows:
        if random.random() >= share_again or len(written) == len(sensors):
            moment, written = moment + timedelta(seconds=int(random.integers(1, 40))), set[str]()
        sensor = str(random.choice([name for name in sensors if name not in written]))
        written.add(sensor)
        rows.append((moment.isoformat(), sensor, f"{sensors[sensor] + random.random():.2f}"))
    return rows


@pytest.mark.parametrize("share_again", [0.002, 0.02, 0.1])
def test_sensors_of_which_a_few_write_in_the_same_second(look: LOOK, store: STORE, share_again: float) -> None:
    rows = event_log(600, share_again=share_again)
    found = look("time,sensor,value", *zip(*rows, strict=True))
    assert found.settings["pivot"] == "sensor"
    assert "duplicates" not in found.settings
    assert doubted(found, "a common grid puts them together")
    assert not doubted(found, "steps are not even")
    made = store()
    for column, sensor in enumerate(made.channels):
        values = made.values[:, column]
        expected = np.array([value for _, name, value in rows if name == sensor], np.float32)
        np.testing.assert_array_equal(values[~np.isnan(values)], expected)


def test_a_mode_in_which_a_few_rows_repeat_a_time_is_no_sensor(look: LOOK) -> None:
    """Rows of one time are of one mode, more often than by chance."""
    rows = event_log(600, share_again=0.05)
    modes = ["heat" if row // 50 % 2 else "cool" for row in range(600)]
    moments = [moment for moment, _, _ in rows]
    found = look("time,channel,value", moments, modes, wave(600))
    assert "pivot" not in found.settings
    assert "series" not in found.settings


@pytest.mark.parametrize("name", ["id", "model"])
def test_names_that_happen_to_be_digits_are_no_values(look: LOOK, name: str) -> None:
    nodes = [("n1", "DDM", "a"), ("n2", "4612", "b"), ("n3", "JETw", "a"), ("n4", "9d30", "c")]
    rows = [nodes[row % 4] for row in range(120)]
    clocks = [(START + timedelta(seconds=5 * (row // 4), microseconds=41 * row)).isoformat() for row in range(120)]
    keys = [row[0] if name == "id" else row[2] for row in rows]
    found = look(f"time,{name},short,snr", clocks, keys, [row[1] for row in rows], wave(120))
    assert found.described()["short"].startswith(("left out: texts", "series"))
