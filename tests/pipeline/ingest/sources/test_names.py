"""Which files names stand for: patterns, folders and URLs; each file once, each failure in one line."""

import gzip
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from fsspec.registry import known_implementations

from longstride import Recipe, ingest
from longstride.__main__ import main
from longstride.pipeline.ingest.sources.names import find_files
from longstride.storage.open import open_store
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.log_lines import log_lines
from tests.helpers.logs.small_logs import write_frame

RECIPE = Recipe(time="time", labels=("fault",))
TREE = (
    "b.csv",
    "a.CSV.gz",
    "sub/c.ndjson.zst",
    "sub/deep/d.parquet",
    "sub/e.feather",
    "sub/f.log",
    "notes.md",
    "picture.png",
    "csv",
    ".hidden.csv",
    ".cache/g.csv",
    "sub/.git/h.csv",
)
LOGS = ["a.CSV.gz", "b.csv", "sub/c.ndjson.zst", "sub/deep/d.parquet", "sub/e.feather", "sub/f.log"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in TREE:
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("time,a\n2024-03-01,1\n")
    (tmp_path / "tree" / "folder.csv").mkdir()
    return tmp_path / "tree"


def within(folder: str, found: list[str]) -> list[str]:
    return [name.removeprefix(f"{folder}/") for name in found]


def test_a_folder_stands_for_its_logs_in_order(tree: Path) -> None:
    assert within(str(tree), find_files([tree])) == LOGS
    assert within(str(tree), find_files([f"{tree}/"])) == LOGS
    hidden = find_files([tree / ".cache"])  # named, so it is meant
    assert within(str(tree), hidden) == [".cache/g.csv"]


@pytest.mark.parametrize("by", ["{}", "file://{}"])
def test_what_an_ingest_has_written_is_no_log_of_a_folder(tree: Path, by: str) -> None:
    """Nor is what a job left that stopped at too many rejects."""
    ingest([tree / "b.csv"], tree / "sub" / "plant.zarr", Recipe(time="time"))
    (tree / "bad.txt").write_text("time,a\nnever,1\n")
    with raises("too-many-rejects"):
        ingest([tree / "bad.txt"], tree / "sub" / "other.zarr", Recipe(time="time"))
    assert (tree / "sub" / "other.zarr.report" / "rejects" / "0.parquet").exists()
    (tree / "bad.txt").unlink()
    folder = by.format(tree)
    assert within(folder, find_files([folder])) == LOGS


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_not_left_out(tree: Path) -> None:
    (tree / "sub").chmod(0)
    with raises("source-unreadable", "sub: "):
        find_files([tree])


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.csv", ["b.csv"]),
        ("*", ["a.CSV.gz", "b.csv", "csv", "notes.md", "picture.png"]),
        ("**/*.parquet", ["sub/deep/d.parquet"]),
        ("**/[b-e].*", ["b.csv", "sub/c.ndjson.zst", "sub/deep/d.parquet", "sub/e.feather"]),
        ("**/**/?.csv", ["b.csv"]),
    ],
)
def test_a_pattern_stands_for_the_files_it_matches(tree: Path, pattern: str, found: list[str]) -> None:
    assert within(str(tree), find_files([f"{tree}/{pattern}"])) == found
    # fsspec matches hidden files with * too.
    by_url = within(f"file://{tree}", find_files([f"file://{tree}/{pattern}"]))
    assert [name for name in by_url if not name.startswith(".") and "/." not in name] == found


def test_names_that_look_like_patterns(tmp_path: Path) -> None:
    (tmp_path / "log[1].csv").write_text("time,a\n2024-03-01,1\n")
    (tmp_path / "log1.csv").write_text("time,a\n2024-03-01,1\n")
    name = str(tmp_path / "log[1].csv")
    assert find_files([name]) == [name]
    assert find_files([f"file://{name}"]) == [f"file://{name}"]
    assert find_files(find_files([f"file://{tmp_path}/*"])) == [f"file://{tmp_path}/log1.csv", f"file://{name}"]


def test_sources_keep_the_order_in_which_they_are_named(tree: Path) -> None:
    found = find_files([tree / "sub", tree / "b.csv", tree / "a.CSV.gz"])
    assert within(str(tree), found) == [*LOGS[2:], "b.csv", "a.CSV.gz"]


