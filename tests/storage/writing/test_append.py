import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride.storage.format import ATTRIBUTES, KEPT_GENERATIONS, ROOT, StoreLayout
from longstride.storage.open import open_store
from longstride.storage.series.segments import Segments
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_chunks
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.writer import StoreWriter
from tests.helpers.errors import raises
from tests.helpers.stores import crashes
from tests.helpers.stores.store_rows import LAYOUT, rows, tree, whole


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StoreLayout, "chunk_rows", 1024)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plant.zarr"


def add(path: Path, time: Any, values: Any, **commit: Any) -> SeriesStore:
    """Write rows, or append them where there is a store."""
    with StoreLock(path, append=path.exists()) as lock, writer_of(lock) as writer:
        writer.append(time, values)
        writer.commit(*whole(writer.num_rows), cadence_ns=1, **commit)
    return open_store(path)


def writer_of(lock: StoreLock) -> StoreWriter:
    return StoreWriter.appending(lock) if lock.append else StoreWriter(lock, LAYOUT)


def last_commit(path: Path) -> dict[str, bytes]:
    """Files of the last commit, its generation taken for the first, without its identity."""
    generation = open_store(path).generation
    files = {
        name.replace(f"commits/{generation}/", "commits/1/"): data
        for name, data in tree(path).items()
        if not name.startswith("commits/") or name.startswith(f"commits/{generation}/")
    }
    document = json.loads(files[ROOT].replace(b"commits/%d" % generation, b"commits/1"))
    for name in ("seal_crc32c", "identity", "documents_crc32c"):
        del document["attributes"][ATTRIBUTES][name]
    del document["consolidated_metadata"]["metadata"]["commits/1"], files["commits/1/zarr.json"]
    assert document["attributes"][ATTRIBUTES].pop("generation") == generation
    return files | {ROOT: json.dumps(document).encode()}


def is_whole(store: SeriesStore) -> bool:
    return not any(check.fault for check in check_chunks(store))


class TestRows:
    @settings(max_examples=25)
    @given(
        cuts=st.lists(
            st.integers(1, crashes.ROWS - 1) | st.sampled_from([1023, 1024, 1025, 2048]), max_size=5, unique=True
        )
    )
    def test_appended_in_any_cuts_is_as_written_at_once(
        self, tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
    ) -> None:
        folder = tmp_path_factory.mktemp("append")
        time, values = rows(crashes.ROWS)
        values[values < -1] = np.nan
        for part in zip(np.split(time, sorted(cuts)), np.split(values, sorted(cuts)), strict=True):
            parts = add(folder / "parts", *part)
        add(folder / "once", time, values)
        assert parts.generation == len(cuts) + 1
        assert last_commit(folder / "parts") == last_commit(folder / "once")
        assert is_whole(parts)

    def test_full_chunks_are_not_touched(self, path: Path) -> None:
        time, values = rows(5000)
        store = add(path, time[:2500], values[:2500])
        files = [file for name in ("values", "time") for file in store.chunk_files(name)]
        inodes = [file.stat().st_ino for file in files]
        add(path, time[2500:], values[2500:])
        changed = [was != file.stat().st_ino for was, file in zip(inodes, files, strict=True)]
        assert changed == [False, False, True] * 2

    def test_labels_and_another_type(self, path: Path) -> None:
        layout = StoreLayout(channels=("a",), units=("bar",), labels=("l", "m"), dtype="float64")
        values = np.random.default_rng(0).standard_normal((2000, 1))
        labels = (np.arange(4000).reshape(-1, 2) % 3).astype(np.int8)
        with StoreWriter(path, layout) as writer:
            writer.append(np.arange(1500), values[:1500], labels[:1500])
            writer.commit(*whole(1500), cadence_ns=1)
        with StoreLock(path, append=True) as lock, StoreWriter.appending(lock) as writer:
            assert writer.layout == layout
            assert (writer.num_rows, writer.first_new_row, writer.generation) == (1500, 1500, 2)
            writer.append(np.arange(1500, 2000), values[1500:], labels[1500:])
            assert (writer.num_rows, writer.first_new_row) == (2000, 1500)
            writer.commit(*whole(2000), cadence_ns=1)
        store = open_store(path)
        np.testing.assert_array_equal(store.values, values)
        np.testing.assert_array_equal(store.labels, labels)
        assert store.layout == layout

    @settings(max_examples=20)
    @given(first=st.integers(1, 2100), more=st.integers(0, 2100), data=st.data())
    def test_times_of_old_and_new_rows_can_be_read_back(
        self, tmp_path_factory: pytest.TempPathFactory, first: int, more: int, data: st.DataObject
    ) -> None:
        path = tmp_path_factory.mktemp("times") / "plant.zarr"
        time, values = rows(first + more)
        add(path, time[:first], values[:first])
        start = data.draw(st.integers(0, first + more))
        with StoreLock(path, append=True) as lock, StoreWriter.appending(lock) as writer:
            writer.append(time[first:], values[first:])
            found = list(writer.written_times(start))
        np.testing.assert_array_equal(np.concatenate([np.empty(0, np.int64), *found]), time[start:])

    def test_a_commit_without_new_rows(self, path: Path) -> None:
        for count in (1000, 1024):
            time, values = rows(count)
            store = path.with_name(str(count))
            add(store, time, values)
            assert add(store, time[:0], values[:0]).generation == 2
            np.testing.assert_array_equal(open_store(store).values, values)
            assert is_whole(open_store(store))


