"""Words and numbers that are found to mean a missing value."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal, Recipe, ingest
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, times, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]


def test_words(look: LOOK, store: STORE) -> None:
    a, b, c, d = (wave(100, seed=seed) for seed in range(4))
    a[3] = b[4] = "NA"
    c[5] = c[6] = "sensor off"
    c[8] = "NaN"  # is one for every ingest
    d[7] = "o.5"
    found = look("time,a,b,c,d", times(100), a, b, c, d)
    assert found.settings == {"time": "time", "null": ["NA", "c=sensor off"], "max-rejects": "1"}
    assert found.why["null=NA"] == "2 times in 2 columns"
    assert found.why["null=c=sensor off"] == "2 times: a missing value?"
    assert doubted(found, "'c' holds 'sensor off' 2 times among its numbers")
    assert not doubted(found, "'NA'")
    # What is there once is a slip, and rejected.
    assert doubted(found, "1 row of the sample cannot be read: no number in 'd'")
    made = store()
    assert made.num_rows == 99
    assert np.isnan(made.values).sum() == 5


@pytest.mark.parametrize(
    "word",
    ["Bad_Stale", "Uncertain_LastUsableValue", "I/O-Timeout", "Bad - No Comm", "1.#QNAN", "(null)", "keine Daten"],
)
def test_words_of_servers_and_languages_are_known_where_they_come_once(
    look: LOOK, store: STORE, word: str
) -> None:
    a = wave(100)
    a[3] = word
    assert look("time,a,b", times(100), a, wave(100, seed=1)).settings == {"time": "time", "null": [word]}
    assert np.isnan(store().values).sum() == 1


@pytest.mark.parametrize("value", ["-200", "-999", "-9999.0", "9999", "65535", "-32768", "99.99", "1e32"])
def test_numbers(look: LOOK, store: STORE, value: str) -> None:
    found = look("time,a,b", times(100), wave(100, now_and_then=value), wave(100, seed=1))
    (entry,) = found.recipe.null
    assert entry.startswith("a=")
    assert float(entry[2:]) == float(value)
    assert found.described()["a"].endswith("10.0% missing")
    assert np.isnan(store().values).sum(axis=0).tolist() == [10, 0]


@pytest.mark.parametrize(
    ("others", "expected"), [(-2, ["-200"]), (-4, ["a=-200", "b=-200"])], ids=["for all", "as any other in c"]
)
def test_a_number_in_several_columns(look: LOOK, others: int, expected: list[str]) -> None:
    a, b = (wave(100, seed=seed, now_and_then="-200") for seed in (0, 1))
    assert look("time,a,b,c", times(100), a, b, [others * row for row in range(100)]).settings["null"] == expected


@pytest.mark.parametrize(
    ("numbers", "doubt"),
    [
        (["-200", *wave(99)], None),
        ([f"{-200 + row % 150}" for row in range(100)], None),
        ([str(-100 if row % 10 == 3 else 100 * row) for row in range(100)], None),
        ([str(0 if row % 10 == 3 else 500 + row / 2) for row in range(100)], "'a' is 0 in 10 rows"),
        ([str(-5000 if row % 2 else -200) for row in range(100)], None),
    ],
    ids=["once", "a value as others", "near", "a zero", "two values"],
)
def test_what_is_nearly_a_number_for_missing(look: LOOK, numbers: list[str], doubt: str | None) -> None:
    found = look("time,a", times(100), numbers)
    assert "null" not in found.settings
    assert doubted(found, "means missing") == (doubt is not None)
    assert doubt is None or doubted(found, doubt)


@pytest.mark.parametrize(
    ("value", "is_doubted"), [("-9999", True), ("-999.9", True), ("-9", False), ("9999", False)]
)
def test_a_made_up_value_that_comes_once_is_doubted(look: LOOK, value: str, is_doubted: bool) -> None:
    found = look("time,v,w", times(6), [*wave(5), value], wave(6, seed=1))
    assert "null" not in found.settings
    assert doubted(found, "if that means missing, null = [") == is_doubted


def _among(numbers: list[str], *marks: tuple[str, int]) -> list[str]:
    """Numbers with marks in place of some, each so many times."""
    found, place = list(numbers), 2
    for mark, count in marks:
        for _ in range(count):
            found[place] = mark
            place += 3
    return found


@pytest.mark.parametrize(
    ("marks", "missing", "asked"),
    [
        ([("-99999", 9), ("1000000", 3)], {-99999.0}, "1e+06"),
        ([("-99999", 9), ("1000000", 1)], {-99999.0}, "1e+06"),
        ([("-9999", 9), ("9999", 9)], {-9999.0, 9999.0}, None),
        ([("-9999", 4), ("32767", 4)], {-9999.0, 32767.0}, None),
        ([("-9999", 9), ("-999", 9)], {-9999.0, -999.0}, None),
        ([("-9999", 9), ("-8888", 9)], {-9999.0}, "-8888"),
        ([("-9999", 9), ("-6999", 1)], {-9999.0}, "-6999"),
        ([("9999", 5), ("999", 5), ("-99", 5)], {9999.0, 999.0, -99.0}, None),
        ([("1000000", 9), ("-9999", 1)], set(), "-9999"),
    ],
)
def test_marks_do_not_hide_each_other(
    look: LOOK, marks: list[tuple[str, int]], missing: set[float], asked: str | None
) -> None:
    found = look("time,a,b", times(100), _among(wave(100), *marks), wave(100, seed=1))
    assert {float(entry[2:]) for entry in found.settings.get("null", ())} == missing
    assert asked is None or doubted(found, f"'a' is {asked} in ")


@pytest.mark.parametrize(
    "numbers",
    [
        [str(-300 + 100 * (row % 6)) for row in range(100)],
        [str(-32768 + row * 655) for row in range(101)],
        [f"{-99 + row % 60}" for row in range(100)],
        [f"{row % 100}" for row in range(100)],
    ],
    ids=["steps of a hundred", "all of 16 bits", "decibels", "percent"],
)
def test_ends_that_are_measured_are_no_marks(look: LOOK, numbers: list[str]) -> None:
    found = look("time,a", times(len(numbers)), numbers)
    assert "null" not in found.settings
    assert not doubted(found, "means missing")


@pytest.mark.parametrize("c", [["-9999"] * 100, wave(100, seed=3, now_and_then="-9999")], ids=["always", "often"])
def test_a_mark_that_comes_once_is_one_where_another_column_has_it(look: LOOK, store: STORE, c: list[str]) -> None:
    a = [f"{float(number) - 15}" for number in _among(wave(100))]
    a[50] = "-9999"
    found = look("time,a,b,c", times(100), a, wave(100, seed=1), c)
    assert not doubted(found, "means missing")
    assert {entry.split("=")[-1] for entry in found.settings["null"]} == {"-9999"}
    assert np.isnan(store().values[50, 0])


@pytest.mark.parametrize("value", ["99.9", "999.9"])
def test_nines_that_may_be_measured_are_doubted(look: LOOK, value: str) -> None:
    """A clock of 100 MHz shows 99.6 to 99.8, and 99.9 now and then."""
    numbers = [f"{float(value) - 0.3 + 0.1 * (row % 3):.1f}" for row in range(60)]
    numbers[5] = numbers[25] = numbers[45] = value
    found = look("time,clock", times(60), numbers)
    assert "null" not in found.settings
    assert doubted(found, f'null = ["clock={value}')


def test_unknown_words_may_mean_a_number(look: LOOK) -> None:
    a = ["over" if row % 9 == 4 else "und" if row % 20 == 7 else text for row, text in enumerate(wave(100))]
    found = look("time,a,b", times(100), a, wave(100, seed=1))
    assert doubted(found, "'a' holds 'over' 11 times, 'und' 4 times among its numbers, 15.0% of rows")
    (doubt,) = (doubt for doubt in found.doubts if doubt.startswith("null: 'a'"))
    settings = tomllib.loads(doubt.split("make a number of it: ")[1].replace(" and sql", "\nsql"))
    assert settings["exclude"] == ["a"]
    out = Path(found.sample.names[0]).with_suffix(".zarr")
    ingest([found.sample.names[0]], out, Recipe(time="time", **settings))
    assert open_store(out).values[:, 1].tolist().count(0.0) == 11
