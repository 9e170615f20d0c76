"""The hour that comes twice in autumn, from local times back to those of UTC that they were written from."""

import gzip
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Recipe, ingest
from longstride.storage.open import open_store
from tests.helpers.errors import raises
from tests.helpers.logs.accounts import assert_balanced
from tests.helpers.logs.buckets import tiny_buckets

NIGHTS = {
    "Europe/Berlin": datetime(2024, 10, 27, 1, tzinfo=UTC),
    "America/New_York": datetime(2024, 11, 3, 6, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2024, 4, 6, 15, tzinfo=UTC),
}
"""When clocks are set back: by an hour, and in the last by half of one."""
SIZES = st.sampled_from([40, 100, 300, 1000, 2**20])


def local(moments: list[datetime], zone: str) -> list[str]:
    return [moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S") for moment in moments]


def recipe(zone: str, **settings: Any) -> Recipe:
    return Recipe(time="time", timezone=zone, ambiguous="infer", max_rejects="100%", max_gap="1d", **settings)


@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from(sorted(NIGHTS)),
    st.lists(st.tuples(st.sampled_from([1, 5, 15, 30]), st.integers(20, 200)), min_size=1, max_size=3),
    st.integers(0, 10**4),
    st.booleans(),
    st.sampled_from(["csv", "csv.gz", "parquet"]),
    SIZES,
)
def test_steady_logs_keep_both_hours(
    zone: str, kinds: list[tuple[int, int]], seed: int, is_reversed: bool, suffix: str, piece_bytes: int
) -> None:
    random = np.random.default_rng(seed)
    rows = []
    wanted: list[int] = []
    for series, (minutes, before) in enumerate(kinds):
        # A log that begins with the second of the two hours does not tell which it is.
        early = minutes * (before // minutes) + int(random.integers(1, minutes + 1))
        start = NIGHTS[zone] - timedelta(minutes=early)
        moments = [start + timedelta(minutes=minutes * row) for row in range((before + 200) // minutes)]
        # Rows of series lie between each other in any way, each in its own order.
        stamps = local(moments, zone)[:: -1 if is_reversed else 1]
        places = np.sort(random.random(len(stamps)))
        rows += [(place, stamp, f"s{series}") for place, stamp in zip(places, stamps, strict=True)]
        wanted += [int(moment.timestamp()) * 10**9 for moment in moments]
    rows.sort()
    with tempfile.TemporaryDirectory() as folder, tiny_buckets():
        path = Path(folder, f"log.{suffix}")
        frame = pl.DataFrame({"time": [row[1] for row in rows], "pump": [row[2] for row in rows]})
        frame = frame.with_columns(pl.int_range(pl.len()).alias("v"))
        if suffix == "parquet":
            frame.write_parquet(path, row_group_size=17)
        else:
            data = frame.write_csv().encode()
            path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
        report = ingest([path], Path(folder, "out"), recipe(zone, series="pump"), piece_bytes=piece_bytes)
        store = assert_balanced(report)
        assert report.files[0].rejected == {}
        assert store.time.tolist() == wanted


@settings(max_examples=6, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=40), st.booleans(), st.lists(SIZES, min_size=2, max_size=4)
)
def test_what_is_settled_does_not_depend_on_pieces(ticks: list[int], has_series: bool, sizes: list[int]) -> None:
    """Times in any order, around and within the hour; some are settled, the others rejected."""
    start = datetime(2024, 10, 27, 1, 30)
    lines = [f"{start + timedelta(minutes=5 * tick)},p{row % 2},{row}" for row, tick in enumerate(ticks)]
    found = []
    with tempfile.TemporaryDirectory() as folder, tiny_buckets():
        path = Path(folder, "log.csv")
        path.write_text("\n".join(["time,pump,v", "2024-10-26 00:00:00,p0,-1", *lines]) + "\n")
        uses: dict[str, Any] = {"series": "pump"} if has_series else {"exclude": ("pump",)}
        chosen = recipe("Europe/Berlin", duplicates="mean", **uses)
        for number, piece_bytes in enumerate(sizes):
            report = ingest([path], Path(folder, str(number)), chosen, piece_bytes=piece_bytes)
            store = assert_balanced(report)
            found.append((store.time.tolist(), store.values.tolist(), report.files[0].rejected))
    assert all(one == found[0] for one in found)


def minutes(*clock: str) -> list[str]:
    return [f"2024-10-27 {text}:00" for text in clock]


@pytest.mark.parametrize(
    ("clock", "kept"),
    [
        (["01:00", "02:00", "02:00", "03:00"], [0, 60, 120, 180]),
        (["01:00", "02:00", "03:00"], [0, None, 180]),  # once: of which of the two hours it is is not known
        (["01:30", "02:00", "02:30", "03:00"], [30, None, None, 180]),
        (["02:00", "02:30", "02:00", "02:30"], [60, 90, 120, 150]),
        (["01:59", "02:01", "02:02", "02:01", "02:03", "02:04"], [59, None, None, None, None, None]),  # came late
        (["02:40", "02:50", "02:10", "02:50", "02:10", "02:20"], [None] * 6),  # times go back twice
        (["02:30", "02:45", "03:00", "02:00", "02:15"], [None, None, 180, None, None]),  # other rows lie between
        (["02:10", "02:58", "02:05", "02:55"], [70, 118, 125, 175]),
    ],
)
def test_what_the_order_of_rows_tells(tmp_path: Path, clock: list[str], kept: list[int | None]) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "time,v\n2024-10-26 12:00:00,-1\n" + "".join(f"{one},{row}\n" for row, one in enumerate(minutes(*clock)))
    )
    report = ingest([path], tmp_path / "out", recipe("Europe/Berlin"))
    store = assert_balanced(report)
    begin = int(datetime(2024, 10, 26, 23, tzinfo=UTC).timestamp())
    wanted = {row: minute for row, minute in enumerate(kept) if minute is not None}
    found = dict(zip(store.values[1:, 0].astype(int).tolist(), store.time[1:].tolist(), strict=True))
    assert found == {row: (begin + 60 * minute) * 10**9 for row, minute in wanted.items()}
    assert report.files[0].rejected == ({"ambiguous local time": len(kept) - len(wanted)} if None in kept else {})


def test_each_file_is_taken_by_itself(tmp_path: Path) -> None:
    head, *rows = "time,v", *minutes("01:30", "02:00", "02:30", "02:00", "02:30", "03:00")
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, part in zip(files, (rows[:3], rows[3:]), strict=True):
        path.write_text("\n".join([head, *(f"{row},1" for row in part)]) + "\n")
    report = ingest(files, tmp_path / "out", recipe("Europe/Berlin"))
    assert [file.rejected for file in report.files] == [{"ambiguous local time": 2}] * 2
    assert len(open_store(tmp_path / "out").time) == 2


def test_rows_that_stay_open_are_told(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time,v\n" + "".join(f"{one},1\n" for one in minutes("01:30", "02:00", "02:30", "03:00")))
    with raises("too-many-rejects", "does not tell which it is"):
        ingest([path], tmp_path / "out", Recipe(time="time", timezone="Europe/Berlin", ambiguous="infer"))
    with raises("too-many-rejects", "--ambiguous infer, earliest or latest"):
        ingest([path], tmp_path / "other", Recipe(time="time", timezone="Europe/Berlin"))
