"""Durations as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.duration import read_duration, told_duration


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0s"),
        (0.0123, "0.0123s"),
        (34.53, "34.5s"),
        (59.97, "1m"),
        (60, "1m"),
        (125.4, "2m5s"),
        (3599.9, "1h"),
        (67_500, "18h45m"),
        (75_629, "21h"),
        (5 * 86_400 + 7300, "5d2h"),
        (7 * 86_400 + 3599, "1w"),
    ],
)
def test_a_duration_is_told_in_three_digits_or_two_units(seconds: float, told: str) -> None:
    assert told_duration(seconds) == told


@given(st.floats(60, 1e10))
def test_what_is_told_is_near(seconds: float) -> None:
    found = read_duration(told_duration(seconds))
    assert found is not None
    assert abs(float(found) / 1e9 - seconds) <= 0.1 * seconds
