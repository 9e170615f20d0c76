"""The hour that comes twice in autumn tells the zone of European logs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]
ROWS = 200
FORM = "%Y-%m-%d %H:%M"


def local(zone: str, step: timedelta, *, start: datetime = datetime(2024, 10, 26, 22, tzinfo=UTC)) -> list[str]:
    """Local times, as a logger writes them that does not say their offset."""
    return [(start + row * step).astimezone(ZoneInfo(zone)).strftime(FORM) for row in range(ROWS)]


@pytest.mark.parametrize("minutes", [5, 15, 60])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/London", "Europe/Athens"])
def test_the_zone_of_a_log_of_autumn(look: LOOK, store: STORE, zone: str, minutes: int) -> None:
    step = timedelta(minutes=minutes)
    found = look("time,v", local(zone, step), wave(ROWS))
    assert (found.settings["timezone"], found.settings["ambiguous"]) == (zone, "infer")
    assert doubted(found, "an hour comes twice from")
    assert not doubted(found, "are read as UTC")
    assert not doubted(found, "cannot be read")
    made = store()
    first = np.datetime64("2024-10-26T22:00", "ns").astype(np.int64)
    assert np.array_equal(made.time, first + np.arange(ROWS) * minutes * 60 * 10**9)


def test_the_same_clocks_elsewhere(look: LOOK, store: STORE) -> None:
    found = look("time,v", local("Europe/Warsaw", timedelta(minutes=15)), wave(ROWS))
    assert found.settings["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize("digits", [10, 5])
@pytest.mark.parametrize(("name", "origin"), [("date", "1899-12-30"), ("mjd", "1858-11-17")])
def test_days_of_a_clock_on_the_wall_are_local_too(
    look: LOOK, store: STORE, name: str, origin: str, digits: int
) -> None:
    stamps = [datetime.strptime(text, FORM) for text in local("Europe/Berlin", timedelta(minutes=15))]
    days = [(stamp - datetime.fromisoformat(origin)) / timedelta(days=1) for stamp in stamps]
    found = look(f"{name},v", [f"{day:.{digits}f}" for day in days], wave(ROWS))
    assert found.settings["timezone"] == "Europe/Berlin"
    first = np.datetime64("2024-10-26T22:00", "ns").astype(np.int64)
    assert np.array_equal(store().time, first + np.arange(ROWS) * 15 * 60 * 10**9)


def test_seconds_since_1970_are_not_local(look: LOOK) -> None:
    stamps = [datetime.strptime(text, FORM) for text in local("Europe/Berlin", timedelta(minutes=15))]
    found = look("time,v", [int(stamp.replace(tzinfo=UTC).timestamp()) for stamp in stamps], wave(ROWS))
    assert "timezone" not in found.settings


def test_other_rows_that_repeat_a_time_tell_no_zone(look: LOOK) -> None:
    stamps = local("Europe/Berlin", timedelta(minutes=15))
    stamps[150] = stamps[149]
    found = look("time,v", stamps, wave(ROWS))
    assert "timezone" not in found.settings


def test_a_time_that_is_left_out_in_spring_is_not_local(look: LOOK) -> None:
    stamps = ["2024-03-31 02:30", *local("Europe/Berlin", timedelta(minutes=15))[1:]]
    assert "timezone" not in look("time,v", stamps, wave(ROWS)).settings


def test_the_last_row_of_a_night_that_came_twice(look: LOOK) -> None:
    stamps = [(datetime(2024, 10, 26, 22) + row * timedelta(minutes=5)).strftime(FORM) for row in range(ROWS)]
    assert "timezone" not in look("time,v", stamps, wave(ROWS)).settings
