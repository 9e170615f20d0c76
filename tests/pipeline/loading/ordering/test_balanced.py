import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.balanced import BalancedOrder, _dealt
from longstride.pipeline.loading.ordering.scrambled import scrambled
from longstride.pipeline.loading.ordering.weighted import RunsOfWindows, WeightedWindows
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.row_reader import merged
from longstride.storage.series.segments import Segments


def index_of(num_windows: int, window: int = 3, stride: int = 1) -> WindowIndex:
    rows = np.array([(num_windows - 1) * stride + window])
    return WindowIndex(Segments(rows * 0, rows, rows * 0), window, stride)


def epoch_windows(order: BalancedOrder, epoch: int = 0, world_size: int = 1) -> NDArray[np.int64]:
    """Numbers of windows (steps, B) of an epoch, the ranks side by side."""
    runs = []
    step = 0
    while step < order.num_steps:
        first, stop = order.run_of(step)
        assert first == step
        runs.append(np.hstack([order.draw(epoch, step, rank, world_size) for rank in range(world_size)]))
        assert len(runs[-1]) == stop - first
        step = stop
    return np.concatenate(runs) // order.index.stride


@given(st.integers(1, 70), st.integers(0, 2**40))
def test_a_permutation_of_any_size(size: int, key: int) -> None:
    numbers = np.arange(size)
    found = scrambled(np.full(size, key, np.uint64), numbers, np.full(size, size))
    assert sorted(found.tolist()) == numbers.tolist()


def test_every_permutation_of_three_is_as_likely() -> None:
    keys = np.arange(6000, dtype=np.uint64).repeat(3)
    found = scrambled(keys, np.tile(np.arange(3), 6000), np.full(18000, 3)).reshape(-1, 3)
    counts = np.unique(found, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert counts.min() > 500


@st.composite
def orders(draw: st.DrawFn) -> tuple[BalancedOrder, list[list[int]], list[float], int]:
    """An order, the windows of each group, the shares, and the windows of an epoch."""
    num_groups = draw(st.integers(1, 3))
    which = draw(st.lists(st.integers(0, num_groups - 1), min_size=num_groups, max_size=60))
    which = [*range(num_groups), *which]
    members = [[window for window, group in enumerate(which) if group == number] for number in range(num_groups)]
    parts = draw(st.lists(st.integers(1, 9), min_size=num_groups, max_size=num_groups))
    shares = [part / sum(parts) for part in parts]
    batch = draw(st.sampled_from([4, 8, 12]))
    num_windows = draw(st.integers(batch, 300))
    groups = [RunsOfWindows(np.array(some), np.array(some) + 1) for some in members]
    order = BalancedOrder(
        index_of(len(which), 3, draw(st.integers(1, 4))),
        groups,
        shares,
        batch,
        num_windows=num_windows,
        seed=draw(st.integers(0, 2**32)),
        pool_rows=draw(st.sampled_from([8, 100, 2**20])),
    )
    return order, members, shares, num_windows


@settings(max_examples=60)
@given(orders(), st.integers(0, 3))
def test_each_window_comes_as_often_as_its_share_says(
    made: tuple[BalancedOrder, list[list[int]], list[float], int], epoch: int
) -> None:
    order, members, shares, num_windows = made
    served = epoch_windows(order, epoch)
    assert served.size == num_windows - order.num_dropped
    for windows, share in zip(members, shares, strict=True):
        of_group = np.isin(served, windows)
        per_step = of_group.sum(axis=1)
        assert np.abs(per_step - share * served.shape[1]).max() < 1 + 1e-9
        assert np.abs(np.cumsum(per_step) - share * served.shape[1] * np.arange(1, len(served) + 1)).max() < 6
        counts = np.bincount(served[of_group], minlength=max(windows) + 1)[windows]
        assert counts.max() - counts.min() <= 1


@settings(max_examples=40)
@given(orders(), st.booleans())
def test_a_batch_is_the_same_for_any_number_of_ranks(
    made: tuple[BalancedOrder, list[list[int]], list[float], int], again: bool
) -> None:
    order = made[0]
    order._replacement = again
    alone = epoch_windows(order, 2)
    for world_size in (2, 4):
        assert np.array_equal(alone, epoch_windows(order, 2, world_size))
    for rank in range(2):  # the rows of a run hold its windows
        step = order.num_steps // 2
        first, stop = order.run_of(step)
        starts = order.draw(2, step, rank, 2)
        assert np.array_equal(starts, np.split(alone, 2, axis=1)[rank][first:stop] * order.index.stride)
        ranges = merged(order.rows(2, step, rank, 2))
        rows = np.concatenate([np.arange(*bounds) for bounds in ranges])
        assert np.array_equal(rows[order.draw(2, step, rank, 2, within=ranges)], starts)
        windows = starts.reshape(-1)[:, None] + np.arange(order.index.span)
        assert set(windows.reshape(-1).tolist()) == set(rows.tolist()) or order.index.stride > 1


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 7.25]), min_size=1, max_size=40),
    st.integers(4, 400),
    st.integers(0, 9),
)
def test_weights_of_windows(weights: list[float], num_windows: int, seed: int) -> None:
    if not sum(weights):
        weights[0] = 1.0
    group = WeightedWindows(np.array(weights))
    order = BalancedOrder(index_of(len(weights)), [group], [1.0], 4, num_windows=num_windows, seed=seed)
    served = epoch_windows(order)
    counts = np.bincount(served.reshape(-1), minlength=len(weights))
    expected = served.size * np.array(weights) / sum(weights)
    assert np.abs(counts - expected).max() < 1 + 1e-6
    assert not counts[np.array(weights) == 0].any()


