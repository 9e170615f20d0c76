"""A packed store is plain sharded Zarr: what other tools, in other languages too, see of it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dask.array
import numpy as np
import pytest
import tensorstore
import xarray
import xbatcher
import zarr

from longstride import WindowLoader
from longstride.storage.packed.codecs import CODECS
from longstride.storage.packed.store import PackedStore
from longstride.storage.store import SeriesStore
from tests.helpers.stores.packed_stores import ROWS, make_pair

# Zarr says so of each codec that numcodecs has.
pytestmark = pytest.mark.filterwarnings("ignore:Numcodecs codecs are not in the Zarr version 3 specification")

ZARRITA = "zarrita@0.5.4"
EVERYWHERE = [name for name in CODECS if name != "pcodec"]

Pair = tuple[SeriesStore, PackedStore]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readers")


@pytest.fixture(scope="module", params=CODECS)
def pair(request: pytest.FixtureRequest, make_store: Callable[..., SeriesStore], folder: Path) -> Pair:
    return make_pair(make_store, folder / request.param, request.param)


def only_what_all_read(packed: PackedStore) -> None:
    if packed.packing.codec not in EVERYWHERE:
        pytest.skip("of Zarr's tools, that for Python reads Pcodec")


def test_zarr(pair: Pair) -> None:
    store, packed = pair
    root = zarr.open_group(packed.name, mode="r", use_consolidated=False)
    for name in ("values", "time", "labels"):
        array = root[name]
        assert isinstance(array, zarr.Array)
        assert np.asarray(array[:]).tobytes() == np.asarray(getattr(store, name)).tobytes()
        assert array.shards is not None
        assert array.shards[0] == packed.packing.shard_rows


READ_BY_ZARR = """
import sys, numpy as np, xarray, zarr
path, out = sys.argv[1:]
root = zarr.open_group(path, mode="r")
np.savez(out, **{name: root[name][:] for name in ("values", "time", "labels")},
         again=xarray.open_zarr(path)["values"].values)
assert not [name for name in sys.modules if name.partition(".")[0] == "longstride"]
"""


def test_zarr_and_xarray_without_longstride(pair: Pair) -> None:
    store, packed = pair
    out = Path(packed.name).parent / "zarr.npz"
    subprocess.run([sys.executable, "-c", READ_BY_ZARR, packed.name, str(out)], check=True)
    read = np.load(out)
    for name in ("values", "time", "labels"):
        assert read[name].tobytes() == np.asarray(getattr(store, name)).tobytes()
    assert read["again"].tobytes() == store.values.tobytes()


def test_xarray(pair: Pair) -> None:
    store, packed = pair
    dataset = xarray.open_zarr(packed.name)
    assert dataset["values"].chunks is not None  # lazy
    np.testing.assert_array_equal(dataset.time.values, store.time.view("datetime64[ns]"))
    assert dataset.channel.values.tolist() == list(store.channels)
    assert "labels" in dataset.coords
    np.testing.assert_array_equal(dataset["labels"].values, store.labels)
    some = dataset["values"].isel(time=slice(4000, 5000)).values
    np.testing.assert_array_equal(some, store.values[4000:5000])


def test_dask(pair: Pair) -> None:
    store, packed = pair
    array = dask.array.from_zarr(packed.name, component="values")
    np.testing.assert_array_equal(array[3000:8000].compute(), store.values[3000:8000])


def test_tensorstore(pair: Pair) -> None:
    store, packed = pair
    only_what_all_read(packed)
    for name in ("values", "time", "labels"):
        kvstore = {"driver": "file", "path": f"{packed.name}/{name}"}
        opened = tensorstore.open({"driver": "zarr3", "kvstore": kvstore}, read=True).result()
        assert opened.read().result().tobytes() == np.asarray(getattr(store, name)).tobytes()


def test_zarrs(pair: Pair) -> None:
    store, packed = pair
    # In a process of its own: its threads do not survive a fork.
    script = (
        "import sys, zarr, zarrs, numpy as np\n"
        "zarr.config.set({'codec_pipeline.path': 'zarrs.ZarrsCodecPipeline'})\n"
        "np.save(sys.argv[2], zarr.open_array(sys.argv[1], mode='r')[:])\n"
    )
    out = Path(packed.name).parent / "zarrs.npy"
    for name in ("time", "values"):
        done = subprocess.run(
            [sys.executable, "-c", script, f"{packed.name}/{name}", str(out)], capture_output=True
        )
        if name == "values" and packed.packing.codec not in EVERYWHERE:
            # zarrs 0.2.3 forgets to transpose before it looks for rows of what Pcodec has decoded.
            assert b"out-of-bounds of array shape [3, 1024]" in done.stderr, (
                "zarrs reads it: say so in docs/packed.md"
            )
            return
        assert done.returncode == 0, done.stderr.decode()
        assert np.load(out).tobytes() == np.asarray(getattr(store, name)).tobytes()


@pytest.fixture(scope="module")
def zarrita(folder: Path) -> Path:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node is not installed")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder / "node"), ZARRITA]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip(f"npm cannot install {ZARRITA} here")
    return folder / "node"


READ = """
import { FileSystemStore } from "@zarrita/storage";
import * as zarr from "zarrita";
const store = zarr.root(new FileSystemStore(process.argv[2]));
const values = await zarr.open(store.resolve("values"), { kind: "array" });
const time = await zarr.open(store.resolve("time"), { kind: "array" });
const some = await zarr.get(values, [zarr.slice(4000, 4100), null]);
const when = await zarr.get(time, [zarr.slice(4000, 4100)]);
console.log(JSON.stringify({
  shape: values.shape,
  values: Array.from(some.data, (number) => (Number.isNaN(number) ? null : number)),
  time: Array.from(when.data, String),
}));
"""


def test_zarrita_under_node(pair: Pair, zarrita: Path) -> None:
    store, packed = pair
    only_what_all_read(packed)
    (zarrita / "read.mjs").write_text(READ)
    done = subprocess.run(
        ["node", "read.mjs", packed.name],
        cwd=zarrita,
        capture_output=True,
        text=True,
        env={**os.environ, "NODE_PATH": str(zarrita / "node_modules")},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["shape"] == [ROWS, 3]
    values = np.array(found["values"], np.float32).reshape(100, 3)
    np.testing.assert_array_equal(values, store.values[4000:4100])
    assert [int(number) for number in found["time"]] == store.time[4000:4100].tolist()


def test_xbatcher_makes_our_windows(pair: Pair) -> None:
    """Windows of one segment, in row order."""
    store, packed = pair
    window, stride = 50, 20
    rows = xarray.open_zarr(packed.name)["values"].isel(time=slice(0, 1000))
    overlap = {"time": window - stride}
    generator = xbatcher.BatchGenerator(rows, input_dims={"time": window, "channel": 3}, input_overlap=overlap)
    theirs = np.stack([batch.values for batch in generator])
    loader = WindowLoader(packed, window=window, stride=stride, batch_size=16, shuffle=False)
    ours = np.concatenate([batch.values[batch.start >= 0].numpy() for batch in loader])
    np.testing.assert_array_equal(ours[: len(theirs)], theirs)
    assert len(theirs) == store.segments.num_windows(window, stride)[0]
