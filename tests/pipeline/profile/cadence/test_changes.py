"""Rows of one time at a change of state, told apart from corrections and from rows of several sensors."""

import math
from collections.abc import Callable
from datetime import timedelta

import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import START, doubted, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]
WORDS = ["Rest", "Charge", "Discharge"]


def cycler() -> list[tuple[float, int]]:
    """Seconds and number of the step of each row: the first of a step follows the last of the one before it."""
    rows, second = [], 0.0
    for step in range(12):
        for _ in range(30 + step % 3):
            rows.append((second, step))
            second += 60
        second += 0.07 - 60
    return rows


def stamps(seconds: list[float]) -> list[str]:
    return [(START + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S") for second in seconds]


@pytest.mark.parametrize("name", ["Step", "State", "phase", "what"])
@pytest.mark.parametrize("write", [str, lambda step: WORDS[step % 3]], ids=["numbers", "words"])
def test_a_change_of_state(look: LOOK, store: STORE, name: str, write: Callable[[int], str]) -> None:
    seconds, steps = zip(*cycler(), strict=True)
    found = look(f"time,{name},volts", stamps(list(seconds)), map(write, steps), wave(len(steps)))
    assert (found.settings["duplicates"], found.settings["spread-over"]) == ("spread", "1s")
    assert "series" not in found.settings
    assert doubted(found, f"{name!r} changes there, so all are kept")
    made = store()
    assert made.num_rows == len(steps)
    assert abs(made.time / 1e9 - [START.timestamp() % 1 + second for second in _since_1970(seconds)]).max() < 1


def _since_1970(seconds: tuple[float, ...]) -> list[float]:
    from datetime import UTC

    return [START.replace(tzinfo=UTC).timestamp() + second for second in seconds]


def test_a_finer_clock(look: LOOK) -> None:
    seconds = [60.0 * row + (0 if row % 10 else -59.6) for row in range(300)]
    seconds[0] = 0.0
    found = look("time,Test Time (s),volts", stamps(seconds), [f"{second:.2f}" for second in seconds], wave(300))
    assert found.settings["duplicates"] == "spread"
    assert doubted(found, "'Test Time (s)' runs on between them")


def test_a_correction_is_no_change_of_state(look: LOOK) -> None:
    rows = [(row, again) for row in range(200) for again in range(2 if row % 20 == 7 else 1)]
    seconds = [60.0 * row for row, _ in rows]
    values = [float(wave(200)[row]) + again for row, again in rows]
    found = look("time,volts,revision", stamps(seconds), values, [again for _, again in rows])
    assert found.settings.get("duplicates") != "spread"


@pytest.mark.parametrize("every", [3, 10])
def test_two_sensors_that_one_recorder_counts(look: LOOK, every: int) -> None:
    rows = [(row, which) for row in range(200) for which in range(2 if row % every == 0 else 1)]
    values = [f"{20 + row / 100 + 50 * which:.2f}" for row, which in rows]
    found = look("Rec,time,value", range(1, len(rows) + 1), stamps([60.0 * row for row, _ in rows]), values)
    assert found.settings.get("duplicates") != "spread"


def delayed(num_again: int) -> tuple[list[str], list[int]]:
    """Times of a clock of seconds for rows that are 1.3 s apart, and which of them repeat one."""
    seconds = [1.3 * row for row in range(600)]
    again = [60 + 97 * number for number in range(num_again)]
    for row in again:
        seconds[row] = int(seconds[row - 1]) + 0.9
    return stamps([float(int(second)) for second in seconds]), again


@pytest.mark.parametrize("num_again", [3, 5])
def test_a_delay_makes_two_rows_fall_into_one_second(look: LOOK, store: STORE, num_again: int) -> None:
    moments, _ = delayed(num_again)
    assert len(moments) - len(set(moments)) == num_again
    u, v = ([f"{20 + 5 * math.sin(row / length):.4f}" for row in range(600)] for length in (31, 47))
    found = look("time,u,v", moments, u, v)
    assert (found.settings["duplicates"], found.settings["spread-over"]) == ("spread", "1s")
    assert doubted(found, "hardly further apart than the steps of their clock, so all are kept")
    assert store().num_rows == 600


def test_a_correction_of_a_value_is_no_delay(look: LOOK) -> None:
    moments, again = delayed(4)
    columns = [wave(600, seed=seed) for seed in range(4)]
    for row in again:
        for column in columns[1:]:
            column[row] = column[row - 1]
    found = look("time,a,b,c,d", moments, *columns)
    assert found.settings["duplicates"] == "same"
    assert doubted(found, "An ingest stops there")


def test_rows_of_a_grid_are_not_delayed(look: LOOK) -> None:
    moments = stamps([300.0 * row for row in range(400)])
    for row in (50, 150, 250, 350):
        moments[row] = moments[row - 1]
    assert look("time,u,v", moments, wave(400), wave(400, seed=1)).settings["duplicates"] == "same"
