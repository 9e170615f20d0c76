"""Chunks whose bytes are compressed as they lie, by Blosc or Zstandard: every Zarr tool reads them."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.packages import needs
from longstride.storage.packed.codec import Codec
from longstride.storage.packed.frames import check_blosc, check_zstd

__all__ = ["BytesCodec"]


@dataclass(frozen=True)
class BytesCodec(Codec):
    """Rows in order, compressed by numcodecs."""

    compressor: str
    """As numcodecs names it: zstd, or blosc."""
    settings: tuple[tuple[str, Any], ...]

    def compress(self, rows: NDArray[Any]) -> bytes:
        """As `Codec`."""
        small: bytes = self._codec(rows.dtype).encode(np.ascontiguousarray(rows))
        return small

    def decompress(self, data: NDArray[np.uint8], out: NDArray[Any], num_rows: int, skip: int) -> None:
        """As `Codec`."""
        whole = out if len(out) == num_rows else np.empty((num_rows, *out.shape[1:]), out.dtype)
        self.decompress_bytes(data, whole)
        if whole is not out:
            out[:] = whole[skip : skip + len(out)]

    def decompress_bytes(self, data: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Fill `out`, contiguous, with what was compressed."""
        if self.compressor == "blosc":
            check_blosc(data, dict(self.settings)["cname"], out.nbytes)
        else:
            check_zstd(data, out.nbytes)
        self._codec(out.dtype).decode(data, out)

    def as_zarr(self, dtype: np.dtype[Any], chunk_shape: tuple[int, ...]) -> list[dict[str, Any]]:
        """As `Codec`."""
        first: dict[str, Any] = {"name": "bytes"}
        if dtype.itemsize > 1:
            first["configuration"] = {"endian": "little"}
        settings = dict(self.settings)
        if self.compressor == "blosc":
            settings |= {"shuffle": "bitshuffle", "typesize": dtype.itemsize, "blocksize": 0}
        else:
            settings |= {"checksum": False}
        return [first, {"name": self.compressor, "configuration": settings}, {"name": "crc32c"}]

    def _codec(self, dtype: np.dtype[Any]) -> Any:
        return _compressor(self.compressor, self.settings, dtype.itemsize)


@cache
def _compressor(name: str, settings: tuple[tuple[str, Any], ...], itemsize: int) -> Any:
    # Imported here: reading the mapped layout needs no compressor.
    if name == "zstd":
        return needs("numcodecs.zstd").Zstd(**dict(settings))
    blosc = needs("numcodecs.blosc")
    return blosc.Blosc(**dict(settings), shuffle=blosc.BITSHUFFLE, typesize=itemsize)
