"""Newer logs added to a store: it becomes what it had been, had all been there; whatever else is refused."""

import random
import shutil
import signal
import subprocess
import sys
import time as clock
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longstride import Recipe, append, ingest, rebuild
from longstride.__main__ import main
from longstride.pipeline.ingest import plan
from longstride.storage.format import StoreLayout
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.accounts import assert_balanced, segments_of
from tests.helpers.logs.log_lines import log_lines
from tests.helpers.paths import ROOT

NAN = np.nan
NS = 10**9
Log = Callable[..., Path]


@pytest.fixture
def small_chunks() -> Iterator[None]:
    """Chunks of 1,024 rows, so that a small store has many; and no wait for the disk."""
    with mock.patch.object(StoreLayout, "chunk_rows", 1024), mock.patch("os.fsync"):
        yield


def recipe(**choices: Any) -> Recipe:
    return Recipe.from_settings({"time": "time", "time-format": "s", **choices})


def in_cuts(
    tmp_path: Path, write_log: Log, header: str, rows: Sequence[str], cuts: Sequence[int], **choices: Any
) -> tuple[SeriesStore, SeriesStore]:
    """The store that an ingest and appends make of rows cut into files, and the one made of all at once."""
    bounds = [0, *cuts, len(rows)]
    files = [
        write_log(f"{number}.csv", [header, *rows[start:stop]])
        for number, (start, stop) in enumerate(pairwise(bounds))
    ]
    out = tmp_path / "out"
    store = assert_balanced(ingest(files[:1], out, recipe(**choices)))
    for number, file in enumerate(files[1:], 1):
        report = append([file], out)
        assert [one.name for one in report.files] == [str(file)]
        assert report.rows_in == bounds[number + 1] - bounds[number]
        assert report.generation == number + 1
        store = assert_balanced(report, rows_before=store.num_rows)
    verify(out)
    return store, assert_balanced(ingest(files, tmp_path / "whole", recipe(**choices)))


def assert_same(store: SeriesStore, whole: SeriesStore) -> None:
    assert store.channels == whole.channels
    assert store.time.tolist() == whole.time.tolist()
    np.testing.assert_array_equal(store.values, whole.values)
    if whole.labels is None:
        assert store.labels is None
    else:
        np.testing.assert_array_equal(store.labels, whole.labels)
    assert segments_of(store) == segments_of(whole)
    assert store.series == whole.series
    assert store.series_end_ns == whole.series_end_ns
    assert store.cadence_ns == whole.cadence_ns
    assert store.attributes["recipe"] == whole.attributes["recipe"]
    assert store.attributes["checksums_crc32c"]["values"] == whole.attributes["checksums_crc32c"]["values"]


def verify(store: Path) -> None:
    result = CliRunner().invoke(main, ["verify", str(store)])
    assert result.exit_code == 0, result.output


# What an append makes is what one ingest makes


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("cuts", [[1000], [1024, 2048], [1, 2], [10, 1500, 1501]])
def test_one_series_with_labels(tmp_path: Path, write_log: Log, cuts: list[int]) -> None:
    rows = [f"{10 * index},{index / 4},{'' if index % 7 else -index},{index % 3}" for index in range(2100)]
    store, whole = in_cuts(tmp_path, write_log, "time,a,b,fault", rows, cuts, labels=["fault"])
    assert_same(store, whole)
    assert len(store.segments) == 1
    assert len(store.chunk_files("values")) == 3


