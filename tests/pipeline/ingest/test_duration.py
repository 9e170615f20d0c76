import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe
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


@pytest.mark.parametrize(
    "text",
    [
        "", "90", "1x", "h", "-1s", "1h30", "0s", "1 hour", "0.1ns", "1e3s", "-20393w2d", "1e400s", "5 m s", "  ",
        "1w-1d", "\u0663s", "1.s", ".5s", "NaNs", "1,5s", "1s;", "--1s", "1\ns x",
    ],
)  # fmt: skip
def test_refuses_the_rest(text: str) -> None:
    with raises("recipe-value", repr(text)):
        parse_duration(text)


@given(st.integers(1, 2**62))
def test_what_is_written_is_read_again(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize("text", ["99999999999w", "60000w1ns", "1" * 29 + "s", "9" * 30 + "." + "9" * 30 + "w"])
def test_the_longest_is_named_and_works(text: str) -> None:
    with raises("recipe-value", "at most 60000w"):
        parse_duration(text)
    assert parse_duration("60000w") > 2**64 * 3 // 2


@pytest.mark.parametrize("text", ["1" * 5000 + "s", "1s" * 5000 + "x", "x" * 10**6])
def test_a_text_without_end_is_one_short_line(text: str) -> None:
    with raises("recipe-value") as caught:
        parse_duration(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("setting", ["max_gap", "split_on_missing", "every", "fill_limit"])
@pytest.mark.parametrize("text", ["", "-20393w2d", "1e400s", "99999999999w", "5 m s"])
def test_each_setting_of_a_duration_names_itself(setting: str, text: str) -> None:
    other = {"fill": "forward"} if setting == "fill_limit" else {}
    with raises("recipe-value", setting.replace("_", "-"), repr(text)):
        Recipe.from_settings({"time": "time", setting: text, **other})


def test_the_longest_step_of_a_grid_is_named_and_works() -> None:
    with raises("recipe-value", "every", "at most 5000w"):
        Recipe(time="time", every="5001w")
    assert Recipe(time="time", every="5000w").every_ns
