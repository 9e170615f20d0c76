"""The delta code for Zarr for Python, which finds it by the entry point `zarr.codecs` of this package."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from zarr.abc.codec import ArrayBytesCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer, NDBuffer

from longstride.storage.packed.delta import DELTA, coded_bytes, decode_deltas, encode_deltas

__all__ = ["DeltaCodec"]


@dataclass(frozen=True)
class DeltaCodec(ArrayBytesCodec):
    """Chunks (rows, N) of float32 or float64 as differences of whole numbers; see `delta`."""

    is_fixed_size = True

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Make the codec from the metadata of an array, which has no settings for it."""
        return cls()

    def to_dict(self) -> dict[str, Any]:
        """Its entry in the metadata of an array."""
        return {"name": DELTA, "configuration": {}}

    def compute_encoded_size(self, input_byte_length: int, _chunk_spec: ArraySpec) -> int:
        """Bytes of a chunk: its values, and a header that is a multiple of 8."""
        return coded_bytes(_chunk_spec.shape, _dtype(_chunk_spec))

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        dtype = _dtype(chunk_spec)
        data = chunk_data.to_bytes()
        if len(data) != coded_bytes(chunk_spec.shape, dtype):
            raise ValueError(f"a chunk of deltas has {len(data)} bytes, which is not what its shape needs")
        values = decode_deltas(data, dtype, chunk_spec.shape[1])
        return chunk_spec.prototype.nd_buffer.from_numpy_array(values)

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        return chunk_spec.prototype.buffer.from_bytes(encode_deltas(np.asarray(chunk_data.as_numpy_array())))


def _dtype(chunk_spec: ArraySpec) -> np.dtype[np.floating]:
    return np.dtype(str(chunk_spec.dtype.to_native_dtype()))
