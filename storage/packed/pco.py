"""Chunks of numbers by Pcodec (Pco): channel after channel, each as whole steps from row to row.

It finds by itself that values are multiples of 0.001, and codes the steps between them in few bits. Zarr for
Python reads it as `numcodecs.pcodec`. Format: https://github.com/pcodec/pcodec/blob/main/docs/format.md
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError
from longstride.storage.packages import needs
from longstride.storage.packed.codec import Codec

__all__ = ["PcoCodec"]

LEVEL = 8
DELTA_ORDER = 1
"""Steps from one row to the next. Letting Pcodec choose is hardly ever smaller, and packs half as fast."""
CHUNK_ROWS = 2048
"""Of fewer rows, what is known of a channel takes more room and time than its steps do; of more, windows leave
more rows unused that were decoded with theirs."""
MAX_CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class PcoCodec(Codec):
    """Each channel of a chunk by itself: what Pcodec calls a page."""

    packs_times: ClassVar[bool] = True

    def compress(self, rows: NDArray[Any]) -> bytes:
        """As `Codec`."""
        pcodec = needs("pcodec")
        config = pcodec.ChunkConfig(
            compression_level=LEVEL,
            delta_spec=pcodec.DeltaSpec.try_consecutive(DELTA_ORDER),
            paging_spec=pcodec.PagingSpec.equal_pages_up_to(len(rows)),
        )
        small: bytes = _standalone().simple_compress(np.ascontiguousarray(rows.T).reshape(-1), config)
        return small

    def decompress(self, data: NDArray[np.uint8], out: NDArray[Any], num_rows: int, skip: int) -> None:
        """As `Codec`."""
        columns = np.empty((*out.shape[1:], num_rows), out.dtype)
        flat = columns.reshape(-1)
        done = _standalone().simple_decompress_into(data.tobytes(), flat)
        if done.n_processed != flat.size or not done.finished:
            raise StoreError(
                f"a chunk is not what its array expects: it has {done.n_processed:,} numbers"
                f"{'' if done.finished else ' and more'}, expected {flat.size:,}",
                code="store-damaged",
            )
        out[:] = columns.T[skip : skip + len(out)]

    def chunk_rows(self, row_bytes: int) -> int:
        """As `Codec`."""
        return min(CHUNK_ROWS, MAX_CHUNK_BYTES // row_bytes)

    def as_zarr(self, dtype: np.dtype[Any], chunk_shape: tuple[int, ...]) -> list[dict[str, Any]]:
        """As `Codec`."""
        settings = {
            "level": LEVEL,
            "mode_spec": "auto",
            "delta_spec": "try_consecutive",
            "paging_spec": "equal_pages_up_to",
            "delta_encoding_order": DELTA_ORDER,
            "equal_pages_up_to": chunk_shape[0],
        }
        order = list(reversed(range(len(chunk_shape))))
        turned = [{"name": "transpose", "configuration": {"order": order}}] if len(order) > 1 else []
        return [*turned, {"name": "numcodecs.pcodec", "configuration": settings}, {"name": "crc32c"}]


def _standalone() -> Any:
    # Pcodec 1.0 has it as a module, but not as an attribute.
    return needs("pcodec.standalone")