class TestCommit:
    def test_it_says_of_all_rows_what_it_is_given(self, path: Path) -> None:
        time, values = rows(3000)
        add(path, time[:1100], values[:1100], series_end_ns=[1099], sources=[{"name": "old"}])
        segments = Segments(*np.array([[0, 900], [900, 3000], [1, 0]]))
        with StoreLock(path, append=True) as lock, StoreWriter.appending(lock) as writer:
            writer.append(time[1100:], values[1100:])
            writer.commit(
                *(segments, ("x", "y")),
                cadence_ns=7,
                series_end_ns=[2999, 899],
                sources=[{"name": "new"}],
                recipe={"step": 1},
            )
        store = open_store(path)
        assert store.segments.stop.tolist() == [900, 3000]
        assert (store.series, store.series_end_ns, store.cadence_ns) == (("x", "y"), (2999, 899), 7)
        assert store.attributes["sources"] == [{"name": "new"}]
        assert store.attributes["recipe"] == {"step": 1}

    def test_the_last_commits_are_kept(self, path: Path) -> None:
        time, values = rows(100 * (KEPT_GENERATIONS + 3))
        states = [add(path, time[row : row + 100], values[row : row + 100]) for row in range(0, len(time), 100)]
        generations = {int(folder.name) for folder in (path / "commits").iterdir() if folder.is_dir()}
        assert generations == set(range(4, KEPT_GENERATIONS + 4))
        for state in states[3:]:
            assert is_whole(state)
            assert state.segments.stop.tolist() == [state.num_rows]
        for name in ("segments", "values"):
            with raises("store-changed", path, "commit 3"):
                getattr(states[2], name)

    def test_nothing_is_taken_from_a_damaged_chunk(self, path: Path) -> None:
        time, values = rows(1500)
        store = add(path, time, values)
        file = store.chunk_files("values")[1]
        data = bytearray(file.read_bytes())
        data[40] ^= 1
        file.write_bytes(data)
        before = tree(path)
        with raises("store-damaged", file, "checksum"):
            add(path, time, values)
        assert tree(path) == before

    def test_damage_in_full_chunks_stays_known(self, path: Path) -> None:
        time, values = rows(1500)
        file = add(path, time, values).chunk_files("values")[0]
        file.write_bytes(b"\x01" + file.read_bytes()[1:])
        store = add(path, time, values)
        assert [check.name for check in check_chunks(store) if check.fault] == [str(file)]

    def test_another_chunk_size_is_refused(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        add(path, *rows(10))
        monkeypatch.setattr(StoreLayout, "chunk_rows", 2048)
        with raises("store-format", "1,024 rows", "2,048"):
            add(path, *rows(10))

    def test_what_an_interrupted_append_left_does_not_come_back(self, path: Path) -> None:
        time, values = rows(3000)
        once = path.with_name("once")
        for place in (path, once):
            add(place, time[:1500], values[:1500])
        with StoreLock(path, append=True) as lock:
            with StoreWriter.appending(lock) as writer:
                writer.append(time, -values)
                assert len(list(writer.written_times())) == 5
            leftover = path / "commits" / "2" / "segment_start" / "c" / "0"
            leftover.parent.mkdir(parents=True)
            leftover.write_bytes(b"stale")
            assert (path / "values" / "c.4.0").exists()
            with StoreWriter.appending(lock) as writer:
                assert not (path / "values" / "c.4.0").exists()
                assert not leftover.exists()
                writer.append(time[1500:], values[1500:])
                writer.commit(*whole(3000), cadence_ns=1)
        add(once, time[1500:], values[1500:])
        assert tree(path) == tree(once)


class TestOpenReaders:
    """A store that was opened before an append."""

    def test_they_see_the_rows_that_they_opened(self, path: Path) -> None:
        values = np.random.default_rng(1).standard_normal((2500, 2), np.float32)
        new = np.full((3000, 2), 77, np.float32)
        add(path, np.arange(1000), values[:1000])
        add(path, np.arange(1000, 2500), values[1000:])
        states = {name: open_store(path) for name in ("untouched", "mapped", "pickled", "sent")}
        mapped = states["mapped"].values, states["mapped"].time
        sent = pickle.dumps(states["sent"])
        latest = add(path, np.arange(2500, 5500), new)
        states["pickled"] = pickle.loads(pickle.dumps(states["pickled"]))
        states["sent"] = pickle.loads(sent)
        assert states["mapped"].values is mapped[0]
        for state in states.values():
            assert (state.generation, state.num_rows) == (2, 2500)
            np.testing.assert_array_equal(state.values, values)
            np.testing.assert_array_equal(state.time, np.arange(2500))
            assert state.segments.stop.tolist() == [2500]
            assert state.stats().maximum.tolist() == values.max(axis=0).tolist()
            assert is_whole(state)
        assert (latest.generation, latest.num_rows) == (3, 5500)
        np.testing.assert_array_equal(latest.values, np.concatenate([values, new]))
        assert latest.stats().maximum.tolist() == [77, 77]

    def test_a_tail_with_rows_that_are_not_committed_is_whole(self, path: Path) -> None:
        time, values = rows(1500)
        add(path, time[:1100], values[:1100])
        with StoreLock(path, append=True) as lock:
            with StoreWriter.appending(lock) as writer:
                writer.append(time[1100:], values[1100:])
                list(writer.written_times())
            store = open_store(path)
            assert store.chunk_files("values")[1].read_bytes()[: 476 * 8] == values[1024:].tobytes()
            assert store.num_rows == 1100
            assert is_whole(store)
            np.testing.assert_array_equal(store.values, values[:1100])

    @pytest.mark.parametrize("options", [{}, {"consolidated": False}])
    def test_other_tools_see_the_last_commit(self, path: Path, options: dict[str, Any]) -> None:
        time, values = rows(3000)
        add(path, time[:1500], values[:1500])
        add(path, time[1500:], values[1500:])
        dataset = xarray.open_zarr(path, **options)
        np.testing.assert_array_equal(dataset["values"].values, values)
        np.testing.assert_array_equal(dataset.time.values, time.view("datetime64[ns]"))
        group = zarr.open_group(path, mode="r")
        assert group["commits/2/segment_stop"][:].tolist() == [3000]
        assert zarr.open_array(path / "commits/1/segment_stop", mode="r")[:].tolist() == [1500]


def test_the_root_document_goes_last(
    path: Path, make_store: Callable[..., SeriesStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_store(path, rows=1500, channels=2)
    real, renamed = os.replace, []

    def replace(source: Path, target: Path) -> None:
        renamed.append(str(target.relative_to(path)))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    add(path, *rows(3000))
    assert renamed.index(ROOT) == len(renamed) - 1
    assert "values/c.1.0" in renamed
    assert "values/c.0.0" not in renamed
