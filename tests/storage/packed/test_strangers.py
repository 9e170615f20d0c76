"""Chunks from strangers, with checksums that are right: no decoder ends the process, or asks for much memory."""

import subprocess
import sys

import google_crc32c
import numpy as np
import pytest

from longstride.storage.errors import StoreError
from longstride.storage.packed.codecs import CODECS
from tests.helpers.campaigns import count, trials
from tests.helpers.errors import raises

FUZZ = """
import random, resource, sys
import google_crc32c, numpy as np
from longstride.storage.packed.codecs import CODECS

codec = CODECS[sys.argv[1]]
draw = random.Random(sys.argv[2])
rows = np.cumsum(np.random.default_rng(0).standard_normal((256, 5)), axis=0).round(3).astype(sys.argv[4])
whole = codec.encode(rows)[:-4]
codec.decode(codec.encode(rows), rows.copy())
resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30,) * 2)
for _ in range(int(sys.argv[3])):
    data = bytearray(whole)
    for _ in range(draw.choice([1, 1, 2, 4, 16])):
        at = draw.choice([draw.randrange(min(64, len(data))), draw.randrange(len(data))])
        data[at] = draw.choice([0, 255, 127, 128, draw.randrange(256), data[at] ^ (1 << draw.randrange(8))])
    if draw.random() < 0.2:
        data = data[: draw.randrange(len(data))]
        if codec.name.startswith("blosc") and len(data) >= 16:
            data[12:16] = len(data).to_bytes(4, "little")
    sealed = bytes(data) + google_crc32c.value(bytes(data)).to_bytes(4, "little")
    try:
        codec.decode(sealed, np.empty_like(rows))
    except (ValueError, RuntimeError):
        pass
"""


@pytest.mark.campaign
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("codec", CODECS)
def test_a_decoder_survives(codec: str, dtype: str) -> None:
    number = trials(1500, 100_000)
    command = [sys.executable, "-c", FUZZ, codec, "1", f"{number}", dtype]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    count("crafted chunks of packed stores", number)


def sealed(data: bytes) -> bytes:
    return data + google_crc32c.value(data).to_bytes(4, "little")


@pytest.mark.parametrize("codec", CODECS)
def test_the_header_has_to_fit(codec: str) -> None:
    """Too many bytes told, too few, another type, and more after the end."""
    rows = np.zeros((64, 3), np.float32)
    wider, narrower, as_float64 = (
        CODECS[codec].encode(other)
        for other in (np.zeros((64, 4), np.float32), np.zeros((64, 2), np.float32), rows.astype(np.float64))
    )
    longer = sealed(CODECS[codec].encode(rows)[:-4] + b"more")
    for data in (wider, narrower, as_float64, longer, sealed(b""), sealed(b"\0" * 40), b"", b"abc"):
        if codec == "pcodec" and data is longer:
            continue  # what comes after the end of its numbers is not looked at
        with pytest.raises((StoreError, RuntimeError)):  # the latter of a frame that knows where it ends
            CODECS[codec].decode(data, rows)


def test_a_chunk_of_pcodec_that_tells_of_more() -> None:
    """16 million numbers to come, where there are bytes of a few, take no memory for them."""
    rows = np.cumsum(np.ones((2048, 3), np.float32), axis=0)
    data = bytearray(CODECS["pcodec"].encode(rows)[:-4])
    told = (len(rows) - 1).to_bytes(3, "little")
    assert data.count(told) == 3
    crafted = bytes(data.replace(told, b"\xff\xff\xff"))
    script = (
        "import resource, sys, numpy as np\n"
        "from longstride.storage.packed.codecs import CODECS\n"
        "data, out = sys.stdin.buffer.read(), np.empty((2048, 3), np.float32)\n"
        "CODECS['pcodec'].decode(CODECS['pcodec'].encode(out), out)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**25,) * 2)\n"
        "try:\n"
        "    CODECS['pcodec'].decode(data, out)\n"
        "except (RuntimeError, ValueError) as error:\n"
        "    print('refused:', error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=sealed(crafted), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.startswith(b"refused:")


def test_memory_is_that_of_the_chunk() -> None:
    """Whatever size a frame tells of."""
    for codec, offset in (("blosc-lz4", 4), ("blosc-zstd", 4)):
        data = bytearray(CODECS[codec].encode(np.zeros((64, 3), np.float32))[:-4])
        data[offset : offset + 4] = (2**31 - 1).to_bytes(4, "little")
        with raises("store-damaged", "2,147,483,647"):
            CODECS[codec].decode(sealed(bytes(data)), np.zeros((64, 3), np.float32))
