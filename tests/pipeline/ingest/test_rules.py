"""Each rule of a recipe, in a whole ingest, against numbers worked out by hand. The accounts always balance."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from longstride import IngestReport, LongstrideError, Recipe, ingest
from longstride.__main__ import main
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.accounts import assert_balanced, segments_of
from tests.helpers.logs.buckets import tiny_buckets

NAN = np.nan
NS = 10**9
Rules = Callable[..., tuple[SeriesStore, IngestReport]]
Command = Callable[..., Any]


@pytest.fixture
def rules(tmp_path: Path, write_log: Callable[..., Path]) -> Rules:
    """`rules(lines, every="10s")`: ingest one log of seconds since 1970, by pieces and buckets of a few rows."""
    number = 0

    def run(
        lines: Sequence[str], *, piece_bytes: int = 40, bucket_bytes: int = 80, **settings: Any
    ) -> tuple[SeriesStore, IngestReport]:
        nonlocal number
        number += 1
        log = write_log(f"{number}.csv", lines)
        recipe = Recipe.from_settings({"time": "time", "time-format": "s", "max-rejects": "100%", **settings})
        with tiny_buckets():
            out = tmp_path / f"out-{number}"
            report = ingest([log], out, recipe, piece_bytes=piece_bytes, bucket_bytes=bucket_bytes)
            whole = ingest([log], tmp_path / f"whole-{number}", recipe)
        store = assert_balanced(report)
        assert assert_balanced(whole).attributes == store.attributes
        return store, report

    return run


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`command(log, "--every", "10s")`: run the command on a log of seconds, give its result."""

    def run(log: Path, *flags: str) -> Any:
        common = ["--out", str(tmp_path / "out"), "--time", "time", "--time-format", "s", "--json"]
        return CliRunner().invoke(main, ["ingest", str(log), *common, *flags])

    return run


