"""How numbers are found to be written, and what an ingest then makes of them."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, times, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]
NUMBERS = [round(-900 + 7.25 * row**1.5, 2) for row in range(60)]
WHOLE = [950 + 3 * row for row in range(60)]


def quoted(texts: Iterable[str]) -> list[str]:
    return [f'"{text}"' for text in texts]


def german(number: float) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


@pytest.mark.parametrize(
    ("write", "settings", "doubt"),
    [
        (lambda number: f"{number:,.2f}", {"thousands": ["x=,"]}, None),
        (german, {"decimal": ["x=,"], "thousands": ["x=."]}, "another decimal mark"),
        (lambda number: f"{number:,.2f}".replace(",", "'"), {"thousands": ["x='"]}, None),
        (lambda number: f"{number:,.2f}".replace(",", "\u202f"), {"thousands": ["x=blank"]}, None),
        (lambda number: f"{number:.2f} m3/h", {"strip": ["x=m3/h"], "unit": ["x=m3/h"]}, None),
        (lambda number: f"{number:,.2f} %", {"strip": ["x=%"], "unit": ["x=%"], "thousands": ["x=,"]}, None),
        (lambda number: f"\u20ac {number:.2f}", {"strip": ["x=\u20ac"], "unit": ["x=\u20ac"]}, None),
        (lambda number: f"{number:.2f}{'*' * (number > 0)}", {"strip": ["x=*"]}, "'*' stands at"),
        (lambda number: f"{'<' * (number > 900)}{number:.2f}", {"strip": ["x=<"]}, "a limit, not the value"),
        (lambda number: f"{abs(number):.2f}{'-' * (number < 0)}", {"negative": ["x=4-"]}, "read as -4"),
        (lambda number: f"{number:.2f}" if number >= 0 else f"({-number:.2f})", {"negative": ["x=(4)"]}, "as (4)"),
        (lambda number: f"{number:.2f}".replace("-", "\N{MINUS SIGN}"), {}, None),
        (lambda number: f"{number / 100:.4f}D+02", {}, None),
        (
            lambda number: f"{number:.2f}".replace(".", "." if number > 0 else ","),
            {"decimal": ["x=either"]},
            "line",
        ),
    ],
)
def test_numbers_are_found_and_read(
    look: LOOK, store: STORE, write: Callable[[float], str], settings: dict[str, object], doubt: str | None
) -> None:
    found = look("time,v,x", times(60), wave(60), quoted(map(write, NUMBERS)))
    assert found.settings == {"time": "time", **settings}
    assert [text for text in found.doubts if "'x'" in text] == [
        text for text in found.doubts if doubt and doubt in text
    ]
    assert doubt is None or doubted(found, doubt)
    np.testing.assert_array_equal(store().values[:, 1], np.array(NUMBERS, np.float32))


@pytest.mark.parametrize(
    ("mark", "other", "write", "value"),
    [
        # Points before fractions elsewhere; numbers below a thousand have no mark.
        (",", wave(60), lambda number: f'"{number:,}"', 1.0),
        (";", None, lambda number: f"{number:,}".replace(",", "."), 1.0),
        # Commas before fractions elsewhere.
        (
            ";",
            [text.replace(".", ",") for text in wave(60)],
            lambda number: f"{number / 1000:.3f}".replace(".", ","),
            0.001,
        ),
    ],
)
def test_one_group_of_three_digits_is_in_doubt(
    look: LOOK, store: STORE, mark: str, other: list[str] | None, write: Callable[[int], str], value: float
) -> None:
    whole = [number + 300 * (value < 1) for number in WHOLE]
    found = look(mark.join(["time", "v", "x"]), times(60), other or range(0, 120, 2), map(write, whole), mark=mark)
    assert doubted(found, "may group thousands")
    np.testing.assert_allclose(store().values[:, 1], np.array(whole) * value, rtol=1e-6)


@pytest.mark.parametrize(
    ("units", "factors"),
    [
        (("W", "kW"), (1, 1000)),
        (("kW", "kW", "W"), (1, 1, 0.001)),
        (("", "k", "m"), (1, 1000, 0.001)),
        (("GiB", "MiB", "GiB"), (1, 1 / 1024, 1)),
        (("s", "ms", "min", "s"), (1, 0.001, 60, 1)),
    ],
)
def test_numbers_of_units_of_one_kind_are_scaled(
    look: LOOK, store: STORE, units: tuple[str, ...], factors: tuple[float, ...]
) -> None:
    size = len(units)
    found = look("time,v,x", times(60), wave(60), [f"{row / 4} {units[row % size]}".strip() for row in range(60)])
    assert doubted(found, "'x' changes its unit")
    expected = [row / 4 * factors[row % size] for row in range(60)]
    np.testing.assert_array_equal(store().values[:, 1], np.array(expected, np.float32))


@pytest.mark.parametrize(
    ("write", "doubt"),
    [
        (lambda row: f"{row} {'psi' if row % 2 else 'bar'}", "'psi' in 30 rows"),
        (lambda row: f"{row} {'mA' if row % 2 else 'V'}", "'mA' in 30 rows"),
        (lambda row: f"{row}%" if row % 5 else f"{row / 100}", "none in 12 rows"),
        (lambda row: f"+{row:04},5", "'x' is left out"),
        (lambda row: f"192.168.100.{row + 100}", "'x' is left out"),
    ],
)
def test_numbers_of_several_units_are_not_mixed(look: LOOK, write: Callable[[int], str], doubt: str) -> None:
    found = look("time,v,x", times(60), wave(60), quoted(map(write, range(60))))
    assert found.settings["exclude"] == ["x"]
    assert doubted(found, doubt)


def test_south_of_a_position_is_in_doubt(look: LOOK) -> None:
    found = look("time,v,lat", times(60), wave(60), [f"{51 + row / 1000:.4f} S" for row in range(60)])
    assert found.settings == {"time": "time", "strip": ["lat=S"]}
    assert doubted(found, "'S' stands at 60 of 60 numbers of 'lat'")


def test_hexadecimal_numbers_are_read_and_in_doubt(look: LOOK, store: STORE) -> None:
    found = look("time,v,x", times(60), wave(60), [hex(row * row) for row in range(60)])
    assert doubted(found, "'x' holds hexadecimal numbers such as 0x0")
    np.testing.assert_array_equal(store().values[:, 1], [row * row for row in range(60)])


@pytest.mark.parametrize(
    ("words", "entry"),
    [
        (("OFF", "ON"), "x=OFF,ON"),
        (("Open", "Closed"), "x=Closed,Open"),
        (("no", "Yes"), "x=no,Yes"),
        (("wahr", "falsch"), "x=falsch,wahr"),
        (("T", "F"), "x=F,T"),
    ],
)
def test_two_words_become_1_and_0(look: LOOK, store: STORE, words: tuple[str, str], entry: str) -> None:
    states = [words[row // 7 % 2] for row in range(60)]
    states[20] = "NA"
    found = look("time,v,x", times(60), wave(60), states)
    assert found.settings == {"time": "time", "states": [entry], "null": ["NA"]}
    zero, one = entry[2:].split(",")
    assert doubted(found, f"{zero!r} is stored as 0, and {one!r} as 1")
    expected = [np.nan if state == "NA" else float(state == one) for state in states]
    np.testing.assert_array_equal(store().values[:, 1], expected)


def test_a_measured_number_that_rises_by_one_counts_no_rows(look: LOOK) -> None:
    found = look("time,v,x", times(60), wave(60), [f"{row}.00" for row in range(60)])
    assert "exclude" not in found.settings
