"""Documents of Zarr v3, and the chunk of an array that has one, as Zarr for Python writes them.

Importing Zarr for Python takes longer than reading a small log, and it starts threads. What a store needs of it is
this little; the tests compare it with Zarr.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["array_document", "chunk_of", "group_document"]

NODE = {"zarr_format": 3}
TEXT = np.dtype(object).kind


def group_document(attributes: Mapping[str, Any]) -> bytes:
    """The document of a group."""
    return _written({"attributes": attributes, **NODE, "node_type": "group"})


def array_document(
    dtype: np.dtype[Any],
    shape: Sequence[int],
    chunk_shape: Sequence[int],
    dimensions: Sequence[str],
    *,
    separator: str = "/",
    fill_value: object = None,
    codecs: Sequence[Mapping[str, Any]] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> bytes:
    """The document of an array of numbers, or, with the type `object`, of texts; by default uncompressed."""
    is_text = dtype.kind == TEXT
    usual: object = "" if is_text else dtype.type(0).item()
    return _written(
        {
            "shape": shape,
            "data_type": "string" if is_text else dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk_shape}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": separator}},
            "fill_value": usual if fill_value is None else fill_value,
            "codecs": _plain(dtype) if codecs is None else codecs,
            "attributes": attributes or {},
            "dimension_names": dimensions,
            **NODE,
            "node_type": "array",
            "storage_transformers": [],
        }
    )


def chunk_of(data: NDArray[Any]) -> bytes:
    """The bytes of an array that is one uncompressed chunk."""
    if data.dtype.kind != TEXT:
        return data.astype(data.dtype.newbyteorder("<")).tobytes()
    texts = [str(text).encode() for text in data.ravel()]
    return b"".join([_size(len(texts)), *(_size(len(text)) + text for text in texts)])


def _plain(dtype: np.dtype[Any]) -> list[dict[str, Any]]:
    if dtype.kind == TEXT:
        return [{"name": "vlen-utf8", "configuration": {}}]
    if dtype.itemsize == 1:
        return [{"name": "bytes"}]
    return [{"name": "bytes", "configuration": {"endian": "little"}}]


def _size(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _written(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=2, allow_nan=False).encode()