ROWS = st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=3, max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.data(), st.sampled_from([{}, {"every": "2s"}, {"every": "2s", "max-gap": "4s"}]), st.booleans())
def test_segments_join_up_where_one_ingest_makes_none_end(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, bool]],
    data: st.DataObject,
    grid: dict[str, str],
    split: bool,
) -> None:
    """Gaps, steps put in, and long runs without a value, wherever the boundary lies in them."""
    folder = tmp_path_factory.mktemp("cuts")
    times = np.cumsum([step for step, _ in steps]).tolist()
    rows = [f"{time},{1 if there else ''}" for time, (_, there) in zip(times, steps, strict=True)]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows) - 1), min_size=1, max_size=3)))
    # A step that is begun is not gone on with.
    cuts = [cut for cut in cuts if not grid or times[cut] // 2 > times[cut - 1] // 2]
    choices: dict[str, Any] = {"max-gap": "2s", **grid} | ({"split-on-missing": "4s"} if split else {})

    def write(name: str, lines: Sequence[str]) -> Path:
        (folder / name).write_text("\n".join(lines) + "\n")
        return folder / name

    with mock.patch("os.fsync"):
        store, whole = in_cuts(folder, write, "time,a", rows, cuts, **choices)
    if grid or store.cadence_ns == whole.cadence_ns:
        assert_same(store, whole)
    else:
        assert segments_of(store) == segments_of(whole)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("second", "segments"), [(25, [(0, 4, "")]), (35, [(0, 4, "")]), (36, [(0, 3, ""), (3, 4, "")])]
)
def test_a_gap_at_the_boundary_starts_a_segment(
    tmp_path: Path, write_log: Log, second: int, segments: list[tuple[int, int, str]]
) -> None:
    store, whole = in_cuts(tmp_path, write_log, "time,a", ["0,1", "10,2", "20,3", f"{second},4"], [3])
    assert segments_of(store) == segments_of(whole) == segments


def test_a_store_that_begins_with_one_row(tmp_path: Path, write_log: Log) -> None:
    store, whole = in_cuts(tmp_path, write_log, "time,a", ["0,1", "10,2", "20,3", "30,4", "60,5"], [1])
    assert segments_of(store) == [(0, 4, ""), (4, 5, "")]
    assert_same(store, whole)


def test_a_series_goes_on_in_a_new_segment_and_new_ones_come_at_the_end(tmp_path: Path, write_log: Log) -> None:
    header = "time,machine,a"
    first = write_log("1.csv", [header, *(f"{10 * index},{key},{index}" for index in range(4) for key in "cb")])
    second = write_log(
        "2.csv", [header, *(f"{10 * index},{key},{index}" for index in range(4, 6) for key in "cba")]
    )
    third = write_log("3.csv", [header, *(f"{10 * index},c,{index}" for index in range(6, 8))])
    out = tmp_path / "out"
    ingest([first], out, recipe(series="machine"))
    assert_balanced(append([second], out), rows_before=8)
    store = assert_balanced(append([third], out), rows_before=14)
    assert store.series == ("b", "c", "a")
    # The rows of a come first among the new ones; c is last, so what comes then goes on with it.
    assert segments_of(store) == [(0, 4, "b"), (4, 8, "c"), (8, 10, "a"), (10, 12, "b"), (12, 16, "c")]
    assert store.series_end_ns == (50 * NS, 70 * NS, 50 * NS)
    whole = assert_balanced(ingest([first, second, third], tmp_path / "whole", recipe(series="machine")))
    for name in "abc":
        found, wanted = (
            np.concatenate([one.read(start, stop) for start, stop, series in segments_of(one) if series == name])
            for one in (store, whole)
        )
        np.testing.assert_array_equal(found, wanted)


def test_pivot(tmp_path: Path, write_log: Log) -> None:
    rows = [f"{10 * index},{sensor},{index},{-index}" for index in range(6) for sensor in ("flow", "level")]
    store, whole = in_cuts(tmp_path, write_log, "time,sensor,v,w", rows, [4, 8], pivot="sensor")
    assert store.channels == ("flow/v", "flow/w", "level/v", "level/w")
    assert_same(store, whole)
    some = write_log("some.csv", ["time,sensor,v,w", "100,level,9,8"])
    store = assert_balanced(append([some], tmp_path / "out"), rows_before=6)
    np.testing.assert_array_equal(store.values[-1], [NAN, NAN, 9, 8])
    new = write_log("new.csv", ["time,sensor,v,w", "110,temp,9,8"])
    with raises("channels-changed", "'temp'", "--rebuild"):
        append([new], tmp_path / "out")
    store = assert_balanced(rebuild([new], tmp_path / "out"))
    assert store.channels[4:] == ("temp/v", "temp/w")


