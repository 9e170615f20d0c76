import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.pipeline.loading.ordering.blocks import Epochs, Share
from longstride.pipeline.loading.ordering.windows import WindowIndex
from tests.helpers.stores.segments import segment_lists, segments_of


def windows_of(index: WindowIndex, epochs: Epochs, epoch: int) -> list[int]:
    blocks = epochs.blocks(epoch)
    counts = np.diff(blocks.position).tolist()
    first = (index.offsets[blocks.segment] + blocks.window).tolist()
    return [window for start, count in zip(first, counts, strict=True) for window in range(start, start + count)]


@given(segment_lists(), st.integers(1, 9), st.integers(1, 9), st.integers(0, 3), st.integers(0, 99))
def test_an_epoch_of_all_windows_has_each_once(
    pairs: list[tuple[int, int]], window: int, block_windows: int, epoch: int, seed: int
) -> None:
    index = WindowIndex(segments_of(pairs), window, 1)
    epochs = Epochs(index, block_windows, [Share(0, len(pairs), len(index))], seed)
    assert sorted(windows_of(index, epochs, epoch)) == list(range(len(index)))


@given(segment_lists(), st.integers(1, 9), st.integers(1, 50), st.integers(0, 99))
def test_smaller_epochs_are_slices_of_passes(
    pairs: list[tuple[int, int]], block_windows: int, num_windows: int, seed: int
) -> None:
    index = WindowIndex(segments_of(pairs), 3, 1)
    if num_windows >= len(index):
        return
    epochs = Epochs(index, block_windows, [Share(0, len(pairs), num_windows)], seed)
    slices = len(index) // num_windows
    for passes in range(2):
        served = [window for n in range(slices) for window in windows_of(index, epochs, passes * slices + n)]
        assert len(served) == len(set(served)) == slices * num_windows
        assert set(served) <= set(range(len(index)))


@given(st.integers(20, 60), st.integers(5, 30), st.integers(1, 7), st.integers(0, 5))
def test_shares_take_as_many_of_each_as_they_say(first: int, second: int, times: int, epoch: int) -> None:
    index = WindowIndex(segments_of([(0, first), (first, first + second)]), 1, 1)
    shares = [Share(0, 1, first // 3), Share(1, 2, second * times + second // 2)]
    served = np.array(windows_of(index, Epochs(index, 4, shares, 7), epoch))
    counts = np.bincount(served, minlength=first + second)
    assert counts[:first].sum() == first // 3
    assert counts[:first].max(initial=0) <= 1
    assert counts[first:].sum() == second * times + second // 2
    assert set(counts[first:].tolist()) <= {times, times + 1}


@pytest.mark.parametrize("num_windows", [100, 40, 250])
def test_epochs_and_seeds_differ(num_windows: int) -> None:
    index = WindowIndex(segments_of([(0, 100)]), 1, 1)

    def served(epoch: int, seed: int = 0) -> list[int]:
        return windows_of(index, Epochs(index, 4, [Share(0, 1, num_windows)], seed), epoch)

    assert served(1) == served(1)
    assert served(1) != served(2)
    assert served(1) != served(1, seed=1)
