"""Steps and times that are longer, or further away, than int64 nanoseconds reach."""

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe, append, ingest, profile
from longstride.pipeline.ingest.duration import format_duration, parse_duration
from longstride.pipeline.ingest.writing.grid.fill import Fill
from longstride.pipeline.ingest.writing.grid.resample import MissingSteps
from longstride.pipeline.ingest.writing.rates import Rates
from longstride.pipeline.profile.column import steps
from longstride.storage.open import open_store
from longstride.storage.series.elapsed import elapsed, steps_between
from longstride.storage.series.gaps import find_segments, usual_step
from tests.helpers.errors import raises

FIRST, LAST = -(2**63), 2**63 - 1
INSTANTS = st.integers(FIRST, LAST)


@given(st.lists(INSTANTS, min_size=1).map(sorted))
def test_steps_are_exact(times: list[int]) -> None:
    found = steps_between(np.array(times, np.int64)).tolist()
    assert found == [later - earlier for earlier, later in pairwise(times)]
    assert elapsed(np.array(times[:1]), np.array(times[-1:])).tolist() == [times[-1] - times[0]]


@given(st.lists(INSTANTS, min_size=2, unique=True).map(sorted), st.integers(1, 2**64))
def test_each_stage_sees_the_whole_step(times: list[int], limit: int) -> None:
    time = np.array(times, np.int64)
    apart = [later - earlier for earlier, later in pairwise(times)]
    assert usual_step([time], len(time), [0]) == sorted(apart)[(len(apart) - 1) // 2]
    starts = [0, *(row for row, step in enumerate(apart, 1) if step > limit)]
    assert find_segments([time], [0], limit, np.empty((0, 2), np.int64)).start.tolist() == starts
    assert steps(pl.Series(times), pl.Series([0] * len(times))).to_list() == apart

    rates = Rates([0], 32).add(time, np.arange(len(time), dtype=float)[:, None])[1:, 0]
    np.testing.assert_allclose(rates, [1e9 / step for step in apart])

    fill = Fill("forward", limit, 1)
    values = np.full((len(time), 1), np.nan)
    values[0] = 7.0
    _, filled, _ = fill.add(time, values, np.empty((len(time), 0), np.int8))
    assert np.isnan(filled[:, 0]).tolist() == [stamp - times[0] > limit for stamp in times]

    missing = MissingSteps(2**62, 1)
    assert len(missing.add(time, values, np.empty((len(time), 0), np.int8))[0]) == len(time)


def test_a_log_of_three_centuries_has_a_gap(tmp_path: Path) -> None:
    days = [dt.date(1700, 1, 1) + dt.timedelta(days=day) for day in range(6)]
    days += [dt.date(2024, 1, 1) + dt.timedelta(days=day) for day in range(5)]
    log = tmp_path / "log.csv"
    log.write_text("time,v\n" + "".join(f"{day},{number}\n" for number, day in enumerate(days)))
    report = ingest([log], tmp_path / "out", Recipe(time="time"))
    store = open_store(tmp_path / "out")
    assert store.segments.start.tolist() == [0, 6]
    assert (report.cadence, store.cadence_ns) == ("1d", 86_400 * 10**9)
    seen = profile([log]).seen
    assert any("the longest 16904w5d" in line for line in seen), seen


def test_a_cadence_of_three_centuries_is_stored_and_read_again(tmp_path: Path) -> None:
    for name, years in (("first", (1680, 2020)), ("later", (2200, 2250))):
        (tmp_path / f"{name}.csv").write_text("time,v\n" + "".join(f"{year}-01-01,1\n" for year in years))
    report = ingest([tmp_path / "first.csv"], tmp_path / "out", Recipe(time="time"))
    cadence = open_store(tmp_path / "out").cadence_ns
    assert cadence > LAST
    assert parse_duration(report.max_gap) == cadence * 3 // 2
    append([tmp_path / "later.csv"], tmp_path / "out")
    assert open_store(tmp_path / "out").segments.stop.tolist() == [4]


@given(st.integers(1, 2**64 * 3 // 2))
def test_every_gap_that_can_occur_can_be_written(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


def test_a_step_of_the_grid_that_begins_before_time(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("time,v\n1680-01-01,1\n1681-01-01,2\n1690-01-01,3\n")
    with raises("recipe-conflict", "1680-01-01", "1678"):
        ingest([tmp_path / "log.csv"], tmp_path / "out", Recipe(time="time", every="1000w"))
    ingest([tmp_path / "log.csv"], tmp_path / "out", Recipe(time="time", every="50w"))
    assert (np.diff(open_store(tmp_path / "out").time[:]) > 0).all()


KINDS = [pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Europe/Berlin")]
UNITS_A_DAY = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}


@pytest.mark.parametrize("write", [pq.write_table, feather.write_feather])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("kind", [*KINDS, pa.date32(), pa.date64()], ids=str)
def test_times_out_of_reach_are_rejects(kind: Any, zone: str, write: Callable[..., Any], tmp_path: Path) -> None:
    day = {pa.date32(): 1, pa.date64(): 86_400 * 10**3}.get(kind) or UNITS_A_DAY[kind.unit]
    size = 2**31 if kind == pa.date32() else 2**63
    # Parquet has no seconds, but milliseconds.
    largest = size // (1000 if write is pq.write_table and day == UNITS_A_DAY["s"] else 1) // day * day
    far = [days * day for days in (107_000, -107_000, 2_932_897, -719_163, 10**8, -(10**8))]
    far = [number for number in [*far, largest - day, day - largest] if -largest <= number <= largest]
    numbers = [10 * day, 20 * day, 60_000 * day, -60_000 * day, *far]
    if day == UNITS_A_DAY["ns"]:
        numbers = numbers[:4]
        numbers += [LAST, FIRST] if kind.tz is None and zone != "UTC" else []
    whole = pa.array(numbers, pa.int32() if kind == pa.date32() else pa.int64())
    log = tmp_path / "log"
    write(pa.table({"time": whole.cast(kind), "v": np.arange(len(numbers)) / 2}), log)
    local = {"timezone": zone, "ambiguous": "earliest", "nonexistent": "forward"} if zone != "UTC" else {}
    recipe = Recipe(time="time", max_rejects="100%", **local)  # type: ignore[arg-type]
    report = ingest([log], tmp_path / "out", recipe)
    assert report.num_rows == 4
    assert report.files[0].rejected.get("no time", 0) == len(numbers) - 4
    assert "days" not in repr(profile([log]))


OTHERS = {
    "decimal256": pa.array([1, 2], pa.decimal256(70, 2)),
    "list of decimal256": pa.array([[1], [2]], pa.list_(pa.decimal256(70, 2))),
    "interval": pa.array([(1, 2, 3)] * 2, pa.month_day_nano_interval()),
    "duration": pa.array([1, 2], pa.duration("s")),
    "time32": pa.array([1, 2], pa.int32()).cast(pa.time32("s")),
    "list": pa.array([[1], [2]]),
    "map": pa.array([[(1, 2)]] * 2, pa.map_(pa.int32(), pa.int32())),
    "binary view": pa.array([b"1", b"2"], pa.binary_view()),
}


@pytest.mark.parametrize("use", ["channel", "time", "label", "series", "pivot", "sql"])
@pytest.mark.parametrize("kind", OTHERS)
def test_a_type_that_is_no_number_is_named(kind: str, use: str, tmp_path: Path) -> None:
    time = pa.array([1, 2], pa.timestamp("ns"))
    log = tmp_path / "log.arrow"
    column = "time" if use == "time" else "x"
    feather.write_feather(
        pa.table({"time": time, "v": [0.5, 1.5], column: OTHERS[kind]} | {column: OTHERS[kind]}), log
    )
    settings: dict[str, Any] = {
        "label": {"labels": ("x",)},
        "series": {"series": "x"},
        "pivot": {"pivot": "x"},
    }.get(use, {})
    if use == "sql":
        settings = {"sql": "SELECT * FROM rows"}
    if use in ("series", "pivot") and kind == "time32":
        ingest([log], tmp_path / "out", Recipe(time="time", **settings))
    else:
        with raises("column-type", column):
            ingest([log], tmp_path / "out", Recipe(time="time", **settings))
