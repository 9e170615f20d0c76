import hashlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.order import PADDING, Order, SequentialOrder
from longstride.pipeline.loading.ordering.shuffled import ShuffledOrder, lanes_for
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.row_reader import merged
from tests.helpers.stores.segments import brute_force, segment_lists, segments_of


def shuffled(
    pairs: list[tuple[int, int]], window: int, stride: int, batch: int, *, seed: int = 0, pool_rows: int = 2**20
) -> ShuffledOrder:
    index = WindowIndex(segments_of(pairs), window, stride)
    block_rows = min(2**13, pool_rows // 4)
    return ShuffledOrder(
        index, batch, lanes=lanes_for(batch, 1), seed=seed, pool_rows=pool_rows, block_rows=block_rows
    )


def epoch_starts(order: Order, epoch: int = 0, world_size: int = 1) -> NDArray[np.int64]:
    """Starts of a whole epoch (steps, B), the ranks side by side."""
    runs = []
    step = 0
    while step < order.num_steps:
        first, stop = order.run_of(step)
        assert first == step < stop
        runs.append(np.hstack([order.draw(epoch, step, rank, world_size) for rank in range(world_size)]))
        assert len(runs[-1]) == stop - first
        step = stop
    return np.concatenate(runs) if runs else np.empty((0, 0), np.int64)


def overlapping_pairs(batch: NDArray[np.int64], window: int) -> int:
    starts = np.sort(batch)
    return int((np.searchsorted(starts, starts + window) - np.arange(len(starts)) - 1).sum())


@settings(deadline=None)
@given(
    segment_lists(),
    st.integers(1, 20),
    st.integers(1, 25),
    st.sampled_from([4, 8, 12, 16, 20]),
    st.integers(0, 2**64),
    st.integers(0, 3),
    st.sampled_from([16, 256, 2**20]),
)
def test_shuffled_epoch_serves_every_window_once(
    pairs: list[tuple[int, int]], window: int, stride: int, batch: int, seed: int, epoch: int, pool_rows: int
) -> None:
    order = shuffled(pairs, window, stride, batch, seed=seed, pool_rows=pool_rows)
    expected = brute_force(pairs, window, stride, 0)
    served = epoch_starts(order, epoch).reshape(-1).tolist()
    assert len(served) == len(set(served)) == len(expected) - order.num_dropped
    assert set(served) <= set(expected)
    assert order.num_dropped == len(expected) % batch < batch


@settings(deadline=None)
@given(segment_lists(), st.integers(1, 20), st.integers(1, 25), st.sampled_from([4, 8, 12, 16, 20]))
def test_shuffled_global_batch_is_the_same_for_every_world_size(
    pairs: list[tuple[int, int]], window: int, stride: int, batch: int
) -> None:
    alone = np.sort(epoch_starts(shuffled(pairs, window, stride, batch, pool_rows=256), 1), axis=1)
    for world_size in (2, 4):
        order = shuffled(pairs, window, stride, batch, pool_rows=256)
        assert np.array_equal(alone, np.sort(epoch_starts(order, 1, world_size), axis=1))


@given(
    segment_lists(),
    st.integers(1, 20),
    st.integers(1, 25),
    st.sampled_from([4, 8, 12, 20]),
    st.sampled_from([1, 2, 4]),
)
def test_sequential_epoch_is_every_window_in_order_then_padding(
    pairs: list[tuple[int, int]], window: int, stride: int, batch: int, world_size: int
) -> None:
    order = SequentialOrder(WindowIndex(segments_of(pairs), window, stride), batch)
    served = epoch_starts(order, 0, world_size).reshape(-1)
    expected = brute_force(pairs, window, stride, 0)
    assert served[: len(expected)].tolist() == expected
    assert (served[len(expected) :] == PADDING).all()
    assert len(served) - len(expected) < batch


def test_the_question_in_one_batch() -> None:
    order = SequentialOrder(WindowIndex(segments_of([(0, 100)]), 10, 10), 10)
    assert epoch_starts(order).tolist() == [[0, 10, 20, 30, 40, 50, 60, 70, 80, 90]]


@pytest.mark.parametrize(
    ("rows", "window", "stride", "batch"),
    [(1_000_000, 10, 1, 64), (4_000_000, 512, 1, 256), (4_000_000, 512, 64, 256), (500_000, 64, 1, 256)],
)
def test_a_batch_overlaps_twenty_times_less_than_true_random_order(
    rows: int, window: int, stride: int, batch: int
) -> None:
    order = shuffled([(0, rows)], window, stride, batch)
    ours = sum(overlapping_pairs(step, window) for step in epoch_starts(order))
    random = np.random.default_rng(0).permutation(len(order.index))[: order.num_steps * batch] * stride
    theirs = sum(overlapping_pairs(step, window) for step in random.reshape(-1, batch))
    assert theirs >= 100
    assert ours * 20 <= theirs


def test_nearly_every_batch_is_free_of_overlap() -> None:
    order = shuffled([(0, 4_000_000)], 512, 1, 256)
    free = [overlapping_pairs(step, 512) == 0 for step in epoch_starts(order)]
    assert np.mean(free) >= 0.99


def test_two_epochs_and_two_seeds_differ() -> None:
    first = epoch_starts(shuffled([(0, 5000)], 10, 1, 64), 0)
    assert not np.array_equal(first, epoch_starts(shuffled([(0, 5000)], 10, 1, 64), 1))
    assert not np.array_equal(first, epoch_starts(shuffled([(0, 5000)], 10, 1, 64, seed=1), 0))
    assert np.array_equal(first, epoch_starts(shuffled([(0, 5000)], 10, 1, 64), 0))


def within(ranges: NDArray[np.int64], starts: NDArray[np.int64]) -> list[int]:
    """Rows of ranges laid end to end, by looking for each; 0 for what only fills the batch."""
    rows = [row for begin, stop in ranges.tolist() for row in range(begin, stop)]
    found = {row: place for place, row in enumerate(rows)}
    return [0 if start == PADDING else found[start] for start in starts.reshape(-1).tolist()]


@settings(deadline=None)
@given(
    segment_lists(),
    st.integers(1, 20),
    st.integers(1, 25),
    st.sampled_from([4, 8]),
    st.sampled_from([16, 256]),
    st.booleans(),
)
def test_rows_are_counted_within_the_ranges_of_a_run(
    pairs: list[tuple[int, int]], window: int, stride: int, batch: int, pool_rows: int, is_shuffled: bool
) -> None:
    index = WindowIndex(segments_of(pairs), window, stride)
    order: Order = SequentialOrder(index, batch, pool_rows)
    if is_shuffled:
        order = shuffled(pairs, window, stride, batch, pool_rows=pool_rows)
    step = 0
    while step < order.num_steps:
        for rank in range(2):
            ranges = merged(order.rows(1, step, rank, 2))
            starts = order.draw(1, step, rank, 2)
            counted = order.draw(1, step, rank, 2, within=ranges)
            assert counted.reshape(-1).tolist() == within(ranges, starts)
        step = order.run_of(step)[1]


@settings(deadline=None)
@given(
    segment_lists(),
    st.integers(1, 20),
    st.integers(1, 25),
    st.sampled_from([4, 8, 12, 16, 20]),
    st.sampled_from([16, 256]),
    st.sampled_from([1, 2, 4]),
    st.booleans(),
)
def test_runs_drawn_in_a_row_are_those_drawn_one_by_one(
    pairs: list[tuple[int, int]],
    window: int,
    stride: int,
    batch: int,
    pool_rows: int,
    world_size: int,
    is_shuffled: bool,
) -> None:
    pairs = [(20 * start, 20 * stop) for start, stop in pairs]  # of several pools, and several windows a lane
    order: Order = SequentialOrder(WindowIndex(segments_of(pairs), window, stride), batch, pool_rows)
    if is_shuffled:
        order = shuffled(pairs, window, stride, batch, pool_rows=pool_rows)
    begin = 0
    while begin < order.num_steps:
        for rank in range(world_size):
            step = begin
            for starts in order.draw_some(3, begin, rank, world_size):
                assert starts.tolist() == order.draw(3, step, rank, world_size).tolist()
                step += len(starts)
        assert step == order.num_steps or step > order.run_of(begin)[1]
        begin = step


def test_so_many_runs_are_drawn_in_a_row_and_so_many_windows() -> None:
    def in_a_row(windows: int, pool_windows: int) -> int:
        order = shuffled([(0, 64 * windows)], 64, 64, 256, pool_rows=64 * pool_windows)
        return len(order.draw_some(0, 0, 0, 1))

    assert in_a_row(1_000_000, 512) == 16
    assert in_a_row(1_000_000, 2**14) == 4
    assert in_a_row(1_000_000, 2**17) == 1
    assert in_a_row(512, 512) == 1


def test_a_batch_takes_from_the_whole_pool() -> None:
    """Windows of a batch come from all over the data, not from a few neighbouring blocks."""
    order = shuffled([(0, 1_000_000)], 64, 1, 256)
    for step in epoch_starts(order)[::500]:
        assert len(np.unique(step // 100_000)) >= 8


def test_any_step_of_a_billion_rows_is_drawn_without_the_steps_before() -> None:
    tracemalloc.start()
    order = shuffled([(0, 10**9)], 512, 1, 256)
    step = 3_000_000
    first, stop = order.run_of(step)
    starts = order.draw(7, first, 0, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert starts.shape == (stop - first, 256)
    assert len(np.unique(starts)) == starts.size
    assert peak < 20 * 2**20


@pytest.mark.parametrize("lanes", [1, 2, 16])
def test_a_lane_may_have_more_slots_than_half_the_bits_can_count(lanes: int) -> None:
    """Two hundred thousand, of two windows each: their products pass 2**32 where one lane has them all."""
    order = ShuffledOrder(WindowIndex(segments_of([(0, 400_001)]), 2, 1), 16, lanes=lanes, seed=0)
    np.testing.assert_array_equal(np.sort(epoch_starts(order).ravel()), np.arange(400_000))


def test_the_order_never_changes_unnoticed() -> None:
    """A run that is resumed with a later version must see the same windows: change this digest knowingly."""
    digest = hashlib.sha256()
    for pairs, window, stride, batch in (
        ([(0, 20_000)], 64, 1, 64),
        ([(0, 3000), (3000, 3100), (3500, 9000)], 32, 8, 48),
        ([(0, 10_000)], 10, 10, 20),
    ):
        order = shuffled(pairs, window, stride, batch, seed=5, pool_rows=4096)
        digest.update(epoch_starts(order, 2, 1).astype("<i8").tobytes())
    assert digest.hexdigest() == "833eebdf16c68dd60236de9fac023f5e32c48ea1c79a183dc232e6aeb47ebb12"


@pytest.mark.parametrize(("batch", "lanes"), [(64, 16), (48, 48), (10, 2), (7, 1), (24, 24), (256, 16)])
def test_lanes_suit_every_usual_world_size(batch: int, lanes: int) -> None:
    assert lanes_for(batch, 1) == lanes
    for world_size in (1, 2, 3, 4, 6, 8, 12, 16):
        if batch % world_size == 0:
            assert lanes_for(batch, world_size) == lanes


@pytest.mark.parametrize(("batch", "world_size", "lanes"), [(256, 32, 32), (50, 5, 10), (70, 7, 14)])
def test_an_unusual_world_size_has_lanes_of_its_own(batch: int, world_size: int, lanes: int) -> None:
    assert lanes_for(batch, world_size) == lanes
    assert batch % lanes == lanes % world_size == 0


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_read_rows_of_their_own(world_size: int) -> None:
    """Rows that ranks touch, added up, are hardly more than the rows there are."""
    rows, window = 600_000, 64
    order = shuffled([(0, rows)], window, 1, 256)
    touched = 0
    everything = np.zeros(rows, bool)
    for rank in range(world_size):
        mine = np.zeros(rows + 1, np.int64)
        step = 0
        while step < order.num_steps:
            starts = order.draw(0, step, rank, world_size).reshape(-1)
            np.add.at(mine, starts, 1)
            np.add.at(mine, starts + window, -1)
            step = order.run_of(step)[1]
        covered = np.cumsum(mine[:-1]) > 0
        touched += int(covered.sum())
        everything |= covered
    assert touched < 1.05 * everything.sum()


@settings(deadline=None)
@given(
    segment_lists(),
    st.integers(1, 20),
    st.integers(1, 25),
    st.sampled_from([4, 8, 12]),
    st.sampled_from([1, 2, 4]),
    st.booleans(),
)
def test_the_rows_of_a_run_are_those_of_its_windows(
    pairs: list[tuple[int, int]], window: int, stride: int, batch: int, world_size: int, shuffle: bool
) -> None:
    order: Order = shuffled(pairs, window, stride, batch, pool_rows=128)
    if not shuffle:
        order = SequentialOrder(WindowIndex(segments_of(pairs), window, stride), batch, 128)
    step = 0
    while step < order.num_steps:
        for rank in range(world_size):
            starts = order.draw(1, step, rank, world_size)
            needed = {row for start in starts[starts != PADDING].tolist() for row in range(start, start + window)}
            rows = order.rows(1, step, rank, world_size).tolist()
            given_rows = {row for first, stop in rows for row in range(first, stop)}
            assert needed <= given_rows
            if (starts != PADDING).all():
                assert given_rows == needed
            for first, stop in rows:
                assert any(a <= first < stop <= z for a, z in pairs)
        step = order.run_of(step)[1]
