"""The threshold, compared with sorting all scores; and how many independent rows there are."""

import numpy as np
import pytest

from longstride.trainer.scoring.scorer import doubt_of
from longstride.trainer.scoring.settings import ScorerOptions
from longstride.trainer.scoring.threshold import independent_rows, threshold_of


@pytest.mark.parametrize("share", [0.5, 0.1, 0.001])
def test_at_most_a_share_of_the_scores_exceeds_the_threshold(share: float) -> None:
    scores = np.random.default_rng(0).standard_t(2, 20_000) * 3
    threshold = threshold_of(scores, share, "quantile")
    assert share / 2 < (scores > threshold).mean() <= share
    assert threshold in scores


def test_fewer_scores_than_an_alarm_needs_give_the_highest() -> None:
    assert threshold_of(np.array([3.0, 1.0, 2.0]), 0.001, "quantile") == 3.0
    assert threshold_of(np.array([3.0]), 0.9, "quantile") == 3.0


@pytest.mark.parametrize("share", [0.01, 0.001, 0.0001])
def test_the_fitted_tail_is_near_the_truth_beyond_the_scores(share: float) -> None:
    scores = np.random.default_rng(0).exponential(1.0, 20_000)
    assert threshold_of(scores, share, "tail") == pytest.approx(-np.log(share), rel=0.1)


def test_a_tail_of_equal_scores_is_where_it_begins() -> None:
    assert threshold_of(np.full(100, 2.0), 0.001, "tail") == 2.0


def test_groups_of_high_scores_count_once() -> None:
    random = np.random.default_rng(0)
    alone = random.exponential(1.0, 10_000)
    rows = np.arange(10_000)
    assert independent_rows(alone, rows * 100, 3.0, 16) == 10_000
    assert independent_rows(np.repeat(alone[:1000], 10), rows, 3.0, 10) < 2000


def test_a_threshold_that_is_a_guess_names_what_may_help() -> None:
    assert doubt_of(5000, 5000, ScorerOptions()) == ""
    by_quantile = doubt_of(5000, 1000, ScorerOptions())
    assert "they count as 1,000" in by_quantile
    assert "or --threshold tail, which extrapolates" in by_quantile
    by_tail = doubt_of(1000, 1000, ScorerOptions(threshold="tail"))
    assert "is extrapolated from their highest scores" in by_tail
    assert "--threshold tail" not in by_tail
