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
    assert "0 windows of 64 rows, in 3 segments" in found.seen
    assert doubted(found, "pieces of at most 50 rows: no window of 64 rows fits")


@pytest.mark.parametrize("count", [40, 63, 64, 200])
def test_windows_of_one_piece(look: LOOK, count: int) -> None:
    found = look("time,v", times(count), wave(count))
    num_windows = max(0, count - 63)
    assert any(text.startswith(f"{num_windows} window") for text in found.seen)
    assert not doubted(found, "no window")


def test_windows_of_an_uneven_log(look: LOOK, store: Callable[..., SeriesStore]) -> None:
    found = look("time,v", unsteady(1000), wave(1000))
    assert doubted(found, "steps are not even")
    (told,) = (text for text in found.seen if "windows of 64 rows" in text)
    segments = store().segments
    lengths = segments.stop - segments.start
    assert told == f"{(lengths - 63).clip(0).sum()} windows of 64 rows, in {len(lengths)} segments"
    assert lengths[lengths >= 64].sum() >= 500


def test_windows_of_series_that_take_turns(look: LOOK, store: Callable[..., SeriesStore]) -> None:
    stamps = [stamp for stamp in times(100) for _ in range(2)]
    found = look("time,v,w,pump", stamps, wave(200), wave(200, seed=1), ["a", "b"] * 100)
    assert found.settings["series"] == "pump"
    assert "74 windows of 64 rows, in 2 segments" in found.seen
    assert len(store().segments) == 2


def test_repeated_times(look: LOOK, store: Callable[..., SeriesStore]) -> None:
    stamps = times(1000)
    stamps[500] = stamps[499]
    found = look("time,v", stamps, wave(1000))
    assert found.settings == {"time": "time", "duplicates": "same"}
    values = wave(1000)
    assert doubted(found, f"'v' is {float(values[499]):g} and {float(values[500]):g} at 2024-03-18 17:49:00")
    with pytest.raises(AssertionError, match="rows-differ"):
        store()


def test_rows_that_are_repeated_as_they_were(look: LOOK, store: Callable[..., SeriesStore]) -> None:
    stamps, values, faults = times(200), wave(200), ["0"] * 200
    stamps[50], values[50] = stamps[49], values[49]
    found = look("time,v,fault", stamps, values, faults)
    assert found.settings == {"time": "time", "labels": ["fault"], "duplicates": "same"}
    assert not doubted(found, "duplicates")
    assert store().num_rows == 199
    faults[50] = "1"
    assert doubted(look("time,v,fault", stamps, values, faults), "'fault' is 0 and 1 at 2024-03-18 10:19:00")


@pytest.mark.parametrize("device", ["spine1", "spine2"])
def test_repeated_rows_that_differ_in_what_is_left_out(look: LOOK, device: str) -> None:
    devices = [f"spine{1 + row // 3}" for row in range(60)]
    found = look("time,v,device", [*times(60), times(60)[0]], [*wave(60), wave(60)[0]], [*devices, device])
    assert found.settings["duplicates"] == "same"
    assert bool(doubted(found, "differ in 'device', which is left out")) == (device == "spine2")


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
        (log("time,v", times(40)[20:], wave(40)[20:]), {"duplicates": "same"}),
        (log("time,w", times(40), wave(40, seed=1)), {}),
    ],
    ids=["of something else", "that overlaps", "of other columns"],
)
def test_a_second_file(write_log: WRITE, second: list[str], settings: dict[str, str]) -> None:
    files = write_log("a.csv", log("time,v", times(40), wave(40))), write_log("b.csv", second)
    found = propose(*files)
    assert found.settings == {"time": "time"} | settings
    assert doubted(found, "series-from = ") == ("prefix-from" in settings)
