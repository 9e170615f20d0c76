"""A shard: the encoded chunks of many rows in one file, and an index of where each lies, as in Zarr's sharding.

The file holds the chunks one after the other, then for each its offset and length (little-endian uint64, all ones
where there is none), then the CRC-32C of that index.
"""

from typing import Any, NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError
from longstride.storage.packed.codec import Codec
from longstride.storage.packed.codecs import DEFAULT_CODEC, codec_of

__all__ = ["INDEX_ENTRY_BYTES", "Packing", "encode_shard", "index_bytes", "read_index"]

INDEX_ENTRY_BYTES = 16
CRC_BYTES = 4
NO_CHUNK = 2**64 - 1


class Packing(NamedTuple):
    """How the rows of a packed store are cut up; the same for all its row arrays."""

    codec: str
    """Codec of `values`, and where it packs times, of `time`; anything else has the default one."""
    shard_rows: int
    """Rows of one file."""
    chunk_rows: int
    """Rows that are decoded at a time."""

    @property
    def shard_chunks(self) -> int:
        """Chunks of one file."""
        return self.shard_rows // self.chunk_rows

    def codec_for(self, array: str) -> Codec:
        """The codec of `values`, `time` or `labels`. Raises StoreError where this version does not know it."""
        codec = codec_of(self.codec)
        return codec if array == "values" or (array == "time" and codec.packs_times) else codec_of(DEFAULT_CODEC)


def index_bytes(num_chunks: int) -> int:
    """Bytes of the index at the end of a shard."""
    return num_chunks * INDEX_ENTRY_BYTES + CRC_BYTES


def encode_shard(rows: NDArray[Any], codec: Codec, *, chunk_rows: int, num_chunks: int, fill: float) -> bytes:
    """Encode rows (rows, ...), at most `num_chunks` times `chunk_rows`; the last chunk is padded with `fill`."""
    parts = []
    index = np.full((num_chunks, 2), NO_CHUNK, "<u8")
    offset = 0
    for number, row in enumerate(range(0, len(rows), chunk_rows)):
        chunk = rows[row : row + chunk_rows]
        if len(chunk) < chunk_rows:
            whole = np.full((chunk_rows, *rows.shape[1:]), fill, rows.dtype)
            whole[: len(chunk)] = chunk
            chunk = whole
        parts.append(codec.encode(chunk))
        index[number] = offset, len(parts[-1])
        offset += len(parts[-1])
    listed = index.tobytes()
    return b"".join([*parts, listed, google_crc32c.value(listed).to_bytes(CRC_BYTES, "little")])


def read_index(data: bytes, num_chunks: int, num_bytes: int) -> NDArray[np.uint64]:
    """Offset and length of each chunk (chunks, 2), from the end of a shard.

    Raises StoreError if it is damaged, or does not tell of `num_chunks` chunks, one after the other, within the
    `num_bytes` bytes before it.
    """
    listed, checksum = data[:-CRC_BYTES], data[-CRC_BYTES:]
    if google_crc32c.value(listed).to_bytes(CRC_BYTES, "little") != checksum:
        raise StoreError("the checksum of its index is wrong", code="store-damaged")
    index = np.frombuffer(listed, "<u8").reshape(-1, 2)[:num_chunks]
    ends = index.sum(axis=1)
    follow = np.array_equal(index[1:, 0], ends[:-1])
    if index.max() > num_bytes or not follow or ends[-1] > num_bytes:
        raise StoreError("its index does not name its chunks one after the other", code="store-damaged")
    return index
