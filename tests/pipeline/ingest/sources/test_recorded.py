"""A rebuild: sources are known by their bytes, wherever they are, and nothing else takes their place."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from click.testing import CliRunner

from longstride import Recipe, append, ingest, rebuild
from longstride.__main__ import main
from longstride.storage.errors import StoreError
from longstride.storage.open import open_store
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.accounts import assert_balanced, segments_of
from tests.helpers.logs.ingest_jobs import contents
from tests.helpers.logs.log_lines import log_lines

Log = Callable[..., Path]
RECIPE = Recipe(time="time", labels=("fault",))


def verify(store: Path) -> None:
    result = CliRunner().invoke(main, ["verify", str(store)])
    assert result.exit_code == 0, result.output


def without_paths(store: Path) -> None:
    """Make it one of an earlier version, which kept names alone."""
    root = store / "zarr.json"
    document = json.loads(root.read_bytes())
    attributes = document["attributes"]["longstride"]
    for source in attributes["sources"]:
        del source["path"]
    del attributes["seal_crc32c"]
    attributes["seal_crc32c"] = google_crc32c.value(json.dumps(attributes, sort_keys=True).encode())
    root.write_text(json.dumps(document))


def test_a_rebuild_weaves_older_rows_in(tmp_path: Path, write_log: Log) -> None:
    out, choices = tmp_path / "out", Recipe(time="time", labels=("fault",))
    files = [write_log(f"{start}.csv", log_lines(50, start=start)) for start in (0, 150, 50, 100)]
    ingest(files[:1], out, choices)
    append(files[1:2], out)
    open_before = open_store(out)
    rows = open_before.values.copy()
    assert len(open_before.segments) == 2
    command = ["ingest", str(files[2]), "--out", str(out), "--rebuild"]
    assert CliRunner().invoke(main, command).exit_code == 0
    report = rebuild(files[3:], out)
    store = assert_balanced(report)
    assert len(report.files) == 4
    whole = assert_balanced(ingest(files, tmp_path / "whole", choices))
    assert (store.time.tolist(), store.values.tolist()) == (whole.time.tolist(), whole.values.tolist())
    assert segments_of(store) == [(0, 200, "")]
    np.testing.assert_array_equal(open_before.values, rows)
    verify(out)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize("named", [[0], [1], [0, 1], [1, 0]])
def test_two_sources_of_the_same_bytes_stay_two(tmp_path: Path, write_log: Log, named: list[int]) -> None:
    files = [write_log(f"{number}.csv", log_lines(50)) for number in (0, 1)]
    ingest(files, tmp_path / "out", Recipe(time="time", labels=("fault",), duplicates="first"))
    report = rebuild([files[number] for number in named], tmp_path / "out")
    assert [Path(file.name).name for file in report.files] == ["0.csv", "1.csv"]


def test_rotated_logs_are_known_by_their_bytes(tmp_path: Path, write_log: Log) -> None:
    newer = write_log("log.csv", log_lines(50, start=50))
    older = write_log("log.1.csv", log_lines(50))
    ingest([older, newer], tmp_path / "out", RECIPE)
    older.rename(tmp_path / "log.2.csv")
    newer.rename(older)
    newest = write_log("log.csv", log_lines(50, start=100))
    report = rebuild([newest, older, tmp_path / "log.2.csv"], tmp_path / "out")
    assert (report.num_rows, len(report.files)) == (150, 3)


def test_a_rebuilt_store_is_not_taken_for_the_one_that_is_open(tmp_path: Path, write_log: Log) -> None:
    files = [write_log(f"{number}.csv", log_lines(50, start=50 * number)) for number in (1, 0)]
    recipe = Recipe(time="time", labels=("fault",))
    ingest(files[:1], tmp_path / "out", recipe)
    mapped, opened = open_store(tmp_path / "out"), open_store(tmp_path / "out")
    before = mapped.values.copy()
    rebuild(files, tmp_path / "out")  # names a source that it has
    np.testing.assert_array_equal(mapped.values, before)
    with raises("store-changed", kind=StoreError):
        _ = opened.values
    again = open_store(tmp_path / "out")
    assert again.generation == 2
    assert again.num_rows == 100


# Sources that are not as they were


def rotated(tmp_path: Path, write_log: Log) -> tuple[Path, Path]:
    """A store, and the log that it was made from, which then was rotated."""
    log = write_log("press.csv", log_lines(500))
    ingest([log], tmp_path / "out", RECIPE)
    log.rename(tmp_path / "press.csv.1")
    write_log("press.csv", log_lines(5, start=500))
    return tmp_path / "out", log


@pytest.mark.parametrize("named", ["press.csv", "new.csv"])
def test_a_rotated_log_does_not_take_the_place_of_the_old_one(tmp_path: Path, write_log: Log, named: str) -> None:
    out, log = rotated(tmp_path, write_log)
    write_log("new.csv", log_lines(5, start=600))
    before = contents(out)
    result = CliRunner().invoke(main, ["ingest", str(tmp_path / named), "--out", str(out), "--rebuild"])
    assert result.exit_code == 1
    size = len("\n".join([*log_lines(500), ""]))
    assert_refused(result.output, "source-changed", log, f"{size:,} bytes", log.stat().st_size, "--accept-changed")
    assert contents(out) == before


def test_a_rotated_log_is_found_under_its_new_name(tmp_path: Path, write_log: Log) -> None:
    out, log = rotated(tmp_path, write_log)
    report = rebuild([tmp_path / "press.csv.1", log], out)
    assert [Path(file.name).name for file in report.files] == ["press.csv.1", "press.csv"]
    assert open_store(out).num_rows == 505


def test_changed_files_are_taken_where_that_is_wanted(tmp_path: Path, write_log: Log) -> None:
    out, log = rotated(tmp_path, write_log)
    result = CliRunner().invoke(
        main, ["ingest", str(log), "--out", str(out), "--rebuild", "--accept-changed"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    assert open_store(out).num_rows == 5
    result = CliRunner().invoke(main, ["ingest", str(log), "--out", str(tmp_path / "new"), "--accept-changed"])
    assert (result.exit_code, "--accept-changed" in result.output) == (2, True)


def test_a_log_of_the_same_size_is_another_if_its_bytes_are(tmp_path: Path, write_log: Log) -> None:
    log = write_log("a.csv", log_lines(50))
    ingest([log], tmp_path / "out", RECIPE)
    log.write_text(log.read_text().replace(",-1,", ",-9,"))
    with raises("source-changed", log, "checksum"):
        rebuild([write_log("b.csv", log_lines(5, start=50))], tmp_path / "out")
    assert rebuild([log], tmp_path / "out", accept_changed=True).num_rows == 50


def test_a_log_may_have_grown(tmp_path: Path, write_log: Log) -> None:
    log = write_log("a.csv", log_lines(50))
    ingest([log], tmp_path / "out", RECIPE)
    write_log("a.csv", log_lines(80))
    assert rebuild([log], tmp_path / "out").num_rows == 80


def test_a_rebuild_needs_all_its_sources(tmp_path: Path, write_log: Log) -> None:
    out = tmp_path / "out"
    first = write_log("1.csv", log_lines(50, start=50))
    ingest([first], out, RECIPE)
    before = contents(out)
    moved, second = tmp_path / "elsewhere" / "moved.csv", write_log("2.csv", log_lines(50))
    moved.parent.mkdir()
    first.rename(moved)
    for accept in (False, True):
        with raises("source-missing", out, first):
            rebuild([second], out, accept_changed=accept)
    assert contents(out) == before
    assert rebuild([second, moved], out).num_rows == 100  # wherever it is now


# Names


def two_sites(tmp_path: Path, write_log: Log) -> tuple[Path, Path]:
    """Two folders whose logs have the same name and the same size."""
    for number, site in enumerate(("north", "south")):
        (tmp_path / site).mkdir()
        write_log(f"{site}/plant.csv", log_lines(50, start=100 + 200 * number))
    return tmp_path / "north", tmp_path / "south"


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("accept", [False, True])
def test_a_name_never_leads_to_the_log_of_another_folder(
    tmp_path: Path, write_log: Log, monkeypatch: pytest.MonkeyPatch, old: bool, accept: bool
) -> None:
    north, south = two_sites(tmp_path, write_log)
    monkeypatch.chdir(north)
    ingest(["plant.csv"], "plant.zarr", RECIPE)
    rows = open_store("plant.zarr").values.copy()
    write_log("north/more.csv", log_lines(5, start=150))
    if old:
        without_paths(north / "plant.zarr")
    monkeypatch.chdir(south)
    if old:
        with raises("source-changed", south / "plant.csv"):
            rebuild([north / "more.csv"], north / "plant.zarr", accept_changed=accept)
    else:
        rebuild([north / "more.csv"], north / "plant.zarr", accept_changed=accept)
        np.testing.assert_array_equal(open_store(north / "plant.zarr").values[:50], rows)
    monkeypatch.chdir(north)
    report = rebuild(["more.csv"], "plant.zarr")
    assert report.num_rows == 55
    assert [Path(file.name).name for file in report.files] == ["plant.csv", "more.csv"]


def test_what_is_shown_stays_as_it_was_given(
    tmp_path: Path, write_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    north, south = two_sites(tmp_path, write_log)
    monkeypatch.chdir(north)
    ingest(["plant.csv"], "plant.zarr", RECIPE)
    write_log("north/more.csv", log_lines(5, start=150))
    (source,) = open_store("plant.zarr").attributes["sources"]
    assert (source["name"], source["path"]) == ("plant.csv", str(north / "plant.csv"))
    assert [file.name for file in rebuild(["more.csv"], "plant.zarr").files] == ["plant.csv", "more.csv"]
    monkeypatch.chdir(south)
    again = rebuild([north / "plant.csv"], north / "plant.zarr")
    assert [file.name for file in again.files] == [str(north / "plant.csv"), str(north / "more.csv")]


def test_a_store_that_was_moved_is_rebuilt_from_the_sources_that_are_named(
    tmp_path: Path, write_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    north, _ = two_sites(tmp_path, write_log)
    monkeypatch.chdir(north)
    ingest(["plant.csv"], "plant.zarr", RECIPE)
    monkeypatch.chdir(tmp_path)
    shutil.move(north, tmp_path / "archive")
    with raises("source-missing", north / "plant.csv"):
        rebuild([write_log("more.csv", log_lines(5, start=150))], "archive/plant.zarr")
    assert rebuild(["archive/plant.csv", "more.csv"], "archive/plant.zarr").num_rows == 55


# Appending


def test_a_rewritten_log_is_added_only_if_that_is_wanted(tmp_path: Path, write_log: Log) -> None:
    out, log = rotated(tmp_path, write_log)
    before = contents(out)
    (tmp_path / "link.csv").symlink_to(log)
    for name in (log, tmp_path / "link.csv"):
        with raises("source-changed", name, out, "--accept-changed"):
            append([name], out)
    assert contents(out) == before
    report = append([log], out, accept_changed=True)
    assert (report.rows_in, report.num_rows) == (5, 505)
    # The rows of before are in no file that is known: a rebuild says so.
    with raises("source-changed", log):
        rebuild([log], out)
    assert rebuild([log, tmp_path / "press.csv.1"], out).num_rows == 505


def test_a_log_that_grew_is_told_that_its_rows_are_not_newer(tmp_path: Path, write_log: Log) -> None:
    log = write_log("a.csv", log_lines(50))
    ingest([log], tmp_path / "out", RECIPE)
    write_log("a.csv", log_lines(80))
    with raises("rows-not-newer", log, "--rebuild"):
        append([log], tmp_path / "out")
