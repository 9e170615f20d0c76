"""The ways in which loggers write times: each is found, and read as it was meant."""

import polars as pl
import pytest

from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.clock.times import find_times
from longstride.pipeline.profile.column import Column
from tests.helpers.logs.time_spellings import MOMENTS, SPELLINGS, Spelling

MOST_IN_DOUBT = 21
"""Of orders of day and month that nothing tells, of intervals, of epochs that two programs share."""
EXPECTED = pl.Series([int(moment.timestamp()) * 10**9 for moment in MOMENTS])


def read(spelling: Spelling, rows: slice = slice(None)) -> list[Times]:
    moments = MOMENTS[rows]
    texts = zip(*map(spelling.write, moments), strict=True)
    columns = {name: Column(pl.Series(name, text)) for name, text in zip(spelling.header, texts, strict=True)}
    columns["v"] = Column(pl.Series("v", [str(7 * row % 31) for row in range(len(moments))]))
    return find_times(columns, pl.Series([0] * len(moments)))


def is_right(times: Times, spelling: Spelling, rows: slice = slice(None)) -> bool:
    later = int(spelling.later.total_seconds() * 1e9)
    error = (times.nanoseconds - EXPECTED[rows] - later).abs().max()
    return times.nanoseconds.null_count() == 0 and float(error) <= spelling.error.total_seconds() * 1e9  # type: ignore[arg-type]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=[spelling.name for spelling in SPELLINGS])
def test_it_is_read_as_it_was_meant(spelling: Spelling) -> None:
    times, *_ = read(spelling)
    assert is_right(times, spelling), times.recipe


def test_most_raise_no_doubt() -> None:
    doubted = [spelling.name for spelling in SPELLINGS if read(spelling)[0].doubt]
    assert len(doubted) <= MOST_IN_DOUBT, doubted


@pytest.mark.parametrize("spelling", SPELLINGS, ids=[spelling.name for spelling in SPELLINGS])
def test_of_a_few_rows_it_is_right_or_in_doubt(spelling: Spelling) -> None:
    rows = slice(10, 18)  # of one day, 2024-02-25
    times, *_ = read(spelling, rows)
    assert is_right(times, spelling, rows) or times.doubt, times.recipe


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("id", [str(10**9 + 7919 * row % 1000 * 10**6) for row in range(150)]),
        ("version", [f"1.{row // 10}.{row % 10}" for row in range(150)]),
        ("serial", [f"{202_400 + row}" for row in range(150)]),
        ("power", [f"{1.7e9 + (row * 7919 % 1000) * 1e5:.0f}" for row in range(150)]),
        ("code", [f"{row % 24:02}{row % 60:02}" for row in range(150)]),
        ("ip", [f"10.0.{row}.1" for row in range(150)]),
        ("share", [f"{row}/{150 - row}" for row in range(150)]),
        ("range", [f"{row}-{row + 1}" for row in range(150)]),
        ("name", [f"mar {row}" for row in range(150)]),
        ("phone", [f"0171-{row:03}-2024" for row in range(150)]),
    ],
)
def test_none_is_invented(name: str, texts: list[str]) -> None:
    columns = {name: Column(pl.Series(name, texts)), "v": Column(pl.Series("v", texts[::-1]))}
    assert find_times(columns, pl.Series([0] * len(texts))) == []


def test_a_number_that_counts_as_evenly_as_a_clock_is_in_doubt() -> None:
    columns = {"packets": Column(pl.Series("packets", [str(1_700_000_000 + row) for row in range(150)]))}
    times, *_ = find_times(columns, pl.Series([0] * 150))
    assert times.doubt is not None
    assert "'packets'" in times.doubt
