"""The water quality logs: two consecutive files, each as CSV and as Parquet; the figures are those of INDEX.md."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from longstride import Recipe, ingest
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore

ROWS = 139_566
CHANNELS = ("Tp", "Cl", "pH", "Redox", "Leit", "Trueb", "Cl_2", "Fm", "Fm_2")
RECIPE = Recipe(time="Time", labels=("EVENT",))


@pytest.fixture(scope="module")
def both(gecco: Path, tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    """Both files in one store, given in the wrong order, one of each format."""
    out = tmp_path_factory.mktemp("gecco") / "both.zarr"
    ingest([gecco / "gecco2018_test.parquet", gecco / "gecco2018_train.csv.gz"], out, RECIPE)
    return open_store(out)


def read_plainly(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.reader(file))[1:]
    time = np.array([row[0] for row in rows], "datetime64[ns]").astype(np.int64)
    return time, np.array([[float(field or "nan") for field in row[1:-1]] for row in rows]).astype(np.float32)


@pytest.mark.parametrize(("part", "events"), [("train", 1726), ("test", 2329)])
def test_csv_and_parquet_of_a_log_give_the_same_bits(gecco: Path, tmp_path: Path, part: str, events: int) -> None:
    stores = []
    for suffix in ("csv.gz", "parquet"):
        source = gecco / f"gecco2018_{part}.{suffix}"
        report = ingest([source], tmp_path / suffix, RECIPE, piece_bytes=2**20)
        assert [(file.rows_in, file.rows_out) for file in report.files] == [(ROWS, ROWS)]
        store = open_store(tmp_path / suffix)
        assert store.channels == CHANNELS
        assert store.num_rows == ROWS
        assert store.cadence_ns == 60 * 10**9
        assert store.labels is not None
        assert int(store.labels.sum()) == events
        stores.append(store)
    text, typed = stores
    assert text.values.tobytes() == typed.values.tobytes()
    assert text.time.tobytes() == typed.time.tobytes()
    time, values = read_plainly(gecco / f"gecco2018_{part}.csv.gz")
    np.testing.assert_array_equal(text.time, time)
    np.testing.assert_array_equal(text.values, values)
    if part == "train":
        missing = dict(zip(CHANNELS, np.isnan(text.values).sum(axis=0).tolist(), strict=True))
        assert missing == dict.fromkeys(CHANNELS, 1044) | {"Cl": 1045}
        assert (ROWS - text.stats().count).tolist() == list(missing.values())


def test_consecutive_files_are_one_segment(both: SeriesStore) -> None:
    assert both.num_rows == 2 * ROWS
    assert np.stack([both.segments.start, both.segments.stop]).tolist() == [[0], [2 * ROWS]]
    assert (np.diff(both.time) == 60 * 10**9).all()
    names = [Path(source["name"]).name for source in both.attributes["sources"]]
    assert names == ["gecco2018_test.parquet", "gecco2018_train.csv.gz"]


def test_long_missing_runs_belong_to_no_segment(gecco: Path, both: SeriesStore, tmp_path: Path) -> None:
    recipe = Recipe(time="Time", labels=("EVENT",), split_on_missing="1h")
    ingest([gecco / f"gecco2018_{part}.parquet" for part in ("train", "test")], tmp_path / "split", recipe)
    split = open_store(tmp_path / "split")
    assert split.values.tobytes() == both.values.tobytes()
    missing = np.isnan(split.values).all(axis=1)
    runs = []
    start = None
    for row, gone in enumerate([*missing.tolist(), False]):
        if gone and start is None:
            start = row
        elif not gone and start is not None:
            runs.append((start, row))
            start = None
    minutes = [stop - start for start, stop in runs]
    assert max(minutes) == 13_128
    assert max(stop - start for start, stop in runs if stop <= ROWS) == 984
    outside = np.zeros(split.num_rows, bool)
    for start, stop in runs:
        outside[start:stop] = stop - start > 60
    inside = np.zeros(split.num_rows, bool)
    for start, stop in zip(split.segments.start, split.segments.stop, strict=True):
        inside[start:stop] = True
    np.testing.assert_array_equal(inside, ~outside)
    assert len(split.segments) == 1 + sum(length > 60 for length in minutes)
