"""The delta code for Zarr for Python, which finds it by the entry point `zarr.codecs` of this package."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from zarr.abc.codec import ArrayBytesCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer, NDBuffer

from longstride.storage.packed.delta import DELTA, decode_deltas, encode_deltas

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
        return input_byte_length + -(-_chunk_spec.shape[1] // 8) * 8

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        dtype: np.dtype[np.floating] = np.dtype(str(chunk_spec.dtype.to_native_dtype()))
        values = decode_deltas(chunk_data.to_bytes(), dtype, chunk_spec.shape[1])
        return chunk_spec.prototype.nd_buffer.from_numpy_array(values)

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        return chunk_spec.prototype.buffer.from_bytes(encode_deltas(np.asarray(chunk_data.as_numpy_array())))
