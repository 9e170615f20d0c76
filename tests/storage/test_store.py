import gc
import json
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.errors import StoreError
from longstride.storage.format import ATTRIBUTES, ROOT, StoreLayout, seal
from longstride.storage.open import open_store
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.store import SeriesStore
from longstride.storage.writing.metadata import Commit, write_commit
from tests.helpers.errors import raises
from tests.helpers.stores.channels import channels_of_every_kind, expect

MakeStore = Callable[..., SeriesStore]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plant.zarr"


@pytest.fixture(scope="module")
def store(make_store: MakeStore, tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    """Five chunks and a short one, two series with a gap, labels; one channel has a whole block missing."""
    values = channels_of_every_kind(5 * 1024 + 333, 0, "float32")
    values[1000:2100, 0] = np.nan
    return make_store(
        tmp_path_factory.mktemp("store") / "plant.zarr",
        values,
        channels=("noise", "million", "constant", "empty", "gaps", "once"),
        units=("bar", None, "degC", None, None, "m3/h"),
        segments=[(0, 1500, 0), (1500, 4000, 0), (4100, len(values), 1)],
        series=("pump 1", "pump 2"),
        labels=(np.arange(2 * len(values)).reshape(-1, 2) % 5 == 0).astype(np.int8),
        label_names=("anomaly", "service"),
        chunk_rows=1024,
        sources=[{"path": "plant.csv", "rows": len(values)}],
        recipe={"fill": {"limit": 3}, "step": 0.1},
        cadence_ns=500_000_000,
    )


class TestOpen:
    def test_says_what_was_written(self, store: SeriesStore) -> None:
        assert store.num_rows == 5 * 1024 + 333
        assert store.chunk_rows == 1024
        assert store.channels == ("noise", "million", "constant", "empty", "gaps", "once")
        assert store.units == ("bar", None, "degC", None, None, "m3/h")
        assert store.series == ("pump 1", "pump 2")
        assert store.segments.start.tolist() == [0, 1500, 4100]
        assert store.segments.stop.tolist() == [1500, 4000, store.num_rows]
        assert store.segments.series.tolist() == [0, 0, 1]
        assert store.label_names == ("anomaly", "service")
        assert store.cadence_ns == 500_000_000
        assert store.generation == 1
        assert store.attributes["sources"] == [{"path": "plant.csv", "rows": store.num_rows}]
        assert store.attributes["recipe"] == {"fill": {"limit": 3}, "step": 0.1}
        assert repr(store) == f"MappedStore({str(store.path)!r}, rows=5,453, channels=6)"

    def test_reading_needs_no_zarr(self, store: SeriesStore) -> None:
        script = (
            "import sys\n"
            "from longstride.storage.open import open_store\n"
            f"store = open_store({str(store.path)!r})\n"
            "store.values.sum(), store.time[0], store.labels[0], store.segments, store.stats(3, 5000)\n"
            "print({'zarr', 'xarray', 'torch', 'polars', 'pyarrow', 'dask'} & set(sys.modules))\n"
        )
        done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
        assert done.stdout == "set()\n"

    def test_pickled_it_is_small_and_the_same(self, store: SeriesStore) -> None:
        assert store.values is not None
        again = pickle.loads(pickle.dumps(store))
        assert len(pickle.dumps(store)) < 2500  # the attributes
        assert again.attributes == store.attributes
        np.testing.assert_array_equal(again.values, store.values)

    def test_attributes_without_ends_of_series(self, path: Path, make_store: MakeStore) -> None:
        assert make_store(path, rows=10, series_end_ns=[9]).series_end_ns == (9,)
        document = json.loads((path / ROOT).read_bytes())
        attributes = document["attributes"][ATTRIBUTES]
        del attributes["seal_crc32c"], attributes["series_end_ns"]
        attributes["seal_crc32c"] = seal(attributes)
        (path / ROOT).write_text(json.dumps(document))
        assert open_store(path).series_end_ns == ()

    def test_where_there_is_no_store(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for name in ("nowhere", "", "file"):
            with raises("store-missing", tmp_path / name):
                open_store(tmp_path / name)

    def test_other_zarr_hierarchies_are_told_apart(self, tmp_path: Path) -> None:
        import zarr

        zarr.create_group(tmp_path / "group", zarr_format=3, attributes={"title": "mine"})
        zarr.create_array(tmp_path / "array", shape=(3,), dtype="f4", zarr_format=3)
        for name in ("group", "array"):
            with raises("store-missing", tmp_path / name, "longstride ingest"):
                open_store(tmp_path / name)

    def test_another_format_version_is_refused(self, path: Path, make_store: MakeStore) -> None:
        make_store(path, rows=10)
        document = json.loads((path / ROOT).read_bytes())
        document["attributes"][ATTRIBUTES]["format"] = 99
        (path / ROOT).write_text(json.dumps(document))
        with raises("store-format", path, "99", "reads 1"):
            open_store(path)


class TestRootDocument:
    def test_any_damage_is_refused_or_changes_nothing(self, path: Path, make_store: MakeStore) -> None:
        store = make_store(path, rows=50, channels=2, labels=np.zeros((50, 1), np.int8))
        whole = (path / ROOT).read_bytes()
        expected = store.attributes
        random.seed(0)
        refused = 0
        for _ in range(1000):
            damaged = bytearray(whole)
            place = random.randrange(len(whole))
            kind = random.randrange(4)
            if kind == 0:
                damaged[place] ^= 1 << random.randrange(8)
            elif kind == 1:
                del damaged[place:]
            elif kind == 2:
                del damaged[place : place + random.randrange(1, 40)]
            else:
                damaged[place : place + 8] = bytes(8)
            (path / ROOT).write_bytes(damaged)
            try:
                opened = open_store(path)
            except StoreError:
                refused += 1
            else:
                assert opened.attributes == expected, bytes(damaged)
        assert refused > 300

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'"x"', b"\xff\xfe", b'{"attributes": []}'])
    def test_nonsense_is_refused(self, path: Path, content: bytes) -> None:
        path.mkdir()
        (path / ROOT).write_bytes(content)
        with pytest.raises(StoreError):
            open_store(path)

    def test_attributes_that_others_add_are_kept_out_of_the_seal(self, path: Path, make_store: MakeStore) -> None:
        import zarr

        before = make_store(path, rows=50, channels=2)
        zarr.open_group(path, mode="r+").attrs["title"] = "Plant 7, pumps"
        assert b"Plant 7" in (path / ROOT).read_bytes()
        after = open_store(path)
        assert after.attributes == before.attributes
        np.testing.assert_array_equal(after.values, before.values)


