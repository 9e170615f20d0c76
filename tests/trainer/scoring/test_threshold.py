"""The threshold, compared with sorting all scores."""

import numpy as np
import pytest
import torch

from longstride.storage.series.statistics import Statistics
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.scoring.threshold import ScoreCounts, row_scores

ALONE = Ranks(0, 1, torch.device("cpu"))


@pytest.mark.parametrize("share", [0.5, 0.1, 0.001])
def test_at_most_a_share_of_the_scores_exceeds_the_threshold(share: float) -> None:
    scores = np.random.default_rng(0).standard_t(2, 20_000) * 3
    counts = ScoreCounts()
    for part in np.split(np.append(scores, np.full(100, np.nan)), 3):
        counts.add(part)
    threshold = counts.exceeded_by(share, ALONE)
    assert (scores > threshold).mean() <= share
    assert threshold == pytest.approx(np.quantile(scores, 1 - share), rel=0.01, abs=0.01)


def test_scores_beyond_all_bins_are_counted_in_the_last() -> None:
    counts = ScoreCounts()
    counts.add(np.array([-1e30, 0.0, 1e30]))
    assert 0 < counts.exceeded_by(0.4, ALONE) < 0.01


def test_a_score_is_the_mean_over_the_channels_that_are_there() -> None:
    usual = Statistics.of(np.array([[1.0, 10.0], [3.0, 10.0]]))
    scores, standard = row_scores(np.array([[4.0, 10.0], [np.nan, 10.0], [np.nan, np.nan]]), usual)
    np.testing.assert_allclose(standard, [[2, 0], [np.nan, 0], [np.nan, np.nan]])
    np.testing.assert_allclose(scores, [1, 0, np.nan])
