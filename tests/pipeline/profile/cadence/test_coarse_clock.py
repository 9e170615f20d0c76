"""Clocks that are coarser than rows: told apart from rows that repeat a time for other reasons."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import START, doubted, log, propose, times, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]
WRITE = Callable[..., Path]
ROWS = 300


@pytest.mark.parametrize("step", [0.22, 0.5, 0.9])
@pytest.mark.parametrize(
    ("form", "over_s", "over"), [("%d.%m.%Y %H:%M:%S", 1, "1s"), ("%d.%m.%Y %H:%M", 60, "1m")]
)
def test_several_rows_of_one_time(
    look: LOOK, store: STORE, step: float, form: str, over_s: int, over: str
) -> None:
    stamps = times(ROWS, step=step * over_s, form=form)
    found = look("time,v", stamps, wave(ROWS))
    assert (found.settings["duplicates"], found.settings["spread-over"]) == ("spread", over)
    assert doubted(found, 'say duplicates = "first", "last" or "mean"')
    made = store()
    assert made.values[:, 0].tolist() == [float(np.float32(text)) for text in wave(ROWS)]
    assert (np.diff(made.time) > 0).all()
    clock = [datetime.fromtimestamp(time // 10**9 // over_s * over_s, UTC) for time in made.time.tolist()]
    assert [moment.strftime(form) for moment in clock] == stamps
    assert len(made.segments) == 1


def test_blocks_of_one_time_may_be_bursts(look: LOOK, store: STORE) -> None:
    stamps = [stamp for stamp in times(20, step=30) for _ in range(16)]
    found = look("time,v", stamps, wave(320))
    assert found.settings["spread-over"] == "30s"
    assert doubted(found, 'as with spread-over = "1s"')
    assert store().num_rows == 320


def test_an_elapsed_time_that_stands_still(look: LOOK, store: STORE) -> None:
    found = look("Time (s),v", [f"{row // 32 * 0.25:e}" for row in range(ROWS)], wave(ROWS))
    assert (found.settings["duplicates"], found.settings["spread-over"]) == ("spread", "250ms")
    assert doubted(found, "elapsed time")
    assert store().num_rows == ROWS


def test_a_few_repeated_times_are_no_coarse_clock(look: LOOK) -> None:
    stamps = times(ROWS, step=60)
    for row in (40, 41, 97, 203, 204, 205, 250):
        stamps[row] = stamps[row - 1]
    found = look("time,v", stamps, wave(ROWS))
    assert found.settings.get("duplicates") != "spread"
    (doubt,) = (text for text in found.doubts if "a time" in text and "duplicates" in text)
    assert 'duplicates = "first", "last" or "mean"' in doubt
    assert 'duplicates = "spread" and spread-over = "1m"' in doubt


def test_rows_of_two_machines_that_take_turns_are_no_coarse_clock(look: LOOK) -> None:
    stamps = [stamp for stamp in times(150) for _ in range(2)]
    values = [f"{float(text) + row % 2 * 50:.2f}" for row, text in enumerate(wave(ROWS))]
    found = look("time,v", stamps, values)
    assert "duplicates" not in found.settings
    assert doubted(found, "no column says whose they are")


def test_rows_that_come_twice_are_kept_once(look: LOOK) -> None:
    stamps, values = times(150), wave(150)
    twice = [row for row in range(150) for _ in range(2)]
    found = look("time,v", [stamps[row] for row in twice], [values[row] for row in twice])
    assert found.settings["duplicates"] == "same"


def test_where_the_order_of_rows_is_not_known_nothing_is_spread(look: LOOK, write_log: WRITE) -> None:
    stamps, values = times(ROWS, step=0.25), wave(ROWS)
    assert "duplicates" not in look("time,v", stamps[::-1], values).settings
    assert "duplicates" not in look("time,v", stamps[100:200] + stamps[:100] + stamps[200:], values).settings
    later = times(ROWS, step=0.25, start=START + timedelta(seconds=60))
    files = [write_log("a.csv", log("time,v", stamps, values)), write_log("b.csv", log("time,v", later, values))]
    assert propose(*files).settings.get("duplicates") != "spread"
    after = times(ROWS, step=0.25, start=START + timedelta(seconds=75))
    files[1] = write_log("c.csv", log("time,v", after, values))
    assert propose(*files).settings["duplicates"] == "spread"