def seconds(store: SeriesStore) -> list[int]:
    return [time // NS for time in store.time.tolist()]


def values(store: SeriesStore, channel: str) -> list[float]:
    return store.values[:, store.channels.index(channel)].tolist()


def same(found: Sequence[float], wanted: Sequence[float]) -> None:
    np.testing.assert_array_equal(found, np.asarray(wanted, np.float32))


# Missing values


def test_sentinels_by_channel(command: Command, write_log: Callable[..., Path], tmp_path: Path) -> None:
    log = write_log("log.csv", ["time,CO,NO", "0,-200,-200", "1,-200.0,NA", "2,5,9999", "3,NA,x"])
    flags = ["--null", "CO=-200", "--null", "NO=9999", "--null", "NA", "--null", "NO=x"]
    assert command(log, *flags).exit_code == 0
    store = open_store(tmp_path / "out")
    same(values(store, "CO"), [NAN, NAN, 5, NAN])
    same(values(store, "NO"), [-200, NAN, NAN, NAN])


# The common grid


LOG = [
    "time,a,b,c,d,e,l",
    "0,1,1,1,1,1,0",
    "3,5,5,5,5,5,2",
    "9,,,,,,1",
    "10,7,7,7,7,7,0",
    "25,,,,,,0",
    "26,2,2,2,2,2,1",
]


def test_every_aggregate_and_labels(rules: Rules) -> None:
    store, report = rules(
        LOG, every="10s", aggregate=["mean", "b=min", "c=max", "d=last", "e=count"], labels=["l"]
    )
    assert seconds(store) == [0, 10, 20]
    same(values(store, "a"), [3, 7, 2])
    same(values(store, "b"), [1, 7, 2])
    same(values(store, "c"), [5, 7, 2])
    same(values(store, "d"), [5, 7, 2])
    same(values(store, "e"), [2, 1, 1])
    assert store.labels is not None
    assert store.labels[:, 0].tolist() == [2, 0, 1]
    assert (report.files[0].rows_in, report.files[0].rows_out, report.files[0].merged) == (6, 3, 3)
    assert (report.cadence, report.rows_added) == ("10s", 0)


@pytest.mark.parametrize(
    ("how", "row"), [("mean", [3, 7]), ("min", [1, 7]), ("max", [5, 7]), ("last", [5, 7]), ("count", [2, 1])]
)
def test_one_aggregate_for_all(
    command: Command, write_log: Callable[..., Path], tmp_path: Path, how: str, row: list[float]
) -> None:
    result = command(write_log("log.csv", LOG[:5]), "--every", "10s", "--aggregate", how, "--labels", "l")
    assert result.exit_code == 0, result.output
    store = open_store(tmp_path / "out")
    for channel in "abcde":
        same(values(store, channel), row)


def test_rows_of_many_files_fall_into_one_step(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    files = [
        write_log("fast.csv", ["time,a", "0,1", "5,3", "12,9"]),
        write_log("slow.csv", ["time,b", "7,50", "31,60"]),
    ]
    report = ingest(files, tmp_path / "out", Recipe(time="time", time_format="s", every="10s"))
    store = assert_balanced(report)
    assert seconds(store) == [0, 10, 30]
    same(values(store, "a"), [2, 9, NAN])
    same(values(store, "b"), [50, NAN, 60])
    assert [(file.rows_out, file.merged) for file in report.files] == [(2, 1), (1, 1)]


@pytest.mark.parametrize(
    ("max_gap", "times", "segments"),
    [
        (None, [0, 10, 40, 80], [(0, 2, ""), (2, 3, ""), (3, 4, "")]),
        ("30s", [0, 10, 20, 30, 40, 80], [(0, 5, ""), (5, 6, "")]),
        ("40s", [0, 10, 20, 30, 40, 50, 60, 70, 80], [(0, 9, "")]),
    ],
)
def test_steps_that_are_missing_get_rows(
    rules: Rules, max_gap: str | None, times: list[int], segments: list[tuple[int, int, str]]
) -> None:
    settings = {"max-gap": max_gap} if max_gap else {}
    store, report = rules(["time,a", "0,1", "11,2", "45,3", "80,4"], every="10s", **settings)
    assert seconds(store) == times
    there = {0: 1.0, 10: 2.0, 40: 3.0, 80: 4.0}
    same(values(store, "a"), [there.get(time, NAN) for time in times])
    assert segments_of(store) == segments
    assert report.rows_added == len(times) - 4


def test_a_gap_of_more_steps_than_memory_may_hold_is_refused() -> None:
    Recipe(time="time", every="1s", max_gap="1000000s")
    with raises("recipe-conflict", "1000001s", "1,000,001", "1s", "1,000,000"):
        Recipe(time="time", every="1s", max_gap="1000001s")
    Recipe(time="time", max_gap="10000000s")


def test_no_step_is_missing_between_two_series(rules: Rules) -> None:
    store, report = rules(
        ["time,key,a", "0,x,1", "10,x,2", "40,y,3"], series="key", every="10s", **{"max-gap": "1h"}
    )
    assert seconds(store) == [0, 10, 40]
    assert report.rows_added == 0


# Gaps and long runs without a value


def test_gaps_become_segments(rules: Rules) -> None:
    lines = ["time,a", *(f"{second},1" for second in (0, 10, 20, 35, 45, 61, 71))]
    store, report = rules(lines)
    assert segments_of(store) == [(0, 5, ""), (5, 7, "")]
    assert (report.cadence, report.max_gap) == ("10s", "15s")
    store, _ = rules(lines, **{"max-gap": "12s"})
    assert segments_of(store) == [(0, 3, ""), (3, 5, ""), (5, 7, "")]


def test_long_runs_without_a_value_belong_to_no_segment(rules: Rules) -> None:
    lines = ["time,a", *(f"{second},{'' if 30 <= second < 70 else 1}" for second in range(0, 100, 10))]
    store, report = rules(lines, **{"split-on-missing": "39s"})
    assert segments_of(store) == [(0, 3, ""), (7, 10, "")]
    assert report.rows_in_segments == 6
    store, _ = rules(lines, **{"split-on-missing": "40s"})
    assert segments_of(store) == [(0, 10, "")]


# Filling in


def test_fill_forward_with_a_limit(rules: Rules) -> None:
    lines = ["time,a,b", "0,1,", "10,,5", "20,,", "30,,", "40,4,", "50,,"]
    store, report = rules(lines, fill="forward", **{"fill-limit": "20s"})
    same(values(store, "a"), [1, 1, 1, NAN, 4, 4])
    same(values(store, "b"), [NAN, 5, 5, 5, NAN, NAN])
    assert report.values_filled == 5


def test_fill_linear_with_a_limit(rules: Rules) -> None:
    lines = ["time,a,b", "0,0,", "10,,5", "20,,", "30,3,", "40,,8", "50,,"]
    store, report = rules(lines, fill="linear", **{"fill-limit": "30s"})
    same(values(store, "a"), [0, 1, 2, 3, NAN, NAN])
    same(values(store, "b"), [NAN, 5, 6, 7, 8, NAN])
    assert report.values_filled == 4
    store, _ = rules(lines, fill="linear", **{"fill-limit": "29s"})
    same(values(store, "a"), [0, NAN, NAN, 3, NAN, NAN])


def test_nothing_is_filled_in_unless_asked_for_or_across_series(rules: Rules) -> None:
    lines = ["time,key,a", "0,x,1", "10,x,", "20,y,", "30,y,2"]
    for fill, wanted in (("none", [1, NAN, NAN, 2]), ("forward", [1, 1, NAN, 2]), ("linear", [1, NAN, NAN, 2])):
        limit = {} if fill == "none" else {"fill-limit": "1h"}
        store, _ = rules(lines, series="key", fill=fill, **limit)
        same(values(store, "a"), wanted)


# Counters


def test_counters_become_rates(rules: Rules) -> None:
    counts = [2**32 - 30, 2**32 - 10, 10, 40, 5, 25]  # it wraps around, and is set back to 5
    lines = ["time,n,a", *(f"{10 * index},{count},{index}" for index, count in enumerate(counts))]
    store, report = rules(lines, rate=["n"], unit=["n=1/s", "a=bar"])
    same(values(store, "n"), [NAN, 2, 2, 3, NAN, 2])
    same(values(store, "a"), [0, 1, 2, 3, 4, 5])
    assert (report.counter_wraps, report.counter_resets) == (1, 1)
    assert store.units == ("1/s", "bar")


def test_a_counter_wraps_where_its_bits_end(rules: Rules) -> None:
    lines = ["time,n", "0,65530", "1,4"]
    store, report = rules(lines, rate=["n"], **{"counter-bits": 16})
    same(values(store, "n"), [NAN, 10])
    assert (report.counter_wraps, report.counter_resets) == (1, 0)
    store, report = rules(lines, rate=["n"])
    same(values(store, "n"), [NAN, NAN])
    assert (report.counter_wraps, report.counter_resets) == (0, 1)


def test_no_rate_leads_from_one_series_to_another_and_a_missing_count_is_bridged(rules: Rules) -> None:
    lines = ["time,key,n", "0,x,0", "1,y,1000", "10,x,", "20,x,40", "11,y,1010"]
    store, report = rules(lines, rate=["n"], series="key")
    same(values(store, "n"), [NAN, NAN, 2, NAN, 1])
    assert (report.counter_wraps, report.counter_resets) == (0, 0)


# Queries


def test_derived_channels_and_filters(rules: Rules) -> None:
    lines = ["time,a,b,state", "0,5,1,on", "1,6,2,off", "2,7,,on", "3,8,4,on"]
    store, report = rules(
        lines,
        sql="SELECT *, a - b AS spread FROM rows WHERE state = 'on'",
        exclude=["state"],
        unit=["spread=bar", "a=bar"],
    )
    assert store.channels == ("a", "b", "spread")
    assert store.units == ("bar", None, "bar")
    assert seconds(store) == [0, 2, 3]
    same(values(store, "spread"), [4, NAN, 4])
    assert report.files[0].filtered == 1


def test_replace_exclude_and_columns_by_name(rules: Rules) -> None:
    lines = ["time,a,b", "0,1,10", "1,2,20"]
    store, _ = rules(lines, sql="SELECT * REPLACE (a * 2 AS a) FROM rows")
    same(values(store, "a"), [2, 4])
    store, _ = rules(lines, sql="SELECT * EXCLUDE (a) FROM rows")
    assert store.channels == ("b",)
    store, _ = rules(lines, sql="SELECT time, b / 10 AS tenth FROM rows")
    assert store.channels == ("tenth",)
    same(values(store, "tenth"), [1, 2])


def test_a_text_becomes_a_channel_by_the_query(rules: Rules) -> None:
    store, _ = rules(
        ["time,a,level", "0,1,high", "1,2,low"],
        exclude=["level"],
        sql="SELECT *, CASE level WHEN 'high' THEN 1 ELSE 0 END AS is_high FROM rows",
    )
    assert store.channels == ("a", "is_high")
    same(values(store, "is_high"), [1, 0])


def test_a_query_with_pivot(rules: Rules) -> None:
    lines = ["time,sensor,v", "0,flow,1", "0,level,2", "1,flow,3", "1,level,-4"]
    store, report = rules(lines, pivot="sensor", sql="SELECT * REPLACE (v * 10 AS v) FROM rows WHERE v > 0")
    assert store.channels == ("flow", "level")
    np.testing.assert_array_equal(store.values, [[10, 20], [30, NAN]])
    assert (report.files[0].filtered, report.files[0].merged) == (1, 1)
    store, _ = rules(lines, pivot="sensor", sql="SELECT *, v * v AS square FROM rows", unit=["level/square=m2"])
    assert store.channels == ("flow/v", "flow/square", "level/v", "level/square")
    assert store.units == (None, None, None, "m2")
    np.testing.assert_array_equal(store.values, [[1, 1, 2, 4], [3, 9, -4, 16]])


def test_a_query_with_series_and_rows_that_cannot_be_read(rules: Rules) -> None:
    lines = ["time,key,a", "0,x,1", "1,x,broken", "1,y,5", "soon,y,6", "2,x,-1", "2,y,7"]
    store, report = rules(lines, series="key", sql="SELECT * FROM rows WHERE a > 0 AND key <> 'z'")
    assert segments_of(store) == [(0, 1, "x"), (1, 3, "y")]
    same(values(store, "a"), [1, 5, 7])
    file = report.files[0]
    assert (file.rows_in, file.rows_out, sum(file.rejected.values()), file.filtered) == (6, 3, 2, 1)


def test_rejects_are_counted_of_all_rows_and_not_of_those_that_the_query_leaves(
    tmp_path: Path, write_log: Callable[..., Path]
) -> None:
    log = write_log("log.csv", ["time,a", "0,broken", *(f"{second},1" for second in range(1, 100))])
    recipe = Recipe(time="time", time_format="s", sql="SELECT * FROM rows WHERE a > 1", max_rejects="1%")
    with raises("source-empty", "99"):
        ingest([log], tmp_path / "out", recipe)
    log.write_text("time,a\n0,broken\n1,broken\n2,1\n")
    with raises("too-many-rejects", "2 of 3 rows"):
        ingest([log], tmp_path / "out", recipe)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT *, LAG(a) OVER (ORDER BY time) AS before FROM rows", "sql-spans-rows"),
        ("SELECT time, AVG(a) AS a FROM rows", "sql-spans-rows"),
        ("SELECT * FROM rows ORDER BY a", "sql-spans-rows"),
        ("SELECT * FROM rows LIMIT 2", "sql-spans-rows"),
        ("SELECT time, AVG(a) AS a FROM rows GROUP BY time", "sql-spans-rows"),
        ("SELECT *, nope FROM rows", "sql-invalid"),
        ("not even SQL", "sql-invalid"),
    ],
)
def test_a_query_that_cannot_be_used_is_one_line(
    command: Command, write_log: Callable[..., Path], tmp_path: Path, sql: str, code: str
) -> None:
    result = command(write_log("log.csv", ["time,a", "0,1", "1,2", "2,3"]), "--sql", sql)
    assert result.exit_code == 1
    assert_refused(result.output, code)
    assert result.output.count("\n") == 1
    assert not (tmp_path / "out").exists()


