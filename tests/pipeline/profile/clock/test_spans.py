"""Texts that hold the begin and the end of a time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, propose, wave

WRITE = Callable[..., Path]
STORE = Callable[..., SeriesStore]
START = datetime(2022, 1, 20)
HOURS = 60


def _hours(form: str, *, last: int = 0) -> list[str]:
    """Texts of hours in a row; `last` is how the end of a day is called, 0 or 24."""
    found = []
    for row in range(HOURS):
        begin = START + timedelta(hours=row)
        end = (begin.hour + 1) % 24 or last
        found.append(begin.strftime(form).replace("END", f"{end:02d}").replace("SHORT", str(end)))
    return found


@pytest.mark.parametrize(
    ("form", "last", "format_"),
    [
        ("%Y-%m-%d Kl. %H-END", 0, "%Y-%m-%d Kl. %H"),
        ("%Y-%m-%d kl %H-END", 24, "%Y-%m-%d kl %H"),
        ("%d.%m.%Y %H-END", 0, "%d.%m.%Y %H"),
        ("%Y-%m-%d %Hh-ENDh", 24, "%Y-%m-%d %Hh"),
        ("%Y-%m-%d %H - END", 0, "%Y-%m-%d %H"),
    ],
)
def test_hours_of_one_column_are_no_minutes(
    write_log: WRITE, store: STORE, form: str, last: int, format_: str
) -> None:
    rows = [f"{text};{value}" for text, value in zip(_hours(form, last=last), wave(HOURS), strict=True)]
    found = propose(write_log("a.csv", ["time;v", *rows]))
    assert found.settings["time-format"] == format_
    assert found.settings["interval"] == "begin"
    assert doubted(found, "is an interval")
    _has_each_hour(store())


@pytest.mark.parametrize("form", ["%d.%m.%Y;%H-END", "%d.%m.%Y;%H - END", "%d.%m.%Y;%#H-SHORT"])
@pytest.mark.parametrize("last", [0, 24])
def test_hours_beside_a_date_are_no_names(write_log: WRITE, store: STORE, form: str, last: int) -> None:
    form = form.replace("%#H", "%-H")
    rows = [f"{text};{value}" for text, value in zip(_hours(form, last=last), wave(HOURS), strict=True)]
    found = propose(write_log("a.csv", ["Date;Hours;v", *rows]))
    assert found.settings["time"] == ["Date", "Hours"]
    assert "series" not in found.settings
    _has_each_hour(store())


def _has_each_hour(made: SeriesStore) -> None:
    first = np.datetime64(START, "ns").astype(np.int64)
    assert np.array_equal(made.time, first + np.arange(HOURS) * 3_600 * 10**9)


def test_minutes_are_no_hours(write_log: WRITE) -> None:
    stamps = [(START + timedelta(minutes=10 * row)).strftime("%Y-%m-%d %H-%M") for row in range(HOURS)]
    rows = [f"{text};{value}" for text, value in zip(stamps, wave(HOURS), strict=True)]
    found = propose(write_log("a.csv", ["time;v", *rows]))
    assert found.settings["time-format"] == "%Y-%m-%d %H-%M"
    assert "interval" not in found.settings


def test_hours_of_nights_in_which_clocks_are_set(write_log: WRITE) -> None:
    texts = _hours("%Y-%m-%d Kl. %H-END")
    texts[30], texts[40] = texts[30][:-2] + "08", texts[40][:-2] + texts[40][-5:-3]
    rows = [f"{text};{value}" for text, value in zip(texts, wave(HOURS), strict=True)]
    assert propose(write_log("a.csv", ["time;v", *rows])).settings["interval"] == "begin"


def test_names_of_rooms_are_no_hours(write_log: WRITE) -> None:
    stamps = [f"{START + timedelta(minutes=5 * row):%Y-%m-%d %H:%M}" for row in range(HOURS)]
    rooms = ["01-02", "03-04", "05-06"]
    rows = [
        f"{stamp};{room};{2 + place}0.{row}"
        for row, stamp in enumerate(stamps)
        for place, room in enumerate(rooms)
    ]
    found = propose(write_log("a.csv", ["time;room;v", *rows]))
    assert found.settings["pivot"] == "room"
