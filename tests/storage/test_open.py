"""Root documents from strangers: whatever they say, a store is refused in one line, and nothing else happens."""

import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride.pipeline.packing.pack import pack, unpack
from longstride.storage.format import ROOT
from longstride.storage.open import open_store
from longstride.storage.places.object_answers import PlaceError
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_store
from tests.helpers.campaigns import count
from tests.helpers.errors import assert_refused, raises
from tests.helpers.stores.forged import Attributes, rewrite

pytestmark = pytest.mark.campaign

ROWS = 3 * 1024 + 5
GIGABYTES = 2


@pytest.fixture
def mapped(make_store: Callable[..., SeriesStore], tmp_path: Path) -> Path:
    labels = np.ones((ROWS, 1), np.int8)
    return make_store(tmp_path / "plant.zarr", rows=ROWS, channels=3, labels=labels, chunk_rows=1024).path


@pytest.fixture
def packed(mapped: Path, tmp_path: Path) -> Path:
    pack(mapped, tmp_path / "packed.zarr", codec="zstd", shard_bytes=2 * 1024 * 12)
    return tmp_path / "packed.zarr"


def rename_checksum(new: str) -> Callable[[Attributes], object]:
    return lambda held: held["checksums_crc32c"].update({new: held["checksums_crc32c"].pop("channel/c/0")})


def put(name: str, value: Any) -> Callable[[Attributes], object]:
    return lambda held: held.update({name: value})


def put_packed(name: str, value: Any) -> Callable[[Attributes], object]:
    return lambda held: held["packed"].update({name: value})


CHANGES = [
    *map(
        rename_checksum, ["../tqdm.py", "/tmp/x", "values/../../x", "commits/1/block_mean/../x", "channel/c/1", ""]
    ),
    lambda held: held["checksums_crc32c"].update({"extra/c/0": [1]}),
    lambda held: held["checksums_crc32c"].pop("values"),
    lambda held: held["checksums_crc32c"]["values"].append(7),
    lambda held: held["checksums_crc32c"]["time"].__setitem__(0, -1),
    lambda held: held["checksums_crc32c"]["time"].__setitem__(0, True),
    lambda held: held["checksums_crc32c"].update(values={"0": 1}),
    lambda held: held["checksums_crc32c"].pop("commits/1/segment_stop/c/0"),
    put("checksums_crc32c", []),
    *(put("num_rows", rows) for rows in (10**12, 0, -5, 1.5, "7", None, True, 2**70)),
    *(put("chunk_rows", rows) for rows in (2**62, 0, -1, 1.5, None)),
    *(put("generation", number) for number in ("../../x", "1/../../x", -1, 0, 1.5)),
    *(put("cadence_ns", time) for time in ("1", -1, 2**80)),
    *(put("channels", names) for names in ([], ["a"], ["a", "a", "b"], ["a", "b", 3], "abc", None, {"a": 1})),
    *(put("dtype", name) for name in ("object", "float16", "<f4", None, ["float32"])),
    *(put("units", units) for units in ([1, 2, 3], ["bar"], "abc", None)),
    *(put("labels", names) for names in ([1], "x", None)),
    *(put("series", names) for names in ([], [1], "x", None)),
    *(put("series_end_ns", ends) for ends in ([1, 2, 3], ["x"], [2**70], 5)),
    *(put("sources", held) for held in ({}, ["x"], "x", None)),
    *(put("documents_crc32c", held) for held in ([], {}, "x", {"../x/zarr.json": 1}, {"values/zarr.json": "1"})),
    lambda held: held["documents_crc32c"].update({"../../x/zarr.json": 1}),
    lambda held: held["documents_crc32c"].update({"values/zarr.json": -1}),
    *(put("identity", held) for held in (1, None, ["x"])),
    *(put("recipe", held) for held in ([], "x", None)),
    *(put("channels", ["a", "b", text]) for text in ("\ud800", "c\udfff")),
    put("units", [None, "bar", "\ud800"]),
    put("labels", ["\ud800"]),
    put("series", ["\ud800"]),
    *(put("recipe", {"time": held}) for held in ("\ud800", [{"deep": float("nan")}], float("inf"), -float("inf"))),
    *(put("sources", [held]) for held in ({"\ud800": 1}, {"name": "\ud800"}, {"bytes": float("nan")})),
    put("another", {"of": ["a", {"newer": float("nan")}]}),
]
PACKED_CHANGES = [
    put("packed", []),
    *(put_packed("codec", name) for name in (None, 5, ["zstd"], {})),
    *(
        put_packed(rows, number)
        for rows in ("shard_rows", "chunk_rows")
        for number in (0, -1, 3, 2**63, "8", None)
    ),
    *(put_packed("shard_bytes", sizes) for sizes in ([], {}, {"values": []}, None)),
    lambda held: held["packed"]["shard_bytes"].update(values=[1]),
    lambda held: held["packed"]["shard_bytes"]["values"].__setitem__(0, 2**62),
    lambda held: held["packed"]["shard_bytes"]["values"].__setitem__(0, -1),
]


@pytest.mark.parametrize("change", CHANGES)
def test_attributes_that_contradict_each_other_are_refused(
    mapped: Path, change: Callable[[Attributes], Any]
) -> None:
    rewrite(mapped, change)
    with raises("store-damaged", mapped):
        open_store(mapped)
    count("crafted documents of stores")


@pytest.mark.parametrize("change", PACKED_CHANGES)
def test_so_are_those_of_a_packed_store(packed: Path, change: Callable[[Attributes], Any]) -> None:
    rewrite(packed, change)
    with raises("store-damaged", packed):
        open_store(packed)
    count("crafted documents of stores")


