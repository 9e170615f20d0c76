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
