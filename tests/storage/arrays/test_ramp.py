from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.arrays.ramp import Ramp

LENGTH = 20


@given(
    st.integers(-5, 5),
    st.integers(1, 9),
    st.one_of(
        st.integers(-LENGTH, LENGTH - 1),
        st.slices(LENGTH),
        st.lists(st.integers(-LENGTH, LENGTH - 1)).map(lambda rows: np.array(rows, np.int64)),
        st.lists(st.booleans(), min_size=LENGTH, max_size=LENGTH).map(np.array),
    ),
)
def test_it_is_sliced_like_the_array(start: int, step: int, key: Any) -> None:
    expected = start + step * np.arange(LENGTH)
    found = Ramp(start, step, LENGTH)[key]
    assert found.dtype == np.int64
    assert np.array_equal(found, expected[key])


@pytest.mark.parametrize("key", [LENGTH, -LENGTH - 1, [0, LENGTH], np.ones(3, bool)])
def test_rows_outside(key: Any) -> None:
    with pytest.raises(IndexError):
        Ramp(0, 1, LENGTH)[key]


def test_as_an_array() -> None:
    assert np.asarray(Ramp(10, 2, 3)).tolist() == [10, 12, 14]