# Whole numbers


@pytest.mark.parametrize(("limit", "dtype"), [(2**24, "float32"), (2**53, "float64")])
def test_whole_numbers_are_refused_and_not_rounded(
    command: Command, write_log: Callable[..., Path], limit: int, dtype: str
) -> None:
    log = write_log("log.csv", ["time,a,n", f"0,1,{limit - 1}", f"1,2,{limit + 3}", f"2,2,{limit + 5}"])
    result = command(log, "--dtype", dtype)
    assert result.exit_code == 1
    assert_refused(result.output, "value-rounded", f"{log}, line 3: ", "'n'", "--exclude 'n'")
    assert ("--rate 'n'" in result.output) == (dtype == "float32")
    assert ("--dtype float64" in result.output) == (dtype == "float32")


def test_all_whole_numbers_that_would_be_rounded_are_named(
    command: Command, write_log: Callable[..., Path]
) -> None:
    log = write_log("log.csv", ["time,a,n,m", f"0,1,{2**24 + 1},{2**40 + 1}"])
    result = command(log)
    assert result.exit_code == 1
    assert_refused(result.output, "value-rounded", "line 2: ", "'n'", 16777217, "'m'")


def test_the_line_is_that_of_the_file_where_the_query_has_dropped_others(rules: Rules) -> None:
    lines = ["time,n,keep", "0,1,0", "1,2,1", f"2,{2**24 + 1},0", f"3,{2**24 + 3},1", "1,4,1"]
    query = "SELECT * EXCLUDE (keep) FROM rows WHERE keep = 1"
    with raises("value-rounded", "line 5: ", "'n'", 16777219):
        rules(lines, sql=query)
    with raises("time-repeated", "line 6: ", "1970-01-01T00:00:01", "line 3:"):
        rules(lines, sql=query, dtype="float64")


