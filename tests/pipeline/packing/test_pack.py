"""Packed and unpacked again: the same bytes, by threads, processes and a cluster, and after a kill."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from distributed import LocalCluster

from longstride.__main__ import main
from longstride.pipeline.packing.pack import pack, unpack
from longstride.pipeline.packing.trials import Trial, best_of, try_codecs
from longstride.storage.errors import StoreLockedError
from longstride.storage.format import STAGED
from longstride.storage.open import open_store
from longstride.storage.packed.codecs import CODECS
from longstride.storage.store import SeriesStore
from longstride.storage.writing.lock import StoreLock
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.ingest_jobs import contents
from tests.helpers.paths import ROOT
from tests.helpers.stores.packed_stores import ROWS, make_pair, quantised

Make = Callable[..., SeriesStore]
SHARD = 4 * 1024 * 12


def command(*arguments: object) -> str:
    result = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def store(make_store: Make, tmp_path: Path) -> SeriesStore:
    return make_pair(make_store, tmp_path, "zstd")[0]


@pytest.mark.parametrize("codec", ["auto", *CODECS])
def test_what_is_unpacked_is_what_was_packed(store: SeriesStore, tmp_path: Path, codec: str) -> None:
    told = command("pack", store.path, tmp_path / "p.zarr", "--codec", codec)
    assert f"{ROWS:,} rows, 1 shard; values" in told
    assert ("MB/s  chosen" in told) == (codec == "auto")
    command("unpack", tmp_path / "p.zarr", tmp_path / "u.zarr")
    assert contents(tmp_path / "u.zarr") == contents(store.path)


def test_a_packed_store_is_packed_in_another_way(store: SeriesStore, tmp_path: Path) -> None:
    packed = open_store(tmp_path / "packed.zarr")
    pack(packed, tmp_path / "other.zarr", codec="pcodec")
    unpack(open_store(tmp_path / "other.zarr"), tmp_path / "u.zarr")
    assert contents(tmp_path / "u.zarr") == contents(store.path)


def test_an_appended_store(make_store: Make, tmp_path: Path) -> None:
    store = make_store(tmp_path / "s.zarr", rows=3000, channels=2)
    from longstride.storage.series.segments import Segments
    from longstride.storage.writing.writer import StoreWriter

    with StoreLock(store.path, append=True) as lock, StoreWriter.appending(lock) as writer:
        writer.append(store.time[-1] + 10**9 * np.arange(1, 11), np.ones((10, 2), np.float32))
        bounds = [np.array(bound) for bound in ([0], [3010], [0])]
        writer.commit(Segments(*bounds), store.series, cadence_ns=10**9)
    appended = open_store(store.path)
    pack(appended, tmp_path / "p.zarr")
    unpack(open_store(tmp_path / "p.zarr"), tmp_path / "u.zarr")
    unpacked = open_store(tmp_path / "u.zarr")
    assert unpacked.values.tobytes() == appended.values.tobytes()
    assert unpacked.attributes == appended.attributes
    assert unpacked.generation == 2


@pytest.mark.parametrize(
    ("ratios", "best"),
    [
        ({"blosc-lz4": 1.3, "zstd": 1.8, "pcodec": 4.4}, "pcodec"),
        ({"blosc-lz4": 1.11, "blosc-zstd": 1.13, "zstd": 1.08, "pcodec": 1.19}, "blosc-lz4"),
        ({"blosc-lz4": 1.0, "blosc-zstd": 1.0, "zstd": 1.85, "pcodec": 2.0}, "zstd"),
        ({"zstd": 1.79, "pcodec": 2.0}, "pcodec"),
    ],
)
def test_auto_takes_the_smallest_or_a_faster_one_that_is_nearly_as_small(
    ratios: dict[str, float], best: str
) -> None:
    trials = [Trial(codec, ratio, 1000.0) for codec, ratio in ratios.items()]
    assert best_of(trials).codec == best_of(trials[::-1]).codec == best


def test_auto_on_logs(make_store: Make, tmp_path: Path) -> None:
    """Sensors that report few decimals, and noise, of which no codec makes much less."""
    for name, values, best in (
        ("walk", quantised(20_000, 8), "pcodec"),
        ("noise", np.random.default_rng(0).standard_normal((20_000, 8), np.float32), "blosc-lz4"),
        ("short", quantised(5, 2), None),
    ):
        store = make_store(tmp_path / f"{name}.zarr", values)
        trials = try_codecs(store)
        assert [trial.codec for trial in trials] == list(CODECS)
        assert min(trial.megabytes_per_second for trial in trials) > 0
        report = pack(store, tmp_path / f"{name}-packed.zarr")
        assert report.codec == best_of(trials).codec
        assert best in (None, report.codec)


def test_the_same_bytes_each_time(make_store: Make, tmp_path: Path) -> None:
    store = make_store(tmp_path / "s.zarr", quantised(9000, 3), chunk_rows=1024)
    for name, workers in (("one", None), ("two", None), ("three", 2)):
        pack(store, tmp_path / name, workers=workers, shard_bytes=SHARD)
    assert contents(tmp_path / "one") == contents(tmp_path / "two") == contents(tmp_path / "three")


def test_a_codec_that_is_only_read(store: SeriesStore, tmp_path: Path) -> None:
    with raises("codec-unknown", "'delta'", *CODECS):
        pack(store, tmp_path / "p.zarr", codec="delta")
    assert not (tmp_path / "p.zarr").exists()


@pytest.mark.parametrize("where", ["processes", "cluster"])
def test_elsewhere(store: SeriesStore, tmp_path: Path, where: str) -> None:
    pack(store, tmp_path / "threads.zarr", codec="zstd", shard_bytes=SHARD)
    if where == "processes":
        pack(store, tmp_path / "p.zarr", codec="zstd", shard_bytes=SHARD, workers=2)
        unpack(open_store(tmp_path / "p.zarr"), tmp_path / "u.zarr", workers=2)
    else:
        with LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster:
            pack(store, tmp_path / "p.zarr", codec="zstd", shard_bytes=SHARD, dask=cluster.scheduler_address)
            unpack(open_store(tmp_path / "p.zarr"), tmp_path / "u.zarr", dask=cluster.scheduler_address)
    assert contents(tmp_path / "p.zarr") == contents(tmp_path / "threads.zarr")
    assert contents(tmp_path / "u.zarr") == contents(store.path)


KILLED = """
import os, signal, sys
import longstride.pipeline.packing.pack as jobs
from longstride.storage.places.folder import Folder
from longstride.storage.open import open_store
from longstride.storage.writing import unpacked

