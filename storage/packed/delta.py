"""Reading the codec `delta`, which earlier versions wrote: whole numbers of the last decimal, as differences.

After decompression, little endian: decimals of each channel (int8, -1 where its bits are kept), zeros up to a
multiple of 8 bytes, then for each channel the difference of each row from the one before (whole numbers as wide as
a value, modulo their range; signed ones interleaved: 0, -1, 1, -2 ... as 0, 1, 2, 3). Missing values are the
smallest whole number.
"""

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError
from longstride.storage.packed.bytes_codec import BytesCodec

__all__ = ["DeltaCodec"]

AS_BITS = -1


class DeltaCodec(BytesCodec):
    """Differences, compressed as bytes; it is only read."""

    def compress(self, rows: NDArray[Any]) -> NoReturn:
        """Raises StoreError."""
        raise StoreError("nothing is written with the codec 'delta' any more", code="codec-unknown")

    def decompress(self, data: NDArray[np.uint8], out: NDArray[Any], num_rows: int, skip: int) -> None:
        """As `Codec`."""
        num_channels = out.shape[1]
        header = -(-num_channels // 8) * 8
        coded = np.empty(header + num_rows * num_channels * out.itemsize, np.uint8)
        self.decompress_bytes(data, coded)
        decimals = coded[:num_channels].view(np.int8)
        steps = coded[header:].view(f"<u{out.itemsize}").reshape(num_channels, num_rows)
        out[:] = _values(decimals, steps, out.dtype)[:, skip : skip + len(out)].T


def _values(
    decimals: NDArray[np.int8], steps: NDArray[np.unsignedinteger], dtype: np.dtype[Any]
) -> NDArray[np.floating]:
    """Values (N, rows) of interleaved differences (N, rows)."""
    kind = np.dtype(f"<i{dtype.itemsize}")
    whole = np.cumsum((steps >> 1).view(kind) ^ -(steps & 1).view(kind), axis=1, dtype=kind)
    scale = 10.0 ** np.maximum(decimals, 0).astype(np.float64)
    values = (whole / scale[:, None]).astype(dtype)
    values[whole == np.iinfo(kind).min] = np.nan
    as_bits = decimals == AS_BITS
    values[as_bits] = whole[as_bits].view(dtype)
    return values
