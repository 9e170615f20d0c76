"""A store is plain Zarr: what other tools see of it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
import zarr

from longstride.storage.store import SeriesStore

ROWS = 3 * 1024 + 55


@pytest.fixture(scope="module")
def store(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    values = np.random.default_rng(0).standard_normal((ROWS, 3), np.float32)
    values[::7, 1] = np.nan
    return make_store(
        tmp_path_factory.mktemp("readers") / "plant.zarr",
        values,
        channels=("pressure", "flow", "größe"),
        labels=(np.arange(ROWS) % 2).astype(np.int8).reshape(-1, 1),
        label_names=("anomaly",),
        segments=[(0, 1000, 0), (1000, ROWS, 1)],
        series=("a", "b"),
        chunk_rows=1024,
    )


def test_xarray_opens_it_without_a_warning_in_a_process_of_its_own(store: SeriesStore) -> None:
    script = f"import xarray; print(dict(xarray.open_zarr({str(store.path)!r})['values'].sizes))"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == f"{{'time': {ROWS}, 'channel': 3}}\n"
    assert done.stderr == ""


@pytest.mark.parametrize("options", [{}, {"consolidated": False}, {"chunks": None}])
def test_xarray(store: SeriesStore, options: dict[str, Any]) -> None:
    dataset = xarray.open_zarr(store.path, **options)
    assert dict(dataset.sizes) == {"time": ROWS, "channel": 3, "label": 1}
    assert dataset.time.dtype == np.dtype("datetime64[ns]")
    np.testing.assert_array_equal(dataset.time.values, store.time.view("datetime64[ns]"))
    assert dataset.channel.values.tolist() == ["pressure", "flow", "größe"]
    assert dataset.label.values.tolist() == ["anomaly"]
    assert dataset["values"].dims == ("time", "channel")
    np.testing.assert_array_equal(dataset["values"].values, store.values)
    np.testing.assert_array_equal(dataset["labels"].values, store.labels)
    flow = dataset["values"].sel(channel="flow", time="2024-03-01T00:00:03")
    assert float(flow) == store.values[3, 1]


def test_zarr_reads_every_array_without_the_consolidated_metadata(store: SeriesStore) -> None:
    root = zarr.open_group(store.path, mode="r", use_consolidated=False)
    commit = root["commits/1"]
    statistics = vars(store.block_statistics)
    expected = {
        **{name: getattr(store, name) for name in ("values", "time", "labels")},
        "channel": store.channels,
        "label": store.label_names,
        **{f"commits/1/segment_{name}": getattr(store.segments, name) for name in ("start", "stop", "series")},
        **{f"commits/1/block_{name}": field for name, field in statistics.items()},
    }
    names = {name for name, _ in root.members()} | {f"commits/1/{name}" for name, _ in commit.members()}
    assert names - {"commits"} == expected.keys()
    for name, data in expected.items():
        for array in (root[name], zarr.open_array(store.path / name, mode="r")):
            np.testing.assert_array_equal(np.asarray(array[...]), np.asarray(data))


@pytest.mark.parametrize("consolidated", [True, False])
def test_shapes_chunks_and_dimensions(store: SeriesStore, consolidated: bool) -> None:
    root: Any = zarr.open_group(store.path, mode="r", use_consolidated=consolidated)
    found = {
        name: (root[name].shape, str(root[name].dtype), root[name].chunks, root[name].metadata.dimension_names)
        for name in ("values", "time", "labels", "commits/1/segment_start", "commits/1/block_m2")
    }
    assert found == {
        "values": ((ROWS, 3), "float32", (1024, 3), ("time", "channel")),
        "time": ((ROWS,), "int64", (1024,), ("time",)),
        "labels": ((ROWS, 1), "int8", (1024, 1), ("time", "label")),
        "commits/1/segment_start": ((2,), "int64", (2,), ("segment",)),
        "commits/1/block_m2": ((4, 3), "float64", (4, 3), ("block", "channel")),
    }
    for name in found:
        assert [codec.to_dict()["name"] for codec in root[name].metadata.codecs] == ["bytes"]
    assert np.isnan(root["values"].fill_value)
    assert root["time"].attrs["units"] == "nanoseconds since 1970-01-01"


def test_float64_channels_and_no_labels(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    store = make_store(tmp_path / "plant.zarr", rows=10, dtype="float64")
    dataset = xarray.open_zarr(store.path)
    assert dataset["values"].dtype == np.float64
    assert set(dataset.variables) == {"values", "time", "channel"}
    np.testing.assert_array_equal(dataset["values"].values, store.values)
