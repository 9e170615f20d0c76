"""What cannot be read is told with file, line, value and remedy; where it ends the job, no store is left."""

import json
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
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.log_lines import log_lines

RECIPE = Recipe(time="time", labels=("fault",), max_rejects="0")
BAD_LINES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    # name: (the line that takes the place of a good one, what the error gives of it)
    "short": (b"2024-03-01 00:00:00,1,2", ("4 fields", "5")),
    "long": (b"2024-03-01 00:00:00,1,2,0,5", ("6 fields", "5")),
    "trailing comma": (b"2024-03-01 00:00:00,1,2,0,", ("6 fields", "5")),
    "word": (b"{time},1,broken,0", ("'b'", "'broken'", "--exclude b", "--channels", "--null broken")),
    "two words": (b"{time},no data,broken,0", ("'a'", "'no data'", "--null 'no data'")),
    "decimal comma": (b'{time},"1,5",2,0', ("'a'", "'1,5'")),
    "separators": (b"{time},1_000,2,0", ("'a'", "'1_000'")),
    "no time": (b"yesterday,1,2,0", ("'time'", "'yesterday'", "ISO 8601", "--time-format")),
    "missing time": (b",1,2,0", ("'time'", "missing")),
    "impossible time": (b"2024-02-30 00:00:00,1,2,0", ("'time'", "'2024-02-30 00:00:00'")),
    "far year": (b"0024-03-01 00:00:00,1,2,0", ("'time'", "'0024-03-01 00:00:00'", "1678", "2261")),
    "label": (b"{time},1,2,maybe", ("'fault'", "'maybe'", "127")),
    "missing label": (b"{time},1,2,", ("'fault'", "missing")),
    "label out of range": (b"{time},1,2,128", ("'fault'", "'128'")),
    "infinity": (b"{time},1,-inf,0", ("'b'", "inf", "--null -inf")),
    "overflow": (b"{time},1e39,2,0", ("'a'", "39", "--dtype float64")),
    "far overflow": (b"{time},1e400,2,0", ("'a'", "infinity")),
    "quote": (b'{time},1,5" pipe,0', ("quote", '5" pipe')),
    "open quote": (b'{time},1,"2,0', ("quote", '"2,0', "5 fields")),
    "not UTF-8": (b"{time},1,2\xb0,0", ("0xb0", "UTF-8", "--encoding latin-1")),
    "letters with spaces": (b"{time}, 1 , x ,0", ("'b'", "' x '", "--null x")),
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
    bad, facts = BAD_LINES[kind]
    log = write_log(name, damaged(line, bad))
    key: dict[str, Any] = {"series": "key"} if keyed else {"exclude": ("key",)}
    strict = Recipe(time="time", labels=("fault",), max_rejects="0", **key)
    share = "1 of 200", "0.50%", "--max-rejects 0"
    with raises("too-many-rejects", f"{log}, line {line}: ", *facts, *share, kind=RejectsError):
        ingest([log], tmp_path / "out", strict, piece_bytes=2000)
    assert_nothing_left(tmp_path / "out")
    report = ingest([log], tmp_path / "out", replace(strict, max_rejects="1"), piece_bytes=2000)
    assert report.num_rows == 199
    assert report.rejects is not None
    rejects = pl.read_parquet(report.rejects)
    assert rejects.select("file", "line").rows() == [(str(log), line)]
    assert all(fact in rejects["detail"].item() for fact in facts)
    assert report.files[0].rejected == {rejects["reason"].item(): 1}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_the_command_ends_with_code_1_and_one_line(
    tmp_path: Path, write_log: Callable[..., Path], kind: str
) -> None:
    bad, facts = BAD_LINES[kind]
    log = write_log("log.csv", damaged(100, bad))
    flags = ["--out", str(tmp_path / "out"), "--time", "time", "--labels", "fault", "--exclude", "key"]
    result = CliRunner().invoke(main, ["ingest", str(log), *flags])
    assert result.exit_code == 1
    assert_refused(result.output, "too-many-rejects", f"{log}, line 100: ", *facts)
    assert result.output.count("\n") == 1
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
    with raises("too-many-rejects", "log.parquet, row 60: ", "'a'", "inf", kind=RejectsError):
        ingest([tmp_path / "log.parquet"], tmp_path / "out", Recipe(time="time"), piece_bytes=160)
    assert_nothing_left(tmp_path / "out")
    report = ingest([tmp_path / "log.parquet"], tmp_path / "out", Recipe(time="time", max_rejects="1%"))
    rejects = pl.read_parquet(report.rejects or "")
    assert rejects.select("line", "reason").rows() == [(60, "infinity")]
    assert json.loads(rejects["raw"].item())["time"] == log_times(100)[59]


def log_times(rows: int) -> list[str]:
    return [line.split(",")[0] for line in log_lines(rows)[1:]]


