"""Elapsed times written as those of a clock, and settings that do not go with them."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe, RecipeError
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from tests.helpers.errors import raises

START_NS = 1_709_251_200 * 10**9


def read(texts: list[str | None], format_: str = "h:m:s", start: str | None = None) -> list[int | None]:
    recipe = Recipe(time="t", time_format=format_, start=start)
    return to_nanoseconds([pl.Series("t", texts, dtype=pl.String)], recipe).nanoseconds.to_list()


@given(st.integers(0, 200 * 86_400_000))
def test_all_ways_to_write_the_same_time(ms: int) -> None:
    whole = timedelta(milliseconds=ms)
    hours, rest = divmod(ms, 3_600_000)
    clock = f"{rest // 60_000:02}:{rest % 60_000 // 1000:02}.{ms % 1000:03}"
    days, hour = whole.days, hours % 24
    texts = [
        f"{hours}:{clock}",
        f"{days}d {hour:02}:{clock}",
        f"{days}.{hour:02}:{clock}",
        f"{days} days, {hour}:{clock}",
        f"{days}-{hour:02}:{clock}",
        f"{days:03}:{hour:02}:{clock}",
        f"+{hours}:{clock}",
        f"P{days}DT{hour}H{rest // 60_000}M{rest % 60_000 / 1000:.3f}S",
        f"PT{ms // 1000}.{ms % 1000:03}S",
        f"{days}d{hour}h{rest // 60_000}m{rest % 60_000 / 1000:.3f}s",
        f"{hours} h {rest // 60_000} min {rest % 60_000 / 1000:.3f} s",
        f"{ms / 1000:.3f} s",
    ]
    assert read([*texts]) == [ms * 10**6] * len(texts)
    assert read([f"{ms // 60_000}:{clock[3:]}"], "m:s") == [ms * 10**6]


@pytest.mark.parametrize(
    "text",
    [
        "1:60:00",
        "1:00:60",
        "12",
        "1:2:3:4",
        "-1:00:00",
        "P1M",
        "PT",
        "P1Y",
        "5",
        "-5s",
        "99999999999:00:00",
        "",
        "x",
        None,
    ],
)
def test_other_texts_are_no_times(text: str | None) -> None:
    assert read([text]) == [None]


def test_it_counts_from_the_start() -> None:
    assert read(["24:00:01", "8h05"], start="2024-03-01") == [START_NS + 86_401 * 10**9, START_NS + 29_100 * 10**9]


@pytest.mark.parametrize("settings", [{"time": ("a", "b")}, {"time": "a", "interval": "begin"}])
def test_it_is_for_one_column(settings: dict[str, object]) -> None:
    with raises("recipe-conflict", "h:m:s", kind=RecipeError):
        Recipe.from_settings({"time-format": "h:m:s", **settings})


def test_numbers_are_no_clock() -> None:
    with raises("column-type", "Int64", kind=RecipeError):
        to_nanoseconds([pl.Series("t", [1, 2])], Recipe(time="t", time_format="h:m:s"))