what, source, dest, count = sys.argv[1:]
left = int(count)

def mortal(function):
    def call(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

Folder.put = mortal(Folder.put)
unpacked.write_file = mortal(unpacked.write_file)
Folder.put_new = mortal(Folder.put_new)
if what == "pack":
    jobs.pack(open_store(source), dest, codec="zstd", shard_bytes=4 * 1024 * 12)
else:
    jobs.unpack(open_store(source), dest)
"""


def killed(*arguments: object) -> "subprocess.CompletedProcess[bytes]":
    call = [sys.executable, "-c", KILLED, *map(str, arguments)]
    return subprocess.run(call, cwd=ROOT, capture_output=True)


@pytest.mark.parametrize("what", ["pack", "unpack"])
def test_a_kill_at_any_step(store: SeriesStore, tmp_path: Path, what: str) -> None:
    """Nobody sees half a store, and what was written is taken over."""
    pack(store, tmp_path / "whole.zarr", codec="zstd", shard_bytes=SHARD)
    source = store.name if what == "pack" else str(tmp_path / "whole.zarr")
    whole = contents(tmp_path / "whole.zarr" if what == "pack" else store.path)
    dest = tmp_path / "dest.zarr"
    steps = 0
    took_over = False
    for count in (0, 1, 4, 5, 9, 13, 20, 30, 33, 36, 200):
        done = killed(what, source, dest, count)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        steps += 1
        with raises("store-unfinished", dest):
            open_store(dest)
        took_over |= bool(list(dest.glob(f"{STAGED}/*/*")))
    assert steps >= 5
    assert took_over
    assert contents(dest) == whole


def finished(out: Path) -> list[int]:
    """Shards that a killed job has written whole: two threads were at it, so one or two of three."""
    found = out.glob(f"{STAGED}/*/{STAGED}/*/[0-9].json")
    return sorted(int(path.stem) for path in found)


def test_it_is_told_what_was_taken_over(store: SeriesStore, tmp_path: Path) -> None:
    out = tmp_path / "dest.zarr"
    assert killed("pack", store.name, out, 9).returncode == -signal.SIGKILL
    left = finished(out)
    assert 1 <= len(left) <= 2
    report = pack(store, out, codec="zstd", shard_bytes=SHARD)
    assert (report.shards_reused, report.num_shards) == (len(left), 3)


def test_a_shard_that_was_cut_short_is_written_again(store: SeriesStore, tmp_path: Path) -> None:
    out = tmp_path / "dest.zarr"
    assert killed("pack", store.name, out, 9).returncode == -signal.SIGKILL
    left = finished(out)
    (shard,) = out.glob(f"{STAGED}/*/values/c.{left[0]}.0")
    shard.write_bytes(shard.read_bytes()[:-100])
    assert pack(store, out, codec="zstd", shard_bytes=SHARD).shards_reused == len(left) - 1
    unpack(open_store(out), tmp_path / "u.zarr")
    assert contents(tmp_path / "u.zarr") == contents(store.path)


def test_damage_is_not_packed(store: SeriesStore, tmp_path: Path) -> None:
    path = store.path / "values/c.5.0"
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)
    with raises("store-damaged", store.name, "rows 5,120 to 6,143 of values"):
        pack(store, tmp_path / "p.zarr", codec="zstd", shard_bytes=SHARD)
    assert not (tmp_path / "p.zarr").exists()


def test_what_is_there_is_refused(store: SeriesStore, tmp_path: Path) -> None:
    with raises("store-exists", tmp_path / "packed.zarr"):
        pack(store, tmp_path / "packed.zarr", codec="zstd")
    with raises("not-a-folder", "s3://bucket/x"):
        unpack(open_store(tmp_path / "packed.zarr"), "s3://bucket/x")
    with StoreLock(tmp_path / "new.zarr"), raises("store-locked", kind=StoreLockedError):
        pack(store, tmp_path / "new.zarr", codec="zstd")
    result = CliRunner().invoke(main, ["pack", str(tmp_path / "nothing"), str(tmp_path / "x")])
    assert result.exit_code == 1
    assert_refused(result.output, "store-missing", tmp_path / "nothing")


def test_ctrl_c_is_gone_on_with(make_store: Make, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    store = make_store(tmp_path / "s.zarr", rows=4_000_000, channels=16)
    call = [sys.executable, "-m", "longstride", "pack", store.name, str(tmp_path / "p.zarr"), "--codec", "zstd"]
    try:
        with subprocess.Popen(call, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as job:
            while not list((tmp_path / "p.zarr").glob(f"{STAGED}/*/{STAGED}/*/*.json")):
                assert job.poll() is None
                time.sleep(0.01)
            os.killpg(job.pid, signal.SIGINT)
            _, complaint = job.communicate()
    finally:
        signal.signal(signal.SIGINT, before)
    assert job.returncode == 130
    assert re.fullmatch(r"Interrupted pack \(SIGINT\): .*\n", complaint)
    again = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "taken over from an interrupted run" in again.stdout