def test_a_number_that_was_rounded_as_it_was_read_is_refused(rules: Rules) -> None:
    for dtype, number in (("float64", 2**53 + 1), ("float32", 2**60 + 1)):
        with raises("value-rounded", "line 2: ", "'n'"):
            rules(["time,n", f"0,{number}", "1,5"], dtype=dtype)


def test_each_remedy_for_whole_numbers_works(rules: Rules) -> None:
    big = 2**30 + 1
    lines = ["time,a,n", f"0,1,{big}", f"1,2,{big + 2}", f"2,3,{big + 6}"]
    store, _ = rules(lines, dtype="float64")
    assert values(store, "n") == [big, big + 2, big + 6]
    store, _ = rules(lines, rate=["n"])
    same(values(store, "n"), [NAN, 2, 4])
    store, _ = rules(lines, sql=f'SELECT * REPLACE ("n" - {big} AS "n") FROM rows')
    same(values(store, "n"), [0, 2, 6])
    store, _ = rules(lines, exclude=["n"])
    assert store.channels == ("a",)


def test_whole_numbers_that_float32_has_are_stored(rules: Rules) -> None:
    store, _ = rules(["time,n", f"0,{2**24}", f"1,{2**24 + 2}", f"2,{-(2**30)}"])
    assert values(store, "n") == [2**24, 2**24 + 2, -(2**30)]