@pytest.mark.parametrize(
    "names",
    [
        ["b.csv", "b.csv"],
        ["b.csv", "*.csv"],
        ["b.csv", "."],
        ["b.csv", "./b.csv"],
        ["b.csv", "sub/../b.csv"],
        ["b.csv", "link.csv"],
        ["b.csv", "hard.csv"],
        ["hard.csv", "file://{here}/b.csv"],
        ["b.csv", "file://{here}/b.csv"],
        ["file://{here}/b.csv", "local://{here}/sub/../b.csv"],
        ["**/b.csv", "file://{here}/*.csv"],
    ],
)
def test_a_file_that_is_reached_twice_is_refused(
    tree: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    monkeypatch.chdir(tree)
    if "link.csv" in names:
        Path("link.csv").symlink_to("b.csv")
    os.link("b.csv", "hard.csv")
    with raises("source-repeated", ".csv is named twice"):
        find_files([name.format(here=tree) for name in names])


@pytest.mark.parametrize("scheme", ["file://", "memory://"])
def test_urls_of_files_folders_and_patterns(
    tmp_path: Path, write_log: Callable[..., Path], memory: Any, scheme: str
) -> None:
    for name in ("logs/a.csv", "logs/sub/b.csv.gz", "logs/sub/c.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        log = write_log(name, log_lines(50, start=50 * "abc".index(name.split("/")[-1][0])))
        memory.pipe(f"/{name}", log.read_bytes())
    (tmp_path / "logs" / "notes.md").write_text("none")
    memory.pipe("/logs/notes.md", b"none")
    memory.pipe("/logs/.hidden/d.csv", b"none")
    root = f"{scheme}{tmp_path if scheme == 'file://' else ''}"
    names = {
        "folder": [f"{root}/logs"],
        "folder with a slash": [f"{root}/logs/"],
        "pattern": [f"{root}/logs/**/[abc].csv*"],
        "files": [f"{root}/logs/{name}" for name in ("sub/c.csv", "a.csv", "sub/b.csv.gz")],
    }
    ingest([tmp_path / "logs"], tmp_path / "plain", RECIPE)
    plain = open_store(tmp_path / "plain")
    for number, sources in enumerate(names.values()):
        ingest(sources, tmp_path / str(number), RECIPE, piece_bytes=500)
        store = open_store(tmp_path / str(number))
        assert store.values.tobytes() == plain.values.tobytes()
        np.testing.assert_array_equal(store.time, plain.time)
        crcs = {Path(one["name"]).name: one["crc32c"] for one in store.attributes["sources"]}
        assert crcs == {Path(one["name"]).name: one["crc32c"] for one in plain.attributes["sources"]}


@pytest.mark.parametrize("suffix", ["parquet", "feather", "ndjson", "ndjson.gz"])
def test_every_format_by_url(tmp_path: Path, memory: Any, suffix: str) -> None:
    frame = pl.DataFrame({"time": [f"2024-03-01 00:00:{row:02}" for row in range(60)], "a": range(60)})
    log = tmp_path / f"log.{suffix}"
    write_frame(frame, log)
    memory.pipe(f"/{log.name}", log.read_bytes())
    for number, url in enumerate((f"file://{log}", f"memory://{log.name}")):
        ingest([url], tmp_path / str(number), Recipe(time="time"), piece_bytes=100)
        np.testing.assert_array_equal(open_store(tmp_path / str(number)).values[:, 0], np.arange(60))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a web server, another process, that gives the folder `served`."""
    pytest.importorskip("aiohttp", reason="fsspec reads http:// with it")
    (tmp_path / "served").mkdir()
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--directory", str(tmp_path / "served")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().partition(' port ')[2].split()[0]}"
        process.terminate()


def test_logs_of_a_web_server(tmp_path: Path, server: str) -> None:
    frame = pl.DataFrame({"time": [f"2024-03-01 00:00:{row:02}" for row in range(60)], "a": range(60)})
    names = ["a.csv", "b.csv.gz", "c.ndjson", "d.parquet", "e.ndjson.gz"]
    (tmp_path / "served" / "logs").mkdir()
    for number, name in enumerate(names):
        times = frame["time"].str.replace("03-01", f"03-0{number + 1}")
        write_frame(frame.with_columns(times), tmp_path / "served" / "logs" / name)
    (tmp_path / "served" / "logs" / "notes.md").write_text("none")
    every = [f"{server}/logs/{name}" for name in names]
    assert find_files([f"{server}/logs/"]) == every
    assert find_files([f"{server}/logs/*.[cf]*"]) == every[:2]
    ingest([f"{server}/logs/"], tmp_path / "out", Recipe(time="time"), piece_bytes=200)
    ingest([tmp_path / "served"], tmp_path / "plain", Recipe(time="time"))
    found, plain = (open_store(tmp_path / name) for name in ("out", "plain"))
    assert found.num_rows == 300
    assert found.values.tobytes() == plain.values.tobytes()
    with raises("source-missing", "/none.csv"):
        ingest([f"{server}/none.csv"], tmp_path / "none", Recipe(time="time"))
    with raises("source-missing", "/none*"):
        find_files([f"{server}/logs/none*"])
    write_frame(frame, tmp_path / "served" / "f.feather")  # this server gives files from their beginning alone
    with raises("source-unreadable", "/f.feather: ", "range requests"):
        ingest([f"{server}/f.feather"], tmp_path / "none", Recipe(time="time"))
    with raises("source-unreadable", "http://127.0.0.1:1/log.csv: "):
        ingest(["http://127.0.0.1:1/log.csv"], tmp_path / "none", Recipe(time="time"))


def test_a_connection_that_breaks_is_told(tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe("/log.csv.gz", gzip.compress("\n".join(log_lines(50)).encode()))
    memory.pipe("/log.csv", "\n".join(log_lines(50)).encode())

    def broken(*_: Any) -> bytes:
        raise TimeoutError("the line\nis dead")

    monkeypatch.setattr(fsspec.implementations.memory.MemoryFile, "read", broken)
    for name in ("memory://log.csv", "memory://log.csv.gz"):
        with raises("source-unreadable", f"{name}: ", "TimeoutError: the line is dead"):
            ingest([name], tmp_path / "out", RECIPE)


def test_logs_in_an_archive_by_url(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "logs.zip", "w") as archive:
        for number in range(2):
            archive.writestr(f"{number}.csv", "\n".join(log_lines(50, start=50 * number)))
    at = f"file://{tmp_path}/logs.zip"
    assert find_files([f"zip://*.csv::{at}"]) == [f"zip://{number}.csv::{at}" for number in range(2)]
    ingest([f"zip://*.csv::{at}"], tmp_path / "out", RECIPE)
    assert open_store(tmp_path / "out").num_rows == 100


FAILURES: dict[str, tuple[str, str, str]] = {
    "no file": ("none.csv", "source-missing", "none.csv: "),
    "no folder": ("none/", "source-missing", "none/: "),
    "no match": ("none*.csv", "source-missing", "none*.csv: "),
    "folders alone": ("tree/fold*", "source-missing", "fold*: "),
    "no logs": ("empty", "source-missing", ".csv, "),
    "no file by URL": ("file://{here}/none.csv", "source-missing", "none.csv: "),
    "no match by URL": ("file://{here}/none*.csv", "source-missing", "none*.csv: "),
    "no logs by URL": ("file://{here}/empty", "source-missing", ".csv, "),
    "nothing in memory": ("memory://none.csv", "source-missing", "memory://none.csv: "),
    "no scheme": ("gopher://host/log.csv", "source-address", "gopher://host/log.csv: "),
    "no library": ("lost://log.csv", "source-address", "install lostfs"),
    "no archive": ("zip://a.csv::file://{here}/none.zip", "source-missing", "none.zip: "),
    "pipe": ("pipe", "source-format", "pipe: "),
    "dangling link": ("dangling.csv", "source-missing", "dangling.csv: "),
    "dangling link of a pattern": ("dang*.csv", "source-missing", "dangling.csv: "),
    "dangling link of a folder": ("broken", "source-missing", "broken/a.csv: "),
    "link in a circle": ("circle.csv", "source-unreadable", "circle.csv: "),
    "device": ("/dev/zero", "source-format", "/dev/zero: "),
    "socket": ("socket", "source-format", "socket: "),
    "pipe of a pattern": ("pip*", "source-format", "pipe: "),
    "name that is too long": (f"{'long' * 100}.csv", "source-unreadable", "long.csv: "),
    "empty name": ("", "option-value", "empty name"),
    "name with a zero byte": ("a\0b", "source-missing", ""),
    "name that is not UTF-8": (os.fsdecode(b"log-\xff.csv"), "source-name", "log-\\xff.csv: "),
    "name in a pattern that is not UTF-8": ("log-*.csv", "source-name", "log-\\xff.csv: "),
    "name in a folder that is not UTF-8": ("foreign", "source-name", "foreign/log-\\xff.csv: "),
    "store": ("plant.zarr", "source-format", "plant.zarr: "),
    "store by URL": ("file://{here}/plant.zarr", "source-format", "plant.zarr: "),
    "report": ("plant.zarr.report", "source-format", "plant.zarr.report: "),
    "report by URL": ("file://{here}/plant.zarr.report/", "source-format", "plant.zarr.report/: "),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_source_that_is_none_is_told_in_one_line(
    tree: Path, monkeypatch: pytest.MonkeyPatch, memory: Any, failure: str
) -> None:
    here = tree.parent
    monkeypatch.chdir(here)
    monkeypatch.setitem(known_implementations, "lost", {"class": "lost.FS", "err": "install lostfs"})
    (here / "empty").mkdir()
    (here / "empty" / "notes.md").write_text("none")
    (here / "dangling.csv").symlink_to("gone.csv")
    (here / "broken").mkdir()
    (here / "broken" / "a.csv").symlink_to("gone.csv")
    (here / "circle.csv").symlink_to("circle.csv")
    (here / "foreign").mkdir()
    for name in (b"log-\xff.csv", b"foreign/log-\xff.csv"):
        (here / os.fsdecode(name)).write_text("time,a\n2024-03-01,1\n")
    ingest([tree / "b.csv"], here / "plant.zarr", Recipe(time="time"))
    os.mkfifo(here / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    name, code, fact = FAILURES[failure]
    before = sorted(path.name for path in here.iterdir())
    command = ["ingest", name.format(here=here), "--out", "out", "--time", "time"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert_refused(result.output, code, fact)
    assert sorted(path.name for path in here.iterdir()) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tree: Path) -> None:
    (tree / "b.csv").chmod(0)
    with raises("source-unreadable", "b.csv: ", "Permission denied"):
        ingest([tree / "b.csv"], tree / "out", Recipe(time="time"))
