"""Compressed logs of one member or several: the whole text comes out, or an error that says where it ends."""

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from numcodecs import Zstd

from longstride import Recipe, SourceError, ingest
from longstride.pipeline.ingest.sources.compressed import CompressedStream, DamagedError, is_compressed, kind_of
from tests.helpers.campaigns import count, trials
from tests.helpers.errors import raises
from tests.helpers.logs.log_lines import log_lines

TEXT = "".join(f"{line}\n" for line in log_lines(60)).encode()
SKIPPABLE = b"\x53\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"ignored"


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


def zstd_with_checksums(data: bytes) -> bytes:
    """As the command `zstd` writes it."""
    return bytes(Zstd(checksum=True).encode(data))


def unchecked_xz(data: bytes) -> bytes:
    return lzma.compress(data, check=lzma.CHECK_NONE)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
    "zst with checksums": zstd_with_checksums,
}
CHECKED = [name for name in COMPRESS if name != "zst"]


@pytest.fixture(params=["ISA-L", "zlib"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gzip is decompressed by: zlib where there is no wheel of ISA-L."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)


def text_of(data: bytes, size: int = 100) -> bytes:
    kind = kind_of(data[:8])
    assert kind is not None
    stream = CompressedStream(io.BytesIO(data), kind)
    return b"".join(map(bytes, iter(lambda: bytes(stream.read(size)), b"")))


def damage_of(data: bytes) -> str:
    with pytest.raises(DamagedError) as caught:
        text_of(data)
    return str(caught.value)


def members(name: str, count: int = 3) -> list[bytes]:
    """The text in members."""
    share = len(TEXT) // count
    cuts = [*range(0, share * count, share), len(TEXT)]
    return [COMPRESS[name](TEXT[start:stop]) for start, stop in pairwise(cuts)]


@pytest.mark.parametrize("name", COMPRESS)
@pytest.mark.parametrize("count", [1, 2, 7, 50])
def test_all_members_come_out(name: str, count: int) -> None:
    for size in (1, 1000, 10**6):
        assert text_of(b"".join(members(name, count)), size) == TEXT


@pytest.mark.parametrize("name", COMPRESS)
def test_members_of_nothing(name: str) -> None:
    empty = COMPRESS[name](b"")
    assert text_of(empty + empty) == b""
    assert text_of(empty + COMPRESS[name](TEXT) + empty) == TEXT


PADDED = {
    "gz and zeros": lambda: COMPRESS["gz"](TEXT) + bytes(513),
    "gz, zeros between": lambda: bytes(5).join(members("gz")),
    "xz and zeros": lambda: COMPRESS["xz"](TEXT) + bytes(8),
    "xz, zeros between": lambda: bytes(4).join(members("xz")),
    "zst, a frame to skip first": lambda: SKIPPABLE + COMPRESS["zst"](TEXT),
    "zst, frames to skip between": lambda: SKIPPABLE.join([b"", *members("zst"), b""]),
}


@pytest.mark.parametrize("padded", PADDED)
def test_what_a_format_allows_between_members(padded: str) -> None:
    assert text_of(PADDED[padded]()) == TEXT


@pytest.mark.parametrize("name", COMPRESS)
@pytest.mark.parametrize("behind", [b"x", b"\0\0\0\0x", b"# the end of the log\n", bytes(5)])
def test_what_is_behind_the_members_and_is_none_is_an_error(name: str, behind: bytes) -> None:
    if name == "gz" and not behind.strip(b"\0"):
        return  # gzip allows any number of zeros
    data = COMPRESS[name](TEXT)
    found = damage_of(data + behind)
    zeros = len(behind) - len(behind.lstrip(b"\0")) if name in ("gz", "xz") and behind.strip(b"\0") else 0
    if not name.startswith("zst") and not (name == "xz" and behind == bytes(5)):
        assert f"{len(data) + zeros:,}" in found


@pytest.mark.parametrize("name", COMPRESS)
@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_a_damaged_member_is_an_error_wherever_it_is(name: str, damaged: int) -> None:
    """In its first bytes, Python's own readers take the ones behind it for something that is not meant."""
    parts = members(name)
    begin = sum(map(len, parts[:damaged]))
    last = len(parts[damaged]) - 3
    for place in (0, 1, 6, last):
        if (damaged == 0 and place < 6) or (name == "zst" and place == last):
            continue  # then it is not known to be compressed, or has no checksum
        broken = bytearray(parts[damaged])
        broken[place] ^= 0xFF
        data = b"".join([*parts[:damaged], bytes(broken), *parts[damaged + 1 :]])
        if (name, place) == ("gz", 6):
            assert text_of(data) == TEXT  # a time that nobody needs
        else:
            assert name.startswith("zst") or f"{begin:,}" in damage_of(data)


@pytest.mark.parametrize("name", COMPRESS)
def test_a_log_that_is_cut_anywhere_is_an_error(name: str) -> None:
    parts = members(name)
    ends = {0, len(parts[0]), len(parts[0]) + len(parts[1])}
    data = b"".join(parts)
    for stop in range(8, len(data)):
        if stop not in ends:
            with pytest.raises(DamagedError):
                text_of(data[:stop])


@pytest.mark.campaign
@pytest.mark.parametrize("name", CHECKED)
def test_no_flipped_bit_changes_the_text(name: str) -> None:
    data = b"".join(members(name, 2))
    first = len(members(name, 2)[0])
    random = Random(name)
    drawn = random.sample(range(len(data)), min(len(data), trials(300, 5000)))
    places = {*range(first + 16), *range(len(data) - 16, len(data)), *drawn}
    silent = 0
    for place in sorted(places):
        broken = bytearray(data)
        broken[place] ^= 1 << random.randrange(8)
        if not is_compressed(bytes(broken[:8])):
            continue  # then it is read as it is, and has no header
        try:
            assert text_of(bytes(broken), 10**6) == TEXT, place
            silent += 1
        except DamagedError:
            pass
    count("flipped bits in compressed sources", len(places))
    assert silent <= trials(40, 80)  # bytes that say when and where a member was made


@pytest.mark.parametrize("compress", [zstd, unchecked_xz])
def test_members_without_a_checksum_are_whole_in_length(compress: Callable[[bytes], bytes]) -> None:
    """Nothing can be said of a flipped bit: docs/ingest.md says so."""
    data = compress(TEXT)
    for stop in range(8, len(data)):
        with pytest.raises(DamagedError):
            text_of(data[:stop])


@pytest.mark.parametrize("name", [name for name in COMPRESS if name != "zst with checksums"])
def test_an_ingest_says_the_file_and_the_byte(tmp_path: Path, name: str) -> None:
    parts = members(name)
    for number, log in enumerate((parts[0] + parts[1][:-20], parts[0] + b"?" + parts[1])):
        path = tmp_path / f"{number}.log"
        path.write_bytes(log)
        with raises("source-damaged", f"{path}: ", "byte ", kind=SourceError):
            ingest([path], tmp_path / "out", Recipe(time="time", labels=("fault",)))
        assert not (tmp_path / "out").exists()


def test_a_large_text_comes_in_small_pieces() -> None:
    """A member of zeros is a thousandth of its text: what is held does not grow with it."""
    kinds = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    for kind, compress in kinds.items():
        stream = CompressedStream(io.BytesIO(compress(bytes(2**24)) * 2), kind)
        sizes = [len(data) for data in iter(lambda stream=stream: stream.read(2**24), b"")]
        assert sum(sizes) == 2**25
        assert max(sizes) <= 2**20
