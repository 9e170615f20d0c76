import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longstride.pipeline.loading.ordering.hashing import hashes, permutation, shuffled


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(0, 2**64 - 1))
def test_groups_are_sorted_by_their_hashes(sizes: list[int], key: int) -> None:
    counters = np.arange(sum(sizes)) * 7
    bits = hashes(key, counters)
    begin, expected = 0, []
    for size in sizes:
        expected += sorted(range(begin, begin + size), key=bits.__getitem__)
        begin += size
    assert shuffled(key, counters, np.array(sizes, np.int64)).tolist() == expected


@given(st.integers(1, 1000), st.integers(0, 2**64 - 1))
def test_a_permutation_has_every_number_once(length: int, key: int) -> None:
    assert sorted(permutation(key, length).tolist()) == list(range(length))


def test_a_group_is_in_the_same_order_whatever_is_beside_it() -> None:
    # Counters whose hashes share the first 42 bits: ranks that sort more lanes have fewer bits to tell them by.
    pair = np.array([1250789, 7412967])
    assert hashes(0, pair)[0] > hashes(0, pair)[1]
    alone = shuffled(0, pair, np.array([2]))
    others = np.arange(31 * 4096)
    beside = shuffled(0, np.concatenate([pair, others]), np.array([2, *[4096] * 31]))
    assert beside[:2].tolist() == alone.tolist()
