"""A rebuild beside others: who may write when, what lies in its way, and by which name the store is called."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from longstride import Recipe, append, ingest, rebuild
from longstride.pipeline.ingest import job
from longstride.storage.errors import StoreError, StoreLockedError
from longstride.storage.open import open_store
from longstride.storage.writing.lock import StoreLock
from tests.helpers.errors import raises
from tests.helpers.logs.log_lines import log_lines
from tests.helpers.stores.forged import rewrite

Log = Callable[..., Path]
RECIPE = Recipe(time="time", labels=("fault",))


@pytest.fixture
def store(tmp_path: Path, write_log: Log) -> Path:
    ingest([write_log("1.csv", log_lines(100))], tmp_path / "plant.zarr", RECIPE)
    return tmp_path / "plant.zarr"


def more(write_log: Log) -> Path:
    return write_log("2.csv", log_lines(50, start=200))


def test_who_takes_the_new_store_while_the_old_one_is_removed_keeps_it(
    store: Path, write_log: Log, tmp_path: Path
) -> None:
    """The end of the rebuild removes neither the lock of the next writer nor what that has staged."""
    real, held = job._empty, []

    def while_it_removes(old: Path) -> None:
        lock = StoreLock(store, append=True)
        held.append(lock.__enter__())
        lock.staged.mkdir()
        real(old)

    with mock.patch.object(job, "_empty", while_it_removes):
        rebuild([more(write_log)], store)
    (lock,) = held
    assert lock.staged.exists()
    with raises("store-locked", kind=StoreLockedError), StoreLock(store, append=True):
        pass
    lock.__exit__(None, None, None)
    assert open_store(store).num_rows == 150
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def test_a_store_that_is_named_by_a_link(store: Path, write_log: Log, tmp_path: Path) -> None:
    link = tmp_path / "link.zarr"
    link.symlink_to(store)
    for number in range(2):
        assert rebuild([more(write_log)], link).store == str(link)
        assert link.is_symlink()
        assert open_store(store).num_rows == open_store(link).num_rows == 150, number
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_in_its_way_and_of_others_stays(store: Path, write_log: Log, tmp_path: Path, kind: str) -> None:
    mine = tmp_path / ".plant.zarr.rebuilding"
    if kind == "folder":
        mine.mkdir()
        (mine / "mine").write_text("mine")
    else:
        mine.write_text("mine")
    with raises("path-taken", mine, kind=StoreError):
        rebuild([more(write_log)], store)
    assert (mine / "mine" if kind == "folder" else mine).read_text() == "mine"
    assert open_store(store).num_rows == 100


def test_a_source_that_nobody_named_and_nobody_can_read_is_in_no_ones_way(tmp_path: Path, write_log: Log) -> None:
    """Its folder is a file by now."""
    folder = tmp_path / "old"
    folder.mkdir()
    log = write_log("old/1.csv", log_lines(100))
    ingest([log], tmp_path / "plant.zarr", RECIPE)
    data = log.read_bytes()
    log.unlink()
    folder.rmdir()
    folder.write_text("a file")
    assert append([more(write_log)], tmp_path / "plant.zarr").num_rows == 150
    (tmp_path / "moved.csv").write_bytes(data)
    assert rebuild([tmp_path / "moved.csv", tmp_path / "2.csv"], tmp_path / "plant.zarr").num_rows == 150
    (tmp_path / "moved.csv").unlink()
    with raises("source-missing", tmp_path / "moved.csv"):
        rebuild([tmp_path / "2.csv"], tmp_path / "plant.zarr")


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("NOTES.txt", "NOTES.txt"),
        (".hidden", ".hidden"),
        ("mine/notes.txt", "mine"),
        ("values/mine.txt", "values/mine.txt"),
        ("values/backup/c.0.0", "values/backup"),
        ("commits/backup/zarr.json", "commits/backup"),
        ("commits/1/notes.md", "commits/1/notes.md"),
        ("channel/c/0.bak", "channel/c/0.bak"),
    ],
)
def test_files_of_others_in_a_store_are_not_removed_with_it(
    store: Path, write_log: Log, name: str, named: str
) -> None:
    (store / name).parent.mkdir(exist_ok=True)
    (store / name).write_text("mine")
    with raises("path-taken", store / named, kind=StoreError):
        rebuild([more(write_log)], store)
    assert (store / name).read_text() == "mine"
    assert open_store(store).num_rows == 100
    assert append([more(write_log)], store).num_rows == 150
    assert (store / name).read_text() == "mine"


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in ("name", "bytes", "crc32c", "rows_in")),
        *({name: "a\0b"} for name in ("name", "path")),
        *({"path": 5}, {"name": ""}, {"bytes": -1}, {"bytes": 1.5}, {"crc32c": "1"}, {"rows_in": [1]}),
    ],
)
def test_a_store_that_says_something_else_of_its_sources(
    store: Path, write_log: Log, changes: dict[str, Any]
) -> None:
    rewrite(store, lambda held: held["sources"][0].update(changes))
    for function in (append, rebuild):
        with raises("store-damaged", store, kind=StoreError):
            function([more(write_log)], store)
    assert open_store(store).num_rows == 100
