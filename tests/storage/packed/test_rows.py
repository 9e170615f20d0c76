"""The packed layout: the same rows, from fewer bytes, and told when they are damaged."""

import gc
import json
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from longstride.__main__ import main
from longstride.pipeline.packing.pack import pack
from longstride.storage.format import StoreLayout, seal
from longstride.storage.inspect import summarise
from longstride.storage.open import open_store
from longstride.storage.packed.codecs import CODECS
from longstride.storage.packed.store import PackedStore
from longstride.storage.series.segments import Segments
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_store
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.writer import StoreWriter
from tests.helpers.errors import assert_refused, raises
from tests.helpers.stores.packed_stores import ROWS, make_pair

Make = Callable[..., SeriesStore]


@pytest.fixture(scope="module", params=CODECS)
def pair(
    request: pytest.FixtureRequest, make_store: Make, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SeriesStore, PackedStore]:
    return make_pair(make_store, tmp_path_factory.mktemp(request.param), request.param)


@given(data=st.data())
def test_any_rows(pair: tuple[SeriesStore, PackedStore], data: st.DataObject) -> None:
    store, packed = pair
    start = data.draw(st.integers(0, ROWS))
    stop = data.draw(st.integers(start, ROWS))
    assert packed.values[start:stop].tobytes() == store.values[start:stop].tobytes()
    assert packed.read(start, stop).tobytes() == store.values[start:stop].tobytes()
    assert packed.time[start:stop].tobytes() == store.time[start:stop].tobytes()
    assert packed.labels is not None
    assert store.labels is not None
    assert packed.labels[start:stop].tobytes() == store.labels[start:stop].tobytes()


def test_it_is_sliced_like_an_array(pair: tuple[SeriesStore, PackedStore]) -> None:
    store, packed = pair
    for key in (5, -1, slice(10, 20), (slice(3000, 3010), [2, 0]), (7, 1), np.array([5, 9000, 1])):
        assert np.array_equal(packed.values[key], store.values[key], equal_nan=True)
    assert (packed.values.shape, packed.values.dtype) == (store.values.shape, store.values.dtype)
    assert len(packed.values) == ROWS
    assert np.asarray(packed.time).tobytes() == store.time.tobytes()
    with pytest.raises(IndexError, match="not within"):
        packed.read(0, ROWS + 1)
    with pytest.raises(IndexError, match="not within"):
        packed.time[ROWS]
    with pytest.raises(IndexError, match="not in steps of 2"):
        packed.time[::2]


def test_everything_else_is_the_same(pair: tuple[SeriesStore, PackedStore]) -> None:
    store, packed = pair
    for bound in ("start", "stop", "series"):
        assert np.array_equal(getattr(packed.segments, bound), getattr(store.segments, bound))
    for name in ("channels", "units", "series", "series_end_ns", "label_names", "cadence_ns", "generation"):
        assert getattr(packed, name) == getattr(store, name)
    for start, stop in ((0, None), (100, 5000), (1024, 2048)):
        for field, value in vars(packed.stats(start, stop)).items():
            assert np.array_equal(value, getattr(store.stats(start, stop), field), equal_nan=True)
    own = {"packed", "identity", "documents_crc32c"}
    assert packed.attributes.keys() - store.attributes.keys() == {"packed"}
    assert all(packed.attributes[key] == store.attributes[key] for key in packed.attributes.keys() - own)


def test_rows_are_decoded_a_little_at_a_time(pair: tuple[SeriesStore, PackedStore]) -> None:
    _, packed = pair
    rows = packed.rows("values")
    rows.read(5000, 5010)
    assert rows.bytes_decoded <= 2 * packed.packing.chunk_rows * 12


def test_a_copy_in_another_process_reads_the_same(pair: tuple[SeriesStore, PackedStore]) -> None:
    store, packed = pair
    copy = pickle.loads(pickle.dumps(packed))
    assert isinstance(copy, PackedStore)
    assert copy.values[:2000].tobytes() == store.values[:2000].tobytes()


