"""Means of scores and those before them, compared with taking each by itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longstride.trainer.scoring.smoothing import trailing_means

SCORES = st.lists(st.one_of(st.just(np.nan), st.floats(-10, 10)), max_size=30)


@given(SCORES, st.integers(1, 8), st.integers(1, 9))
def test_each_mean_by_itself(values: list[float], length: int, every: int) -> None:
    scores = np.array(values, float)
    first = np.arange(len(scores)) // every * every
    means, number = trailing_means(scores, first, length)
    for row, mean in enumerate(means.tolist()):
        part = scores[max(first[row], row - length + 1) : row + 1]
        assert number[row] == (~np.isnan(part)).sum()
        if np.isnan(scores[row]):
            assert np.isnan(mean)
        else:
            np.testing.assert_allclose(mean, np.nanmean(part), atol=1e-9)


@given(SCORES, st.integers(1, 8), st.sampled_from([1e25, -1e25, np.inf]))
def test_a_broken_value_counts_in_no_other_mean(values: list[float], length: int, broken: float) -> None:
    scores = np.array([broken, *[0.0] * (length - 1), *values])
    first = np.zeros(len(scores), np.int64)
    means, _ = trailing_means(scores, first, length)
    expected, _ = trailing_means(np.where(scores == broken, 0.0, scores), first, length)
    np.testing.assert_array_equal(means[length:], expected[length:])
    assert (np.abs(means[:length]) > 1e20).all()