def test_a_common_grid(tmp_path: Path, write_log: Log) -> None:
    rows = [f"{second},{second},{second % 4}" for second in (0, 3, 6, 12, 18, 41, 47, 95)]
    choices = {"every": "10s", "max-gap": "30s", "aggregate": ["max", "b=count"]}
    store, whole = in_cuts(tmp_path, write_log, "time,a,b", rows, [5], **choices)
    assert (store.time // NS).tolist() == [0, 10, 20, 30, 40, 90]
    assert segments_of(store) == [(0, 5, ""), (5, 6, "")]
    assert_same(store, whole)
    # The step that the store ends with was summarised without the row: no second one of it may come.
    late = write_log("late.csv", ["time,a,b", "99,1,1"])
    with raises("rows-not-newer", "00:01:39", "00:01:30"):
        append([late], tmp_path / "out")


def test_columns_that_a_query_gives_go_to_their_channels(tmp_path: Path, write_log: Log) -> None:
    out = tmp_path / "out"
    ingest(
        [write_log("1.csv", ["time,a,b", "0,1,10", "10,2,20"])],
        out,
        recipe(sql="SELECT *, 7 AS seven FROM rows", max_gap="1h"),
    )
    turned = write_log("2.csv", ["b,time,a", "30,20,3"])
    store = assert_balanced(append([turned], out), rows_before=2)
    np.testing.assert_array_equal(store.values, [[1, 10, 7], [2, 20, 7], [3, 30, 7]])
    fewer = write_log("3.csv", ["time,b", "30,40"])
    store = assert_balanced(append([fewer], out), rows_before=3)
    np.testing.assert_array_equal(store.values[3], [NAN, 40, 7])
    other = write_log("4.csv", ["time,c", "40,50"])
    with raises("channels-changed", "'c'", "--rebuild"):
        append([other], out)
    pivoted = tmp_path / "pivoted"
    sql = "SELECT *, v * 2 AS w FROM rows"
    long = write_log("5.csv", ["time,sensor,v,x", "0,flow,1,5"])
    ingest([long], pivoted, recipe(pivot="sensor", sql=sql, max_gap="1h"))
    store = assert_balanced(
        append([write_log("6.csv", ["x,sensor,v,time", "6,flow,2,9"])], pivoted), rows_before=1
    )
    assert store.channels == ("flow/v", "flow/x", "flow/w")
    np.testing.assert_array_equal(store.values, [[1, 5, 2], [2, 6, 4]])


def test_what_an_append_cannot_know_is_missing(tmp_path: Path, write_log: Log) -> None:
    rows = ["0,10,1", "10,20,", "20,40,3", "30,70,"]
    choices = {"rate": ["n"], "fill": "forward", "fill-limit": "1m"}
    store, whole = in_cuts(tmp_path, write_log, "time,n,a", rows, [2], **choices)
    np.testing.assert_array_equal(whole.values[:, 0], [NAN, 1, 2, 3])
    np.testing.assert_array_equal(store.values[:, 0], [NAN, 1, NAN, 3])


# Who reads, and what is written


@pytest.mark.usefixtures("small_chunks")
def test_an_open_store_keeps_what_it_had(tmp_path: Path, write_log: Log) -> None:
    out = tmp_path / "out"
    ingest([write_log("1.csv", log_lines(1500))], out, Recipe(time="time", labels=("fault",)))
    before, unmapped = open_store(out), open_store(out)
    values, segments = before.values.copy(), segments_of(before)
    append([write_log("2.csv", log_lines(2000, start=1500))], out)
    for store in (before, unmapped):
        assert store.num_rows == len(store.values) == len(store.time) == 1500
        np.testing.assert_array_equal(store.values, values)
        assert segments_of(store) == segments == [(0, 1500, "")]
    assert segments_of(open_store(out)) == [(0, 3500, "")]


@pytest.mark.usefixtures("small_chunks")
def test_only_the_last_chunk_is_written_again(tmp_path: Path, write_log: Log) -> None:
    out = tmp_path / "out"
    ingest([write_log("1.csv", log_lines(2500))], out, Recipe(time="time", labels=("fault",)))
    arrays = ("time", "values", "labels")
    chunks = {name: open_store(out).chunk_files(name) for name in arrays}
    before = {file: file.stat() for files in chunks.values() for file in files}
    append([write_log("2.csv", log_lines(2000, start=2500))], out)
    for files in chunks.values():
        assert len(files) == 3
        for file in files[:-1]:
            assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before[file].st_ino, before[file].st_mtime_ns)
        assert files[-1].stat().st_ino != before[files[-1]].st_ino
    assert len(open_store(out).chunk_files("values")) == 5
    verify(out)


