"""What a compressed chunk says of itself, compared with what is there before it is decoded.

The decoders of Blosc and Zstandard believe the header of a chunk. A chunk may come from a stranger, and a wrong
number in its header would make them read or write outside their buffers, or ask for any amount of memory.
Formats: https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst and RFC 8878, section 3.1.1.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError

__all__ = ["check_blosc", "check_zstd"]

BLOSC_HEADER = struct.Struct("<BBBBIII")
BLOSC_VERSION = 2
BLOSC_FORMATS = {"lz4": 1, "zstd": 4}
ZSTD_HEADER_BYTES = 18
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_ID_BYTES = (0, 1, 2, 4)
ZSTD_SIZE_BYTES = (0, 2, 4, 8)


def check_blosc(data: NDArray[np.uint8], compressor: str, num_bytes: int) -> None:
    """Raise StoreError unless `data` is one Blosc chunk of `num_bytes` bytes, by this compressor, and no more."""
    if len(data) < BLOSC_HEADER.size:
        raise _wrong(f"it has {len(data)} bytes, fewer than the header of a Blosc chunk")
    version, _, flags, _, found, block, compressed = BLOSC_HEADER.unpack(data[: BLOSC_HEADER.size].tobytes())
    if version != BLOSC_VERSION or flags >> 5 != BLOSC_FORMATS[compressor]:
        raise _wrong(f"it is not a Blosc chunk by {compressor}")
    if (found, compressed) != (num_bytes, len(data)) or not 0 < block <= num_bytes:
        raise _wrong(
            f"its header tells of {found:,} bytes in {compressed:,}, in blocks of {block:,}; "
            f"expected {num_bytes:,} in {len(data):,}"
        )


def check_zstd(data: NDArray[np.uint8], num_bytes: int) -> None:
    """Raise StoreError unless `data` begins with a Zstandard frame of `num_bytes` bytes."""
    header = data[:ZSTD_HEADER_BYTES].tobytes()
    if len(header) < 6 or not header.startswith(ZSTD_MAGIC):
        raise _wrong("it is not a Zstandard frame")
    descriptor = header[4]
    is_single = bool(descriptor & 0x20)
    start = 5 + (not is_single) + ZSTD_ID_BYTES[descriptor & 3]
    width = ZSTD_SIZE_BYTES[descriptor >> 6] or int(is_single)
    field = header[start : start + width]
    if not width or len(field) < width:
        raise _wrong("its header does not tell its size")
    found = int.from_bytes(field, "little") + (256 if width == 2 else 0)
    if found != num_bytes:
        raise _wrong(f"its header tells of {found:,} bytes, expected {num_bytes:,}")


def _wrong(found: str) -> StoreError:
    return StoreError(f"a chunk is not what its array expects: {found}", code="store-damaged")
