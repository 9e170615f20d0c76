"""A copy that is there already is not made again; any other store in its place is an error."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from longstride import pack, unpack
from longstride.__main__ import main
from longstride.storage.format import ROOT
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.logs.ingest_jobs import contents

Make = Callable[..., SeriesStore]


@pytest.fixture
def store(make_store: Make, tmp_path: Path) -> SeriesStore:
    return make_store(tmp_path / "s.zarr", rows=3000, channels=2)


@pytest.mark.parametrize("codec", ["auto", "zstd", "pcodec"])
def test_the_same_again(store: SeriesStore, tmp_path: Path, codec: str) -> None:
    first = pack(store, tmp_path / "p.zarr", codec=codec)
    unpacked = unpack(tmp_path / "p.zarr", tmp_path / "u.zarr")
    assert not first.was_there
    assert not unpacked.was_there
    before = contents(tmp_path)
    again = pack(store, tmp_path / "p.zarr", codec=codec)
    assert again == first._replace(was_there=True, shards_reused=first.num_shards)
    assert unpack(tmp_path / "p.zarr", tmp_path / "u.zarr").was_there
    assert contents(tmp_path) == before


def test_the_commands_say_that_nothing_was_done(store: SeriesStore, tmp_path: Path) -> None:
    for what, source, dest in (("pack", store.name, "p.zarr"), ("unpack", str(tmp_path / "p.zarr"), "u.zarr")):
        told = []
        for _ in range(2):
            result = CliRunner().invoke(main, [what, source, str(tmp_path / dest)])
            assert result.exit_code == 0, result.output
            told.append("nothing was done" in result.output)
        assert told == [False, True]


def test_what_is_packed_in_another_way(store: SeriesStore, tmp_path: Path) -> None:
    pack(store, tmp_path / "p.zarr", codec="pcodec")
    for other in ({"codec": "zstd"}, {"codec": "pcodec", "shard_bytes": 1}):
        with raises("store-exists", tmp_path / "p.zarr"):
            pack(store, tmp_path / "p.zarr", **other)  # type: ignore[arg-type]
    with raises("store-exists", tmp_path / "p.zarr"):
        unpack(store, tmp_path / "p.zarr")


def test_other_rows_and_a_damaged_store(store: SeriesStore, make_store: Make, tmp_path: Path) -> None:
    other = make_store(tmp_path / "o.zarr", np.asarray(store.values[:]) + 1)
    pack(other, tmp_path / "p.zarr", codec="zstd")
    with raises("store-exists"):
        pack(store, tmp_path / "p.zarr", codec="zstd")
    with raises("store-exists"):
        unpack(tmp_path / "p.zarr", store.path)
    (tmp_path / "p.zarr" / ROOT).write_bytes(b"{}")
    with raises("store-exists"):
        pack(other, tmp_path / "p.zarr", codec="zstd")


def test_a_store_is_no_copy_of_itself(store: SeriesStore, tmp_path: Path) -> None:
    (tmp_path / "link.zarr").symlink_to(store.path)
    for dest in (store.path, tmp_path / "link.zarr"):
        with raises("store-exists", dest):
            unpack(store, dest)
