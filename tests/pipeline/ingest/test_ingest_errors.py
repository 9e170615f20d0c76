"""What cannot be read is told with file, line, value and remedy; where it ends the job, no store is left."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from longstride import Recipe, RecipeError, RejectsError, SourceError, ingest
from longstride.__main__ import main
from tests.helpers.log_lines import log_lines

RECIPE = Recipe(time="time", labels=("fault",), max_rejects="0")
BAD_LINES: dict[str, tuple[bytes, str]] = {
    # name: (the line that takes the place of a good one, what the error says of it)
    "short": (
        b"2024-03-01 00:00:00,1,2",
        "the row has 4 fields, expected 5 as in the header",
    ),
    "long": (b"2024-03-01 00:00:00,1,2,0,5", "the row has 6 fields, expected 5"),
    "trailing comma": (b"2024-03-01 00:00:00,1,2,0,", "the row has 6 fields, expected 5"),
    "word": (
        b"{time},1,broken,0",
        "column 'b' is 'broken', not a number: .*--exclude b.*--channels.*--null broken",
    ),
    "two words": (b"{time},no data,broken,0", "column 'a' is 'no data', not a number: .*--null 'no data'"),
    "decimal comma": (b'{time},"1,5",2,0', "column 'a' is '1,5', not a number"),
    "separators": (b"{time},1_000,2,0", "column 'a' is '1_000', not a number"),
    "no time": (b"yesterday,1,2,0", "column 'time': 'yesterday' is no time of ISO 8601 .*--time-format"),
    "missing time": (b",1,2,0", "column 'time': the time is missing: mend or remove the row"),
    "impossible time": (b"2024-02-30 00:00:00,1,2,0", "column 'time': '2024-02-30 00:00:00' is no time"),
    "far year": (
        b"0024-03-01 00:00:00,1,2,0",
        "column 'time': '0024-03-01 00:00:00' is no time of ISO 8601 .years 1678 to 2261",
    ),
    "label": (b"{time},1,2,maybe", "label 'fault' is 'maybe': expected true, false or a whole number"),
    "missing label": (b"{time},1,2,", "label 'fault' is missing: .*fill it in"),
    "label out of range": (b"{time},1,2,128", "label 'fault' is '128'"),
    "infinity": (b"{time},1,-inf,0", "column 'b' is .*inf.*, which would be stored as infinity: .*--null -inf"),
    "overflow": (
        b"{time},1e39,2,0",
        "column 'a' is .*1e.?39.*, which would be stored as infinity: .*--dtype float64",
    ),
    "far overflow": (b"{time},1e400,2,0", "column 'a' is .*, which would be stored as infinity: mend the row"),
    "quote": (b'{time},1,5" pipe,0', "a quote is out of place at .*a quoted field starts and ends"),
    "open quote": (b'{time},1,"2,0', "a quote is opened at .*, and no row of 5 fields comes of it"),
    "not UTF-8": (b"{time},1,2\xb0,0", "byte 0xb0 is not UTF-8.*--encoding latin-1"),
    "letters with spaces": (b"{time}, 1 , x ,0", "column 'b' is ' x ', not a number: .*--null x"),
}


def damaged(line: int, bad: bytes) -> list[bytes]:
    """A log of 200 rows with a key and one bad line, numbered from 1 with the header."""
    lines = [text.encode() for text in log_lines(200)]
    lines[line - 1] = bad.replace(b"{time}", lines[line - 1].split(b",")[0])
    return [(b"pump," if index else b"key,") + text for index, text in enumerate(lines)]


def assert_nothing_left(out: Path) -> None:
    assert not out.exists()
    assert not [path for path in out.parent.iterdir() if path.suffix not in (".csv", ".gz", ".parquet", ".report")]


@pytest.mark.parametrize("kind", BAD_LINES)
@pytest.mark.parametrize(
    ("name", "line", "keyed"),
    [("log.csv", 3, False), ("log.csv", 150, False), ("log.csv", 150, True), ("log.csv.gz", 201, False)],
)
def test_a_bad_line_is_named(
    tmp_path: Path, write_log: Callable[..., Path], kind: str, name: str, line: int, keyed: bool
) -> None:
    bad, message = BAD_LINES[kind]
    log = write_log(name, damaged(line, bad))
    key: dict[str, Any] = {"series": "key"} if keyed else {"exclude": ("key",)}
    strict = Recipe(time="time", labels=("fault",), max_rejects="0", **key)
    with pytest.raises(RejectsError) as caught:
        ingest([log], tmp_path / "out", strict, piece_bytes=2000)
    assert re.match(rf"{re.escape(str(log))}, line {line}: {message}", str(caught.value)), caught.value
    assert "1 of 200 rows cannot be read (0.50%), more than --max-rejects 0 allows" in str(caught.value)
    assert_nothing_left(tmp_path / "out")
    report = ingest([log], tmp_path / "out", replace(strict, max_rejects="1"), piece_bytes=2000)
    assert report.num_rows == 199
    assert report.rejects is not None
    rejects = pl.read_parquet(report.rejects)
    assert rejects.select("file", "line").rows() == [(str(log), line)]
    assert re.match(message, rejects["detail"].item())
    assert report.files[0].rejected == {rejects["reason"].item(): 1}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_the_command_ends_with_code_1_and_two_lines(
    tmp_path: Path, write_log: Callable[..., Path], kind: str
) -> None:
    bad, message = BAD_LINES[kind]
    log = write_log("log.csv", damaged(100, bad))
    flags = ["--out", str(tmp_path / "out"), "--time", "time", "--labels", "fault", "--exclude", "key"]
    result = CliRunner().invoke(main, ["ingest", str(log), *flags])
    assert result.exit_code == 1
    assert re.match(rf"Error: .*log\.csv, line 100: {message}.*\n", result.output), result.output
    assert result.output.count("\n") == 2
    assert_nothing_left(tmp_path / "out")


def test_short_and_long_rows_that_balance_are_both_seen(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    lines = log_lines(100)
    lines[50] += ",7"
    lines[60] = lines[60].rsplit(",", 1)[0]
    # A column that nobody uses is counted all the same.
    unused = Recipe(time="time", channels=("a",), max_rejects="2")
    for recipe in (replace(RECIPE, max_rejects="2"), unused):
        out = tmp_path / f"out-{len(recipe.labels)}"
        report = ingest([write_log("log.csv", lines)], out, recipe)
        assert report.files[0].rejected == {"too many fields": 1, "too few fields": 1}
        assert pl.read_parquet(report.rejects or "")["line"].to_list() == [51, 61]


def test_a_bad_value_in_parquet_is_named_by_row(tmp_path: Path) -> None:
    frame = pl.DataFrame({"time": log_times(100), "a": [1.0] * 59 + [float("inf")] + [1.0] * 40})
    frame.write_parquet(tmp_path / "log.parquet")
    with pytest.raises(RejectsError, match=r"log\.parquet, row 60: column 'a' is inf"):
        ingest([tmp_path / "log.parquet"], tmp_path / "out", Recipe(time="time"), piece_bytes=160)
    assert_nothing_left(tmp_path / "out")
    report = ingest([tmp_path / "log.parquet"], tmp_path / "out", Recipe(time="time", max_rejects="1%"))
    rejects = pl.read_parquet(report.rejects or "")
    assert rejects.select("line", "reason").rows() == [(60, "infinity")]
    assert json.loads(rejects["raw"].item())["time"] == log_times(100)[59]


def log_times(rows: int) -> list[str]:
    return [line.split(",")[0] for line in log_lines(rows)[1:]]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.Series([[1.0]] * 5), r"column 'a' holds List\(Float64\), not numbers: .*--exclude a"),
        (pl.Series([True] * 5), "column 'a' holds Boolean, not numbers"),
        (pl.Series(["x"] * 5), "row 1: column 'a' is 'x', not a number"),
    ],
)
def test_a_column_of_parquet_that_is_no_channel(tmp_path: Path, column: pl.Series, message: str) -> None:
    pl.DataFrame({"time": log_times(5), "a": column}).write_parquet(tmp_path / "log.parquet")
    with pytest.raises((RejectsError, SourceError), match=message):
        ingest([tmp_path / "log.parquet"], tmp_path / "out", Recipe(time="time"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_counters_are_not_rounded(tmp_path: Path, write_log: Callable[..., Path], suffix: str) -> None:
    counts = [2**24 - 1, 2**24, 2**24 + 1]
    source = tmp_path / f"log.{suffix}"
    frame = pl.DataFrame({"time": log_times(3), "count": counts, "pressure": [16777217.5, 16777218.25, 1e9]})
    frame.write_csv(source) if suffix == "csv" else frame.write_parquet(source)
    with pytest.raises(
        SourceError, match=r"(line 4|row 3): column 'count' is 16777217,.*exact up to 16,777,216.*--dtype float64"
    ):
        ingest([source], tmp_path / "out", Recipe(time="time"))
    ingest([source], tmp_path / "out", Recipe(time="time", dtype="float64"))


def test_a_local_hour_that_occurs_twice(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", ["time,a", "2020-10-25 01:30:00,1", "2020-10-25 02:30:00,2"])
    recipe = Recipe(time="time", timezone="Europe/Berlin")
    with pytest.raises(RejectsError, match=r"line 3: .*'2020-10-25 02:30:00' occurs twice.*--ambiguous"):
        ingest([log], tmp_path / "out", recipe)
    for policy, hour in (("earliest", 0), ("latest", 1)):
        report = ingest([log], tmp_path / policy, replace(recipe, ambiguous=policy))
        assert report.files[0].ambiguous == 1
        assert report.files[0].last_time_ns == int(np.datetime64(f"2020-10-25T0{hour}:30", "ns").astype(np.int64))


@pytest.mark.parametrize(
    ("header", "settings", "message"),
    [
        ("time,a,b", {"time": "Time"}, "no column 'Time'; the columns are 'time', 'a', 'b'"),
        ("time;a;b", {}, ".*--separator ';'"),
        ("time,a,b", {"labels": ("event",)}, "no column 'event'"),
        ("time,a,b", {"series": "key"}, "no column 'key'"),
        ("time,a,b", {"exclude": ("a", "b")}, "no column is left for values"),
        ("time,a,a", {}, "two columns are named 'a'"),
    ],
)
def test_headers(
    tmp_path: Path, write_log: Callable[..., Path], header: str, settings: dict[str, object], message: str
) -> None:
    log = write_log("log.csv", [header, "2024-03-01,1,2"])
    with pytest.raises(SourceError, match=rf"log\.csv.*: .*{message}"):
        ingest([log], tmp_path / "out", Recipe(**{"time": "time", **settings}))
    assert_nothing_left(tmp_path / "out")


def test_a_channel_that_no_file_has(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", ["time,a,b", "2024-03-01,1,2"])
    with pytest.raises(RecipeError, match="--channels names 'c', which no source has"):
        ingest([log], tmp_path / "out", Recipe(time="time", channels=("a", "c")))
    for setting in ("rate", "unit", "aggregate"):
        entry = ("c",) if setting == "rate" else ("c=max",)
        with pytest.raises(RecipeError, match=f"{setting} names 'c'; the channels are 'a', 'b'"):
            ingest([log], tmp_path / "out", Recipe(time="time", **{setting: entry}))
    assert_nothing_left(tmp_path / "out")


@pytest.mark.parametrize("keyed", [False, True])
def test_a_repeated_time_names_both_rows(tmp_path: Path, write_log: Callable[..., Path], keyed: bool) -> None:
    lines = log_lines(100)
    lines[60] = lines[40]
    lines = [f"pump,{line}" if number else f"key,{line}" for number, line in enumerate(lines)]
    log = write_log("log.csv", lines)
    key: dict[str, Any] = {"series": "key"} if keyed else {"exclude": ("key",)}
    of = " of series 'pump'" if keyed else ""
    remedy = "--duplicates first, last or mean" + ("$" if keyed else ", or name .* with --series")
    message = rf"log\.csv, line 61: time 2024-03-01T00:39:00{of} is repeated, .*log\.csv, line 41: .*{remedy}"
    with pytest.raises(SourceError, match=message):
        ingest([log], tmp_path / "out", Recipe(time="time", labels=("fault",), **key), piece_bytes=500)
    assert_nothing_left(tmp_path / "out")


def test_overlapping_files_name_the_row_of_each(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    early = write_log("early.csv", log_lines(100))
    late = write_log("late.csv", log_lines(100, start=99))
    message = r"late\.csv, line 2: time 2024-03-01T01:39:00 is repeated, it is also that of .*early\.csv, line 101"
    with pytest.raises(SourceError, match=message):
        ingest([early, late], tmp_path / "out", RECIPE)
    assert_nothing_left(tmp_path / "out")


def test_a_source_that_is_none(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match=r"nothing\.csv: there is no such file"):
        ingest([tmp_path / "nothing.csv"], tmp_path / "out", RECIPE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"empty: no file in this folder ends with \.csv"):
        ingest([tmp_path / "empty"], tmp_path / "out", RECIPE)
    (tmp_path / "empty").rmdir()
    with pytest.raises(SourceError, match="the file is empty"):
        ingest([write_log("empty.csv", [])], tmp_path / "out", RECIPE)
    with pytest.raises(SourceError, match=r"header\.csv: there are no rows"):
        ingest([write_log("header.csv", log_lines(0))], tmp_path / "out", RECIPE)
    with pytest.raises(RecipeError, match=r"log\.csv is named twice"):
        ingest([write_log("log.csv", log_lines(5))] * 2, tmp_path / "out", RECIPE)
    with pytest.raises(RecipeError, match="no source is named"):
        ingest([], tmp_path / "out", RECIPE)
    with pytest.raises(RecipeError, match="exclude names 'wd', which no source has"):
        ingest([tmp_path / "log.csv"], tmp_path / "out", Recipe(time="time", exclude=("wd",)))
    assert_nothing_left(tmp_path / "out")


def test_the_command_line_names_a_source_that_is_none(tmp_path: Path) -> None:
    command = ["ingest", str(tmp_path / "none*.csv"), "--out", str(tmp_path / "out"), "--time", "time"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "none*.csv: there is no such file" in result.output
    assert_nothing_left(tmp_path / "out")


def test_damaged_files(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    cut = write_log("cut.csv.gz", log_lines(1000))
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(SourceError, match=r"cut\.csv\.gz: the compressed data is damaged .*fetch the file again"):
        ingest([cut], tmp_path / "out", RECIPE)
    frame = pl.DataFrame({"time": log_times(5), "a": [1.0] * 5, "fault": [False] * 5})
    frame.write_parquet(tmp_path / "log.parquet")
    data = (tmp_path / "log.parquet").read_bytes()
    (tmp_path / "log.parquet").write_bytes(data[:-20])
    with pytest.raises(SourceError, match=r"log\.parquet: this is no readable Parquet file"):
        ingest([tmp_path / "log.parquet"], tmp_path / "out", RECIPE)
    assert_nothing_left(tmp_path / "out")
