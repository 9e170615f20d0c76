"""Stores in an object store: a real S3 server, killed and started again, slow, out of service, and cut short."""

import hashlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from click.testing import CliRunner
from obstore.store import S3Store

from longstride import WindowLoader
from longstride.__main__ import main as pipeline
from longstride.__main__ import main as storage
from longstride.pipeline.packing.pack import pack, unpack
from longstride.storage.errors import StoreError, StoreLockedError
from longstride.storage.format import LOCK_FILE, ROOT, STAGED
from longstride.storage.open import open_store
from longstride.storage.places import bucket as places
from longstride.storage.places.bucket import Bucket
from longstride.storage.places.object_answers import PlaceError
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_store
from longstride.storage.writing.copy import held, name_of
from longstride.storage.writing.packed import packing_for, shard_files, shards_written, write_shard
from tests.helpers import campaigns
from tests.helpers.errors import raises
from tests.helpers.faulty_proxy import Faults, faulty_proxy
from tests.helpers.logs.ingest_jobs import contents
from tests.helpers.object_store import ACCESS_KEY, SECRET_KEY, S3Server, make_bucket
from tests.helpers.object_store import environment as variables
from tests.helpers.paths import ROOT as HERE
from tests.helpers.stores.packed_stores import make_pair

pytestmark = pytest.mark.campaign

SHARD = 4 * 1024 * 12
SMALL: dict[str, Any] = {"window": 24, "stride": 2, "batch_size": 32, "pool_rows": 2048, "block_rows": 256}


