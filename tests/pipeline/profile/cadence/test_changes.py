"""Rows of one time at a change of state, told apart from corrections and from rows of several sensors."""

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
