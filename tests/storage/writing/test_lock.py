import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from longstride.storage.errors import StoreLockedError
from longstride.storage.format import LOCK_FILE, STAGED
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from longstride.storage.writing import lock
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.writer import StoreWriter
from tests.helpers.errors import raises
from tests.helpers.stores import crashes
from tests.helpers.stores.store_rows import LAYOUT, rows, tree, whole


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plant.zarr"


class TestTakenPlaces:
    def test_a_store_is_never_written_over(self, path: Path, make_store: Callable[..., SeriesStore]) -> None:
        make_store(path, rows=10)
        before = tree(path)
        with raises("store-exists", path), StoreWriter(path, LAYOUT):
            pass
        assert tree(path) == before

    @pytest.mark.parametrize("name", ["notes.txt", ".lock", ".hidden", "values/c.0.0"])
    def test_a_folder_with_other_files_is_refused_and_untouched(self, path: Path, name: str) -> None:
        (path / name).parent.mkdir(parents=True)
        (path / name).write_text("mine")
        with raises("path-taken", path), StoreWriter(path, LAYOUT):
            pass
        assert tree(path) == {name: b"mine"}

    def test_a_file_is_refused(self, path: Path) -> None:
        path.write_text("mine")
        with raises("path-taken", path), StoreWriter(path, LAYOUT):
            pass
        assert path.read_text() == "mine"

    def test_an_empty_folder_and_missing_parents_are_fine(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for path in (tmp_path / "empty", tmp_path / "far" / "away" / "plant.zarr"):
            with StoreWriter(path, LAYOUT) as open_writer:
                open_writer.append(*rows(3))
                open_writer.commit(*whole(3), cadence_ns=1)
            assert open_store(path).num_rows == 3

    @pytest.mark.parametrize("name", ["inner.zarr", "values/inner.zarr", "link/inner.zarr"])
    def test_a_store_does_not_lie_in_another(
        self, path: Path, name: str, make_store: Callable[..., SeriesStore]
    ) -> None:
        make_store(path, rows=10)
        (path.parent / "link").symlink_to(path)
        place = path / name if "link" not in name else path.parent / name
        with raises("path-taken", place, path), StoreWriter(place, LAYOUT):
            pass
        assert not place.exists()


class TestStrangers:
    """A folder may come from a stranger: nothing is written through what lies in it."""

    @pytest.mark.parametrize("name", [LOCK_FILE, STAGED])
    def test_a_link_in_it_leads_nowhere(
        self, path: Path, name: str, make_store: Callable[..., SeriesStore]
    ) -> None:
        make_store(path, rows=10)
        victim = path.parent / "victim"
        if name == STAGED:
            victim.mkdir()
        else:
            victim.write_text("precious")
        (path / name).symlink_to(victim)
        with raises("not-a-file", path / name), StoreLock(path, append=True):
            pass
        assert (path / name).is_symlink()
        assert victim.is_dir() or victim.read_text() == "precious"

    @pytest.mark.parametrize("name", ["values", "commits", "notes"])
    def test_what_an_unfinished_store_links_to_is_neither_removed_nor_written(self, path: Path, name: str) -> None:
        victim = path.parent / "victim"
        victim.mkdir()
        (victim / "c.0.0").write_text("precious")
        path.mkdir()
        (path / LOCK_FILE).touch()
        (path / name).symlink_to(victim)
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(*rows(3))
            open_writer.commit(*whole(3), cadence_ns=1)
        assert open_store(path).num_rows == 3
        assert tree(victim) == {"c.0.0": b"precious"}

    def test_a_linked_commit_is_removed_and_what_it_leads_to_stays(
        self, path: Path, make_store: Callable[..., SeriesStore]
    ) -> None:
        make_store(path, rows=10)
        victim = path.parent / "victim"
        victim.mkdir()
        (victim / "zarr.json").write_text("precious")
        (path / "commits" / "2").symlink_to(victim)
        with StoreLock(path, append=True):
            pass
        assert tree(victim) == {"zarr.json": b"precious"}
        assert not (path / "commits" / "2").is_symlink()

    @pytest.mark.parametrize("kind", ["pipe", "folder"])
    def test_a_lock_is_a_file(self, path: Path, kind: str, make_store: Callable[..., SeriesStore]) -> None:
        make_store(path, rows=10)
        if kind == "pipe":
            os.mkfifo(path / LOCK_FILE)
        else:
            (path / LOCK_FILE).mkdir()
        with raises("not-a-file", path / LOCK_FILE), StoreLock(path, append=True):
            pass


class TestLock:
    def test_a_second_process_is_refused_until_the_first_is_gone(self, path: Path) -> None:
        script = (
            "import sys\n"
            "from longstride.storage.writing.writer import StoreWriter\n"
            "from tests.helpers.stores import crashes\n"
            "with StoreWriter(sys.argv[1], crashes.LAYOUT):\n"
            "    print('ready', flush=True)\n"
            "    sys.stdin.read()\n"
        )
        command = [sys.executable, "-c", script, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
            assert first.stdout
            assert first.stdout.readline() == "ready\n"
            before = set(path.rglob("*"))
            with raises("store-locked", path, first.pid, kind=StoreLockedError), StoreWriter(path, LAYOUT):
                pass
            assert set(path.rglob("*")) == before
            first.send_signal(signal.SIGKILL)
            first.wait()
            crashes.write(path)
        assert open_store(path).num_rows == crashes.ROWS

    def test_a_second_writer_in_the_same_process_is_refused(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as first:
            with raises("store-locked", kind=StoreLockedError), StoreWriter(path, LAYOUT):
                pass
            first.append(*rows(3))
            first.commit(*whole(3), cadence_ns=1)
        assert open_store(path).num_rows == 3

    def test_a_lock_on_a_removed_file_does_not_count(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first writer gives up, and removes folder and lock, between the second's open and lock."""
        real, calls = lock.fcntl.flock, []

        def flock(file: Any, how: int) -> None:
            if not calls:
                (path / LOCK_FILE).unlink()
                path.rmdir()
            calls.append(how)
            real(file, how)

        monkeypatch.setattr(lock.fcntl, "flock", flock)
        with StoreWriter(path, LAYOUT), raises("store-locked", kind=StoreLockedError), StoreWriter(path, LAYOUT):
            pass
        assert len(calls) == 3

    def test_a_store_that_appears_while_waiting_for_the_lock_is_kept(
        self, path: Path, make_store: Callable[..., SeriesStore], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = lock._acquire

        def late(place: Path) -> Any:
            monkeypatch.setattr(lock, "_acquire", real)
            make_store(path, rows=7)
            return real(place)

        monkeypatch.setattr(lock, "_acquire", late)
        with raises("store-exists", path), StoreWriter(path, LAYOUT):
            pass
        assert open_store(path).num_rows == 7
        assert not (path / LOCK_FILE).exists()


class TestLeaving:
    """What stays in the folder, by what ended the work and whether there is a store."""

    FILES = (".staged/job.json", ".staged/.part.1.tmp", "values/c.9.0", "values/.c.0.0.1.tmp")

    def leave(self, path: Path, ending: type[BaseException] | None, *, append: bool = False) -> set[str]:
        """Hold the lock, fill the folder, leave; what was put there and is there still, and the lock file."""
        with suppress(*[ending] if ending else []), StoreLock(path, append=append) as held:
            assert held.staged == path / ".staged"
            for name in self.FILES:
                (path / name).parent.mkdir(exist_ok=True)
                (path / name).write_text("unfinished")
            if ending:
                raise ending
        return {name for name in (*self.FILES, LOCK_FILE) if (path / name).exists()}

    @pytest.mark.parametrize("ending", [None, KeyError])
    def test_without_a_store_nothing_is_left(self, path: Path, ending: type[BaseException] | None) -> None:
        assert self.leave(path, ending) == set()
        assert not path.exists()

    @pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_an_interruption_keeps_what_was_staged(self, path: Path, ending: type[BaseException]) -> None:
        assert self.leave(path, ending) == {".staged/job.json", ".staged/.part.1.tmp", LOCK_FILE}
        with raises("store-unfinished", path):
            open_store(path)
        with StoreLock(path) as held:
            assert (held.staged / "job.json").read_text() == "unfinished"
        assert not path.exists()

    def test_an_interruption_before_anything_is_staged_leaves_nothing(self, path: Path) -> None:
        with suppress(KeyboardInterrupt), StoreWriter(path, LAYOUT) as writer:
            writer.append(*rows(10))
            raise KeyboardInterrupt
        assert not path.exists()

    @pytest.mark.parametrize("ending", [None, KeyError])
    def test_of_a_store_all_but_the_commit_goes(
        self, path: Path, make_store: Callable[..., SeriesStore], ending: type[BaseException] | None
    ) -> None:
        make_store(path, rows=10)
        (path / "notes.txt").write_text("put there by somebody")
        (path / "commits" / "2").mkdir()
        before = tree(path)
        assert self.leave(path, ending, append=True) == set()
        assert tree(path) == before
        assert not (path / "commits" / "2").exists()

    @pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_an_interrupted_append_keeps_what_was_staged(
        self, path: Path, make_store: Callable[..., SeriesStore], ending: type[BaseException]
    ) -> None:
        make_store(path, rows=10)
        before = tree(path)
        staged = {".staged/job.json", ".staged/.part.1.tmp"}
        assert self.leave(path, ending, append=True) == staged
        assert {name: data for name, data in tree(path).items() if name not in staged} == before

    def test_what_a_killed_process_staged_is_taken_over_until_the_commit(self, path: Path) -> None:
        (path / ".staged").mkdir(parents=True)
        (path / ".staged" / "part").write_text("staged")
        (path / "values").mkdir()
        (path / "values" / "c.7.0").write_text("unfinished")
        (path / LOCK_FILE).write_text("17 on somewhere")
        with StoreLock(path) as held:
            assert (path / "values" / "c.7.0").exists()
            with StoreWriter(held, LAYOUT) as writer:
                assert tree(path).keys() == {".staged/part", LOCK_FILE}
                writer.append(*rows(10))
                writer.commit(*whole(10), cadence_ns=1)
        assert not held.staged.exists()
        assert open_store(path).num_rows == 10


class TestAppendLock:
    def test_it_needs_a_store(self, path: Path) -> None:
        with raises("store-missing", path), StoreLock(path, append=True):
            pass
        assert not path.exists()
        path.mkdir()
        (path / LOCK_FILE).touch()
        with raises("store-unfinished", path), StoreLock(path, append=True):
            pass
        assert list(path.iterdir()) == [path / LOCK_FILE]

    def test_a_store_that_is_removed_while_waiting_for_the_lock(
        self, path: Path, make_store: Callable[..., SeriesStore], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_store(path, rows=7)
        real = lock._acquire

        def late(place: Path) -> Any:
            shutil.rmtree(place)
            return real(place)

        monkeypatch.setattr(lock, "_acquire", late)
        with raises("store-unfinished", path), StoreLock(path, append=True):
            pass
        assert not path.exists()

    def test_only_one_appends_and_readers_do_not_care(
        self, path: Path, make_store: Callable[..., SeriesStore]
    ) -> None:
        make_store(path, rows=7)
        with StoreLock(path, append=True):
            assert open_store(path).num_rows == 7
            with raises("store-locked", path, kind=StoreLockedError), StoreLock(path, append=True):
                pass
        assert not (path / LOCK_FILE).exists()
