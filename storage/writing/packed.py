"""Writing the packed layout: how a store is cut up, its shards one by one, and what its metadata says of them.

Each shard can be written again, and leaves a receipt when it is whole, so that an interrupted job resumes.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from longstride.storage.format import MAX_DECODED_BYTES, MIN_PACKED_ROWS, STAGED, chunk_file
from longstride.storage.packed.codecs import codec_of
from longstride.storage.packed.shards import Packing, encode_shard
from longstride.storage.places.place import Place
from longstride.storage.store import SeriesStore
from longstride.storage.writing.copy import checked_rows
from longstride.storage.writing.metadata import copied_documents

__all__ = ["SHARD_BYTES", "packed_documents", "packing_for", "shard_files", "shards_written", "write_shard"]

SHARD_BYTES = 64 * 2**20
"""Bytes of values in a shard, before they are compressed."""


def packing_for(store: SeriesStore, codec: str, shard_bytes: int = SHARD_BYTES) -> Packing:
    """How to cut up a store.

    In powers of two, so that chunks fill a shard, and shards begin where chunks of the mapped layout do.
    """
    row_bytes = store.layout.row_arrays["values"].row_bytes
    widest = max(array.row_bytes for array in store.layout.row_arrays.values())
    # A store may have thousands of labels for a single channel.
    wanted = min(codec_of(codec).chunk_rows(row_bytes), MAX_DECODED_BYTES // widest)
    chunk_rows = 1 << max(0, wanted.bit_length() - 1)
    per_shard = max(1, shard_bytes // (store.chunk_rows * row_bytes))
    return Packing(
        codec,
        shard_rows=store.chunk_rows * (1 << (per_shard.bit_length() - 1)),
        chunk_rows=min(store.chunk_rows, max(MIN_PACKED_ROWS, chunk_rows)),
    )


def write_shard(store: SeriesStore, place: Place, packing: Packing, job: str, number: int) -> dict[str, int]:
    """Write one shard of each row array, then a receipt with their sizes, which are returned (bytes, by array).

    Raises StoreError for rows that differ from their checksum.
    """
    start = number * packing.shard_rows
    stop = min(start + packing.shard_rows, store.num_rows)
    sizes = {}
    for name, array in store.layout.row_arrays.items():
        data = encode_shard(
            checked_rows(store, name, start, stop),
            packing.codec_for(name),
            chunk_rows=packing.chunk_rows,
            num_chunks=packing.shard_chunks,
            fill=np.nan if name == "values" else 0,
        )
        place.put(chunk_file(name, number, len(array.dimensions)), data)
        sizes[name] = len(data)
    place.put(f"{_receipts(job)}/{number}.json", json.dumps(sizes).encode())
    return sizes


def shard_files(store: SeriesStore, packing: Packing) -> list[str]:
    """Names of all shards of a packed copy."""
    num_shards = -(-store.num_rows // packing.shard_rows)
    arrays = store.layout.row_arrays.items()
    return [
        chunk_file(name, number, len(array.dimensions)) for name, array in arrays for number in range(num_shards)
    ]


def shards_written(store: SeriesStore, place: Place, job: str) -> dict[int, dict[str, int]]:
    """Sizes of the shards that an interrupted job has written whole, by number and array."""
    arrays = store.layout.row_arrays
    there = {name: size for folder in arrays for name, size in place.sizes(folder).items()}
    found = {}
    for receipt in place.sizes(_receipts(job)):
        if Path(receipt).stem.isdecimal():
            number = int(Path(receipt).stem)
            sizes: dict[str, int] = json.loads(place.get(receipt))
            files = {chunk_file(name, number, len(arrays[name].dimensions)): size for name, size in sizes.items()}
            if all(there.get(file) == size for file, size in files.items()):
                found[number] = sizes
    return found


def packed_documents(store: SeriesStore, packing: Packing, sizes: dict[str, list[int]]) -> dict[str, bytes]:
    """Metadata of the packed copy of a store, by path; `sizes` are the bytes of the shards of each row array."""
    return copied_documents(
        store,
        codecs={name: _sharded(store, name, packing) for name in sizes},
        file_rows=packing.shard_rows,
        packed={**packing._asdict(), "shard_bytes": sizes},
    )


def _sharded(store: SeriesStore, name: str, packing: Packing) -> list[dict[str, Any]]:
    """Codecs of a packed array, as its metadata names them."""
    array = store.layout.row_arrays[name]
    chunk_shape = (packing.chunk_rows, *array.row_shape)
    configuration = {
        "chunk_shape": chunk_shape,
        "codecs": packing.codec_for(name).as_zarr(array.dtype, chunk_shape),
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        "index_location": "end",
    }
    return [{"name": "sharding_indexed", "configuration": configuration}]


def _receipts(job: str) -> str:
    return f"{STAGED}/{job}"
