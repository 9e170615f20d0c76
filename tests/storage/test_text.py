import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.text import counted, exact_time, iso_time, named, readable_time


@given(st.integers(-(2**62), 2**62))
def test_exact_times_are_those_of_numpy(nanoseconds: int) -> None:
    assert exact_time(nanoseconds) == f"{np.datetime64(nanoseconds, 'ns')}Z"
    assert readable_time(nanoseconds, fraction=False).replace(" ", "T") == str(
        np.datetime64(nanoseconds, "ns").astype("datetime64[s]")
    )


@pytest.mark.parametrize(
    ("nanoseconds", "iso", "readable"),
    [
        (0, "1970-01-01T00:00:00", "1970-01-01 00:00:00"),
        (1, "1970-01-01T00:00:00.000000001", "1970-01-01 00:00:00.000000001"),
        (5 * 10**8, "1970-01-01T00:00:00.500000000", "1970-01-01 00:00:00.500"),
        (-(10**9), "1969-12-31T23:59:59", "1969-12-31 23:59:59"),
    ],
)
def test_fractions_of_zero_are_left_out(nanoseconds: int, iso: str, readable: str) -> None:
    assert iso_time(nanoseconds) == iso
    assert readable_time(nanoseconds) == readable
    assert iso_time(np.int64(nanoseconds)) == iso


def test_counted() -> None:
    assert [counted(count, "row") for count in (0, 1, 1200)] == ["0 rows", "1 row", "1,200 rows"]


def test_of_many_names_the_first_are_shown() -> None:
    assert named(["a", "b's"]) == "'a', \"b's\""
    assert named(list("abcdef")) == "'a', 'b', 'c', 'd', 'e', ..."
    assert named(list("abc"), most=3) == "'a', 'b', 'c'"
