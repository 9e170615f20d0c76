"""Documents and chunks are what Zarr for Python makes of the same arrays, and it reads them."""

import json
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.storage import MemoryStore

from longstride.storage.format import TIME_ATTRIBUTES
from longstride.storage.writing.zarr_documents import array_document, chunk_of, group_document

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
SHAPES = arrays.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=4)
DATA = st.one_of(
    *(arrays.arrays(dtype, SHAPES) for dtype in ("int8", "int64", "float32", "float64")),
    arrays.arrays(object, SHAPES, elements=TEXTS),
)


def by_zarr(data: NDArray[Any], **options: Any) -> dict[str, bytes]:
    """The files of an array that is one chunk."""
    memory: dict[str, Buffer] = {}
    root = zarr.create_group(MemoryStore(memory), zarr_format=3)
    array = root.create_array(
        "a",
        shape=data.shape,
        chunks=tuple(max(1, length) for length in data.shape),
        dtype=str if data.dtype == object else data.dtype,
        compressors=None,
        filters=None,
        dimension_names=["x", "y"][: data.ndim],
        config={"write_empty_chunks": True},
        **options,
    )
    if data.size:
        array[...] = data
    return {name.removeprefix("a/"): buffer.to_bytes() for name, buffer in memory.items() if name != "zarr.json"}


def document(data: NDArray[Any], **options: Any) -> bytes:
    return array_document(
        data.dtype, data.shape, [max(1, length) for length in data.shape], ["x", "y"][: data.ndim], **options
    )


@given(DATA)
def test_files_are_those_of_zarr(data: NDArray[Any]) -> None:
    files = {"zarr.json": document(data)}
    if data.size:
        files["c" + "/0" * data.ndim] = chunk_of(data)
    assert files == by_zarr(data)


@given(DATA)
def test_zarr_reads_them(data: NDArray[Any]) -> None:
    files = {"a/zarr.json": document(data), "a/c" + "/0" * data.ndim: chunk_of(data)}
    memory = {name: default_buffer_prototype().buffer.from_bytes(written) for name, written in files.items()}
    array = zarr.open_array(MemoryStore(memory), path="a", mode="r")
    assert array.metadata.dimension_names == ("x", "y")[: data.ndim]
    np.testing.assert_array_equal(array[...], data)


@pytest.mark.parametrize("dtype", ["int64", "int8", "float32", "float64"])
def test_options_are_those_of_zarr(dtype: str) -> None:
    """As row arrays have them: flat keys, attributes, NaN where nothing is."""
    fill_value = "NaN" if dtype.startswith("float") else None
    written = document(
        np.zeros((5, 2), dtype), separator=".", fill_value=fill_value, attributes={**TIME_ATTRIBUTES, "n": "é"}
    )
    expected = by_zarr(
        np.zeros((5, 2), dtype),
        chunk_key_encoding={"name": "default", "separator": "."},
        fill_value=np.nan if fill_value else 0,
        attributes={**TIME_ATTRIBUTES, "n": "é"},
    )
    assert written == expected["zarr.json"]


def test_codecs_are_taken_as_they_are() -> None:
    codecs = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c", "configuration": {}}]
    assert json.loads(document(np.zeros(3), codecs=codecs))["codecs"] == codecs


def test_groups_are_those_of_zarr() -> None:
    memory: dict[str, Buffer] = {}
    zarr.create_group(MemoryStore(memory), zarr_format=3, attributes={"a": 1})
    assert memory["zarr.json"].to_bytes() == group_document({"a": 1})