@pytest.mark.parametrize("batch", [1, 2, 48, 60, 127, 128])
def test_every_part_of_a_batch_is_spread_over_it(batch: int) -> None:
    dealt = _dealt(batch)
    assert sorted(dealt.tolist()) == list(range(batch))
    for world_size in (2, 3, 4, 8, 16):
        if batch % world_size == 0:
            for part in np.split(dealt, world_size):
                before = np.searchsorted(np.sort(part), np.arange(batch + 1))
                assert np.abs(before - np.arange(batch + 1) / world_size).max() <= 2


def test_with_replacement_is_by_chance() -> None:
    members = [np.arange(900), np.arange(900, 1000)]
    groups = [RunsOfWindows(some[:1], some[-1:] + 1) for some in members]
    order = BalancedOrder(index_of(1000), groups, [0.5, 0.5], 40, num_windows=40_000, seed=1, replacement=True)
    counts = np.bincount(epoch_windows(order).reshape(-1), minlength=1000)
    assert counts[:900].sum() == counts[900:].sum() == 20_000
    for some, mean in ((counts[:900], 20_000 / 900), (counts[900:], 200.0)):
        assert 0.6 < some.var() / mean < 1.4  # as of a Poisson distribution


def test_a_class_of_one_percent() -> None:
    """Asked for at 10%: so close in any 1,000 batches, and two batches differ by a window at most."""
    rare = np.arange(0, 100_000, 100)
    common = np.setdiff1d(np.arange(100_000), rare)
    groups = [RunsOfWindows(common, common + 1), RunsOfWindows(rare, rare + 1)]
    order = BalancedOrder(index_of(100_000), groups, [0.9, 0.1], 32, num_windows=64_000, seed=0)
    per_step = (epoch_windows(order) % 100 == 0).sum(axis=1)
    assert set(per_step.tolist()) == {3, 4}
    for first in (0, 137, 1000):
        assert per_step[first : first + 1000].mean() == pytest.approx(3.2, rel=0.002)


def test_a_pool_needs_few_rows() -> None:
    index = index_of(3_000_000, 64)
    groups = [RunsOfWindows(np.array([0]), np.array([3_000_000]))]
    order = BalancedOrder(index, groups, [1.0], 64, num_windows=3_000_000, seed=0, pool_rows=2**18)
    for step in (0, 20_000):
        ranges = merged(order.rows(0, step, 0, 1))
        assert 2**16 < (ranges[:, 1] - ranges[:, 0]).sum() < 2**18 * 1.2
        assert len(ranges) <= 130