def with_long_chunks(held: Attributes) -> None:
    """One chunk of 2^27 rows, of which a few are there."""
    held["chunk_rows"] = 2**27
    for name in ("time", "values", "labels"):
        held["checksums_crc32c"][name] = held["checksums_crc32c"][name][:1]


def test_chunks_are_no_longer_than_a_store_of_ours_has_them(mapped: Path) -> None:
    """A few kilobytes of zeros, compressed, would be a chunk of gigabytes."""
    rewrite(mapped, with_long_chunks)
    with raises("store-damaged", mapped, f"chunk_rows is {2**27}"):
        open_store(mapped)


def test_so_are_chunks_of_many_labels(packed: Path) -> None:
    def change(held: Attributes) -> None:
        rows = held["chunk_rows"] = 2**19  # as for 3 channels, but decoded as a whole
        held["labels"] = [f"label {number}" for number in range(200)]
        held["packed"] |= {"chunk_rows": rows, "shard_rows": rows}
        for name in ("time", "values", "labels"):
            held["checksums_crc32c"][name] = held["checksums_crc32c"][name][:1]
            held["packed"]["shard_bytes"][name] = held["packed"]["shard_bytes"][name][:1]

    rewrite(packed, change)
    with raises("store-damaged", packed, f"packed chunk_rows is {2**19}"):
        open_store(packed)
    rewrite(packed, put_packed("chunk_rows", 2**18))
    assert open_store(packed).chunk_rows == 2**19


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"null", b"[]", b"7"])
def test_a_document_that_is_none(mapped: Path, data: bytes) -> None:
    (mapped / ROOT).write_bytes(data)
    with pytest.raises(Exception, match=str(mapped)) as found:
        open_store(mapped)
    assert found.value.code in ("store-damaged", "store-missing")  # type: ignore[attr-defined]


def test_a_copy_writes_the_files_of_the_format_alone(packed: Path, tmp_path: Path) -> None:
    """Whatever members the root document tells other tools of."""
    document = json.loads((packed / ROOT).read_bytes())
    members = document["consolidated_metadata"]["metadata"]
    members["../../outside"] = members[str(tmp_path / "outside")] = members["values"]
    (packed / ROOT).write_text(json.dumps(document))
    before = set(tmp_path.iterdir())
    unpack(packed, tmp_path / "again.zarr")
    pack(packed, tmp_path / "repacked.zarr", codec="pcodec")
    assert set(tmp_path.iterdir()) - before == {tmp_path / "again.zarr", tmp_path / "repacked.zarr"}
    names = {file.relative_to(tmp_path / "again.zarr").parts[0] for file in (tmp_path / "again.zarr").rglob("*")}
    assert names == {"values", "time", "labels", "channel", "label", "commits", ROOT}


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, chdir(path.parent):  # such a path must be short
        server.bind(path.name)


@pytest.mark.parametrize(
    "make",
    [
        fifo,
        listen,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: path.symlink_to(path),
        Path.mkdir,
    ],
)
@pytest.mark.parametrize(
    "name", ["values/c.1.0", "commits/1/segment_start/c/0", "labels/c.0.0", "time/zarr.json", ROOT]
)
def test_what_is_not_a_file_is_not_read(mapped: Path, name: str, make: Callable[[Path], object]) -> None:
    (mapped / name).unlink()
    make(mapped / name)
    if name == ROOT:
        with raises("not-a-file", mapped / name, kind=PlaceError):
            open_store(mapped)
        return
    checks = list(check_store(open_store(mapped)))
    (fault,) = [check for check in checks if check.fault]
    assert (fault.name, fault.num_bytes) == (str(mapped / name), 0)
    assert fault.fault is not None
    assert "put the file itself there" in fault.fault


@pytest.mark.parametrize("folder", ["values", "commits", "commits/1/segment_start"])
def test_a_folder_that_leads_elsewhere_is_not_read(mapped: Path, folder: str, tmp_path: Path) -> None:
    (mapped / folder).rename(tmp_path / "elsewhere")
    (mapped / folder).symlink_to(tmp_path / "elsewhere")
    checks = list(check_store(open_store(mapped)))
    assert all(str(tmp_path / "elsewhere") in check.fault for check in checks if check.fault)
    assert {check.fault is None for check in checks if f"/{folder}/" in check.name} == {False}
    with raises("not-a-file", mapped / folder, kind=PlaceError):
        store = open_store(mapped)
        assert store.values is None or store.segments is None


def test_a_store_may_be_a_link_itself(mapped: Path, tmp_path: Path) -> None:
    (tmp_path / "link.zarr").symlink_to(mapped)
    store = open_store(tmp_path / "link.zarr")
    assert store.values.shape == (ROWS, 3)
    assert not any(check.fault for check in check_store(store))


def test_a_crafted_store_takes_neither_memory_nor_time(packed: Path) -> None:
    """In two gigabytes of address space, each command ends with one line."""

    def shrink() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES * 2**30,) * 2)

    rewrite(packed, put("num_rows", 10**12))
    for command in ("inspect", "verify", "unpack"):
        arguments = [command, str(packed), *([str(packed.parent / "out.zarr")] if command == "unpack" else [])]
        done = subprocess.run(
            [sys.executable, "-m", "longstride", *arguments],
            capture_output=True,
            text=True,
            preexec_fn=shrink,
            timeout=60,
        )
        assert done.returncode == 1
        assert_refused(done.stderr, "store-damaged", packed)
