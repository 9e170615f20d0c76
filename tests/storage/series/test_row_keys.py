from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.series.row_keys import sliced

ROWS, CHANNELS = 6, 3
VALUES = np.arange(ROWS * CHANNELS).reshape(ROWS, CHANNELS)


def indices(length: int) -> st.SearchStrategy[Any]:
    numbers = st.integers(-length - 1, length)
    lists = st.lists(numbers, max_size=4)
    squares = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=3)
    masks = st.lists(st.booleans(), min_size=length - 1, max_size=length)
    return st.one_of(
        numbers,
        st.slices(length),
        lists,
        lists.map(lambda rows: np.array(rows, np.int32)),
        squares.map(np.array),
        masks.map(lambda mask: np.array(mask, bool)),
        masks,
        st.just(Ellipsis),
        st.sampled_from([None, True, 1.5, [0.5], np.ones((ROWS, CHANNELS), bool)]),
    )


KEYS = st.one_of(indices(ROWS), st.tuples(indices(ROWS)), st.tuples(indices(ROWS), indices(CHANNELS)), st.just(()))


def ours(values: np.ndarray[Any, Any], key: Any) -> Any:
    return sliced(key, values.shape, lambda row: values[row], lambda start, stop: values[start:stop])


@given(KEYS)
def test_a_key_means_what_it_means_to_numpy_or_is_refused(key: Any) -> None:
    try:
        found = ours(VALUES, key)
    except IndexError:
        return
    expected = VALUES[key]
    assert np.shape(found) == expected.shape
    assert np.array_equal(found, expected)


@given(
    st.one_of(
        st.integers(-ROWS, ROWS - 1),
        st.lists(st.integers(-ROWS, ROWS - 1), min_size=2, max_size=2),
        st.lists(st.booleans(), min_size=ROWS, max_size=ROWS),
    )
)
def test_usual_keys_are_not_refused(key: Any) -> None:
    for usual in (key, (key,), (key, 1), (key, slice(1)), (slice(2, 5), [0, 1]), (Ellipsis, 1), [[0, 1], [5, -1]]):
        assert np.array_equal(ours(VALUES, usual), VALUES[usual])


@pytest.mark.parametrize(
    "key", [slice(0, 4, 2), slice(None, None, -1), None, (None, 1), np.ones((6, 3), bool), 1.0]
)
def test_what_is_refused(key: Any) -> None:
    with pytest.raises(IndexError):
        ours(VALUES, key)