@pytest.mark.parametrize(
    ("column", "code", "facts"),
    [
        (pl.Series([[1.0]] * 5), "column-type", ("'a'", "List(Float64)", "--exclude a")),
        (pl.Series([b"x"] * 5), "column-type", ("'a'", "Binary")),
        (pl.Series(["x"] * 5), "too-many-rejects", ("row 1: ", "'a'", "'x'")),
    ],
)
def test_a_column_of_parquet_that_is_no_channel(
    tmp_path: Path, column: pl.Series, code: str, facts: tuple[str, ...]
) -> None:
    pl.DataFrame({"time": log_times(5), "a": column}).write_parquet(tmp_path / "log.parquet")
    with raises(code, *facts):
        ingest([tmp_path / "log.parquet"], tmp_path / "out", Recipe(time="time"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_counters_are_not_rounded(tmp_path: Path, write_log: Callable[..., Path], suffix: str) -> None:
    counts = [2**24 - 1, 2**24, 2**24 + 1]
    source = tmp_path / f"log.{suffix}"
    frame = pl.DataFrame({"time": log_times(3), "count": counts, "pressure": [16777217.5, 16777218.25, 1e9]})
    frame.write_csv(source) if suffix == "csv" else frame.write_parquet(source)
    with raises(
        "value-rounded",
        "line 4" if suffix == "csv" else "row 3",
        "'count'",
        "16777217",
        "16,777,216",
        "--dtype float64",
    ):
        ingest([source], tmp_path / "out", Recipe(time="time"))
    ingest([source], tmp_path / "out", Recipe(time="time", dtype="float64"))


def test_a_local_hour_that_occurs_twice(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", ["time,a", "2020-10-25 01:30:00,1", "2020-10-25 02:30:00,2"])
    recipe = Recipe(time="time", timezone="Europe/Berlin")
    with raises("too-many-rejects", "line 3: ", "'2020-10-25 02:30:00'", "Europe/Berlin", "--ambiguous"):
        ingest([log], tmp_path / "out", recipe)
    for policy, hour in (("earliest", 0), ("latest", 1)):
        report = ingest([log], tmp_path / policy, replace(recipe, ambiguous=policy))
        assert report.files[0].ambiguous == 1
        assert report.files[0].last_time_ns == int(np.datetime64(f"2020-10-25T0{hour}:30", "ns").astype(np.int64))


@pytest.mark.parametrize(
    ("header", "settings", "code", "facts"),
    [
        ("time,a,b", {"time": "Time"}, "column-missing", ("'Time'", "'time', 'a', 'b'")),
        ("time;a;b", {}, "separator-wrong", ("--separator ';'",)),
        ("time,a,b", {"labels": ("event",)}, "column-missing", ("'event'",)),
        ("time,a,b", {"series": "key"}, "column-missing", ("'key'",)),
        ("time,a,b", {"exclude": ("a", "b")}, "no-channels", ("'time', 'a', 'b'",)),
    ],
)
def test_headers(
    tmp_path: Path,
    write_log: Callable[..., Path],
    header: str,
    settings: dict[str, object],
    code: str,
    facts: tuple[str, ...],
) -> None:
    log = write_log("log.csv", [header, "2024-03-01,1,2"])
    with raises(code, log, *facts, kind=SourceError):
        ingest([log], tmp_path / "out", Recipe(**{"time": "time", **settings}))
    assert_nothing_left(tmp_path / "out")


def test_a_channel_that_no_file_has(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", ["time,a,b", "2024-03-01,1,2"])
    with raises("column-missing", "--channels", "'c'", kind=RecipeError):
        ingest([log], tmp_path / "out", Recipe(time="time", channels=("a", "c")))
    for setting in ("rate", "unit", "aggregate"):
        entry = ("c",) if setting == "rate" else ("c=max",)
        with raises("column-missing", setting, "'c'", "'a', 'b'"):
            ingest([log], tmp_path / "out", Recipe(time="time", every="1s", **{setting: entry}))
    assert_nothing_left(tmp_path / "out")


@pytest.mark.parametrize("keyed", [False, True])
def test_a_repeated_time_names_both_rows(tmp_path: Path, write_log: Callable[..., Path], keyed: bool) -> None:
    lines = log_lines(100)
    lines[60] = lines[40]
    lines = [f"pump,{line}" if number else f"key,{line}" for number, line in enumerate(lines)]
    log = write_log("log.csv", lines)
    key: dict[str, Any] = {"series": "key"} if keyed else {"exclude": ("key",)}
    facts = "2024-03-01T00:39:00", f"{log}, line 41", "--duplicates", "'pump'" if keyed else "--series"
    with raises("time-repeated", f"{log}, line 61: ", *facts):
        ingest([log], tmp_path / "out", Recipe(time="time", labels=("fault",), **key), piece_bytes=500)
    assert_nothing_left(tmp_path / "out")


@pytest.mark.parametrize(
    ("day", "hour", "zone"),
    [
        ("2023-10-29", "02", "Europe/Berlin"),
        ("2023-11-05", "01", "America/New_York"),
        ("2023-10-29", "12", None),
        ("2023-10-28", "02", None),
    ],
)
@pytest.mark.parametrize("duplicates", ["error", "same"])
def test_an_hour_that_comes_twice_in_autumn_is_told_apart_by_the_order_of_rows(
    tmp_path: Path, write_log: Callable[..., Path], day: str, hour: str, zone: str | None, duplicates: Any
) -> None:
    moments = [f"{hour}:00", f"{hour}:30", f"{hour}:00", f"{hour}:30"]
    log = write_log("log.csv", ["time,v", *(f"{day} {moment},{row}" for row, moment in enumerate(moments))])
    recipe = Recipe(time="time", duplicates=duplicates)
    with raises("time-repeated" if duplicates == "error" else "rows-differ") as caught:
        ingest([log], tmp_path / "out", recipe)
    remedy = f"--timezone {zone} --ambiguous infer"
    assert (remedy in str(caught.value)) == (zone is not None)
    if zone is not None:
        ingest([log], tmp_path / "out", replace(recipe, timezone=zone, ambiguous="infer"))


def test_overlapping_files_name_the_row_of_each(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    early = write_log("early.csv", log_lines(100))
    late = write_log("late.csv", log_lines(100, start=99))
    with raises("time-repeated", f"{late}, line 2: ", "2024-03-01T01:39:00", f"{early}, line 101"):
        ingest([early, late], tmp_path / "out", RECIPE)
    assert_nothing_left(tmp_path / "out")


def test_a_source_that_is_none(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    with raises("source-missing", "nothing.csv"):
        ingest([tmp_path / "nothing.csv"], tmp_path / "out", RECIPE)
    (tmp_path / "empty").mkdir()
    with raises("source-missing", "empty: ", ".csv"):
        ingest([tmp_path / "empty"], tmp_path / "out", RECIPE)
    (tmp_path / "empty").rmdir()
    with raises("source-empty", "empty.csv"):
        ingest([write_log("empty.csv", [])], tmp_path / "out", RECIPE)
    with raises("source-empty", "header.csv"):
        ingest([write_log("header.csv", log_lines(0))], tmp_path / "out", RECIPE)
    with raises("source-repeated", "log.csv"):
        ingest([write_log("log.csv", log_lines(5))] * 2, tmp_path / "out", RECIPE)
    with raises("source-unnamed"):
        ingest([], tmp_path / "out", RECIPE)
    with raises("column-missing", "exclude", "'wd'"):
        ingest([tmp_path / "log.csv"], tmp_path / "out", Recipe(time="time", exclude=("wd",)))
    assert_nothing_left(tmp_path / "out")


def test_the_command_line_names_a_source_that_is_none(tmp_path: Path) -> None:
    command = ["ingest", str(tmp_path / "none*.csv"), "--out", str(tmp_path / "out"), "--time", "time"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert_refused(result.output, "source-missing", "none*.csv: ")
    assert_nothing_left(tmp_path / "out")


def test_damaged_files(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    cut = write_log("cut.csv.gz", log_lines(1000))
    cut.write_bytes(cut.read_bytes()[:-100])
    with raises("source-damaged", "cut.csv.gz: "):
        ingest([cut], tmp_path / "out", RECIPE)
    frame = pl.DataFrame({"time": log_times(5), "a": [1.0] * 5, "fault": [False] * 5})
    frame.write_parquet(tmp_path / "log.parquet")
    data = (tmp_path / "log.parquet").read_bytes()
    (tmp_path / "log.parquet").write_bytes(data[:-20])
    with raises("source-damaged", "log.parquet: ", "Parquet"):
        ingest([tmp_path / "log.parquet"], tmp_path / "out", RECIPE)
    assert_nothing_left(tmp_path / "out")


@pytest.mark.parametrize("name", ["ORC_temp", "LZIP", "SQLite", "Rar!"])
def test_a_column_that_is_called_like_a_kind_of_file(tmp_path: Path, name: str) -> None:
    log = tmp_path / "log.csv"
    log.write_text(f"{name},time\n1.5,2024-01-01\n2.5,2024-01-02\n")
    assert ingest([log], tmp_path / "out", Recipe(time="time")).num_rows == 2
    log.write_bytes(f"{name}\n".encode() + bytes(range(8)) * 20)
    with pytest.raises(SourceError):
        ingest([log], tmp_path / "other", Recipe(time="time"))


def test_a_recipe_is_needed(tmp_path: Path) -> None:
    with raises("recipe-value", "NoneType", kind=RecipeError):
        ingest([tmp_path / "log.csv"], tmp_path / "out", None)  # type: ignore[arg-type]


def test_a_missing_value_of_a_column_that_a_query_makes_would_do_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time,x\n2024-01-01,2\n2024-01-02,4\n")
    recipe = Recipe(time="time", sql="SELECT time, x, x + 1 AS y FROM rows", null=("y=3",))
    with raises("column-missing", "y=3", "'y'", kind=RecipeError):
        ingest([log], tmp_path / "out", recipe)
    assert ingest([log], tmp_path / "out", replace(recipe, null=("x=2",))).num_rows == 2
