"""Means of scores and those before them, compared with taking each by itself."""

from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.scoring.judges.ensemble import judges_of
from longstride.trainer.scoring.judges.judge import scores_by
from longstride.trainer.scoring.settings import ScoreOptions
from longstride.trainer.scoring.smoothing import trailing_means
from tests.helpers.runs.training import SIZES, waves

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


def test_ranges_that_are_apart_are_smoothed_as_among_all_rows(tmp_path: Path) -> None:
    data = longstride.from_array(waves(600, 2, missing=0))
    longstride.train(data, tmp_path / "run", model="pca", device="cpu", **SIZES)
    options = ScoreOptions(tmp_path / "run", data, tmp_path / "s.parquet", smooth=8)
    judges = judges_of([tmp_path / "run"], Ranks(0, 1, torch.device("cpu")), data, options)
    ((_, _, judge),) = judges.parts(0, data.num_rows)

    def scores(begin: int, stop: int) -> list[float]:
        return np.concatenate([part[0] for part in scores_by(judge, 2, data, begin, stop, options)]).tolist()

    whole = scores(0, data.num_rows)
    for begin, stop in [(0, 1), (3, 20), (25, 40), (0, 30), (599, 600)]:
        assert scores(begin, stop) == whole[begin:stop]
