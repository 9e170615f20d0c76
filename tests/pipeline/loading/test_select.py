from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.select import labelled_windows, mostly_missing_windows, without
from longstride.storage.store import SeriesStore
from tests.helpers.stores.segments import segment_lists, segments_of
from tests.helpers.stores.store_of import StoreOf

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def starts_of(index: WindowIndex) -> list[int]:
    return index.starts(np.arange(len(index))).tolist()


@given(
    segment_lists(),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=6),
)
def test_the_windows_that_are_left_begin_where_they_did(
    pairs: list[tuple[int, int]], window: int, stride: int, horizon: int, ranges: list[tuple[int, int]]
) -> None:
    index = WindowIndex(segments_of(pairs), window, stride, horizon)
    dropped = [(min(*pair, len(index)), min(max(pair), len(index))) for pair in ranges]
    gone = {number for first, stop in dropped for number in range(first, stop)}
    left = without(index, np.array(dropped, np.int64).reshape(-1, 2))
    expected = [start for number, start in enumerate(starts_of(index)) if number not in gone]
    assert starts_of(WindowIndex(left, window, stride, horizon)) == expected


@given(segment_lists(), st.integers(1, 9), st.integers(1, 9), st.integers(0, 3), st.integers(0, 200))
def test_windows_before_a_row_are_counted(
    pairs: list[tuple[int, int]], window: int, stride: int, horizon: int, row: int
) -> None:
    index = WindowIndex(segments_of(pairs), window, stride, horizon)
    expected = sum(start < row for start in starts_of(index))
    assert index.num_before(np.array([row])).tolist() == [expected]


@quick
@given(
    segment_lists(),
    st.integers(1, 9),
    st.integers(1, 5),
    st.integers(0, 3),
    st.sets(st.integers(0, 120)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_a_window_with_a_labelled_row_is_left_out(
    make_store: Callable[..., SeriesStore],
    tmp_path: Path,
    pairs: list[tuple[int, int]],
    window: int,
    stride: int,
    horizon: int,
    labelled: set[int],
    left_out: tuple[int, int],
) -> None:
    num_rows = pairs[-1][1] if pairs else 1
    labels = np.zeros((num_rows, 2), np.int8)
    labels[[row for row in labelled if row < num_rows], 1] = 3
    labels[::2, 0] = 1  # not asked about
    bounds = [(*pair, 0) for pair in pairs]
    store = make_store(
        tmp_path / f"{len(list(tmp_path.iterdir()))}",
        np.zeros((num_rows, 1), np.float32),
        segments=bounds,
        labels=labels,
    )
    chosen = pairs[left_out[0] : len(pairs) - left_out[1]]
    index = WindowIndex(segments_of(chosen), window, stride, horizon)
    left = WindowIndex(without(index, labelled_windows(index, store, [1])), window, stride, horizon)
    span = window + horizon
    assert starts_of(left) == [start for start in starts_of(index) if not labels[start : start + span, 1].any()]


@quick
@given(
    segment_lists(),
    st.integers(1, 9),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.2, 0.5, 1.0]),
    st.integers(0, 2**32),
    st.integers(1, 3),
)
def test_a_window_with_too_many_missing_values_is_left_out(
    store_of: StoreOf,
    pairs: list[tuple[int, int]],
    window: int,
    stride: int,
    share: float,
    seed: int,
    dilation: int,
) -> None:
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((pairs[-1][1] if pairs else 1, 3)).astype(np.float32)
    values[generator.random(values.shape) < 0.3] = np.nan
    store = store_of(values, pairs)
    index = WindowIndex(segments_of(pairs), window, stride, dilation=dilation)
    left = index.of(without(index, mostly_missing_windows(index, store, [0, 2], share)))
    expected = [
        start
        for start in starts_of(index)
        if np.isnan(values[start : start + window * dilation : dilation][:, [0, 2]]).sum() <= share * window * 2
    ]
    assert starts_of(left) == expected


def test_blocks_without_missing_values_are_not_read(store_of: StoreOf) -> None:
    values = np.zeros((200_000, 2), np.float32)
    values[150_000:150_010] = np.nan
    store = store_of(values)
    index = WindowIndex(store.segments, 16, 1)
    dropped = mostly_missing_windows(index, store, [0, 1], 0.5)
    assert dropped.tolist() == [[150_000 - 7, 150_002]]