@pytest.mark.parametrize("piece_bytes", [1, 10_000])
def test_a_measurement_is_rounded_wherever_its_fractions_are(rules: Rules, piece_bytes: int) -> None:
    lines = ["time,p", f"0,{2**24 + 1}", "1,0.5", f"2,{2**24 + 3}"]
    store, _ = rules(lines, piece_bytes=piece_bytes)
    assert values(store, "p") == [2**24, 0.5, 2**24 + 4]


def test_a_counter_among_the_sensors_of_a_pivot(rules: Rules) -> None:
    lines = ["time,sensor,v", f"0,count,{2**24 + 1}", "0,flow,0.5", f"1,count,{2**24 + 3}", "1,flow,1.5"]
    with raises("value-rounded", "line 2: ", "'count'", 16777217):
        rules(lines, pivot="sensor")
    store, _ = rules(lines, pivot="sensor", rate=["count"])
    same(values(store, "count"), [NAN, 2])
    same(values(store, "flow"), [0.5, 1.5])


# The order in which the rules act


def test_sentinels_are_missing_before_the_query_sees_them(rules: Rules) -> None:
    store, report = rules(
        ["time,a,b", "0,-200,1", "1,5,2"], null=["a=-200"], sql="SELECT *, a - b AS spread FROM rows"
    )
    same(values(store, "spread"), [NAN, 3])
    assert report.files[0].filtered == 0


