"""Whole ingests of small files: order, formats, resolved settings, the report, the command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import longstride.pipeline.ingest.writing.write
from longstride import AccountingError, Recipe, ingest
from longstride.__main__ import main
from longstride.pipeline.ingest.writing.merge import MergedRows, Rows
from longstride.storage.errors import StoreError
from longstride.storage.open import open_store
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.log_lines import SECOND, START, log_lines

RECIPE = Recipe(time="time", labels=("fault",))
START_NS = int(START.astype("datetime64[ns]").astype(np.int64))
MINUTE = 60 * 10**9


def test_files_are_put_in_the_order_of_time(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    files = [write_log(f"{index}.csv", log_lines(100, start=100 * index)) for index in (0, 1, 2)]
    files.append(write_log("none.csv", log_lines(0)))
    ingest([files[2], files[3], files[0], files[1]], tmp_path / "out", RECIPE)
    store = open_store(tmp_path / "out")
    np.testing.assert_array_equal(store.time, START_NS + MINUTE * np.arange(300))
    np.testing.assert_array_equal(store.values[:, 0], (np.arange(300) / 4).astype(np.float32))
    np.testing.assert_array_equal(store.values[:, 1], -np.arange(300))
    assert store.labels is not None
    assert np.flatnonzero(store.labels[:, 0]).tolist() == list(range(0, 300, 10))
    assert len(store.segments) == 1
    names = [Path(source["name"]).name for source in store.attributes["sources"]]
    assert names == ["2.csv", "none.csv", "0.csv", "1.csv"]


def test_what_is_stored_of_recipe_and_sources(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", [*log_lines(100), "", ""])
    ingest([log], tmp_path / "out", Recipe(time="time", labels=("fault",), exclude=("b",)))
    attributes = open_store(tmp_path / "out").attributes
    assert attributes["sources"] == [
        {
            "name": str(log),
            "bytes": log.stat().st_size,
            "crc32c": google_crc32c.value(log.read_bytes()),
            "rows_in": 100,
            "rows_out": 100,
            "rejected": {},
            "filtered": 0,
            "deduplicated": 0,
            "merged": 0,
            "differing": 0,
            "blank_lines": 2,
            "repeated_headers": 0,
            "out_of_order": 0,
            "ambiguous": 0,
            "nonexistent": 0,
            "unused": ["b"],
            "absent": [],
            "first_time": "2024-03-01T00:00:00.000000000Z",
            "last_time": "2024-03-01T01:39:00.000000000Z",
            "path": str(log),
        }
    ]
    resolved = Recipe.from_settings(attributes["recipe"])
    assert resolved == Recipe(time="time", labels=("fault",), channels=("a",), max_gap="1m30s")
    ingest([log], tmp_path / "again", resolved)
    assert (tmp_path / "again" / "zarr.json").read_bytes() == (tmp_path / "out" / "zarr.json").read_bytes()


@pytest.mark.parametrize(
    ("step", "settings", "segments"),
    [(120, {}, 2), (90, {}, 1), (120, {"max_gap": "2m"}, 1), (90, {"max_gap": "89s"}, 2)],
)
def test_gaps(
    tmp_path: Path, write_log: Callable[..., Path], step: int, settings: dict[str, str], segments: int
) -> None:
    late = START + (49 * 60 + step) * SECOND
    rest = [f"{late + 60 * index * SECOND},1,2,0" for index in range(50)]
    ingest(
        [write_log("log.csv", log_lines(50) + rest)],
        tmp_path / "out",
        Recipe(time="time", labels=("fault",), **settings),
    )
    store = open_store(tmp_path / "out")
    assert len(store.segments) == segments
    assert store.cadence_ns == MINUTE


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_line_ends_marks_and_quotes_do_not_matter(
    tmp_path: Path, write_log: Callable[..., Path], end: str, name: str
) -> None:
    lines = log_lines(100)
    ingest([write_log("plain.csv", lines)], tmp_path / "plain", RECIPE)
    hostile = [
        "\ufeff" + lines[0],
        "",
        *(",".join(f'"{field}"' for field in line.split(",")) for line in lines[1:]),
        "",
    ]
    ingest([write_log(name, hostile, end=end)], tmp_path / "hostile", RECIPE, piece_bytes=500)
    plain, other = (open_store(tmp_path / store) for store in ("plain", "hostile"))
    assert plain.values.tobytes() == other.values.tobytes()
    assert plain.time.tobytes() == other.time.tobytes()
    assert other.attributes["sources"][0]["blank_lines"] == 2


def test_missing_values(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    fields = ["", "NaN", "nan", "NA", "-200", "-200.0", "1e3", '""', " 5 "]
    lines = ["time,a,b", *(f"{START + index * SECOND},{field},1" for index, field in enumerate(fields))]
    ingest([write_log("log.csv", lines)], tmp_path / "out", Recipe(time="time", null=("NA", "-200")))
    store = open_store(tmp_path / "out")
    np.testing.assert_array_equal(store.values[:, 0], [np.nan] * 6 + [1000, np.nan, 5])
    frame = pl.DataFrame(
        {"time": [str(START + index * SECOND) for index in range(3)], "a": [-200, 7, None], "b": [None] * 3}
    )
    frame.write_parquet(tmp_path / "log.parquet")
    ingest([tmp_path / "log.parquet"], tmp_path / "typed", Recipe(time="time", null=("NA", "-200")))
    np.testing.assert_array_equal(open_store(tmp_path / "typed").values, [[np.nan] * 2, [7, np.nan], [np.nan] * 2])


def test_overlapping_files_of_one_series_of_many(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    header = "key," + log_lines(0)[0]
    first = write_log("first.csv", [header, *(f"{key},{line}" for line in log_lines(50)[1:] for key in "ab")])
    late = write_log("late.csv", [header, *(f"b,{line}" for line in log_lines(50, start=50)[1:])])
    recipe = Recipe(time="time", labels=("fault",), series="key")
    ingest([late, first], tmp_path / "out", recipe, piece_bytes=500)
    store = open_store(tmp_path / "out")
    assert store.series == ("a", "b")
    assert np.stack([store.segments.start, store.segments.stop]).tolist() == [[0, 50], [50, 150]]
    clash = write_log("clash.csv", [header, *(f"a,{line}" for line in log_lines(50, start=49)[1:])])
    with raises("time-repeated", "clash.csv, line 2: ", "2024-03-01T00:49:00", "'a'"):
        ingest([first, clash], tmp_path / "clash", recipe)
    assert not (tmp_path / "clash").exists()


def test_a_store_is_not_written_over(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", log_lines(100))
    ingest([log], tmp_path / "out", RECIPE)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    other = write_log("other.csv", log_lines(100, start=1))
    with raises("store-exists", tmp_path / "out", kind=StoreError):
        ingest([other], tmp_path / "out", RECIPE)
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}


def test_a_lost_row_is_no_store(
    tmp_path: Path, write_log: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = longstride.pipeline.ingest.writing.write.merge_bucket

    def losing(*args: Any) -> MergedRows:
        joined = real(*args)
        rows = Rows(*(array[1:] for array in joined.rows))
        return joined._replace(rows=rows, source=joined.source[1:])

    for module in (longstride.pipeline.ingest.writing.write, longstride.pipeline.ingest.writing.ahead):
        monkeypatch.setattr(module, "merge_bucket", losing)
    header, *lines = log_lines(100)
    for rows in (lines, lines[::-1]):
        with raises("rows-unaccounted", "log.csv", "100 rows in, ", kind=AccountingError):
            ingest([write_log("log.csv", [header, *rows])], tmp_path / "out", RECIPE, piece_bytes=1000)
        assert not (tmp_path / "out").exists()


def test_progress_adds_up_to_the_bytes_of_the_sources(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    for name in ("log.csv", "log.csv.gz"):
        log = write_log(name, log_lines(200))
        for series in (None, "fault"):
            steps: list[float] = []
            ingest(
                [log],
                tmp_path / f"{name}-{series}",
                Recipe(time="time", series=series),
                progress=steps.append,
                piece_bytes=1000,
            )
            assert sum(steps) == pytest.approx(log.stat().st_size)
            assert len(steps) > 5


def test_the_command_reads_flags_and_a_recipe(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", log_lines(100))
    recipe = tmp_path / "plant.toml"
    recipe.write_text('time = "time"\nlabels = ["fault"]\ntimezone = "Asia/Tokyo"\nmax-gap = "1h"\n')
    flags = ["--recipe", str(recipe), "--timezone", "Europe/Berlin", "--exclude", "b", "--dtype", "float64"]
    result = CliRunner().invoke(main, ["ingest", str(log), "--out", str(tmp_path / "out"), *flags])
    assert result.exit_code == 0, result.output
    assert "100 in 1 series, 1 channel" in result.output
    assert "100 rows in, 100 out" in result.output
    store = open_store(tmp_path / "out")
    assert store.time[0] == START_NS - 3600 * 10**9
    assert store.values.dtype == np.float64
    stored = store.attributes["recipe"]
    assert stored["max_gap"] == "1h"
    assert stored["timezone"] == "Europe/Berlin"
    assert stored["channels"] == ["a"]


def test_the_command_reports_as_json(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", log_lines(100))
    flags = ["--out", str(tmp_path / "out"), "--time", "time", "--json", "--labels", "fault"]
    result = CliRunner().invoke(main, ["ingest", str(log), *flags])
    report = json.loads(result.stdout)
    assert report["num_rows"] == 100
    assert report["files"][0]["rows_in"] == report["files"][0]["rows_out"] == 100
    assert report["num_segments"] == 1
    assert report["megabytes_per_second"] > 0


def test_a_mistake_in_the_settings_is_told_plainly(tmp_path: Path, write_log: Callable[..., Path]) -> None:
    log = write_log("log.csv", log_lines(5))
    result = CliRunner().invoke(main, ["ingest", str(log), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert_refused(result.output, "time-unnamed", "--time")
