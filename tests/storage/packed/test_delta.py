"""What is coded as differences comes back bit for bit, whatever it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from longstride.storage.packed.delta import AS_BITS, decode_deltas, encode_deltas
from tests.helpers.stores.packed_stores import quantised

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 9))
FLOATS = {"float32": st.floats(width=32), "float64": st.floats(width=64)}


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_any_floats(dtype: str, data: st.DataObject) -> None:
    values = data.draw(arrays(dtype, SHAPES, elements=FLOATS[dtype]))
    found = decode_deltas(encode_deltas(values), values.dtype, values.shape[1])
    assert found.tobytes() == values.tobytes()


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_any_decimals(dtype: str, data: st.DataObject) -> None:
    whole = data.draw(arrays(np.int32, SHAPES, elements=st.integers(-(2**31) + 1, 2**31 - 1)))
    decimals = data.draw(st.integers(0, 8))
    values = (whole / 10.0**decimals).astype(dtype)
    values[data.draw(arrays(bool, values.shape))] = np.nan
    found = decode_deltas(encode_deltas(values), values.dtype, values.shape[1])
    assert found.tobytes() == values.tobytes()


def test_odd_bits() -> None:
    """Negative zeros, NaN of another kind and infinity are kept as they are."""
    for odd in (np.float32(-0.0), np.array(0x7FC00001, np.uint32).view(np.float32)[()], np.float32(np.inf)):
        values = np.full((5, 2), 1.5, np.float32)
        values[2, 1] = odd
        coded = encode_deltas(values)
        assert np.frombuffer(coded, np.int8, 2).tolist() == [1, AS_BITS]
        assert decode_deltas(coded, values.dtype, 2).tobytes() == values.tobytes()


def test_steps_are_small() -> None:
    values = quantised(1024, 4)
    coded = encode_deltas(values)
    assert np.frombuffer(coded, np.int8, 4).tolist() == [3] * 4
    steps = np.frombuffer(coded, "<u4", offset=8)
    assert np.median(steps) < 2**11
