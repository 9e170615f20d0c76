"""Steps, gaps and rows of the same time."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import START, doubted, log, propose, times, unsteady, wave

LOOK = Callable[..., Proposal]
WRITE = Callable[..., Path]


def test_gaps(look: LOOK) -> None:
    stamps = times(50) + times(50, start=START + timedelta(hours=2)) + times(2, start=START + timedelta(days=1))
    found = look("time,v", stamps, wave(102))
    assert "the median step is 1m, 2.0% of steps are others" in found.seen
    assert "2 gaps of over 1.5 times that, the longest 21h11m" in found.seen
    assert not doubted(found, "max-gap")
    assert doubted(look("time,v", unsteady(100), wave(100)), "say max-gap = ")


def test_repeated_times(look: LOOK, store: Callable[..., SeriesStore]) -> None:
    stamps = times(1000)
    stamps[500] = stamps[499]
    found = look("time,v", stamps, wave(1000))
    assert found.settings == {"time": "time", "duplicates": "first"}
    assert found.why["duplicates"] == "1 row of a time that was before, 1 with other values (see last and mean)"
    assert store().num_rows == 999


def test_times_that_go_back(look: LOOK) -> None:
    stamps = times(1000)
    stamps[500], stamps[501] = stamps[501], stamps[500]
    found = look("time,v", stamps, wave(1000))
    assert found.settings == {"time": "time"}
    assert "times go back in 1 place" in found.seen


@pytest.mark.parametrize(
    ("second", "settings"),
    [
        (log("time,v", times(40), wave(40, seed=1)), {"prefix-from": r"(?P<prefix>[A-Za-z]+)\.csv"}),
        (log("time,v", times(40)[20:], wave(40)[20:]), {"duplicates": "first"}),
        (log("time,w", times(40), wave(40, seed=1)), {}),
    ],
    ids=["of something else", "that overlaps", "of other columns"],
)
def test_a_second_file(write_log: WRITE, second: list[str], settings: dict[str, str]) -> None:
    files = write_log("a.csv", log("time,v", times(40), wave(40))), write_log("b.csv", second)
    found = propose(*files)
    assert found.settings == {"time": "time"} | settings
    assert doubted(found, "series-from = ") == ("prefix-from" in settings)