class TestArrays:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize(
        ("rows", "channels", "chunk_rows"),
        [
            (1, 1, None),
            (1, 3, None),
            (1023, 1, 1024),
            (1024, 1, 1024),
            (1025, 1, 1024),
            (4096, 5, 1024),
            (9999, 3, 4096),
            (2500, 3000, None),
        ],
    )
    def test_one_contiguous_view_of_every_shape(
        self, path: Path, make_store: MakeStore, rows: int, channels: int, chunk_rows: int | None, dtype: str
    ) -> None:
        values = np.random.default_rng(0).standard_normal((rows, channels)).astype(dtype)
        values[rows // 2, 0] = np.nan
        time = np.arange(rows, dtype=np.int64) * 7 - 10**15
        labels = (np.arange(rows) % 3 - 1).astype(np.int8).reshape(-1, 1)
        store = make_store(path, values, time=time, labels=labels, chunk_rows=chunk_rows)
        assert store.labels is not None
        for found, expected in ((store.values, values), (store.time, time), (store.labels, labels)):
            assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
            assert found.flags.c_contiguous
            assert not found.flags.writeable
            np.testing.assert_array_equal(found, expected)

    def test_not_one_value_is_copied(self, path: Path, make_store: MakeStore) -> None:
        """The array's memory is the mapping of the chunk files, end to end, and it can never be written to."""
        store = make_store(path, rows=5000, channels=3, chunk_rows=1024)
        values = store.values
        first = values.ctypes.data
        maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
        addresses = {line[5]: (int(line[0].split("-")[0], 16), line[1]) for line in maps if len(line) > 5}
        files = store.chunk_files("values")
        assert len(files) == 5
        for index, file in enumerate(files):
            assert addresses[str(file)] == (first + index * 1024 * 3 * 4, "r--s")
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            values.flags.writeable = True

    def test_a_value_changed_on_disk_shows_through(self, path: Path, make_store: MakeStore) -> None:
        store = make_store(path, rows=5000, channels=3, chunk_rows=1024)
        view = store.values[:, 1]
        with open(path / "values" / "c.3.0", "r+b") as file:
            file.seek((100 * 3 + 1) * 4)
            file.write(np.float32(1234.5).tobytes())
        assert view[3 * 1024 + 100] == 1234.5

    def test_views_outlive_the_store_and_the_last_one_frees_the_mapping(
        self, path: Path, make_store: MakeStore
    ) -> None:
        store = make_store(path, rows=5000, channels=3, chunk_rows=1024)
        expected = store.values[2000:3000].copy()
        window = store.read(2000, 3000)
        assert store.time[0] < store.time[-1]
        maps = Path("/proc/self/maps")
        assert maps.read_text().count(f"{path}/time/c.") == 5
        del store
        gc.collect()
        assert maps.read_text().count(f"{path}/values/c.") == 5
        assert maps.read_text().count(f"{path}/time/c.") == 0
        np.testing.assert_array_equal(window, expected)
        del window
        gc.collect()
        assert str(path) not in maps.read_text()

    def test_no_labels(self, path: Path, make_store: MakeStore) -> None:
        store = make_store(path, rows=10)
        assert store.labels is None
        assert store.label_names == ()

    def test_no_segments(self, path: Path, make_store: MakeStore) -> None:
        store = make_store(path, rows=10, segments=[])
        assert len(store.segments) == 0
        assert store.segments.num_windows(3, 1).sum() == 0


class TestRead:
    @given(start=st.integers(0, 5453), length=st.integers(0, 5453))
    def test_any_rows_without_a_copy(self, store: SeriesStore, start: int, length: int) -> None:
        stop = min(start + length, store.num_rows)
        found = store.read(start, stop)
        np.testing.assert_array_equal(found, store.values[start:stop])
        assert found.base is store.values.base
        assert not found.flags.writeable

    @pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4), (0, 5454), (6000, 6000)])
    def test_rows_outside_are_refused(self, store: SeriesStore, start: int, stop: int) -> None:
        for ask in (store.read, store.stats):
            with pytest.raises(IndexError, match=f"rows {start}:{stop} are not within the 5453 rows"):
                ask(start, stop)


