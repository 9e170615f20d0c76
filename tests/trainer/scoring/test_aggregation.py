"""One figure for the errors of all channels, compared with each row by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from longstride.trainer.scoring.aggregation import aggregate
from longstride.trainer.scoring.settings import Aggregate

ERRORS = arrays(float, (4, 3), elements=st.one_of(st.just(np.nan), st.floats(-2, 1e6)))


@pytest.mark.parametrize("how", ["mean", "max", "largest", "log"])
@given(errors=ERRORS, largest=st.integers(1, 5))
def test_each_row_by_itself(how: Aggregate, errors: np.ndarray, largest: int) -> None:
    found = aggregate(errors, how, largest)
    for row, figure in zip(errors, found.tolist(), strict=True):
        there = np.sort(row[~np.isnan(row)])
        if not len(there):
            assert np.isnan(figure)
            continue
        expected = {
            "mean": there.mean(),
            "max": there[-1],
            "largest": there[-largest:].mean(),
            "log": np.log1p(np.maximum(there, -0.9)).mean(),
        }
        np.testing.assert_allclose(figure, expected[how], rtol=1e-9, atol=1e-9)
