"""How chunks of a packed store are compressed, by the names that users know."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError
from longstride.storage.packages import needs
from longstride.storage.packed.delta import DELTA, coded_bytes, decode_deltas, encode_deltas
from longstride.storage.packed.frames import check_blosc, check_zstd

__all__ = ["CODECS", "DEFAULT_CODEC", "Codec", "codec_of"]

CRC_BYTES = 4


@dataclass(frozen=True)
class Codec:
    """Bytes of a chunk: its rows in order or as deltas, compressed, and a CRC-32C of that."""

    name: str
    compressor: str
    """As numcodecs names it: zstd, or blosc."""
    settings: tuple[tuple[str, Any], ...]
    with_deltas: bool = False
    """Only Longstride can read it, and Zarr for Python where Longstride is installed."""

    def encode(self, rows: NDArray[Any]) -> bytes:
        """Code rows (rows, ...) of one chunk."""
        data = encode_deltas(rows) if self._takes_deltas(rows.dtype) else np.ascontiguousarray(rows)
        small = self._codec(rows.dtype).encode(data)
        return b"".join([small, _crc(small)])

    def decode(self, data: bytes | memoryview, out: NDArray[Any]) -> None:
        """Fill `out` (rows, ...), contiguous, with the rows of one chunk. Raises StoreError for damaged bytes."""
        small, checksum = np.frombuffer(data, np.uint8)[:-CRC_BYTES], data[-CRC_BYTES:]
        if _crc(small) != bytes(checksum):
            raise StoreError("the checksum of a chunk is wrong", code="store-damaged")
        if self._takes_deltas(out.dtype):
            coded = np.empty(coded_bytes(out.shape, out.dtype), np.uint8)
            self._decompress(small, coded)
            out[:] = decode_deltas(coded, out.dtype, out.shape[1])
        else:
            self._decompress(small, out)

    def _decompress(self, data: NDArray[np.uint8], out: NDArray[Any]) -> None:
        if self.compressor == "blosc":
            check_blosc(data, dict(self.settings)["cname"], out.nbytes)
        else:
            check_zstd(data, out.nbytes)
        self._codec(out.dtype).decode(data, out)

    def as_zarr(self, dtype: np.dtype[Any]) -> list[dict[str, Any]]:
        """Codecs of a chunk, as the metadata of a Zarr array names them."""
        first: dict[str, Any] = {"name": "bytes"}
        if dtype.itemsize > 1:
            first["configuration"] = {"endian": "little"}
        if self._takes_deltas(dtype):
            first = {"name": DELTA, "configuration": {}}
        settings = dict(self.settings)
        if self.compressor == "blosc":
            settings |= {"shuffle": "bitshuffle", "typesize": dtype.itemsize, "blocksize": 0}
        else:
            settings |= {"checksum": False}
        return [first, {"name": self.compressor, "configuration": settings}, {"name": "crc32c"}]

    def _takes_deltas(self, dtype: np.dtype[Any]) -> bool:
        return self.with_deltas and dtype.kind == "f"

    def _codec(self, dtype: np.dtype[Any]) -> Any:
        return _compressor(self.compressor, self.settings, dtype.itemsize)


@cache
def _compressor(name: str, settings: tuple[tuple[str, Any], ...], itemsize: int) -> Any:
    # Imported here: reading the mapped layout needs no compressor.
    if name == "zstd":
        return needs("numcodecs.zstd").Zstd(**dict(settings))
    blosc = needs("numcodecs.blosc")
    return blosc.Blosc(**dict(settings), shuffle=blosc.BITSHUFFLE, typesize=itemsize)


def _crc(data: Any) -> bytes:
    checksum: int = google_crc32c.value(data)
    return checksum.to_bytes(CRC_BYTES, "little")


def _blosc_codec(name: str, compressor: str, level: int, with_deltas: bool = False) -> Codec:
    return Codec(name, "blosc", (("cname", compressor), ("clevel", level)), with_deltas)


CODECS = {
    codec.name: codec
    for codec in (
        _blosc_codec("blosc-zstd", "zstd", 5),
        _blosc_codec("blosc-lz4", "lz4", 5),
        Codec("zstd", "zstd", (("level", 3),)),
        _blosc_codec("delta", "zstd", 5, with_deltas=True),
    )
}
"""By name, the default first."""
DEFAULT_CODEC = next(iter(CODECS))


def codec_of(name: str) -> Codec:
    """The codec of a name. Raises StoreError for an unknown one."""
    if name not in CODECS:
        raise StoreError(
            f"codec {name!r} is not known: expected {', '.join(CODECS)}; or use a newer version",
            code="codec-unknown",
        )
    return CODECS[name]
