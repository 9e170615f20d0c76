from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.pipeline.ingest.writing.missing_spans import MissingSpans
from longstride.storage.series.gaps import find_segments

LOGS = st.lists(  # series, each with its steps and which of its rows miss every value
    st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=12), min_size=1, max_size=4
)


def unpack(log: list[list[tuple[int, bool]]]) -> tuple[NDArray[np.int64], NDArray[np.bool_], list[int]]:
    times, missing, starts = [], [], []
    for series in log:
        starts.append(len(times))
        now = -1000
        for step, gone in series:
            now += step
            times.append(now)
            missing.append(gone)
    return np.array(times), np.array(missing), starts


def brute_force_runs(
    time: NDArray[np.int64], missing: NDArray[np.bool_], starts: list[int], limit: int
) -> Iterator[tuple[int, int]]:
    ends = [*starts[1:], len(time)]
    for first, end in zip(starts, ends, strict=True):
        row = first
        while row < end:
            stop = row
            while stop < end and missing[stop]:
                stop += 1
            if stop > row and time[min(stop, end - 1)] - time[row] > limit:
                yield row, stop
            row = stop + 1


@given(LOGS, st.integers(1, 12), st.integers(1, 9), st.booleans())
def test_segments_agree_with_a_loop_over_rows(
    log: list[list[tuple[int, bool]]], limit: int, piece: int, one_value: bool
) -> None:
    time, gone, starts = unpack(log)
    values = np.where(gone[:, None], np.nan, np.ones((len(time), 3), np.float32))
    if one_value:
        values[:, 1:] = np.nan
    runs = MissingSpans(limit)
    for first, end in zip(starts, [*starts[1:], len(time)], strict=True):
        for row in range(first, end, piece):
            part = slice(row, min(row + piece, end))
            runs.add(time[part], values[part])
        runs.end_series()
    expected_runs = list(brute_force_runs(time, gone, starts, limit))
    assert runs.found().tolist() == [list(run) for run in expected_runs]

    expected = []
    for row in range(len(time)):
        inside = not any(start <= row < stop for start, stop in expected_runs)
        follows = row > 0 and row not in starts and time[row] - time[row - 1] <= 3
        if inside and follows and expected and expected[-1][1] == row:
            expected[-1][1] = row + 1
        elif inside:
            expected.append([row, row + 1, sum(start <= row for start in starts) - 1])
    blocks = [time[row : row + piece] for row in range(0, len(time), piece)]
    found = find_segments(blocks, starts, 3, runs.found())
    assert np.stack([found.start, found.stop, found.series], axis=1).tolist() == expected
    found.check(len(time), len(starts))
