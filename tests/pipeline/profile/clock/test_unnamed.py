"""Columns without names that hold a time: Unix time, its parts, and counters of which nobody says the unit."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Proposal, profile
from longstride.__main__ import main
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, propose, wave

WRITE = Callable[..., Path]
STORE = Callable[..., SeriesStore]
FIRST = 1_582_454_875
COUNT = 40


def rows(*columns: Sequence[object], mark: str = ",") -> list[str]:
    return [mark.join(map(str, row)) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize(
    ("unit", "scale", "digits"), [("s", 1, 6), ("s", 1, 0), ("ms", 10**3, 0), ("us", 10**6, 0)]
)
def test_unix_time_in_uneven_steps(write_log: WRITE, store: STORE, unit: str, scale: int, digits: int) -> None:
    seconds = FIRST + np.cumsum(np.random.default_rng(0).uniform(1, 3, COUNT))
    numbers = [f"{second * scale:.{digits}f}" for second in seconds]
    path = write_log("a.csv", rows(wave(COUNT), wave(COUNT, seed=1), numbers))
    found = propose(path)
    assert (found.settings["time"], found.settings["time-format"]) == ("a3", unit)
    assert doubted(found, "not called a time")
    expected = [round(float(number) * 10**9 / scale) for number in numbers]
    assert np.abs(np.asarray(store(path).time[:]) - expected).max() <= 1000


@pytest.mark.parametrize(
    "numbers",
    [
        [FIRST + 977 * row % 1000 for row in range(COUNT)],  # goes back
        [3 * 10**9 + row * row for row in range(COUNT)],  # of 2065
        [76_336 + 4 * row for row in range(COUNT)],  # days of 2067, or kilobytes
        [FIRST] * COUNT,
    ],
)
def test_numbers_as_large_as_unix_time(write_log: WRITE, numbers: list[int]) -> None:
    with raises("times-not-found"):
        propose(write_log("a.csv", rows(wave(COUNT), numbers)))


@pytest.mark.parametrize(
    ("columns", "time", "format_"),
    [
        ((["2013"] * COUNT, ["115"] * COUNT, ["1"] * COUNT, range(COUNT)), 4, "%Y %j %H %M"),
        (
            (["2013"] * COUNT, [115 + row // 24 for row in range(COUNT)], [row % 24 for row in range(COUNT)]),
            3,
            "%Y %j %H",
        ),
    ],
)
def test_a_day_of_the_year_and_a_clock(
    write_log: WRITE, columns: Sequence[Sequence[object]], time: int, format_: str
) -> None:
    found = propose(write_log("a.csv", rows(*columns, [0] * COUNT, wave(COUNT), mark=" ")))
    assert found.settings["time"] == [f"a{number}" for number in range(1, time + 1)]
    assert found.settings["time-format"] == format_
    assert doubted(found, "'day of the year'")


def test_a_day_of_the_year_that_is_none_is_no_reason_for_a_month(write_log: WRITE) -> None:
    """Year, something, hour and minute: 1 and 26 are not the day that 115 is."""
    columns = ["2013"] * 20, ["115"] * 20, ["1"] * 20, range(1, 21)
    found = propose(write_log("a.csv", rows(*columns, wave(20), mark=" ")))
    assert found.settings["time-format"] == "%Y %j %H %M"


def asked(path: Path) -> Proposal:
    found = profile([path])
    assert found.question is not None
    assert found.settings["time-format"] == "?"
    return found


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([50, 160_000, 2.05, 0.019]), st.sampled_from([0, 7, 3_131_912, 25_200_000]), st.integers(0, 3)
)
def test_a_counter_is_asked_for_its_unit(step: float, first: int, more: int) -> None:
    """Each unit is shown with what it would mean; the answer is all that is missing."""
    jitter = np.random.default_rng(more).integers(0, 2, COUNT) * (0.1 * step)
    numbers = [f"{first + step * row + jitter[row]:.3f}" for row in range(COUNT)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_text("\n".join(rows(numbers, wave(COUNT), wave(COUNT, seed=1))) + "\n")
        found = asked(path)
    assert found.settings["time"] == "a1"
    assert doubted(found, "nothing says its unit")
    assert doubted(found, "ms:")


@pytest.mark.parametrize("name", ["mcu_time", "Tick", "clock"])
def test_a_counter_with_the_name_of_a_clock_is_asked_too(write_log: WRITE, name: str) -> None:
    numbers = [3_131_912 + 50 * row for row in range(COUNT)]
    found = asked(write_log("a.csv", [f"v,{name}", *rows(wave(COUNT), numbers)]))
    assert found.settings["time"] == name


@pytest.mark.parametrize("name", ["created_at", "recordedAt", "when", "Logged"])
def test_names_of_a_moment(write_log: WRITE, name: str) -> None:
    numbers = [FIRST + 7 * row + row % 3 for row in range(COUNT)]
    found = propose(write_log("a.csv", [f"v,{name}", *rows(wave(COUNT), numbers)]))
    assert (found.settings["time"], found.settings["time-format"]) == (name, "s")


def test_a_rate_in_the_name_of_the_file_is_named(write_log: WRITE) -> None:
    path = write_log("acc_20HZ.csv", ["x,y", *rows(wave(COUNT), wave(COUNT, seed=1))])
    assert "--every 20hz" in str(profile([path]).question)


def test_an_answer_finishes_the_recipe(write_log: WRITE, tmp_path: Path) -> None:
    path = write_log("a.csv", rows([3_131_912 + 50 * row for row in range(COUNT)], wave(COUNT)))
    recipe, out = tmp_path / "r.toml", tmp_path / "made.zarr"
    proposed = CliRunner().invoke(main, ["profile", str(path)])
    assert proposed.exit_code == 1
    recipe.write_text(proposed.stdout)
    command = ["ingest", str(path), "--recipe", str(recipe), "--out", str(out)]
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 1
    assert 'time-format = "?"' in refused.stderr
    assert CliRunner().invoke(main, [*command, "--time-format", "ms"]).exit_code == 0
    assert np.diff(np.asarray(open_store(out).time[:])).tolist() == [50 * 10**6] * (COUNT - 1)


def test_a_rate_in_the_head_tells_the_unit(write_log: WRITE) -> None:
    lines = rows([3_131_912 + 50 * row for row in range(COUNT)], wave(COUNT), wave(COUNT, seed=1))
    found = propose(write_log("a.csv", ["Rate: 20 Hz", "", *lines]))
    assert found.settings["time-format"] == "ms"
    assert doubted(found, "'Rate: 20 Hz'")


@pytest.mark.parametrize(
    "numbers", [range(COUNT), [row * row for row in range(COUNT)], [5 * row % 30 for row in range(COUNT)]]
)
def test_what_counts_rows_or_rises_unevenly_is_no_clock(write_log: WRITE, numbers: Sequence[int]) -> None:
    assert profile([write_log("a.csv", rows(numbers, wave(COUNT)))]).open == ("every",)


@pytest.mark.parametrize("digits", ["%Y%m%d%H%M%S", "%Y%m%d%H%M"])
def test_a_date_and_a_time_in_digits_without_a_name(write_log: WRITE, store: STORE, digits: str) -> None:
    seconds = FIRST + np.cumsum(np.random.default_rng(1).integers(90, 4000, COUNT))
    texts = [f"{datetime.fromtimestamp(int(second), UTC):{digits}}" for second in seconds]
    path = write_log("a.csv", rows(texts, wave(COUNT)))
    found = propose(path)
    assert (found.settings["time"], found.settings["time-format"]) == ("a1", digits)
    assert doubted(found, "not called a time")
    read = [datetime.strptime(text, digits).replace(tzinfo=UTC).timestamp() for text in texts]
    assert (np.asarray(store(path).time[:]) == [int(second) * 10**9 for second in read]).all()


def test_digits_that_are_no_date_are_no_time(write_log: WRITE) -> None:
    with raises("times-not-found"):
        propose(write_log("a.csv", rows([20_141_127_070_233 + 41 * row for row in range(COUNT)], wave(COUNT))))
