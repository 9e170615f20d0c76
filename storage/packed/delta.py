"""A lossless code for quantised values: whole numbers of the last decimal, as differences from row to row.

A sensor that reports 21.375 after 21.372 takes a few bits for the step of 3 thousandths, where the bits of the two
floats have little in common. A channel whose values are no decimals is kept as differences of its bits. What comes
out is compressed well after a shuffle of bits.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["DELTA", "coded_bytes", "decode_deltas", "encode_deltas"]

DELTA = "longstride.delta"
"""Name of the codec in the metadata of an array."""
AS_BITS = -1
MAX_DECIMALS = {4: 6, 8: 9}


def encode_deltas(values: NDArray[np.floating]) -> bytes:
    """Code values (rows, N) of float32 or float64; bit for bit what `decode_deltas` gives back.

    Layout, little endian: decimals of each channel (int8, -1 where its bits are kept), zeros up to a multiple of 8
    bytes, then for each channel the difference of each row from the one before (whole numbers as wide as a
    value, modulo their range; signed ones interleaved: 0, -1, 1, -2 ... as 0, 1, 2, 3). Missing values are the
    smallest whole number.
    """
    columns = np.ascontiguousarray(values.T)
    kind = np.dtype(f"<i{values.itemsize}")
    whole = columns.view(kind).copy()
    decimals = np.full(len(columns), AS_BITS, np.int8)
    missing = np.isnan(columns)
    lowest = np.iinfo(kind).min
    left = np.flatnonzero(_canonical(columns, missing))
    for number in range(MAX_DECIMALS[values.itemsize] + 1):
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = np.rint(columns[left].astype(np.float64) * 10.0**number)
            fits = np.abs(scaled) < 2 ** min(52, 8 * values.itemsize - 2)
            found = np.where(fits, scaled, 0).astype(kind)
            is_same = _from_whole(found, np.full(len(left), number), values.dtype).view(kind) == whole[left]
        exact = (is_same | missing[left]).all(axis=1)
        chosen = left[exact]
        whole[chosen] = np.where(missing[chosen], lowest, found[exact])
        decimals[chosen] = number
        left = left[~exact]
    steps = np.diff(whole, axis=1, prepend=kind.type(0))
    header = decimals.tobytes().ljust(_header_bytes(len(columns)), b"\0")
    return header + ((steps << 1) ^ (steps >> (8 * kind.itemsize - 1))).astype(kind).tobytes()


def coded_bytes(shape: tuple[int, ...], dtype: np.dtype[np.floating]) -> int:
    """Bytes of what `encode_deltas` makes of values of shape (rows, N)."""
    rows, num_channels = shape
    return _header_bytes(num_channels) + rows * num_channels * dtype.itemsize


def decode_deltas(
    data: bytes | NDArray[np.uint8], dtype: np.dtype[np.floating], num_channels: int
) -> NDArray[np.floating]:
    """Values (rows, N) of what `encode_deltas` made."""
    kind = np.dtype(f"<i{dtype.itemsize}")
    decimals = np.frombuffer(data, np.int8, num_channels)
    coded = np.frombuffer(data, kind.str.replace("i", "u"), offset=_header_bytes(num_channels))
    coded = coded.reshape(num_channels, -1)
    steps = (coded >> 1).view(kind) ^ -(coded & 1).view(kind)
    whole = np.cumsum(steps, axis=1, dtype=kind)
    values = np.empty(whole.shape[::-1], dtype)
    as_bits = decimals == AS_BITS
    if not as_bits.all():
        numbers = _from_whole(whole, np.maximum(decimals, 0), dtype)
        numbers[whole == np.iinfo(kind).min] = np.nan
        values[:] = numbers.T
    values[:, as_bits] = whole[as_bits].view(dtype).T
    return values


def _header_bytes(num_channels: int) -> int:
    return -(-num_channels // 8) * 8


def _from_whole(
    whole: NDArray[np.signedinteger], decimals: NDArray[np.integer], dtype: np.dtype[np.floating]
) -> NDArray[np.floating]:
    scale = 10.0 ** decimals.astype(np.float64)
    return (whole / scale[:, None]).astype(dtype)


def _canonical(columns: NDArray[np.floating], missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Channels (N,) whose missing values are all the usual NaN; others would come back as that."""
    bits = columns.view(f"<i{columns.itemsize}")
    usual = np.array(np.nan, columns.dtype).view(bits.dtype)
    usual_only: NDArray[np.bool_] = ~(missing & (bits != usual)).any(axis=1)
    return usual_only