class TestStats:
    @given(start=st.integers(0, 5453), length=st.integers(0, 5453))
    def test_any_range_as_numpy_has_it(self, store: SeriesStore, start: int, length: int) -> None:
        stop = min(start + length, store.num_rows)
        expect(store.values[start:stop], store.stats(start, stop))

    @pytest.mark.parametrize(
        ("start", "stop"), [(0, 1024), (1024, 3072), (1023, 1025), (0, 5120), (5120, 5453), (0, 5453), (7, 7)]
    )
    def test_around_the_edges_of_blocks(self, store: SeriesStore, start: int, stop: int) -> None:
        expect(store.values[start:stop], store.stats(start, stop))

    def test_all_rows_by_default(self, store: SeriesStore) -> None:
        expect(store.values, store.stats())

    def test_whole_blocks_are_not_read(self, store: SeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
        num_rows = []
        real = Statistics.of

        def of(values: np.ndarray) -> Statistics:
            num_rows.append(len(values))
            return real(values)

        monkeypatch.setattr(Statistics, "of", of)
        store.stats(1000, 5000)
        assert num_rows == [24, 5000 - 4096]


class TestDamage:
    @pytest.mark.parametrize("array", ["values", "time", "labels"])
    def test_row_chunks(self, path: Path, make_store: MakeStore, array: str) -> None:
        labels = np.zeros((5000, 4), np.int8)
        make_store(path, rows=5000, channels=3, chunk_rows=1024, labels=labels)
        file = open_store(path).chunk_files(array)[2]
        data = file.read_bytes()
        file.write_bytes(data[:-1])
        with raises("store-damaged", file, f"{len(data) - 1:,} bytes", f"{len(data):,}"):
            getattr(open_store(path), array)
        file.unlink()
        with raises("store-damaged", file, "missing"):
            getattr(open_store(path), array)

    @pytest.mark.parametrize("name", ["segment_start", "segment_stop", "segment_series", "block_mean", "block_m2"])
    def test_small_arrays_never_read_as_zeros(self, path: Path, make_store: MakeStore, name: str) -> None:
        make_store(path, rows=3000, channels=1, chunk_rows=1024)
        (file,) = (file for file in (path / "commits/1" / name / "c").rglob("*") if file.is_file())
        data = file.read_bytes()

        def use(store: SeriesStore) -> None:
            assert len(store.segments) == 1
            store.stats()

        use(open_store(path))
        file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        with raises("store-damaged", file):
            use(open_store(path))
        file.unlink()
        with raises("store-damaged", file, "missing"):
            use(open_store(path))


def test_a_billion_rows(path: Path) -> None:
    """Chunk files without content cost no disk; the mapping costs address space, and memory only where read."""
    layout = StoreLayout(channels=tuple(f"c{index}" for index in range(8)))
    num_rows = 10**9 - 12_345
    num_chunks = -(-num_rows // layout.chunk_rows)
    one = np.ones(8)
    whole_block = Statistics(count=np.full(8, layout.chunk_rows), mean=one, m2=0 * one, minimum=one, maximum=one)
    for name, row_bytes in (("values.0", 8 * 4), ("time", 8)):
        array, *rest = name.split(".")
        (path / array).mkdir(parents=True)
        for index in range(num_chunks):
            file = path / array / ".".join(["c", str(index), *rest])
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY))
            os.truncate(file, layout.chunk_rows * row_bytes)

    def zeros(size: int) -> int:
        checksum: int = google_crc32c.value(bytes(size))
        return checksum

    state = Commit(
        layout=layout,
        generation=1,
        num_rows=num_rows,
        segments=Segments(np.array([0]), np.array([num_rows]), np.array([0])),
        series=("",),
        cadence_ns=10**7,
        checksums={
            name: [
                *[zeros(layout.chunk_rows * row_bytes)] * (num_chunks - 1),
                zeros(num_rows % layout.chunk_rows * row_bytes),
            ]
            for name, row_bytes in (("time", 8), ("values", 8 * 4))
        },
        statistics=[whole_block] * num_chunks,
        sources=[],
        recipe={},
    )
    write_commit(path, state)

    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    store = open_store(path)
    assert store.values.shape == (num_rows, 8)
    assert store.time.shape == (num_rows,)
    assert store.values[num_rows - 1, 7] == 0
    assert store.values[num_rows // 2].sum() == 0
    assert store.segments.num_windows(512, 1).sum() == num_rows - 511
    assert store.stats(0, 10**9 - 10**6).mean.tolist() == pytest.approx([1] * 8, rel=1e-3)
    assert process.memory_info().rss - before < 100 * 2**20
