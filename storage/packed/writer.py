"""How a store is cut up to be packed."""

from longstride.storage.packed.shards import Packing
from longstride.storage.store import SeriesStore

__all__ = ["SHARD_BYTES", "packing_for"]

SHARD_BYTES = 64 * 2**20
"""Of values in a shard, before they are compressed."""
CHUNK_BYTES = 128 * 2**10
"""Of values that are decoded at a time: little compared with a block of windows, and enough to compress well."""
MIN_CHUNK_ROWS = 64


def packing_for(store: SeriesStore, codec: str, shard_bytes: int = SHARD_BYTES) -> Packing:
    """How to cut up a store.

    In powers of two, so that chunks fill a shard, and shards begin where chunks of the mapped layout do.
    """
    row_bytes = store.layout.row_arrays["values"].row_bytes
    chunk_rows = 1 << max(0, (CHUNK_BYTES // row_bytes).bit_length() - 1)
    per_shard = max(1, shard_bytes // (store.chunk_rows * row_bytes))
    return Packing(
        codec,
        shard_rows=store.chunk_rows * (1 << (per_shard.bit_length() - 1)),
        chunk_rows=min(store.chunk_rows, max(MIN_CHUNK_ROWS, chunk_rows)),
    )