def test_the_query_drops_rows_before_they_can_repeat_each_other(rules: Rules) -> None:
    lines = ["time,a", "5,1", "5,2", "0,3"]
    with raises("time-repeated", "line 3: ", "line 2"):
        rules(lines)
    store, report = rules(lines, sql="SELECT * FROM rows WHERE a <> 1")
    same(values(store, "a"), [3, 2])
    assert (report.files[0].filtered, report.files[0].deduplicated) == (1, 0)


def test_repeated_counts_are_settled_before_they_become_rates(rules: Rules) -> None:
    store, report = rules(["time,n", "10,40", "0,0", "10,60", "20,80"], rate=["n"], duplicates="mean")
    same(values(store, "n"), [NAN, 5, 3])
    assert report.counter_resets == 0


def test_counts_become_rates_before_they_are_summarised(rules: Rules) -> None:
    # The largest rate within a step; the largest counts would give 4 and 1.
    lines = ["time,n", "0,0", "5,0", "6,20", "10,40", "15,45"]
    store, report = rules(lines, rate=["n"], every="10s", aggregate=["max"])
    same(values(store, "n"), [20, 5])
    assert report.files[0].merged == 3


def test_rows_put_in_are_filled_in_and_then_not_missing(rules: Rules) -> None:
    lines = ["time,a", "0,0", "40,4", "50,5"]
    grid = {"every": "10s", "max-gap": "1h", "split-on-missing": "15s"}
    store, report = rules(lines, **grid)
    same(values(store, "a"), [0, NAN, NAN, NAN, 4, 5])
    assert segments_of(store) == [(0, 1, ""), (4, 6, "")]
    store, report = rules(lines, fill="linear", **grid, **{"fill-limit": "1h"})
    same(values(store, "a"), [0, 1, 2, 3, 4, 5])
    assert segments_of(store) == [(0, 6, "")]
    assert (report.rows_added, report.values_filled) == (3, 3)


