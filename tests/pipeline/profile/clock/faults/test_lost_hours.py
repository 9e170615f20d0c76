"""Times whose hours a spreadsheet has lost are explained, and their rate is named, not taken."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from longstride import Proposal
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import wave

LOOK = Callable[..., Proposal]


def shown(step: float, count: int) -> list[str]:
    begin = datetime(2024, 3, 1, 8, 42, 10)
    moments = [begin + timedelta(seconds=step * row) for row in range(count)]
    return [f"{moment:%M:%S}.{moment.microsecond // 100_000}" for moment in moments]


@pytest.mark.parametrize(("step", "every"), [(600, "10m"), (30, "30s"), (0.5, "500ms")])
def test_the_step_of_such_times_is_named(look: LOOK, step: float, every: str) -> None:
    count = 8000 if step < 1 else 200
    with raises("times-not-found", "hours were lost", "42:10.0", f"--every {every}", "100.0% of rows"):
        look("Time,v", shown(step, count), wave(count))


def test_without_a_usual_step_none_is_named(look: LOOK) -> None:
    texts = [f"{minute * 7 % 60:02}:{minute * 13 * minute % 60:02}.0" for minute in range(100)]
    with raises("times-not-found", "hours were lost") as caught:
        look("Time,v", texts, wave(100))
    assert "they rise by" not in str(caught.value)


def test_an_elapsed_time_has_lost_nothing(look: LOOK) -> None:
    texts = [f"{row // 60:02}:{row % 60:02}.0" for row in range(200)]
    assert look("Time,v", texts, wave(200)).settings["time"] == "Time"
