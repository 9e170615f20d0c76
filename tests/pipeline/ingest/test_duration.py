import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.pipeline.ingest.duration import format_duration, parse_duration
from tests.helpers.errors import raises

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("90s", 90 * SECOND),
        ("1h30m", 5400 * SECOND),
        (" 1h 30m ", 5400 * SECOND),
        ("500ms", SECOND // 2),
        ("0.5s", SECOND // 2),
        ("1.5h", 5400 * SECOND),
        ("1d", 86400 * SECOND),
        ("2w", 1209600 * SECOND),
        ("250us", 250_000),
        ("7ns", 7),
    ],
)
def test_reads_what_people_write(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "90", "1x", "h", "-1s", "1h30", "0s", "1 hour", "0.1ns", "1e3s"])
def test_refuses_the_rest(text: str) -> None:
    with raises("recipe-value", repr(text)):
        parse_duration(text)


@given(st.integers(1, 2**62))
def test_what_is_written_is_read_again(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds
