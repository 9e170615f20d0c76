"""Rows that are compared with the checksums of their chunks before a command uses them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.storage.inspect import summarise
from longstride.storage.series import row_source
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused, raises

Make = Callable[..., SeriesStore]
R = 1024


@pytest.fixture
def store(make_store: Make, tmp_path: Path) -> SeriesStore:
    labels = np.zeros((5 * R + 100, 1), np.int8)
    labels[50:60] = 1
    return make_store(tmp_path / "plant.zarr", rows=5 * R + 100, labels=labels, chunk_rows=R)


def damage(store: SeriesStore, array: str, chunk: int) -> SeriesStore:
    """Change a byte of a chunk, in the middle of what is committed, and open the store again."""
    file = store.path / array / f"c.{chunk}{'' if array == 'time' else '.0'}"
    data = bytearray(file.read_bytes())
    data[40] ^= 64
    file.write_bytes(data)
    return longstride.open(store.path)


@pytest.mark.parametrize("key", [slice(None), slice(3 * R - 1, 3 * R + 1), 3 * R + 5, -2 * R, [0, 3 * R]])
def test_a_damaged_chunk_is_refused_however_it_is_asked_for(store: SeriesStore, key: object) -> None:
    expected = np.asarray(store.values)[key]  # type: ignore[index]
    assert np.array_equal(store.checked("values")[key], expected)
    with raises("store-damaged", "3,072 to 4,095", "values"):
        damage(store, "values", 3).checked("values")[key]


def test_other_chunks_are_served(store: SeriesStore) -> None:
    expected = np.array(store.values[: 3 * R])
    assert np.array_equal(damage(store, "values", 3).checked("values")[: 3 * R], expected)
    with pytest.raises(IndexError):
        store.checked("time")[store.num_rows]


def test_each_chunk_is_checked_once(store: SeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = row_source.google_crc32c.value
    monkeypatch.setattr(row_source.google_crc32c, "value", lambda data: calls.append(1) or real(data))
    for _ in range(3):
        assert len(store.checked("values")[:]) == len(store.checked("values")) == store.num_rows
        store.check_rows("values", 10, 20)
    assert len(calls) == 6


@pytest.mark.parametrize("array", ["time", "values", "labels"])
@pytest.mark.parametrize("to", ["parquet", "arrow"])
def test_damage_is_not_exported(store: SeriesStore, tmp_path: Path, array: str, to: str) -> None:
    damage(store, array, 2)
    out = tmp_path / f"plant.{to}"
    result = CliRunner().invoke(main, ["export", str(store.path), "--to", to, "--out", str(out)])
    assert result.exit_code == 1
    assert_refused(result.output, "store-damaged", array)
    assert [path.name for path in tmp_path.iterdir()] == ["plant.zarr"]


@pytest.mark.parametrize(("array", "chunk"), [("time", 0), ("time", 5), ("labels", 3), ("values", 5)])
def test_damage_is_not_inspected(store: SeriesStore, array: str, chunk: int) -> None:
    opened = damage(store, array, chunk)
    with raises("store-damaged", array):
        summarise(opened, 64, 1)


def test_statistics_of_a_range_check_the_rows_at_its_ends(store: SeriesStore) -> None:
    opened = damage(store, "values", 2)
    assert opened.stats(R, 4 * R).count.tolist() == [3 * R] * 3
    for bounds in ((2 * R + 1, 5 * R), (0, 3 * R - 1), (2 * R, 2 * R + 9)):
        with raises("store-damaged", "values"):
            opened.stats(*bounds)


@pytest.mark.parametrize("array", ["time", "labels"])
def test_damage_does_not_choose_windows(make_store: Make, store: SeriesStore, array: str, tmp_path: Path) -> None:
    if array == "labels":
        with raises("store-damaged", array):
            longstride.WindowLoader(damage(store, array, 1), window=16, batch_size=8, without_labels=["l0"])
        return
    bounds = [(0, 2 * R, 0), (2 * R, 4 * R, 1)]
    two = make_store(tmp_path / "two.zarr", rows=4 * R, segments=bounds, series=("a", "b"), chunk_rows=R)
    with raises("store-damaged", array):
        longstride.split_by_time(damage(two, array, 0), window=16)