def test_all_rules_together(tmp_path: Path, write_log: Callable[..., Path], command: Command) -> None:
    log = write_log(
        "log.csv",
        [
            "time,key,n,p,state",
            "0,x,100,-1,on",
            "5,x,110,4,on",
            "5,x,112,4,off",  # dropped by the query
            "7,x,120,6,on",
            "oops,x,1,1,on",  # rejected
            "45,x,500,8,on",
            "7,x,999,9,on",  # repeats a time, and comes too late
            "3,y,10,1,on",
        ],
    )
    flags = ["--series", "key", "--exclude", "state", "--null", "p=-1", "--max-rejects", "1"]
    flags += ["--sql", "SELECT *, p * 2 AS double FROM rows WHERE state = 'on'", "--duplicates", "first"]
    flags += ["--rate", "n", "--every", "10s", "--aggregate", "mean", "--aggregate", "double=max"]
    flags += ["--max-gap", "1m", "--fill", "linear", "--fill-limit", "1m", "--unit", "double=bar"]
    result = command(log, *flags)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    store = open_store(tmp_path / "out")
    assert store.channels == ("n", "p", "double")
    assert store.units == (None, None, "bar")
    assert seconds(store) == [0, 10, 20, 30, 40, 0]
    assert segments_of(store) == [(0, 5, "x"), (5, 6, "y")]
    # Rates of x: 10 / 5 s and 10 / 2 s in the first step, 380 / 38 s in the last.
    same(values(store, "n"), [3.5, 5.125, 6.75, 8.375, 10, NAN])
    same(values(store, "p"), [5, 5.75, 6.5, 7.25, 8, 1])
    same(values(store, "double"), [12, 13, 14, 15, 16, 2])
    file = report["files"][0]
    assert (file["rows_in"], file["rows_out"], sum(file["rejected"].values())) == (8, 3, 1)
    assert (file["filtered"], file["deduplicated"], file["merged"]) == (1, 1, 2)
    assert file["out_of_order"] == 1
    assert (report["rows_added"], report["values_filled"]) == (3, 9)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"unit": ["c=bar"]}, "'c'"),
        ({"unit": ["=bar", "a=bar"]}, "unit"),
        ({"rate": ["c"]}, "'c'"),
        ({"every": "1s", "aggregate": ["c=max"]}, "'c'"),
        ({"null": ["c=-200"]}, "'c'"),
        ({"null": ["time=-200"]}, "'time'"),
        ({"exclude": ["c"]}, "'c'"),
        ({"channels": ["c"]}, "'c'"),
        ({"labels": ["c"]}, "'c'"),
        ({"series": "c"}, "'c'"),
        ({"pivot": "c"}, "'c'"),
    ],
)
def test_a_name_of_no_column_is_refused_wherever_it_stands(
    rules: Rules, settings: dict[str, Any], name: str
) -> None:
    with pytest.raises(LongstrideError, match=name) as caught:
        rules(["time,a,b", "0,1,2", "1,2,3"], **settings)
    assert caught.value.code in ("column-missing", "no-channels", "recipe-value")


def test_a_missing_value_may_hold_the_mark_of_a_column(rules: Rules) -> None:
    with raises("column-missing", "'x'", "COLUMN=x=y"):
        rules(["time,a,b", "0,x=y,2", "1,2,3"], null=["x=y"])
    store, _ = rules(["time,a,b", "0,x=y,2", "1,2,3"], null=["a=x=y"])
    np.testing.assert_array_equal(store.values[:, 0], [NAN, 2])


@pytest.mark.parametrize("number", [2**24 + 1, 2**40 + 1, 2**53 - 3, 2**53 + 1, 2**60 + 1])
def test_each_remedy_of_a_rounded_number_works(rules: Rules, number: int) -> None:
    """What the message offers is taken from it and applied: the store then has the number as it is, or not."""
    lines = ["time,a,b", f"0,{number},2", f"1,{number + 2},3"]
    with raises("value-rounded") as caught:
        rules(lines)
    message = str(caught.value)
    applied = 0
    if "--dtype float64" in message:
        assert rules(lines, dtype="float64")[0].values[:, 0].tolist() == [number, number + 2]
        applied += 1
    if "--rate" in message:
        assert rules(lines, rate=["a"])[0].values[1, 0] == 2
        applied += 1
    if (sql := re.search(r"--sql '([^']*)'", message)) is not None:
        values = rules(lines, sql=sql[1])[0].values[:, 0]
        assert values[1] - values[0] == 2
        applied += 1
    assert "--exclude 'a'" in message
    assert rules(lines, exclude=["a"])[0].channels == ("b",)
    assert applied == (3 if number < 2**53 else 0)
