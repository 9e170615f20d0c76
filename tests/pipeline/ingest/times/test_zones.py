import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe
from longstride.pipeline.ingest.times.stamps import explain
from longstride.pipeline.ingest.times.zones import Clock
from tests.helpers.errors import raises

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "America/St_Johns",
    "Europe/Dublin",
]


@cache
def changes(zone: str) -> list[datetime]:
    """Local times, to the hour, around which clocks are changed."""
    days = [EPOCH + timedelta(days=day) for day in range(365 * 65)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    changed = [
        day for day, (before, after) in zip(days, itertools.pairwise(offsets), strict=False) if before != after
    ]
    return [_hour_of_change(day, ZoneInfo(zone)) for day in changed]


def _hour_of_change(day: datetime, zone: ZoneInfo) -> datetime:
    before = day.astimezone(zone)
    hours = (day + timedelta(hours=hour) for hour in range(25))
    change = next(hour for hour in hours if hour.astimezone(zone).utcoffset() != before.utcoffset())
    return (change + before.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]


def local_times(zone: str) -> st.SearchStrategy[datetime]:
    anywhere = st.datetimes(datetime(1970, 1, 2), datetime(2035, 1, 1))
    near = st.builds(
        lambda change, away: change + away,
        st.sampled_from(changes(zone) or [datetime(2000, 1, 1)]),
        st.timedeltas(timedelta(hours=-3), timedelta(hours=3))
        | st.timedeltas(-timedelta(days=2), timedelta(days=2)),
    )
    return near | anywhere


def brute_force(times: list[datetime], recipe: Recipe) -> Iterator[tuple[datetime | None, str]]:
    """UTC of each time, and what is special about it."""
    for time in times:
        first, second = (time.replace(tzinfo=ZoneInfo(recipe.timezone), fold=fold) for fold in (0, 1))
        before, after = first.utcoffset(), second.utcoffset()
        if before == after:
            yield first.astimezone(UTC), ""
        elif before > after:  # type: ignore[operator]
            settled = {"reject": None, "earliest": first, "latest": second}[recipe.ambiguous]
            yield settled and settled.astimezone(UTC), "ambiguous"
        else:
            yield first.astimezone(UTC) if recipe.nonexistent == "forward" else None, "nonexistent"


@given(
    st.sampled_from(ZONES).flatmap(
        lambda zone: st.tuples(st.just(zone), st.lists(local_times(zone), min_size=1, max_size=20))
    ),
    st.sampled_from(["reject", "earliest", "latest"]),
    st.sampled_from(["reject", "forward"]),
    st.sampled_from(["ms", "us", "ns"]),
)
def test_local_times_agree_with_zoneinfo(
    zone_and_times: tuple[str, list[datetime]], ambiguous: str, nonexistent: str, unit: str
) -> None:
    zone, times = zone_and_times
    if unit == "ms":
        times = [time.replace(microsecond=time.microsecond // 1000 * 1000) for time in times]
    recipe = Recipe(time="t", timezone=zone, ambiguous=ambiguous, nonexistent=nonexistent)  # type: ignore[arg-type]
    expected = list(brute_force(times, recipe))
    clock = Clock(recipe)
    found = clock.to_nanoseconds(pl.Series(times, dtype=pl.Datetime(unit)))  # type: ignore[arg-type]
    assert found.to_list() == [utc and (utc - EPOCH) // MICROSECOND * 1000 for utc, _ in expected]
    settled = [special for utc, special in expected if utc]
    assert clock.num_ambiguous == settled.count("ambiguous")
    assert clock.num_nonexistent == settled.count("nonexistent")
    for time, (utc, special) in zip(times, expected, strict=True):
        if utc is None:
            assert explain([pl.Series([time])], recipe)(0)[0] == f"{special} local time"


@pytest.mark.parametrize(
    ("zone", "never", "moved"),
    [
        ("Europe/Berlin", datetime(2020, 3, 29, 2, 30), datetime(2020, 3, 29, 3, 30)),
        ("Australia/Lord_Howe", datetime(2020, 10, 4, 2, 10), datetime(2020, 10, 4, 2, 40)),
        ("Pacific/Apia", datetime(2011, 12, 30, 5), datetime(2011, 12, 31, 5)),
    ],
)
def test_forward_moves_by_as_much_as_the_clock(zone: str, never: datetime, moved: datetime) -> None:
    clock = Clock(Recipe(time="t", timezone=zone, nonexistent="forward"))
    first, second, missing = clock.to_nanoseconds(pl.Series([never, moved, None]))
    assert first == second
    assert missing is None
    assert clock.num_nonexistent == 1


def test_a_zone_that_only_python_knows() -> None:
    with raises("recipe-value", "'Factory'"):
        Clock(Recipe(time="t", timezone="Factory")).to_nanoseconds(pl.Series([datetime(2020, 1, 1)]))