def test_the_report_is_of_the_new_files(tmp_path: Path, write_log: Log) -> None:
    out = tmp_path / "out"
    recipe_ = Recipe(time="time", labels=("fault",), max_rejects="50%")
    ingest([write_log("1.csv", log_lines(50))], out, recipe_)
    late = write_log("2.csv", [*log_lines(20, start=50), "never,1,2,0"])
    report = append([late], out)
    assert_balanced(report, rows_before=50)
    assert [file.name for file in report.files] == [str(late)]
    assert (report.rows_in, report.num_rows, report.generation) == (21, 70, 2)
    assert report.rejects == str(tmp_path / "out.report" / "rejects" / "2.parquet")
    result = CliRunner().invoke(
        main, ["ingest", str(write_log("3.csv", log_lines(5, start=70))), "--out", str(out), "--append"]
    )
    assert result.exit_code == 0, result.output
    assert "5 rows in, 5 out" in result.output
    assert "75 in 1 series" in result.output
    names = [Path(source["name"]).name for source in open_store(out).attributes["sources"]]
    assert names == ["1.csv", "2.csv", "3.csv"]


# What is refused


def files_of(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def test_a_file_that_is_there_already_is_refused(tmp_path: Path, write_log: Log) -> None:
    out, new = tmp_path / "out", write_log("new.csv", log_lines(20, start=70))
    first = write_log("1.csv", log_lines(50))
    ingest([first], out, Recipe(time="time", labels=("fault",)))
    append([write_log("2.csv", log_lines(20, start=50))], out)
    before = files_of(out)
    (tmp_path / "copied.csv").write_bytes(first.read_bytes())
    for name, known in (("1.csv", "1.csv"), ("2.csv", "2.csv"), ("copied.csv", "1.csv")):
        with raises("source-repeated", f"{name}: ", out, f"/{known}:"):
            append([new, tmp_path / name], out)
    # Compressed it is another file, but its rows are not newer.
    again = write_log("1.csv.gz", log_lines(50))
    with raises("rows-not-newer", "1.csv.gz: ", "2024-03-01T00:00:00"):
        append([again], out)
    assert files_of(out) == before


def test_a_header_alone_may_come_again(tmp_path: Path, write_log: Log) -> None:
    out = tmp_path / "out"
    ingest([write_log("1.csv", log_lines(50)), write_log("2.csv", log_lines(0))], out, Recipe(time="time"))
    files = [write_log("3.csv", log_lines(0)), write_log("4.csv", log_lines(5, start=50))]
    assert_balanced(append(files, out), rows_before=50)
    with raises("source-empty", "5.csv"):
        append([write_log("5.csv", log_lines(0))], out)


def test_older_rows_are_refused_with_file_time_and_remedy(tmp_path: Path, write_log: Log) -> None:
    out = tmp_path / "out"
    ingest([write_log("1.csv", log_lines(50))], out, Recipe(time="time", labels=("fault",)))
    before = files_of(out)
    newer, late = write_log("newer.csv", log_lines(5, start=60)), write_log("late.csv", log_lines(20, start=49))
    for sources in ([late], [newer, late]):
        command = ["ingest", *map(str, sources), "--out", str(out), "--append"]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 1
        assert_refused(result.output, "rows-not-newer", f"{late}: ", "2024-03-01T00:49:00", out, "--rebuild")
    assert files_of(out) == before


def test_rows_are_held_against_the_end_of_their_own_series(tmp_path: Path, write_log: Log) -> None:
    out = tmp_path / "out"
    ingest([write_log("1.csv", ["time,key,a", "0,x,1", "100,y,1"])], out, recipe(series="key", max_gap="1h"))
    store = assert_balanced(append([write_log("2.csv", ["time,key,a", "50,x,2", "60,z,2"])], out), rows_before=2)
    assert store.series_end_ns == (50 * NS, 100 * NS, 60 * NS)
    with raises("rows-not-newer", "3.csv: ", "'x'", "1970-01-01T00:00:50"):
        append([write_log("3.csv", ["time,key,a", "200,y,1", "50,x,2"])], out)


@pytest.mark.parametrize("flag", ["--append", "--rebuild"])
def test_settings_are_those_of_the_store(tmp_path: Path, write_log: Log, flag: str) -> None:
    log = write_log("1.csv", log_lines(5))
    (tmp_path / "plant.toml").write_text('time = "time"\n')
    for others in (["--time", "time"], ["--recipe", str(tmp_path / "plant.toml")], ["--append", "--rebuild"]):
        result = CliRunner().invoke(main, ["ingest", str(log), "--out", str(tmp_path / "out"), flag, *others])
        assert result.exit_code == 2
        assert flag in result.output


def test_a_store_that_no_ingest_made_does_not_go_on(
    tmp_path: Path, write_log: Log, make_store: Callable[..., SeriesStore]
) -> None:
    make_store(tmp_path / "out", rows=10)
    for function in (append, rebuild):
        with raises("recipe-missing", tmp_path / "out"):
            function([write_log("1.csv", log_lines(5))], tmp_path / "out")


# A kill


JOB = """
import sys
from longstride import append
append(sys.argv[2:], sys.argv[1], piece_bytes=10_000, bucket_bytes=20_000, progress=lambda _: print(flush=True))
"""


def start(out: Path, *sources: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", JOB, str(out), *map(str, sources)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_a_killed_append_changes_nothing_and_can_be_repeated(tmp_path: Path, write_log: Log) -> None:
    log, late = write_log("1.csv", log_lines(3000)), write_log("2.csv", log_lines(4000, start=3000))
    first = tmp_path / "first"
    ingest([log], first, Recipe(time="time", labels=("fault",)))
    old = open_store(first)
    rows = old.values.copy()
    whole = tmp_path / "whole"
    shutil.copytree(first, whole)
    with start(whole, late) as undisturbed:
        assert undisturbed.stdout is not None
        num_steps = len(undisturbed.stdout.readlines())
    assert undisturbed.returncode == 0
    chance = random.Random(7)
    for number in range(6):
        out = tmp_path / str(number)
        shutil.copytree(first, out)
        with start(out, late) as job:
            assert job.stdout is not None
            # The last step is before the commit; some kills come a moment after it.
            for _ in range(num_steps if number >= 4 else chance.randrange(1, num_steps)):
                job.stdout.readline()
            clock.sleep(chance.random() * 0.05)
            job.send_signal(signal.SIGKILL)
        verify(out)
        store = open_store(out)
        committed = store.generation == 2
        assert store.num_rows == (7000 if committed else 3000)
        np.testing.assert_array_equal(store.values[:3000], rows)
        with start(out, late) as again:
            again.communicate()
        assert again.returncode == 0
        assert files_of(out) == files_of(whole)


def test_a_setting_that_does_nothing_does_not_stop_an_append(tmp_path: Path, write_log: Log) -> None:
    idle: dict[str, Any] = {
        "unit": ("a",),
        "aggregate": ("max", "mean"),
        "counter_bits": "64",
        "null": ("gone=-200",),
    }
    first = write_log("first.csv", ["time,a", "2024-03-01 00:00:00,1", "2024-03-01 00:00:01,2"])
    with mock.patch.object(Recipe, "refuse_idle"), mock.patch.object(plan, "_check_columns_of_values"):
        ingest([first], tmp_path / "out", Recipe(time="time", **idle))
    later = write_log("later.csv", ["time,a", "2024-03-01 00:00:02,3"])
    assert append([later], tmp_path / "out").num_rows == 3
