"""Rows sorted by series, and which of them are late, compared with going through them one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longstride.trainer.live.arrivals import arrivals_of, steps_of

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 30), st.booleans()), min_size=1, max_size=40)


@given(ROWS, st.lists(st.integers(0, 9), min_size=4, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
def test_as_one_by_one(given: list[tuple[int, int, bool]], length: list[int], is_known: list[bool]) -> None:
    series, time, restart = (np.array(column) for column in zip(*given, strict=True))
    last = np.array([3, 0, 8, -2])
    rows = arrivals_of(series)
    steps, late = steps_of(rows, time, last[rows.series], np.array(is_known)[rows.series])
    lengths = rows.lengths(restart[rows.order], np.array(length)[rows.series])
    latest: dict[int, int] = {number: int(last[number]) for number in range(4) if is_known[number]}
    counted = dict(enumerate(length))
    back = np.argsort(rows.order)
    for row, (number, at, begins) in enumerate(given):
        place = back[row]
        before = latest.get(number)
        is_late = before is not None and at <= before
        assert late[place] == is_late
        assert steps[place] == (0 if before is None or is_late else at - before)
        if not is_late:
            latest[number] = at
        counted[number] = 1 if begins else counted[number] + 1
        assert lengths[place] == counted[number]
    assert rows.series.tolist() == sorted(set(series.tolist()))
    assert rows.within.tolist() == [
        series[: rows.order[at]].tolist().count(series[rows.order[at]]) for at in range(len(given))
    ]


def test_times_as_far_apart_as_int64_reaches() -> None:
    rows = arrivals_of(np.zeros(2, np.int64))
    steps, late = steps_of(rows, np.array([-(2**63), 2**63 - 1]), np.zeros(1, np.int64), np.zeros(1, bool))
    assert steps.tolist() == [0, 2**64 - 1]
    assert not late.any()
