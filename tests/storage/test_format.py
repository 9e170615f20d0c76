import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.format import StoreLayout, chunk_file, chunk_index, chunk_rows_for, seal
from tests.helpers.errors import raises


@given(num_channels=st.integers(1, 20_000), itemsize=st.sampled_from([4, 8]))
def test_chunk_rule(num_channels: int, itemsize: int) -> None:
    rows = chunk_rows_for(num_channels, itemsize)
    chunk_bytes = rows * num_channels * itemsize
    assert rows >= 1024
    assert rows & (rows - 1) == 0
    assert chunk_bytes % mmap.PAGESIZE == 0
    if num_channels * itemsize <= 8192:
        assert 4 * 2**20 < chunk_bytes <= 8 * 2**20
    else:
        assert rows == 1024


@pytest.mark.parametrize(
    ("num_channels", "rows"), [(1, 2**21), (2, 2**20), (32, 2**16), (33, 2**15), (3000, 1024)]
)
def test_chunk_rows_of_usual_widths(num_channels: int, rows: int) -> None:
    assert chunk_rows_for(num_channels, 4) == rows
    layout = StoreLayout(channels=tuple(str(index) for index in range(num_channels)))
    assert layout.chunk_rows == rows


def test_chunk_files_are_flat_names() -> None:
    assert chunk_file("time", 7, 1) == "time/c.7"
    assert chunk_file("values", 12, 2) == "values/c.12.0"


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ({"channels": ()}, ("one channel",)),
        ({"channels": ("a", "b", "a")}, ("channel names", "repeated: a")),
        ({"channels": ("a",), "labels": ("x", "x")}, ("label names", "repeated: x")),
        ({"channels": ("a",), "dtype": "float16"}, ("float32", "float64", "float16")),
        ({"channels": ("a", "b"), "units": ("bar",)}, ("1 units", "2 channels")),
    ],
)
def test_layout_refusals(arguments: dict[str, object], facts: tuple[str, ...]) -> None:
    with raises("store-input", *facts):
        StoreLayout(**arguments)


def test_unknown_units_are_none() -> None:
    assert StoreLayout(channels=("a", "b")).units == (None, None)


def test_seal_sees_content_not_order() -> None:
    assert seal({"a": 1, "b": [2, 0.5]}) == seal({"b": [2, 0.5], "a": 1})
    assert seal({"a": 1}) != seal({"a": 2})
    assert seal({"a": [1, 2]}) != seal({"a": [2, 1]})


def test_row_arrays() -> None:
    arrays = StoreLayout(channels=("a", "b", "c"), labels=("x",), dtype="float64").row_arrays
    assert {name: (str(array.dtype), array.row_shape, array.row_bytes) for name, array in arrays.items()} == {
        "time": ("int64", (), 8),
        "values": ("float64", (3,), 24),
        "labels": ("int8", (1,), 1),
    }
    assert "labels" not in StoreLayout(channels=("a",)).row_arrays


@given(index=st.integers(0, 10**6), num_dimensions=st.integers(1, 2))
def test_chunk_index_reads_what_chunk_file_names(index: int, num_dimensions: int) -> None:
    assert chunk_index(chunk_file("values", index, num_dimensions).removeprefix("values/")) == index


@pytest.mark.parametrize("name", ["zarr.json", "c", "c.", "c.1.0.bak", ".c.1.0.77.tmp", "c.x", "xc.1"])
def test_other_files_are_no_chunks(name: str) -> None:
    assert chunk_index(name) is None
