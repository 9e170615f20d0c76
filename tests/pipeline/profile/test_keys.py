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
