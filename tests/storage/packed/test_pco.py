"""What Pcodec codes comes back bit for bit, whatever it is."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numcodecs.pcodec import PCodec

from longstride.storage.packed.codecs import CODECS
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.packed_stores import make_pair, quantised

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 9))
BITS = {"float32": np.uint32, "float64": np.uint64}
FLOATS = {"float32": st.floats(width=32), "float64": st.floats(width=64)}

pco = CODECS["pcodec"]


def check_round_trip(values: np.ndarray, skip: int = 0, stop: int | None = None) -> None:
    out = np.full_like(values[skip:stop], 7)
    pco.decode(pco.encode(values), out, len(values), skip)
    assert out.tobytes() == values[skip:stop].tobytes()


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_any_floats(dtype: str, data: st.DataObject) -> None:
    check_round_trip(data.draw(arrays(dtype, SHAPES, elements=FLOATS[dtype])))


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_any_bits(dtype: str, data: st.DataObject) -> None:
    """Of NaN of every kind, negative zeros and subnormal numbers among usual ones."""
    values = (data.draw(arrays(np.int16, SHAPES)) / 10.0 ** data.draw(st.integers(0, 4))).astype(dtype)
    odd = data.draw(arrays(BITS[dtype], values.shape)).view(dtype)
    values = np.where(data.draw(arrays(bool, values.shape)), odd, values)
    skip = data.draw(st.integers(0, len(values) - 1))
    check_round_trip(values, skip, data.draw(st.integers(skip + 1, len(values))))


@given(times=arrays(np.int64, st.integers(1, 200)))
def test_any_times(times: np.ndarray) -> None:
    check_round_trip(times)


@pytest.mark.parametrize("dtype", FLOATS)
def test_odd_values_among_decimals(dtype: str) -> None:
    values = quantised(3000, 4).astype(dtype)
    quiet = np.array(np.nan, dtype).view(BITS[dtype])
    odd = np.array([quiet, quiet + 1, quiet ^ (quiet - 1), np.array(-0.0, dtype).view(BITS[dtype])]).view(dtype)
    for row, value in enumerate([*odd, np.inf, -np.inf, np.finfo(dtype).max, np.finfo(dtype).tiny / 2]):
        values[100 * row, row % 4] = value
    check_round_trip(values)


def test_zarr_codes_the_same_bytes_from_the_metadata() -> None:
    values = quantised(2048, 4)
    turned, coded, _ = pco.as_zarr(values.dtype, values.shape)
    assert turned["configuration"]["order"] == [1, 0]
    assert coded["name"] == "numcodecs.pcodec"
    assert PCodec(**coded["configuration"]).encode(values.T.copy()) == pco.compress(values)


def test_without_the_package(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    _, packed = make_pair(make_store, tmp_path, "pcodec", rows=2000)
    with (
        mock.patch.dict(sys.modules, {"pcodec.standalone": None}),
        raises("package-missing", "pcodec", "pip install"),
    ):
        packed.values[:10]


def test_chunks_are_decoded_by_several_threads_at_once() -> None:
    values = quantised(2048, 16)
    data = pco.encode(values)
    outs = [np.empty_like(values) for _ in range(8)]

    def decode(out: np.ndarray) -> Callable[[], None]:
        return lambda: [pco.decode(data, out) for _ in range(20)] and None

    threads = [threading.Thread(target=decode(out)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(out.tobytes() == values.tobytes() for out in outs)