def test_inspect_and_verify(pair: tuple[SeriesStore, PackedStore]) -> None:
    store, packed = pair
    shown = CliRunner().invoke(main, ["inspect", packed.name, "--json"], catch_exceptions=False)
    expected = CliRunner().invoke(main, ["inspect", store.name, "--json"], catch_exceptions=False)
    assert {**json.loads(shown.output), "path": ""} == {**json.loads(expected.output), "path": ""}
    whole = CliRunner().invoke(main, ["verify", packed.name], catch_exceptions=False)
    assert whole.exit_code == 0
    assert "are whole" in whole.output


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "fact"),
    [
        (lambda path: flip(path, 100), "the checksum of a chunk"),
        (lambda path: flip(path, -30), "the checksum of its index"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "ends before byte"),
        (lambda path: path.unlink(), "missing"),
    ],
)
def test_damage_is_told(make_store: Make, tmp_path: Path, damage: Callable[[Path], object], fact: str) -> None:
    _, packed = make_pair(make_store, tmp_path, "zstd")
    damage(Path(packed.name) / "values/c.1.0")
    rows = packed.packing.shard_rows
    assert len(packed.values[:rows]) == rows
    with raises("store-damaged", "values/c.1.0", fact):
        packed.values[rows : rows + 10]
    result = CliRunner().invoke(main, ["verify", packed.name])
    assert result.exit_code == 1
    assert_refused(result.output, "store-damaged", "of 56 files")
    assert "rows 4,096 to 5,119 of values cannot be read" in result.output
    assert "rows 1,024 to" not in result.output


def test_a_newer_codec(make_store: Make, tmp_path: Path) -> None:
    _, packed = make_pair(make_store, tmp_path, "zstd")
    document = json.loads(packed.get("zarr.json"))
    attributes = document["attributes"]["longstride"]
    attributes["packed"]["codec"] = "better"
    attributes["seal_crc32c"] = seal({key: value for key, value in attributes.items() if key != "seal_crc32c"})
    (tmp_path / "packed.zarr/zarr.json").write_text(json.dumps(document))
    with raises("codec-unknown", "'better'", *CODECS):
        open_store(tmp_path / "packed.zarr").values[:1]


def test_nothing_is_appended_to_it(make_store: Make, tmp_path: Path) -> None:
    _, packed = make_pair(make_store, tmp_path, "zstd")
    with raises("store-packed", packed.name, "longstride unpack"), StoreLock(packed.name, append=True):
        pass
    with (
        raises("store-exists", packed.name),
        StoreWriter(packed.name, StoreLayout(channels=("a",))),
    ):
        pass


def test_one_row(make_store: Make, tmp_path: Path) -> None:
    store, packed = make_pair(make_store, tmp_path, "pcodec", rows=1001)
    assert packed.values[:].tobytes() == store.values.tobytes()
    assert isinstance(packed.segments, Segments)


def test_rows_read_one_by_one_keep_little_memory(make_store: Make, tmp_path: Path) -> None:
    """Chunks of wide rows are large: fewer of them are kept."""
    store = make_store(tmp_path / "wide.zarr", rows=4096, channels=2000, chunk_rows=1024)
    pack(store, tmp_path / "packed.zarr", codec="blosc-lz4")
    packed = open_store(tmp_path / "packed.zarr")
    assert isinstance(packed, PackedStore)
    rows, expected = packed.rows("values"), store.values
    gc.collect()
    tracemalloc.start()
    for row in range(0, len(rows), packed.packing.chunk_rows):
        assert np.array_equal(rows[row], expected[row], equal_nan=True)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 10 * 2**20 < rows.nbytes


def test_chunks_of_many_labels_are_small_enough_to_be_read_again(make_store: Make, tmp_path: Path) -> None:
    labels = np.zeros((2048, 300), np.int8)
    store = make_store(tmp_path / "plant.zarr", rows=2048, channels=1, labels=labels, chunk_rows=2048)
    with mock.patch("longstride.storage.writing.packed.MAX_DECODED_BYTES", 2**16):
        pack(store, tmp_path / "packed.zarr")
    packed = open_store(tmp_path / "packed.zarr")
    assert isinstance(packed, PackedStore)
    assert packed.packing.chunk_rows * 300 <= 2**16
    with mock.patch("longstride.storage.series.data.MAX_DECODED_BYTES", 2**16):
        assert packed.rows_at_a_time == 128
        assert not any(check.fault for check in check_store(packed))
        assert summarise(packed, 16, 1).labels == summarise(store, 16, 1).labels
    attributes = packed.attributes
    attributes["checksums_crc32c"]["labels"][0] ^= 1
    with mock.patch("longstride.storage.series.data.MAX_DECODED_BYTES", 2**16):
        assert [check.name for check in check_store(packed) if check.fault] == [
            f"{packed.name}: rows 0 to 2,047 of labels"
        ]