@pytest.fixture(autouse=True)
def counted() -> Iterator[None]:
    yield
    campaigns.count("faults of an object store in the middle of a job")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def store(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    return make_pair(make_store, tmp_path_factory.mktemp("local"), "zstd")[0]


@pytest.fixture
def environment(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in variables(server.address).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def proxy(server: S3Server, environment: pytest.MonkeyPatch) -> Iterator[Faults]:
    with faulty_proxy(server.port) as (address, faults):
        environment.setenv("AWS_ENDPOINT_URL", address)
        environment.setattr(places, "BACKOFF", {**places.BACKOFF, "max_backoff": places.BACKOFF["init_backoff"]})
        yield faults


NUMBERS = count()


@pytest.fixture
def bucket(server: S3Server, environment: pytest.MonkeyPatch) -> str:
    """The URL of a new store in a new bucket."""
    name = f"plant-{next(NUMBERS)}"
    make_bucket(server.address, name)
    return f"s3://{name}/stores/plant.zarr"


def digest(batches: Any) -> str:
    found = hashlib.sha256()
    for batch in batches:
        found.update(batch.start.numpy().tobytes())
        found.update(batch.values.numpy().tobytes())
    return found.hexdigest()


def packed(store: SeriesStore, bucket: str) -> str:
    pack(store, bucket, codec="zstd", shard_bytes=SHARD)
    return bucket


def test_there_and_back(store: SeriesStore, bucket: str, tmp_path: Path) -> None:
    told = CliRunner().invoke(pipeline, ["pack", store.name, bucket, "--codec", "zstd"], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    left = Bucket(bucket).sizes("")
    assert ROOT in left
    assert not [name for name in left if name.startswith(".")]
    told = CliRunner().invoke(pipeline, ["unpack", bucket, str(tmp_path / "u.zarr")], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    assert contents(tmp_path / "u.zarr") == contents(store.path)
    for command in (["verify", bucket], ["inspect", bucket]):
        told = CliRunner().invoke(storage, command, catch_exceptions=False)
        assert told.exit_code == 0, told.output


@pytest.mark.parametrize("more", [{}, {"num_workers": 2}, {"cache_dir": "cache"}])
def test_batches_are_those_of_the_mapped_store(
    store: SeriesStore, bucket: str, tmp_path: Path, more: dict[str, Any]
) -> None:
    more = {name: tmp_path / value if name == "cache_dir" else value for name, value in more.items()}
    found = WindowLoader(packed(store, bucket), **SMALL, **more)
    expected = WindowLoader(store, **SMALL)
    for _ in range(2):
        assert digest(found) == digest(expected)


def test_an_epoch_with_faults(store: SeriesStore, bucket: str, proxy: Faults) -> None:
    """Requests that are refused, cut short or late are asked again: nothing is lost, nothing comes twice."""
    packed(store, bucket)
    proxy.unavailable = lambda number, request: number % 3 == 0
    proxy.cut = lambda number, request: number % 5 == 0 and request.startswith("GET")
    proxy.late = lambda number, request: 0.02
    assert digest(WindowLoader(bucket, **SMALL)) == digest(WindowLoader(store, **SMALL))
    assert len(proxy.requests) > 10


def test_answers_that_come_too_late(
    store: SeriesStore, bucket: str, proxy: Faults, environment: pytest.MonkeyPatch
) -> None:
    """They are not waited for: the same is asked again."""
    packed(store, bucket)
    environment.setattr(places, "TIMEOUT", timedelta(seconds=0.5))
    proxy.late = lambda number, request: 2.0 if number % 7 == 0 else 0.0
    started = time.monotonic()
    assert digest(WindowLoader(bucket, **SMALL)) == digest(WindowLoader(store, **SMALL))
    assert len(proxy.requests) > 7
    assert time.monotonic() - started < 60


def test_another_region(bucket: str, proxy: Faults) -> None:
    proxy.answer = 400, b"<Error><Code>AuthorizationHeaderMalformed</Code></Error>"  # as S3 says it
    with raises("place-unreachable", bucket, "HeaderMalformed", "AWS_REGION", kind=PlaceError):
        open_store(bucket)


def test_a_pack_with_faults(store: SeriesStore, bucket: str, proxy: Faults, tmp_path: Path) -> None:
    proxy.unavailable = lambda number, request: number % 3 == 0
    pack(store, bucket, codec="zstd", shard_bytes=SHARD)
    proxy.unavailable = lambda number, request: False
    unpack(open_store(bucket), tmp_path / "u.zarr")
    assert contents(tmp_path / "u.zarr") == contents(store.path)


def test_the_server_is_killed_in_the_middle_of_an_epoch(server: S3Server, store: SeriesStore, bucket: str) -> None:
    packed(store, bucket)
    loader = WindowLoader(bucket, **{**SMALL, "pool_rows": 512})

    def batches() -> Iterator[Any]:
        for number, batch in enumerate(loader):
            if number == 5:
                server.kill()
                starter.start()
            yield batch

    starter = threading.Timer(1.0, server.start)
    assert digest(batches()) == digest(WindowLoader(store, **{**SMALL, "pool_rows": 512}))
    starter.join()


PACK = """
import sys
from longstride.pipeline.packing.pack import pack
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore

print(pack(open_store(sys.argv[1]), sys.argv[2], codec="zstd", shard_bytes=12 * 1024).shards_reused)
"""


def start_pack(store: SeriesStore, bucket: str) -> "subprocess.Popen[str]":
    call = [sys.executable, "-c", PACK, store.name, bucket]
    return subprocess.Popen(call, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_server_is_killed_in_the_middle_of_a_pack(
    server: S3Server, store: SeriesStore, bucket: str, tmp_path: Path
) -> None:
    with start_pack(store, bucket) as job:
        place = Bucket(bucket)
        while not place.sizes("values"):
            assert job.poll() is None
            time.sleep(0.002)
        server.kill()
        time.sleep(0.5)
        server.start()
        _, complaint = job.communicate(timeout=120)
    assert job.returncode == 0, complaint
    unpack(open_store(bucket), tmp_path / "u.zarr")
    assert contents(tmp_path / "u.zarr") == contents(store.path)


def test_a_killed_pack_goes_on(store: SeriesStore, bucket: str, proxy: Faults, tmp_path: Path) -> None:
    proxy.late = lambda number, request: 0.05
    with start_pack(store, bucket) as job:
        place = Bucket(bucket)
        while not any(name.endswith(".json") for name in place.sizes(".staged")):
            assert job.poll() is None
            time.sleep(0.01)
        job.send_signal(signal.SIGKILL)
    with raises("store-missing", bucket):
        open_store(bucket)
    proxy.late = lambda number, request: 0.0
    with start_pack(store, bucket) as job:
        told, complaint = job.communicate(timeout=60)
    assert job.returncode == 0, complaint
    assert int(told) >= 1
    unpack(open_store(bucket), tmp_path / "u.zarr")
    assert contents(tmp_path / "u.zarr") == contents(store.path)


def test_damage_leaves_nothing_there(make_store: Callable[..., SeriesStore], bucket: str, tmp_path: Path) -> None:
    damaged = make_pair(make_store, tmp_path, "zstd")[0]
    path = damaged.path / "values/c.9.0"
    path.write_bytes(bytes(path.stat().st_size))
    Bucket(bucket).put("mine.txt", b"a file of others")
    with raises("store-damaged", damaged.name, "of values"):
        pack(damaged, bucket, codec="zstd", shard_bytes=SHARD)
    assert list(Bucket(bucket).sizes("")) == ["mine.txt"]


def test_two_jobs_do_not_mix(store: SeriesStore, bucket: str) -> None:
    Bucket(bucket).put(LOCK_FILE, b"another job")
    with raises("store-locked", bucket, kind=StoreLockedError):
        pack(store, bucket, codec="zstd")
    with raises("store-exists", bucket + "2"):
        pack(store, packed(store, bucket + "2"), codec="zstd")


def test_the_root_document_is_put_once(store: SeriesStore, bucket: str) -> None:
    place = Bucket(bucket)
    place.put_new("zarr.json", b"first")
    with pytest.raises(FileExistsError):
        place.put_new("zarr.json", b"second")
    assert place.get("zarr.json") == b"first"


def test_a_truncated_object(store: SeriesStore, bucket: str) -> None:
    place = Bucket(packed(store, bucket))
    data = place.get("values/c.1.0")
    place.put("values/c.1.0", data[: len(data) // 2])
    with raises("store-damaged", f"{bucket}/values/c.1.0", "ends before byte"):
        list(WindowLoader(bucket, **SMALL))


@pytest.mark.parametrize(
    ("variable", "value", "code", "fact"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "access-refused", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_ACCESS_KEY_ID", "nobody", "access-refused", "AWS_ACCESS_KEY_ID"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "place-unreachable", "AWS_ENDPOINT_URL"),
        (None, "s3://no-such-bucket/plant.zarr", "place-unreachable", "NoSuchBucket"),
    ],
)
def test_what_is_wrong_is_said(
    bucket: str, environment: pytest.MonkeyPatch, variable: str | None, value: str, code: str, fact: str
) -> None:
    environment.setattr(places, "MAX_RETRIES", 2)
    if variable:
        environment.setenv(variable, value)
    with raises(code, fact, kind=PlaceError):
        open_store(bucket if variable else value)


def test_without_obstore_it_is_said_what_to_install(bucket: str, environment: pytest.MonkeyPatch) -> None:
    environment.setitem(sys.modules, "obstore", None)
    with raises("package-missing", "pip install 'longstride[s3]'"):
        open_store(bucket)


def test_others_read_it_there(store: SeriesStore, bucket: str, server: S3Server) -> None:
    packed(store, bucket)
    keys = {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY, "region": "us-east-1"}
    objects = S3Store.from_url(bucket, endpoint=server.address, client_options={"allow_http": True}, **keys)
    # Not through s3fs: what zarr opens with it nobody can close, and it warns when it is collected.
    root = zarr.open_group(zarr.storage.ObjectStore(objects, read_only=True), mode="r")
    values = root["values"]
    assert isinstance(values, zarr.Array)
    np.testing.assert_array_equal(values[4000:4100], store.values[4000:4100])


def test_a_late_job_takes_nothing_from_the_store_of_another(store: SeriesStore, bucket: str) -> None:
    """It fails while the other, which has taken over its files, has made a store of them."""
    packing = packing_for(store, "zstd", SHARD)
    place = Bucket(bucket)
    with (
        raises("store-damaged", "late"),
        held(place, name_of(store, list(packing)), shard_files(store, packing)) as staged,
    ):
        write_shard(store, staged, packing, name_of(store, list(packing)), 0)
        packed(store, bucket)
        raise StoreError("late", code="store-damaged")
    assert not any(check.fault for check in check_store(open_store(bucket)))
    assert not [name for name in place.sizes("") if name.startswith(".")]


def test_a_late_job_that_has_lost_its_lock_removes_nothing(store: SeriesStore, bucket: str) -> None:
    packing = packing_for(store, "zstd", SHARD)
    place, job = Bucket(bucket), name_of(store, list(packing))
    with raises("store-damaged", "late"), held(place, job, shard_files(store, packing)) as staged:
        write_shard(store, staged, packing, job, 0)
        place.put(LOCK_FILE, f"{job} another".encode())  # which is still at work
        raise StoreError("late", code="store-damaged")
    assert shards_written(store, place, job).keys() == {0}


def test_files_of_others_stay_where_a_job_fails(store: SeriesStore, bucket: str) -> None:
    packing = packing_for(store, "zstd", SHARD)
    place, job = Bucket(bucket), name_of(store, list(packing))
    place.put("values/notes.txt", b"mine")
    with raises("store-damaged"), held(place, job, shard_files(store, packing)) as staged:
        write_shard(store, staged, packing, job, 0)
        raise StoreError("damaged", code="store-damaged")
    assert place.sizes("") == {"values/notes.txt": 4}


@pytest.mark.parametrize("codec", ["auto", "zstd"])
def test_a_job_that_was_killed_after_its_commit_is_done(store: SeriesStore, bucket: str, codec: str) -> None:
    place = Bucket(packed(store, bucket))
    place.put(LOCK_FILE, b"job token")
    place.put(f"{STAGED}/job/0.json", b"{}")
    done = pack(store, bucket, codec=codec, shard_bytes=SHARD)
    assert (done.num_shards, done.shards_reused, done.codec) == (3, 3, "zstd")
    assert not [name for name in place.sizes("") if name.startswith(".")]
    with raises("store-exists", bucket):
        pack(store, bucket, codec=codec)


def test_a_store_that_is_made_again_under_a_reader(
    store: SeriesStore, bucket: str, make_store: Callable[..., SeriesStore], tmp_path: Path
) -> None:
    """Its shards have the same sizes: only their versions, and the identity of the store, tell."""
    makes = [np.random.default_rng(seed).standard_normal((4096, 3), np.float32) for seed in (1, 2)]
    first, second = (make_store(tmp_path / f"{n}.zarr", values, chunk_rows=1024) for n, values in enumerate(makes))
    pack(first, bucket, codec="blosc-lz4", shard_bytes=1024 * 12)
    reader = open_store(bucket)
    reader.values[0:10]
    place = Bucket(bucket)
    place.remove(list(place.sizes("")))
    pack(second, bucket, codec="blosc-lz4", shard_bytes=1024 * 12)
    for rows in (slice(100, 110), slice(1024, 1030)):
        with raises("store-changed", bucket):
            reader.values[rows]
    assert open_store(bucket).values[100:110].tobytes() == second.values[100:110].tobytes()
