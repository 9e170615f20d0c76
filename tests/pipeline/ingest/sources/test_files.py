"""A file that changes while a job reads it, or between two jobs, is told: what is stored is never a mixture."""

import os
import threading
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import polars as pl
import pytest

from longstride import Recipe, ingest
from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.sources.detect import open_source
from longstride.pipeline.ingest.sources.files import num_bytes, open_file, refuse_changed, version_of
from longstride.pipeline.ingest.staging.read import ReadSources
from longstride.storage.open import open_store
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import write_frame


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
    write_frame(FRAME.with_columns(pl.lit(7).alias("a")), log)
    other = log.read_bytes()
    write_frame(FRAME.with_columns(pl.lit(8).alias("a")), log)
    data = log.read_bytes()
    assert len(other) == len(data)
    changed = threading.Event()

    def rewrite() -> None:
        (tmp_path / "new").write_bytes({"longer": data + data[-10:], "shorter": data[:-10]}.get(change, other))
        (tmp_path / "new").replace(log)
        if change == "gone":
            log.unlink()
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
    write_frame(FRAME.with_columns(pl.lit(7).alias("a")), log)
    other = log.read_bytes()
    write_frame(FRAME.with_columns(pl.lit(8).alias("a")), log)
    status = log.stat()
    real = ReadSources._take

    def disturbed(*args: Any) -> None:
        written = log if in_place else tmp_path / "new"
        with open(written, "r+b" if in_place else "wb") as file:
            file.write(other)
        os.utime(written, ns=(status.st_atime_ns, status.st_mtime_ns))
        written.replace(log)
        real(*args)

    monkeypatch.setattr(ReadSources, "_take", disturbed)
    with raises("source-changed", f"log.{suffix}: "):
        ingest([log], tmp_path / "out", Recipe(time="time"), piece_bytes=200)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_only_renamed_or_linked_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.csv"
    write_frame(FRAME, log)
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
    write_frame(FRAME.with_columns(pl.lit(7).alias("a")), log)
    status = log.stat()

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("longstride.pipeline.ingest.job.write_store", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ingest([log], out, Recipe(time="time"), piece_bytes=200)
    assert list(out.glob(".staged/*/*.part"))
    write_frame(FRAME.with_columns(pl.lit(8).alias("a")), log)
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert log.stat().st_size == status.st_size
    ingest([log], out, Recipe(time="time"), piece_bytes=200)
    np.testing.assert_array_equal(open_store(out).values, np.full((60, 1), 8))


LONG = 2**20
LINES = {
    "whole": "{}\n{}\n",
    "no line break at the end": "{}\n{}",
    "a line too long": "{}\n%s\n{}\n" % ("7" * (2 * LONG)),
    "one byte too long": "{}\n%s\n{}\n" % ("7" * (LONG + 1)),
    "a line too long at the end": "{}\n{}\n%s" % ("7" * (2 * LONG)),
    "as long as can be, without line break": "{}\n{}\n%s" % ("7" * (LONG + 1)),
}


@pytest.mark.parametrize("shape", LINES)
@pytest.mark.parametrize("piece_bytes", [1, 50, 2**23])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_each_byte_of_a_file_is_in_one_sum(tmp_path: Path, shape: str, piece_bytes: int, kind: str) -> None:
    rows = ["2024-01-01,1", "2024-01-02,2"]
    if kind == "json":
        rows = ['{"time": "2024-01-01", "a": 1}', '{"time": "2024-01-02", "a": 2}']
    log = tmp_path / f"log.{kind}"
    log.write_text(("time,a\n" if kind == "csv" else "") + LINES[shape].format(*rows))
    recipe = Recipe(time="time")
    source = open_source(str(log), recipe)
    columns = Columns(time=("time",), series=None, pivot=None, labels=(), channels=("a",), unused=())
    sections = list(source.sections(piece_bytes))
    assert source.crc == google_crc32c.value(log.read_bytes())
    found = [piece() for section in sections for piece in source.pieces(section, columns, recipe, piece_bytes)]
    assert sum(raw.num_rows for raw in found) == 2 + ("too long" in shape or "as long" in shape)
    for section in sections:
        data = bytearray(log.read_bytes())
        data[section.start] ^= 4
        log.write_bytes(data)
        source.version = version_of(str(log))
        with raises("source-changed", "its bytes"):
            list(source.pieces(section, columns, recipe, piece_bytes))
        data[section.start] ^= 4
        log.write_bytes(data)
