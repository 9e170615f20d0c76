"""Labels of intervals that are in a file of their own."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Recipe, append, ingest, rebuild
from tests.helpers.errors import raises
from tests.helpers.logs.accounts import assert_balanced, series_of_rows
from tests.helpers.logs.buckets import tiny_buckets

WRITE = Callable[..., Path]
NS = 10**9
ROWS = ["time,v", *(f"2024-03-01 00:00:{row:02},{row}" for row in range(60))]


def recipe(file: Path, **settings: Any) -> Recipe:
    return Recipe(time="time", label_file=str(file), **settings)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ab")), min_size=1, max_size=40),
    st.lists(
        st.tuples(
            st.integers(-5, 35), st.integers(0, 10), st.sampled_from(["leak", "jam"]), st.sampled_from(["", "a"])
        ),
        max_size=6,
    ),
    st.sampled_from([20, 60, 2**20]),
)
def test_rows_within_intervals(
    rows: list[tuple[int, str]], intervals: list[tuple[int, int, str, str]], piece_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, tiny_buckets():
        log, file = Path(folder, "log.csv"), Path(folder, "labels.csv")
        log.write_text("time,pump,v\n" + "".join(f"{time},{pump},1\n" for time, pump in rows))
        lines = [f"{start},{start + length},{name},{pump}" for start, length, name, pump in intervals]
        file.write_text("\n".join(["start,end,name,unit", *lines]) + "\n")
        chosen = recipe(file, time_format="s", series="pump", duplicates="same", max_gap="1d")
        report = ingest([log], Path(folder, "out"), chosen, piece_bytes=piece_bytes)
        store = assert_balanced(report)
        names = list(dict.fromkeys(name for _, _, name, _ in intervals)) or ["label"]
        assert store.label_names == tuple(names)

        def is_within(time: int, pump: str, one: tuple[int, int, str, str]) -> bool:
            return one[0] <= time <= one[0] + one[1] and one[3] in ("", pump)

        stored = list(zip((store.time // NS).tolist(), series_of_rows(store), strict=True))
        wanted = [
            [int(any(name == one[2] and is_within(time, pump, one) for one in intervals)) for name in names]
            for time, pump in stored
        ]
        np.testing.assert_array_equal(store.labels, wanted)
        unmatched = [one for one in intervals if not any(is_within(*row, one) for row in stored)]
        assert len(report.look_at) == bool(unmatched or not intervals)
        assert not unmatched or report.look_at[0].startswith(f"{len(unmatched)} of {len(intervals)} intervals of ")


@pytest.mark.parametrize(
    "lines",
    [
        ["start,end", "2024-03-01 00:00:10,2024-03-01T00:00:12"],
        ["Start_Time;End_Time;note", "2024-03-01T01:00:10+01:00;2024-03-01 00:00:12;x"],
        ["begin\tstop", "2024-03-01 00:00:10\t2024-03-01 00:00:12", ""],
    ],
)
def test_ways_to_write_intervals(tmp_path: Path, write_log: WRITE, lines: list[str]) -> None:
    out, log = tmp_path / "out", write_log("log.csv", ROWS)
    store = assert_balanced(ingest([log], out, recipe(write_log("labels.csv", lines))))
    assert store.label_names == ("label",)
    assert store.labels is not None
    assert np.flatnonzero(store.labels[:, 0]).tolist() == [10, 11, 12]


def test_times_are_those_of_the_zone_of_rows(tmp_path: Path, write_log: WRITE) -> None:
    labels = write_log("labels.csv", ["start,end", "01/03/2024 00:00:10,01/03/2024 00:00:10"])
    lines = ["time,v,flag", *(f"01/03/2024 00:00:{row:02},{row},{row % 2}" for row in range(20))]
    chosen = recipe(labels, time_format="%d/%m/%Y %H:%M:%S", timezone="Asia/Tokyo", labels=("flag",))
    store = assert_balanced(ingest([write_log("log.csv", lines)], tmp_path / "out", chosen))
    assert store.label_names == ("flag", "label")
    assert store.labels is not None
    assert store.labels[:].tolist() == [[row % 2, int(row == 10)] for row in range(20)]


@pytest.mark.parametrize(
    ("lines", "code", "facts"),
    [
        (["first,last", "1,2"], "labels-format", ["start and end", "first"]),
        ([], "labels-format", ["start and end"]),
        (["start,end", "yesterday,2024-03-01"], "labels-format", ["line 2", "'yesterday'"]),
        (["start,end", "2024-03-02,2024-03-01"], "labels-format", ["line 2", "before it starts"]),
        (["start,end", "2024-03-02"], "labels-format", ["line 2", "1 fields"]),
        (["start,end,name", "2024-03-01,2024-03-02,"], "labels-format", ["line 2", "no name"]),
        (["start,end,name", "2024-03-01,2024-03-02,v"], "column-repeated", ["'v'"]),
        (["start,end,series", "2024-03-01,2024-03-02,a"], "labels-format", ["--series"]),
    ],
)
def test_what_is_no_file_of_intervals(
    tmp_path: Path, write_log: WRITE, lines: list[str], code: str, facts: list[str]
) -> None:
    with raises(code, *facts):
        ingest([write_log("log.csv", ROWS)], tmp_path / "out", recipe(write_log("labels.csv", lines)))
    assert not (tmp_path / "out").exists()


def test_rows_without_times_have_no_intervals(tmp_path: Path, write_log: WRITE) -> None:
    log, labels = write_log("log.csv", ["v", "1"]), write_log("labels.csv", ["start,end", "2024-03-01,2024-03-02"])
    with raises("recipe-conflict", "label-file"):
        ingest([log], tmp_path / "out", Recipe(every="1s", start="2024-03-01T00:00", label_file=str(labels)))


def test_a_changed_file_is_refused_until_it_is_accepted(tmp_path: Path, write_log: WRITE) -> None:
    labels = write_log("labels.csv", ["start,end,name", "2024-03-01 00:00:10,2024-03-01 00:00:12,leak"])
    out, chosen = tmp_path / "out", recipe(labels)
    log, later = write_log("log.csv", ROWS[:31]), write_log("later.csv", [ROWS[0], *ROWS[31:41]])
    ingest([log], out, chosen)
    assert ingest([log], out, chosen).was_there
    write_log("labels.csv", ["start,end,name", "2024-03-01 00:00:20,2024-03-01 00:00:35,leak"])
    with raises("store-exists"):
        ingest([log], out, chosen)
    for again in (append, rebuild):
        with raises("labels-changed", "labels.csv", "--accept-changed"):
            again([later], out)
    store = assert_balanced(append([later], out, accept_changed=True), rows_before=30)
    assert store.labels is not None
    assert np.flatnonzero(store.labels[:, 0]).tolist() == [10, 11, 12, *range(30, 36)]
    store = assert_balanced(rebuild([log], out, accept_changed=True))
    assert store.labels is not None
    assert np.flatnonzero(store.labels[:, 0]).tolist() == [*range(20, 36)]
    write_log("labels.csv", ["start,end,name", "2024-03-01 00:00:20,2024-03-01 00:00:35,jam"])
    with raises("channels-changed", "'jam'", "'leak'"):
        append([write_log("last.csv", [ROWS[0], *ROWS[41:]])], out, accept_changed=True)
    with raises("source-missing", "other.csv"):
        ingest([log], tmp_path / "new", replace(chosen, label_file=str(tmp_path / "other.csv")))
