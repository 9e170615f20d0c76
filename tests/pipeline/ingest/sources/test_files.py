"""Which files names stand for: patterns, folders and URLs; each file once, each failure in one line."""

import gzip
import os
import subprocess
import sys
import threading
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
from longstride.pipeline.ingest.sources.files import num_bytes, open_file, refuse_changed, version_of
from longstride.pipeline.ingest.sources.names import find_files
from longstride.pipeline.ingest.staging.read import ReadSources
from longstride.storage.open import open_store
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.log_lines import log_lines

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


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()


def write(frame: pl.DataFrame, path: Path) -> None:
    """In the format of the suffix."""
    kind, _, compression = path.name.partition(".")[2].partition(".")
    writers = {
        "csv": frame.write_csv,
        "ndjson": frame.write_ndjson,
        "parquet": frame.write_parquet,
        "feather": frame.write_ipc,
    }
    plain = path.with_name(f"plain.{kind}")
    writers[kind](plain)
    path.write_bytes(gzip.compress(plain.read_bytes()) if compression else plain.read_bytes())
    plain.unlink()


def within(folder: str, found: list[str]) -> list[str]:
    return [name.removeprefix(f"{folder}/") for name in found]


def test_a_folder_stands_for_its_logs_in_order(tree: Path) -> None:
    assert within(str(tree), find_files([tree])) == LOGS
    assert within(str(tree), find_files([f"{tree}/"])) == LOGS
    hidden = find_files([tree / ".cache"])  # named, so it is meant
    assert within(str(tree), hidden) == [".cache/g.csv"]


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
    with raises("source-repeated", "b.csv"):
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
    write(frame, log)
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
        write(frame.with_columns(times), tmp_path / "served" / "logs" / name)
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
    write(frame, tmp_path / "served" / "f.feather")  # this server gives files from their beginning alone
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


def test_what_changes_when_a_file_does(tmp_path: Path, memory: Any) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time,a\n")
    memory.pipe("/log.csv", b"time,a\n")
    for name in (str(log), f"file://{log}", "memory://log.csv"):
        before = version_of(name)
        assert version_of(name) == before
        assert num_bytes(name) == before.num_bytes == 7
        refuse_changed(name, before)
        with raises("source-changed", "8 bytes", "7"):
            refuse_changed(name, before._replace(num_bytes=8))
        with raises("source-changed", "another mark"):
            refuse_changed(name, before._replace(mark="another mark"))
        with open_file(name) as file:
            assert file.read() == b"time,a\n"
    before = version_of(str(log))
    log.write_text("time,b\n")
    assert version_of(str(log)) != before
    memory.pipe("/log.csv", b"time,b\n")
    assert version_of("memory://log.csv") != version_of(str(log))


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
    os.mkfifo(here / "pipe")
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


SUFFIXES = ["csv", "csv.gz", "ndjson", "ndjson.gz", "parquet", "feather"]
FRAME = pl.DataFrame({"time": [f"2024-03-01 00:00:{row:02}" for row in range(60)], "a": range(60)})


@pytest.mark.parametrize("change", ["gone", "longer", "shorter", "other bytes"])
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("when", ["first", "last"])
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, change: str, when: str
) -> None:
    """Before its first section is read, or when most of them are: what is stored is never a mixture."""
    log = tmp_path / f"log.{suffix}"
    write(FRAME.with_columns(pl.lit(7).alias("a")), log)
    other = log.read_bytes()
    write(FRAME.with_columns(pl.lit(8).alias("a")), log)
    data = log.read_bytes()
    assert len(other) == len(data)
    changed = threading.Event()

    def rewrite() -> None:
        log.unlink()
        if change != "gone":
            log.write_bytes({"longer": data + data[-10:], "shorter": data[:-10]}.get(change, other))
        changed.set()

    owner, name = (ReadSources, "run") if when == "first" else (ReadSources, "_take")
    real = getattr(owner, name)

    def disturbed(*args: Any) -> None:
        if not changed.is_set():
            rewrite()
        real(*args)

    monkeypatch.setattr(owner, name, disturbed)
    with raises("source-missing" if change == "gone" else "source-changed", f"log.{suffix}: "):
        ingest([log], tmp_path / "out", Recipe(time="time"), piece_bytes=200)
    assert changed.is_set()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_whose_time_is_set_back_is_never_read_in_a_mixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, in_place: bool
) -> None:
    log = tmp_path / f"log.{suffix}"
    write(FRAME.with_columns(pl.lit(7).alias("a")), log)
    other = log.read_bytes()
    write(FRAME.with_columns(pl.lit(8).alias("a")), log)
    status = log.stat()
    real = ReadSources._take

    def disturbed(*args: Any) -> None:
        if not in_place:
            log.unlink()
        with open(log, "r+b" if in_place else "wb") as file:
            file.write(other)
        os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
        real(*args)

    monkeypatch.setattr(ReadSources, "_take", disturbed)
    with raises("source-changed", f"log.{suffix}: "):
        ingest([log], tmp_path / "out", Recipe(time="time"), piece_bytes=200)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_only_renamed_or_linked_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.csv"
    write(FRAME, log)
    real = ReadSources._take

    def disturbed(*args: Any) -> None:
        (tmp_path / "link.csv").unlink(missing_ok=True)
        os.link(log, tmp_path / "link.csv")
        real(*args)

    monkeypatch.setattr(ReadSources, "_take", disturbed)
    assert ingest([log], tmp_path / "out", Recipe(time="time"), piece_bytes=200).num_rows == 60


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_changes_between_a_kill_and_the_next_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """With the size and the time of before: parts of the old bytes are not taken over."""
    log, out = tmp_path / f"log.{suffix}", tmp_path / "out"
    write(FRAME.with_columns(pl.lit(7).alias("a")), log)
    status = log.stat()

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("longstride.pipeline.ingest.job.write_store", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ingest([log], out, Recipe(time="time"), piece_bytes=200)
    assert list(out.glob(".staged/*/*.part"))
    write(FRAME.with_columns(pl.lit(8).alias("a")), log)
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert log.stat().st_size == status.st_size
    ingest([log], out, Recipe(time="time"), piece_bytes=200)
    np.testing.assert_array_equal(open_store(out).values, np.full((60, 1), 8))
