"""Windows of several lengths: each batch has the last rows of those that a loader of the longest serves."""

from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import (
    Normaliser,
    WindowBatch,
    WindowDataset,
    WindowLoader,
    from_array,
    split_by_time,
    split_in_blocks,
    split_within_series,
)
from longstride.storage.series.data import SeriesData
from tests.helpers.errors import raises
from tests.helpers.stores.segments import segment_lists
from tests.helpers.stores.ways import Ways, check_every_way


def rows_of(batch: WindowBatch) -> list[list[float]]:
    return batch.values[..., 0].tolist()


@settings(max_examples=60)
@given(
    segment_lists(),
    st.lists(st.integers(1, 6), min_size=2, max_size=4, unique=True),
    st.integers(1, 3),
    st.integers(0, 2),
    st.booleans(),
    st.data(),
)
def test_a_batch_has_the_last_rows_of_the_longest_windows(
    pairs: list[tuple[int, int]],
    lengths: list[int],
    dilation: int,
    horizon: int,
    shuffle: bool,
    data: st.DataObject,
) -> None:
    world_size = data.draw(st.sampled_from([1, 2, 4, 8]))
    options: dict[str, Any] = {
        "dilation": dilation,
        "horizon": horizon,
        "shuffle": shuffle,
        "batch_size": 8,
        "targets": "c0" if data.draw(st.booleans()) else None,
        "seed": data.draw(st.integers(0, 5)),
        "device": data.draw(st.sampled_from([None, "cpu"])),
        "time": "rows",
    }
    span = (max(lengths) + horizon - 1) * dilation
    num_windows = sum(max(0, stop - start - span) for start, stop in pairs)
    if num_windows < (8 if shuffle else 1):
        return
    values = np.arange(pairs[-1][1], dtype=np.float32)[:, None]
    array = from_array(values, segments=pairs, channels=["c0"], start="2024-03-01", step="1s")
    drawn = []
    for rank in range(world_size):
        ranks = {"rank": rank, "world_size": world_size}
        several = WindowLoader(array, window=lengths, **options, **ranks)
        longest = WindowLoader(array, window=max(lengths), **options, **ranks)
        mine = []
        for found, whole in zip(several, longest, strict=True):
            rows = found.values.shape[1]
            mine.append(rows)
            assert torch.equal(found.values, whole.values[:, -rows:])
            skip = (max(lengths) - rows) * dilation
            assert found.start.tolist() == [start if start < 0 else start + skip for start in whole.start.tolist()]
            kept = found.start >= 0
            assert torch.equal(found.values[kept, 0, 0].long(), found.start[kept])
            assert found.time is not None
            assert whole.time is not None
            assert torch.equal(found.time, whole.time[:, max(lengths) - rows :])
            if found.target is not None:
                assert whole.target is not None
                assert torch.equal(found.target, whole.target if horizon else whole.target[:, -rows:])
        drawn.append(mine)
    assert all(mine == drawn[0] for mine in drawn)
    assert set(drawn[0]) <= set(lengths)


@pytest.mark.parametrize("options", [{}, {"horizon": 3, "label": "last"}, {"stride": 2, "label": "rows"}])
def test_every_way(ways: Ways, options: dict[str, Any]) -> None:
    found = check_every_way(ways, window=(4, 9, 16), **options)
    assert len({len(batch[0][0]) for batch in found}) == 3


def test_lengths_are_drawn_alike_often(ways: Ways) -> None:
    loader = WindowLoader(ways.array[0], window=(2, 4, 8), batch_size=8)
    counts = Counter(batch.values.shape[1] for epoch in range(4) for batch in loader)
    assert set(counts) == {2, 4, 8}
    assert min(counts.values()) > 0.25 * counts.total()


@pytest.mark.parametrize("window", [("4s", "16s"), (timedelta(seconds=16), "4s")])
def test_durations(ways: Ways, window: Any) -> None:
    loader = WindowLoader(ways.mapped[0], window=window, batch_size=8)
    assert {batch.values.shape[1] for batch in loader} == {4, 16}


def test_a_loader_of_torch_draws_the_same(ways: Ways) -> None:
    options: dict[str, Any] = {"window": [3, 7], "batch_size": 8}
    expected = [rows_of(batch) for batch in WindowLoader(ways.array[0], **options)]
    loader = torch.utils.data.DataLoader(WindowDataset(ways.array[0], **options), batch_size=None, num_workers=2)
    assert str([rows_of(batch) for batch in loader]) == str(expected)


def test_a_state_of_other_lengths_is_refused(ways: Ways) -> None:
    state = WindowLoader(ways.array[0], window=(4, 16), batch_size=8).state_dict()
    for window in (16, (8, 16), (4, 8, 16)):
        with raises("state-differs", "window"):
            WindowLoader(ways.array[0], window=window, batch_size=8).load_state_dict(state)


@pytest.mark.parametrize(
    ("window", "options", "fact"),
    [
        ((), {}, "window"),
        ((4, "8s"), {}, "all rows, or all durations"),
        ((4, 0), {}, "window=0"),
        ((4, 8), {"ragged": True}, "ragged"),
        ((4, 8), {"stateful": True, "stride": 8}, "stateful"),
        ((4, 8), {"normalise": "window"}, "normalise"),
        ((4, 8), {"normalise": Normaliser.fit(np.zeros((9, 1), np.float32), "window")}, "normalise"),
        ((4, 8), {"time": "start"}, "time"),
        ((4, 8), {"label": "any"}, "label"),
    ],
)
def test_what_is_of_whole_windows_is_refused(ways: Ways, window: Any, options: dict[str, Any], fact: str) -> None:
    data: SeriesData = ways.array[0]
    with raises("option-value", fact):
        WindowLoader(data, window=window, batch_size=8, **options)


def test_one_length_in_a_list_is_that_length(ways: Ways) -> None:
    one, other = (WindowLoader(ways.array[0], window=window, batch_size=8) for window in ([8], 8))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("lengths", [(4, 16), [16, 4, 9], ("4s", "16s")])
def test_splits_take_several_lengths_as_the_loader_does(ways: Ways, lengths: Any) -> None:
    data = ways.array[0]
    for split in (split_by_time, split_within_series, split_in_blocks):
        assert repr(split(data, window=lengths, horizon=2)) == repr(split(data, window=16, horizon=2))
    with raises("option-value", "window"):
        split_by_time(data, window=())
