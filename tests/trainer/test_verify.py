"""`--verify` of training and scoring."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.storage.errors import StoreError
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused, raises
from tests.helpers.runs.training import SIZES, finish, start_training, waves

OPTIONS: dict[str, Any] = {**SIZES, "max_steps": 2, "device": "cpu"}


@pytest.fixture
def chunks(make_store: Callable[..., SeriesStore], tmp_path: Path) -> Path:
    """A store of several chunks."""
    return Path(make_store(tmp_path / "plant.zarr", waves(6000, 4), chunk_rows=1024).path)


def damage(store: Path, name: str) -> Path:
    path = store / name
    data = bytearray(path.read_bytes())
    data[100] ^= 0x10
    path.write_bytes(data)
    return path


def test_a_damaged_chunk_is_named_and_nothing_is_written(chunks: Path, tmp_path: Path) -> None:
    longstride.train(chunks, tmp_path / "whole", **OPTIONS, verify=True)
    # The labels of time and statistics of other splits matter to no window: they are checked all the same.
    broken = damage(chunks, "values/c.3.0")
    with raises("store-damaged", broken, "checksum", kind=StoreError):
        longstride.train(chunks, tmp_path / "run", **OPTIONS, verify=True)
    assert not (tmp_path / "run").exists()
    assert longstride.train(chunks, tmp_path / "unchecked", **OPTIONS).finished
    with raises("store-damaged", broken, kind=StoreError):
        longstride.score(tmp_path / "whole", chunks, tmp_path / "scores.parquet", device="cpu", verify=True)
    assert not (tmp_path / "scores.parquet").exists()


def test_the_store_of_normal_rows_is_checked_where_they_are_measured(chunks: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(chunks, tmp_path / "other.zarr"))
    longstride.train(chunks, tmp_path / "run", **OPTIONS)
    broken = damage(chunks, "time/c.0")
    longstride.score(tmp_path / "run", other, tmp_path / "scores.parquet", device="cpu", verify=True)
    command = ["calibrate", tmp_path / "run", chunks, "--device=cpu", "--verify"]
    assert_refused(CliRunner().invoke(main, [*map(str, command)]).output, "store-damaged", broken)


def test_a_packed_store_is_checked(chunks: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.zarr"
    longstride.pack(chunks, packed)
    longstride.train(packed, tmp_path / "run", **OPTIONS, verify=True)
    shard = max(packed.rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    data = np.fromfile(shard, np.uint8)
    data[len(data) // 2] ^= 0x10
    data.tofile(shard)
    with raises("store-damaged", packed.name, kind=StoreError):
        longstride.train(packed, tmp_path / "other", **OPTIONS, verify=True)


def test_ranks_share_the_chunks_and_agree(chunks: Path, tmp_path: Path) -> None:
    finish(start_training(chunks, tmp_path / "whole", "--max-steps=2", "--verify", num_ranks=2))
    broken = damage(chunks, "values/c.4.0")
    _, errors = finish(start_training(chunks, tmp_path / "run", "--verify", num_ranks=2), code=1)
    assert errors.count("[store-damaged]") == 1
    assert str(broken.parents[1]) in errors
    assert not (tmp_path / "run").exists()
