import errno
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride.storage import atomic as durable
from longstride.storage.format import LOCK_FILE, StoreLayout
from longstride.storage.open import open_store
from longstride.storage.series.segments import Segments
from longstride.storage.writing import writer
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.writer import StoreWriter, write_chunk
from tests.helpers.errors import raises
from tests.helpers.stores import crashes
from tests.helpers.stores.store_rows import LAYOUT, rows, tree, whole

LABELLED = StoreLayout(channels=("a", "b"), labels=("anomaly",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plant.zarr"


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
        np.testing.assert_array_equal(open_store(folder / "parts").values, values)

    @pytest.mark.parametrize(
        ("layout", "arrays", "facts"),
        [
            (LAYOUT, (np.arange(3), np.zeros((3, 3), "f4")), ("values is float32 (3, 3)", "(3, 2)")),
            (LAYOUT, (np.arange(3), np.zeros((3, 1), "f4")), ("values is float32 (3, 1)", "(3, 2)")),
            (LAYOUT, (np.arange(3), np.zeros((2, 2), "f4")), ("values is float32 (2, 2)", "(3, 2)")),
            (LAYOUT, (np.arange(2), np.zeros(2, "f4")), ("values is float32 (2,)", "(2, 2)")),
            (LAYOUT, (np.arange(3.0), np.zeros((3, 2), "f4")), ("time is float64", "int64")),
            (
                LAYOUT,
                (np.arange(3), np.zeros((3, 2), "f4"), np.zeros((3, 1), "i1")),
                ("time, values", "time, values, labels"),
            ),
            (LABELLED, (np.arange(3), np.zeros((3, 2), "f4")), ("time, values, labels",)),
            (
                LABELLED,
                (np.arange(3), np.zeros((3, 2), "f4"), np.zeros((3, 1), "i8")),
                ("labels is int64", "int8"),
            ),
            (
                LABELLED,
                (np.arange(3), np.zeros((3, 2), "f4"), np.zeros((3, 2), "i1")),
                ("labels is int8 (3, 2)", "(3, 1)"),
            ),
        ],
    )
    def test_rows_that_do_not_fit_the_layout_are_refused(
        self, path: Path, layout: StoreLayout, arrays: tuple[Any, ...], facts: tuple[str, ...]
    ) -> None:
        with StoreWriter(path, layout) as open_writer, raises("store-input", *facts):
            open_writer.append(*arrays)

    def test_values_are_cast_to_the_type_of_the_store(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(np.arange(2), np.array([[0.1, np.nan], [2, 3]], np.float64))
            open_writer.commit(*whole(2), cadence_ns=1)
        values = open_store(path).values
        np.testing.assert_array_equal(values, np.array([[0.1, np.nan], [2, 3]], np.float32))

    def test_rows_may_change_after_they_were_given(self, path: Path) -> None:
        time, values = rows(3000)
        expected = values.copy()
        with crashes.SMALL_CHUNKS, StoreWriter(path, LAYOUT) as open_writer:
            for row in range(0, 3000, 500):
                open_writer.append(time[row : row + 500], values[row : row + 500])
                values[row : row + 500] = -1
            open_writer.commit(*whole(3000), cadence_ns=1)
        np.testing.assert_array_equal(open_store(path).values, expected)


class TestCommit:
    def test_only_a_commit_makes_a_store(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(*rows(10))
            with raises("store-unfinished", path):
                open_store(path)
            open_writer.commit(*whole(10), cadence_ns=1)
            assert open_store(path).num_rows == 10
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
        assert open_store(path).num_rows == 10

    def test_nothing_can_follow_a_commit(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(*rows(10))
            open_writer.commit(*whole(10), cadence_ns=1)
            before = tree(path)
            with raises("writer-closed", path):
                open_writer.append(*rows(10))
            with raises("writer-closed", path):
                open_writer.commit(*whole(10), cadence_ns=1)
            assert tree(path) == before

    def test_a_refused_commit_may_be_mended(self, path: Path) -> None:
        time, values = rows(20)
        with StoreWriter(path, LAYOUT) as open_writer:
            with raises("store-input", "no row"):
                open_writer.commit(Segments(*np.empty((3, 0), np.int64)), (), cadence_ns=1)
            open_writer.append(time[:10], values[:10])
            with raises("store-input", "segments", "10 rows"):
                open_writer.commit(*whole(20), cadence_ns=1)
            open_writer.append(time[10:], values[10:])
            open_writer.commit(*whole(20), cadence_ns=1)
        np.testing.assert_array_equal(open_store(path).values, values)

    def test_times_can_be_read_back_before_the_commit(self, path: Path) -> None:
        time, values = rows(3000)
        with crashes.SMALL_CHUNKS, StoreWriter(path, LAYOUT) as open_writer:
            with raises("store-input", "no row"):
                open_writer.written_times()
            open_writer.append(time, values)
            np.testing.assert_array_equal(np.concatenate(list(open_writer.written_times())), time)
            with raises("writer-closed", path):
                open_writer.append(time, values)
            open_writer.commit(*whole(3000), cadence_ns=1)
        np.testing.assert_array_equal(open_store(path).values, values)

    @settings(max_examples=20)
    @given(start=st.integers(0, 3000))
    def test_times_can_be_read_back_from_any_row_on(
        self, tmp_path_factory: pytest.TempPathFactory, start: int
    ) -> None:
        time, values = rows(3000)
        path = tmp_path_factory.mktemp("times") / "plant.zarr"
        with crashes.SMALL_CHUNKS, StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(time, values)
            found = list(open_writer.written_times(start))
        assert all(0 < len(part) <= 1024 for part in found)
        np.testing.assert_array_equal(np.concatenate([np.empty(0, np.int64), *found]), time[start:])

    def test_ends_of_series_are_kept(self, path: Path) -> None:
        segments = Segments(*np.array([[0, 4], [4, 10], [0, 1]]))
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(*rows(10))
            with raises("store-input", "1 ends", "2 series"):
                open_writer.commit(segments, ("a", "b"), cadence_ns=1, series_end_ns=[3])
            open_writer.commit(segments, ("a", "b"), cadence_ns=1, series_end_ns=[3, 9])
        assert open_store(path).series_end_ns == (3, 9)

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
        for module in (writer, durable, sys.modules["longstride.storage.writing.metadata"]):
            monkeypatch.setattr(module, "write_file", write_file)
        crashes.write(path)
        assert committed
        assert not unsynced


class TestLockOfTheCaller:
    def test_it_is_not_left_with_the_writer_and_staged_stays_until_it_is(self, path: Path) -> None:
        with StoreLock(path) as lock:
            lock.staged.mkdir()
            (lock.staged / "part").write_text("mine")
            (path / "left.behind").write_text("by a killed writer")
            with StoreWriter(lock, LAYOUT) as open_writer:
                assert not (path / "left.behind").exists()
                open_writer.append(*rows(10))
                open_writer.commit(*whole(10), cadence_ns=1)
            assert (path / LOCK_FILE).exists()
            assert (lock.staged / "part").read_text() == "mine"
        assert not (path / LOCK_FILE).exists()
        assert not lock.staged.exists()
        assert open_store(path).num_rows == 10

    def test_a_lock_that_is_not_held_is_refused(self, path: Path) -> None:
        with raises("writer-closed", path), StoreWriter(StoreLock(path), LAYOUT):
            pass
        assert not path.exists()

    def test_a_committed_store_is_not_written_over(self, path: Path) -> None:
        with StoreWriter(path, LAYOUT) as open_writer:
            open_writer.append(*rows(10))
            open_writer.commit(*whole(10), cadence_ns=1)
        before = tree(path)
        with (
            StoreLock(path, append=True) as lock,
            raises("store-exists", path),
            StoreWriter(lock, LAYOUT),
        ):
            pass
        assert tree(path) == before


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
        with crashes.SMALL_CHUNKS, raises("store-input", "1 to 1024 rows", f"not {count}"):
            write_chunk(path, LAYOUT, 0, *rows(count))
