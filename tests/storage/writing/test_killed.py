"""A kill leaves what was committed before, or what the writer was to commit, and nothing in between."""

import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from longstride.storage.errors import StoreError
from longstride.storage.format import LOCK_FILE
from longstride.storage.mapped.store import MappedStore
from longstride.storage.open import open_store
from longstride.storage.places.folder import Folder
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_chunks
from longstride.storage.writing.lock import StoreLock
from tests.helpers.stores import crashes
from tests.helpers.stores.store_rows import tree


@pytest.fixture(scope="module")
def graves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders in which writers were killed: at steps to the disk, and at random times."""
    folder = tmp_path_factory.mktemp("graves")
    subprocess.run([sys.executable, crashes.__file__, str(folder), "24"], check=True)
    return folder


def folders(graves: Path, pattern: str) -> list[Path]:
    return [path for path in graves.glob(pattern) if path.is_dir()]


def faults(store: SeriesStore) -> list[str]:
    return [f"{check.name} {check.fault}" for check in check_chunks(store) if check.fault]


@pytest.mark.parametrize("campaign", ["step", "time"])
def test_a_kill_leaves_no_store_or_a_whole_one_and_a_rerun_ends_alike(graves: Path, campaign: str) -> None:
    undisturbed = tree(graves / "write-whole")
    outcomes = {"nothing": 0, "unfinished": 0, "whole": 0}
    for path in folders(graves, f"write-{campaign}-*"):
        try:
            open_store(path)
        except StoreError as error:
            outcomes["unfinished" if "unfinished" in str(error) else "nothing"] += 1
            crashes.write(path)
        else:
            outcomes["whole"] += 1
            (path / LOCK_FILE).unlink(missing_ok=True)
        assert tree(path) == undisturbed, path
    if campaign == "step":
        assert outcomes["unfinished"] > 20
        assert outcomes["whole"] == 1  # killed in front of the removal of the lock, the last step
    else:
        assert sum(outcomes.values()) == 8


@pytest.mark.parametrize("campaign", ["step", "time"])
def test_a_killed_append_harms_no_commit_and_a_rerun_ends_alike(graves: Path, campaign: str) -> None:
    undisturbed = tree(graves / "append-whole")
    before = open_store(graves / "before")
    after = open_store(graves / "append-whole")
    assert after.num_rows == before.num_rows + crashes.NEW_ROWS
    outcomes = {before.generation: 0, after.generation: 0}
    for path in folders(graves, f"append-{campaign}-*"):
        store = open_store(path)
        outcomes[store.generation] += 1
        for state in (store, MappedStore(Folder(path), before.attributes)):
            assert not faults(state), path
        assert store.attributes == (before if store.generation == before.generation else after).attributes
        if store.generation == before.generation:
            crashes.append(path)
        else:
            with StoreLock(path, append=True):
                pass  # what is left to clear away
        assert tree(path) == undisturbed, path
    assert not faults(before)  # its files are those of the copies
    np.testing.assert_array_equal(after.values[: before.num_rows], before.values)
    if campaign == "step":
        assert outcomes[before.generation] > 25
        assert outcomes[after.generation] > 10
    else:
        assert sum(outcomes.values()) == 8


def append_without_rename(path: Path, nth: int) -> bool:
    """Append, the n-th rename failing; False where there are fewer."""
    calls = 0
    real = os.replace

    def replace(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*arguments)

    with mock.patch.object(os, "replace", replace), suppress(OSError):
        crashes.append(path)
    return calls >= nth


def test_an_append_that_fails_at_any_rename_changes_nothing_that_a_reader_sees(
    graves: Path, tmp_path: Path
) -> None:
    undisturbed = tree(graves / "append-whole")
    before = open_store(graves / "before")
    nth = 1
    path = tmp_path / "rename-1"
    crashes.copy(before.path, path)
    while append_without_rename(path, nth):
        left = open_store(path)
        assert left.attributes == before.attributes
        assert not faults(left)
        assert tree(path).keys() == tree(before.path).keys()
        if nth % 5 == 0:
            crashes.append(path)
            assert tree(path) == undisturbed
        nth += 1
        path = tmp_path / f"rename-{nth}"
        crashes.copy(before.path, path)
    assert nth > 35
    assert tree(path) == undisturbed
