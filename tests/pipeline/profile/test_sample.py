"""Which rows of which files are looked at."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl

from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import START, doubted, log, propose, times, wave

WRITE = Callable[..., Path]


def test_a_long_file_is_looked_at_in_three_places(write_log: WRITE) -> None:
    numbers = [*wave(9_900), *["NA"] * 700, *wave(9_395), *["off"] * 5]
    found = propose(write_log("a.csv", log("time,v", times(20_000), numbers)), rows=1000)
    assert found.settings == {"time": "time", "null": ["NA", "v=off"]}
    assert 900 < found.sample.num_rows < 1100
    assert f"{found.sample.num_rows:,} rows of 1 file (a sample):" in found.as_toml()
    # Each part ends with a whole row.
    assert not doubted(found, "cannot be read")
    # The times between its parts are no gaps.
    windows = f"{found.sample.num_rows - 3 * 63} windows of 64 rows in the rows looked at, in 3 segments"
    assert {"the median step is 1m, all steps are the same", windows} <= {*found.seen}


def test_a_part_of_a_long_file_ends_with_a_row_of_several_lines(write_log: WRITE) -> None:
    lines = log("time,v,note", times(20_000), wave(20_000), ['"one\ntwo,\nthree"'] * 20_000)
    found = propose(write_log("a.csv", lines), rows=1000)
    assert found.settings == {"time": "time", "exclude": ["note"]}
    assert not doubted(found, "cannot be read")


def test_a_compressed_file_is_looked_at_from_the_beginning(write_log: WRITE) -> None:
    found = propose(write_log("a.csv.gz", log("time,v", times(20_000), wave(20_000))), rows=1000)
    assert 900 < found.sample.num_rows < 1100
    assert found.seen[0].startswith("times from 2024-03-18 09:30:00 to 2024-03-19 0")
    # Its header may be longer than the compressed file.
    assert propose(write_log("b.csv.gz", log(f"time,{'v' * 5000}", times(20), [1.5] * 20))).sample.num_rows == 20


def test_some_of_many_files(write_log: WRITE) -> None:
    days = [times(50, start=START + timedelta(days=day)) for day in range(40)]
    found = propose(*(write_log(f"{day:02}.csv", log("time,v", days[day], wave(50))) for day in range(40)))
    assert (found.sample.num_files, found.sample.num_files_seen) == (40, 20)
    assert "20 of 40 files" in found.as_toml()
    assert "to 2024-04-26" in found.seen[0]


def test_other_formats(tmp_path: Path, store: Callable[..., SeriesStore]) -> None:
    frame = pl.DataFrame(
        {
            "when": pl.datetime_range(START, START + timedelta(minutes=99), "1m", eager=True),
            "v": [float(number) for number in wave(100)],
            "fault": [False] * 99 + [True],
            "tags": [["a"]] * 100,
            "note": ["x"] * 100,
            "unset": [float("nan")] * 100,
        }
    )
    path = tmp_path / "a.parquet"
    frame.write_parquet(path)
    expected = {"time": "when", "labels": ["fault"], "exclude": ["tags", "note", "unset"]}
    found = propose(path)
    assert found.settings == expected
    assert found.why["exclude=unset"] == "holds nothing"
    assert store(path).num_rows == 100
    path = tmp_path / "seconds.parquet"
    frame.with_columns(pl.col("when").dt.epoch("ms") / 1000).write_parquet(path)
    assert propose(path).settings == {**expected, "time-format": "s"}
    path = tmp_path / "a.ndjson"
    frame.with_columns(pl.col("when").dt.epoch("ms")).write_ndjson(path)
    nested = {**expected, "time-format": "ms", "exclude": ["tags.0", "note", "unset"]}
    assert propose(path).settings == nested


def test_files_of_other_types(write_log: WRITE, tmp_path: Path) -> None:
    pl.DataFrame({"time": times(40), "v": [float(number) for number in wave(40)]}).write_parquet(tmp_path / "a.pq")
    path = write_log("b.csv", log("time,v", times(40, start=START + timedelta(hours=1)), wave(40)))
    found = propose(tmp_path / "a.pq", path)
    assert found.settings == {"time": "time"}
    assert found.described()["v"] == "10.03 to 19.97"
