"""Stores that earlier versions packed with the codec `delta` are read, bit for bit, and packed again.

`packed-with-delta.tar.xz` was written by the last version that wrote it: values of 0 to 6 decimals and of none,
missing ones, infinity, negative zeros and a NaN of another kind, as float32 and as float64.
"""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from longstride import open as open_store
from longstride import pack, unpack
from longstride.storage.packed.codecs import codec_of
from longstride.storage.packed.store import PackedStore
from longstride.storage.verify import check_store
from tests.helpers.errors import raises

STORES = Path(__file__).with_name("packed-with-delta.tar.xz")


@pytest.fixture(params=["float32", "float64"])
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> PackedStore:
    with tarfile.open(STORES) as file:
        file.extractall(tmp_path, filter="data")
    store = open_store(tmp_path / f"{request.param}.zarr")
    assert isinstance(store, PackedStore)
    assert (store.packing.codec, str(store.dtype)) == ("delta", request.param)
    return store


def test_its_rows_have_their_checksums(packed: PackedStore, tmp_path: Path) -> None:
    assert not [check for check in check_store(packed) if check.fault]
    values = packed.values[:]
    assert values.shape == (1500, 8)
    assert np.signbit(values[10, 4])
    assert (values[10, 4], *values[11:13, 4]) == (0, np.inf, -np.inf)
    kind = f"u{values.itemsize}"
    assert values[14, 5].view(kind) == np.array(np.nan, values.dtype).view(kind) + 1
    assert packed.values[1020:1030].tobytes() == values[1020:1030].tobytes()
    unpack(packed, tmp_path / "mapped.zarr")
    assert open_store(tmp_path / "mapped.zarr").values[:].tobytes() == values.tobytes()


def test_it_is_packed_again(packed: PackedStore, tmp_path: Path) -> None:
    report = pack(packed, tmp_path / "again.zarr", codec="pcodec")
    assert report.codec == "pcodec"
    assert open_store(tmp_path / "again.zarr").values[:].tobytes() == packed.values[:].tobytes()
    with raises("store-exists"):
        pack(open_store(tmp_path / "again.zarr"), packed.name)


def test_nothing_is_written_with_it() -> None:
    with raises("codec-unknown", "'delta'"):
        codec_of("delta").encode(np.zeros((10, 2), np.float32))
