import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import durable, writer
from storage.errors import StoreError, StoreLockedError
from storage.format import LOCK_FILE, StoreLayout
from storage.segments import Segments
from storage.store import SeriesStore
from storage.writer import StoreWriter, write_chunk
from tests.storage import crashes

LAYOUT = StoreLayout(channels=("a", "b"))
LABELLED = StoreLayout(channels=("a", "b"), labels=("anomaly",))


def rows(count: int) -> tuple[Any, Any]:
    values = np.random.default_rng(count).standard_normal((count, 2), np.float32)
    return np.arange(count, dtype=np.int64), values


def whole(count: int) -> tuple[Segments, tuple[str]]:
    return Segments(np.array([0]), np.array([count]), np.array([0])), ("",)


def tree(path: Path) -> dict[str, bytes]:
    """Every file below `path` with its bytes."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plant.zarr"


@pytest.fixture(scope="module")
def graves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders in which writers were killed: at steps to the disk, and at random times."""
    folder = tmp_path_factory.mktemp("graves")
    subprocess.run([sys.executable, crashes.__file__, str(folder), "24"], check=True)
    return folder


class TestAppend:
    @settings(max_examples=15)
    @given(cuts=st.lists(st.integers(0, crashes.ROWS), max_size=8))
    def test_the_files_do_not_depend_on_how_rows_arrive(
        self, tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
    ) -> None:
        folder = tmp_path_factory.mktemp("append")
        time, values = rows(crashes.ROWS)
        parts = zip(np.split(time, sorted(cuts)), np.split(values, sorted(cuts)), strict=True)
        with crashes.SMALL_CHUNKS, StoreWriter(folder / "parts", LAYOUT) as by_parts:
            for part in parts:
                by_parts.append(*part)
            by_parts.commit(*whole(len(time)), cadence_ns=1)
        with crashes.SMALL_CHUNKS, StoreWriter(folder / "once", LAYOUT) as at_once:
            at_once.append(time, values)
            at_once.commit(*whole(len(time)), cadence_ns=1)
        assert tree(folder / "parts") == tree(folder / "once")
        np.testing.assert_array_equal(SeriesStore.open(folder / "parts").values, values)

    @pytest.mark.parametrize(
        ("layout", "arrays", "message"),
        [
            (LAYOUT, (np.arange(3), np.zeros((3, 3), "f4")), r"values is float32 \(3, 3\)"),
            (LAYOUT, (np.arange(3), np.zeros((3, 1), "f4")), r"values is float32 \(3, 1\)"),
            (LAYOUT, (np.arange(3), np.zeros((2, 2), "f4")), r"values is float32 \(2, 2\)"),
            (LAYOUT, (np.arange(2), np.zeros(2, "f4")), r"values is float32 \(2,\)"),
            (LAYOUT, (np.arange(3.0), np.zeros((3, 2), "f4")), "time is float64"),
            (LAYOUT, (np.arange(3), np.zeros((3, 2), "f4"), np.zeros((3, 1), "i1")), "rows came with .* labels"),
            (LABELLED, (np.arange(3), np.zeros((3, 2), "f4")), "the store holds time, values, labels"),
            (LABELLED, (np.arange(3), np.zeros((3, 2), "f4"), np.zeros((3, 1), "i8")), "labels is int64"),
            (LABELLED, (np.arange(3), np.zeros((3, 2), "f4"), np.zeros((3, 2), "i1")), r"labels is int8 \(3, 2\)"),
        ],
    )
    def test_rows_that_do_not_fit_the_layout_are_refused(
        self, path: Path, layout: StoreLayout, arrays: tuple[Any, ...], message: str
    ) -> None:
        with StoreWriter(path, layout) as open_writer, pytest.raises(StoreError, match=message):
            open_writer.append(*arrays)

    def test_values_are_cast_to_the_type_of_the_store(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(np.arange(2), np.array([[0.1, np.nan], [2, 3]], np.float64))
            open_writer.commit(*whole(2), cadence_ns=1)
        values = SeriesStore.open(path).values
        np.testing.assert_array_equal(values, np.array([[0.1, np.nan], [2, 3]], np.float32))

    def test_rows_may_change_after_they_were_given(self, path: Path) -> None:
        time, values = rows(3000)
        expected = values.copy()
        with crashes.SMALL_CHUNKS, StoreWriter(path, LAYOUT) as open_writer:
            for row in range(0, 3000, 500):
                open_writer.append(time[row : row + 500], values[row : row + 500])
                values[row : row + 500] = -1
            open_writer.commit(*whole(3000), cadence_ns=1)
        np.testing.assert_array_equal(SeriesStore.open(path).values, expected)


class TestCommit:
    def test_only_a_commit_makes_a_store(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(*rows(10))
            with pytest.raises(StoreError, match="holds an unfinished store: run the ingest again"):
                SeriesStore.open(path)
            open_writer.commit(*whole(10), cadence_ns=1)
            assert SeriesStore.open(path).num_rows == 10
        assert not (path / LOCK_FILE).exists()
        assert not list(path.rglob("*.tmp"))

    def test_without_a_commit_nothing_is_left(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(*rows(10))
        assert not path.exists()

    def test_an_exception_leaves_nothing(self, path: Path) -> None:
        def write() -> None:
            with crashes.SMALL_CHUNKS, StoreWriter(path, LAYOUT) as open_writer:
                open_writer.append(*rows(5000))
                raise KeyError

        with pytest.raises(KeyError):
            write()
        assert not path.exists()

    def test_an_exception_after_the_commit_keeps_the_store(self, path: Path) -> None:
        def write() -> None:
            with StoreWriter(path, LAYOUT) as open_writer:
                open_writer.append(*rows(10))
                open_writer.commit(*whole(10), cadence_ns=1)
                raise KeyError

        with pytest.raises(KeyError):
            write()
        assert SeriesStore.open(path).num_rows == 10

    def test_nothing_can_follow_a_commit(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(*rows(10))
            open_writer.commit(*whole(10), cadence_ns=1)
            before = tree(path)
            with pytest.raises(StoreError, match="are written: nothing can be appended"):
                open_writer.append(*rows(10))
            with pytest.raises(StoreError, match="is committed: make another store"):
                open_writer.commit(*whole(10), cadence_ns=1)
            assert tree(path) == before

    def test_a_refused_commit_may_be_mended(self, path: Path) -> None:
        time, values = rows(20)
        with StoreWriter(path, LAYOUT) as open_writer:
            with pytest.raises(StoreError, match="no row was written"):
                open_writer.commit(Segments(*np.empty((3, 0), np.int64)), (), cadence_ns=1)
            open_writer.append(time[:10], values[:10])
            with pytest.raises(StoreError, match="segments reach outside the 10 rows"):
                open_writer.commit(*whole(20), cadence_ns=1)
            open_writer.append(time[10:], values[10:])
            open_writer.commit(*whole(20), cadence_ns=1)
        np.testing.assert_array_equal(SeriesStore.open(path).values, values)

    def test_times_can_be_read_back_before_the_commit(self, path: Path) -> None:
        time, values = rows(3000)
        with crashes.SMALL_CHUNKS, StoreWriter(path, LAYOUT) as open_writer:
            with pytest.raises(StoreError, match="no row was written"):
                open_writer.written_times()
            open_writer.append(time, values)
            np.testing.assert_array_equal(np.concatenate(list(open_writer.written_times())), time)
            with pytest.raises(StoreError, match="are written: nothing can be appended"):
                open_writer.append(time, values)
            open_writer.commit(*whole(3000), cadence_ns=1)
        np.testing.assert_array_equal(SeriesStore.open(path).values, values)

    def test_a_full_disk_leaves_nothing(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*arguments: Any, **options: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def write() -> None:
            with crashes.SMALL_CHUNKS, StoreWriter(path, LAYOUT) as open_writer:
                open_writer.append(*rows(2000))
                monkeypatch.setattr(writer, "write_file", full)
                open_writer.append(*rows(2000))
                open_writer.commit(*whole(4000), cadence_ns=1)

        with pytest.raises(OSError, match="No space"):
            write()
        assert not path.exists()

    def test_everything_is_on_disk_before_the_root_document(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each file is synced before its rename, and each folder after its last change and before the commit."""
        unsynced: set[Path] = set()
        real = {"fsync": os.fsync, "replace": Path.replace, "mkdir": Path.mkdir}
        committed = False

        def fsync(descriptor: int) -> None:
            real["fsync"](descriptor)
            unsynced.discard(Path(f"/proc/self/fd/{descriptor}").readlink())

        def replace(source: Path, target: Path) -> Path:
            nonlocal committed
            if target == path / "zarr.json":
                assert not unsynced, unsynced
                committed = True
            assert source not in unsynced
            unsynced.add(target.parent)
            return real["replace"](source, target)

        def mkdir(folder: Path, *arguments: Any, **options: Any) -> None:
            real["mkdir"](folder, *arguments, **options)
            unsynced.add(folder.parent)

        def write_file(file: Path, *arguments: Any, **options: Any) -> None:
            unsynced.add(file.with_name(f".{file.name}.{os.getpid()}.tmp"))
            durable_write(file, *arguments, **options)

        durable_write = durable.write_file
        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(Path, "replace", replace)
        monkeypatch.setattr(Path, "mkdir", mkdir)
        for module in (writer, sys.modules["storage.metadata"]):
            monkeypatch.setattr(module, "write_file", write_file)
        crashes.write(path)
        assert committed
        assert not unsynced


class TestTakenPlaces:
    def test_a_store_is_never_written_over(self, path: Path, make_store: Callable[..., SeriesStore]) -> None:
        make_store(path, rows=10)
        before = tree(path)
        with pytest.raises(StoreError, match="is a store already: remove it first"), StoreWriter(path, LAYOUT):
            pass
        assert tree(path) == before

    @pytest.mark.parametrize("name", ["notes.txt", ".lock", ".hidden", "values/c.0.0"])
    def test_a_folder_with_other_files_is_refused_and_untouched(self, path: Path, name: str) -> None:
        (path / name).parent.mkdir(parents=True)
        (path / name).write_text("mine")
        with pytest.raises(StoreError, match="holds other files"), StoreWriter(path, LAYOUT):
            pass
        assert tree(path) == {name: b"mine"}

    def test_a_file_is_refused(self, path: Path) -> None:
        path.write_text("mine")
        with pytest.raises(StoreError, match="is a file"), StoreWriter(path, LAYOUT):
            pass
        assert path.read_text() == "mine"

    def test_an_empty_folder_and_missing_parents_are_fine(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for path in (tmp_path / "empty", tmp_path / "far" / "away" / "plant.zarr"):
            with StoreWriter(path, LAYOUT) as open_writer:
                open_writer.append(*rows(3))
                open_writer.commit(*whole(3), cadence_ns=1)
            assert SeriesStore.open(path).num_rows == 3


class TestLock:
    def test_a_second_process_is_refused_until_the_first_is_gone(self, path: Path) -> None:
        script = (
            "import sys\n"
            "from storage.writer import StoreWriter\n"
            "from tests.storage import crashes\n"
            "with StoreWriter(sys.argv[1], crashes.LAYOUT):\n"
            "    print('ready', flush=True)\n"
            "    sys.stdin.read()\n"
        )
        command = [sys.executable, "-c", script, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
            assert first.stdout
            assert first.stdout.readline() == "ready\n"
            before = set(path.rglob("*"))
            message = rf"is being written by another process \({first.pid} on .*\): wait for it to end, or stop it"
            with pytest.raises(StoreLockedError, match=message), StoreWriter(path, LAYOUT):
                pass
            assert set(path.rglob("*")) == before
            first.send_signal(signal.SIGKILL)
            first.wait()
            crashes.write(path)
        assert SeriesStore.open(path).num_rows == crashes.ROWS

    def test_a_second_writer_in_the_same_process_is_refused(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as first:
            with pytest.raises(StoreLockedError), StoreWriter(path, LAYOUT):
                pass
            first.append(*rows(3))
            first.commit(*whole(3), cadence_ns=1)
        assert SeriesStore.open(path).num_rows == 3

    def test_a_lock_on_a_removed_file_does_not_count(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first writer gives up, and removes folder and lock, between the second's open and lock."""
        real, calls = writer.fcntl.flock, []

        def flock(file: Any, how: int) -> None:
            if not calls:
                (path / LOCK_FILE).unlink()
                path.rmdir()
            calls.append(how)
            real(file, how)

        monkeypatch.setattr(writer.fcntl, "flock", flock)
        with StoreWriter(path, LAYOUT), pytest.raises(StoreLockedError), StoreWriter(path, LAYOUT):
            pass
        assert len(calls) == 3

    def test_a_store_that_appears_while_waiting_for_the_lock_is_kept(
        self, path: Path, make_store: Callable[..., SeriesStore], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = writer._acquire_lock

        def late(place: Path) -> Any:
            monkeypatch.setattr(writer, "_acquire_lock", real)
            make_store(path, rows=7)
            return real(place)

        monkeypatch.setattr(writer, "_acquire_lock", late)
        with pytest.raises(StoreError, match="is a store already"), StoreWriter(path, LAYOUT):
            pass
        assert SeriesStore.open(path).num_rows == 7
        assert not (path / LOCK_FILE).exists()


class TestKilled:
    @pytest.mark.parametrize("campaign", ["step", "time"])
    def test_a_kill_leaves_no_store_or_a_whole_one_and_a_rerun_ends_alike(
        self, graves: Path, campaign: str
    ) -> None:
        undisturbed = tree(graves / "whole")
        outcomes = {"nothing": 0, "unfinished": 0, "whole": 0}
        for path in graves.glob(f"{campaign}-*"):
            try:
                SeriesStore.open(path)
            except StoreError as error:
                outcomes["unfinished" if "unfinished" in str(error) else "nothing"] += 1
                crashes.write(path)
            else:
                outcomes["whole"] += 1
                (path / LOCK_FILE).unlink(missing_ok=True)
            assert tree(path) == undisturbed, path
        if campaign == "step":
            assert outcomes["unfinished"] > 20
            assert outcomes["whole"] == 2  # killed in front of the removal of the lock, and just after it
        else:
            assert sum(outcomes.values()) == 8


class TestWriteChunk:
    def test_repeating_changes_nothing(self, path: Path) -> None:
        (path / "time").mkdir(parents=True)
        (path / "values").mkdir()
        time, values = rows(100)
        first = write_chunk(path, LAYOUT, 3, time, values)
        before = tree(path)
        second = write_chunk(path, LAYOUT, 3, time, values)
        assert (first.index, first.num_rows, first.checksums) == (3, 100, second.checksums)
        assert tree(path) == before
        assert before.keys() == {"time/c.3", "values/c.3.0"}
        assert len(before["values/c.3.0"]) == LAYOUT.chunk_rows * 8
        assert before["values/c.3.0"].startswith(values.tobytes())
        assert not any(before["values/c.3.0"][values.nbytes :])

    def test_rows_may_be_strided(self, path: Path) -> None:
        (path / "time").mkdir(parents=True)
        (path / "values").mkdir()
        time, values = rows(100)
        straight = write_chunk(path, LAYOUT, 0, time[::2].copy(), values[::2].copy()).checksums
        assert write_chunk(path, LAYOUT, 0, time[::2], np.asfortranarray(values[::2])).checksums == straight

    @pytest.mark.parametrize("count", [0, 1025])
    def test_too_few_or_too_many_rows_are_refused(self, path: Path, count: int) -> None:
        with crashes.SMALL_CHUNKS, pytest.raises(StoreError, match=f"1 to 1024 rows, not {count}"):
            write_chunk(path, LAYOUT, 0, *rows(count))
