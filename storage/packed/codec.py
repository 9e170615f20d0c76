"""What a codec of the packed layout is: it makes the bytes of a chunk, and rows of these."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError

__all__ = ["Codec"]

CRC_BYTES = 4
CHUNK_BYTES = 128 * 2**10
"""Bytes of values decoded at a time: little compared with a block of windows, and enough to compress well."""


@dataclass(frozen=True)
class Codec(ABC):
    """Bytes of a chunk: its rows, compressed, and a CRC-32C of that."""

    name: str
    packs_times: ClassVar[bool] = False
    """Whether the times of a store whose values it packs are packed by it as well."""

    def encode(self, rows: NDArray[Any]) -> bytes:
        """Code rows (rows, ...) of one chunk."""
        small = self.compress(rows)
        return b"".join([small, _crc(small)])

    def decode(
        self, data: bytes | memoryview, out: NDArray[Any], num_rows: int | None = None, skip: int = 0
    ) -> None:
        """Fill `out` (rows, ...), contiguous, with rows of one chunk of `num_rows`, after the first `skip`.

        By default `out` is the whole chunk. Raises StoreError or RuntimeError for damaged bytes.
        """
        small, checksum = np.frombuffer(data, np.uint8)[:-CRC_BYTES], data[-CRC_BYTES:]
        if _crc(small) != bytes(checksum):
            raise StoreError("the checksum of a chunk is wrong", code="store-damaged")
        self.decompress(small, out, len(out) if num_rows is None else num_rows, skip)

    def chunk_rows(self, row_bytes: int) -> int:
        """How many rows of so many bytes are best coded together."""
        return CHUNK_BYTES // row_bytes

    @abstractmethod
    def compress(self, rows: NDArray[Any]) -> bytes:
        """Code rows, without the checksum."""

    @abstractmethod
    def decompress(self, data: NDArray[np.uint8], out: NDArray[Any], num_rows: int, skip: int) -> None:
        """As `decode`, without the checksum."""

    @abstractmethod
    def as_zarr(self, dtype: np.dtype[Any], chunk_shape: tuple[int, ...]) -> list[dict[str, Any]]:
        """Codecs of a chunk, as the metadata of a Zarr array names them."""


def _crc(data: Any) -> bytes:
    checksum: int = google_crc32c.value(data)
    return checksum.to_bytes(CRC_BYTES, "little")
