from itertools import accumulate, chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.series.gaps import default_max_gap, usual_step

STEPS = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=12), min_size=1, max_size=4)
"""Series, each with the steps that lead to its rows."""


@given(STEPS, st.integers(1, 9))
def test_the_usual_step_is_the_lower_median(log: list[list[int]], piece: int) -> None:
    time = np.array(list(chain(*(accumulate(steps) for steps in log))))
    starts = [0, *accumulate(len(steps) for steps in log)][:-1]
    steps = sorted(step for series in log for step in series[1:])
    blocks = [time[row : row + piece] for row in range(0, len(time), piece)]
    assert usual_step(blocks, len(time), starts) == (steps[(len(steps) - 1) // 2] if steps else 0)


def test_the_usual_step_of_a_long_log_is_sampled_over_all_of_it() -> None:
    steps = np.repeat([10, 60], [400_000, 600_000])
    blocks = np.array_split(np.cumsum(steps), 17)
    assert usual_step(blocks, len(steps), [0]) == 60


def test_a_gap_is_more_than_one_and_a_half_steps() -> None:
    assert default_max_gap(60) == 90
    assert default_max_gap(1) == 1
