"""Lines without words, of which a constant text and several separators frame the numbers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, propose, times, wave

WRITE = Callable[..., Path]
STORE = Callable[..., SeriesStore]
COUNT = 60


def test_a_script_that_fills_an_array(write_log: WRITE, store: STORE) -> None:
    columns = [wave(COUNT, seed=seed) for seed in range(4)]
    stamps = times(COUNT, step=300, form="%d.%m.%Y %H:%M:%S")
    rows = [f'm[mi++]="{time}|{a};{b}|{c};{d}"' for time, a, b, c, d in zip(stamps, *columns, strict=True)]
    found = propose(write_log("a.js", rows))
    assert "line" in found.settings
    assert doubted(found, "no word of the lines says what 'a2'")
    made = store(write_log("a.js", rows))
    assert made.num_rows == COUNT
    assert np.allclose(made.values, np.array(columns, float).T, rtol=1e-6)


def test_without_a_date_lines_are_no_rows(write_log: WRITE) -> None:
    rows = [f"m[mi++]={a}|{b};{c}" for a, b, c in zip(*(wave(COUNT, seed=seed) for seed in range(3)), strict=True)]
    with raises("times-not-found"):
        propose(write_log("a.js", rows))


def test_an_interval_is_not_framed(write_log: WRITE) -> None:
    rows = [f'"20.03.2024 {hour:02}:00 - 20.03.2024 {hour + 1:02}:00","{60 + hour % 5}"' for hour in range(23)]
    found = propose(write_log("a.csv", ['"MTU (CET/CEST)","Price"', *rows]))
    assert "line" not in found.settings
    assert found.settings["interval"] == "begin"
