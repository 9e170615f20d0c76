"""Ranks of scores, compared with counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.trainer.scoring.judges.rarity import Rarity

SCORES = st.lists(st.floats(-100, 100, width=16), min_size=1, max_size=50)


@given(SCORES)
def test_a_normal_score_ranks_by_how_many_reach_it(values: list[float]) -> None:
    normal = np.array(values, float)
    found = Rarity(normal).of(normal)
    for score, rank in zip(values, found.tolist(), strict=True):
        assert 10**-rank == pytest.approx(sum(other >= score for other in values) / (len(values) + 1))


@given(SCORES, st.lists(st.floats(-1e6, 1e6), max_size=20))
def test_a_higher_score_never_ranks_lower(normal: list[float], scores: list[float]) -> None:
    found = Rarity(np.array(normal, float)).of(np.sort(np.array(scores, float)))
    assert (np.diff(found) >= 0).all()
    beyond = max(normal) + np.array([0.0, 1.0, 10.0, 1e4])
    assert (np.diff(Rarity(np.array(normal, float)).of(beyond)) > 0).all()


def test_far_scores_rank_by_their_logarithm_and_missing_ones_not_at_all() -> None:
    rarity = Rarity(np.random.default_rng(0).standard_normal(1000))
    near, far, farther, missing = rarity.of(np.array([2.3, 1e6, 1e7, np.nan]))
    assert near == pytest.approx(2, abs=0.3)
    assert farther - far == pytest.approx(1, abs=1e-3)
    assert np.isnan(missing)
