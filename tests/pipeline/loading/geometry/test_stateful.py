"""Batches that continue where the one before stopped: every place is followed, against brute force."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from longstride import WindowBatch, WindowDataset, WindowLoader, from_array
from tests.helpers.errors import raises
from tests.helpers.stores.segments import brute_force, segment_lists
from tests.helpers.stores.ways import SMALL, Ways, check_every_way

Served = list[tuple[list[int], list[bool]]]


def shown(batch: WindowBatch) -> tuple[list[int], list[bool]]:
    assert batch.restart is not None
    return batch.start.tolist(), batch.restart.tolist()


def served(data: Any, world_size: int, epoch: int, **options: Any) -> Served:
    """Starts and restarts of each step, over all ranks."""
    ranks = []
    for rank in range(world_size):
        loader = WindowLoader(data, rank=rank, world_size=world_size, stateful=True, **options)
        loader.set_epoch(epoch)
        ranks.append([shown(batch) for batch in loader])
        assert len(ranks[-1]) == len(loader)
    return [
        ([one for starts, _ in parts for one in starts], [one for _, restarts in parts for one in restarts])
        for parts in zip(*ranks, strict=True)
    ]


@settings(max_examples=100)
@given(segment_lists(), st.integers(1, 6), st.integers(1, 3), st.integers(0, 2), st.data())
def test_every_place_continues(
    pairs: list[tuple[int, int]], window: int, dilation: int, horizon: int, data: st.DataObject
) -> None:
    rows = window * dilation
    expected = brute_force(pairs, window, rows, horizon, dilation)
    world_size, share = data.draw(st.sampled_from([1, 2, 4, 8])), data.draw(st.integers(1, 2))
    batch, shuffle = world_size * share, data.draw(st.booleans())
    if len(expected) < (batch if shuffle else 1):
        return
    array = from_array(np.zeros((pairs[-1][1], 1), np.float32), segments=pairs)
    options: dict[str, Any] = {
        "window": window,
        "stride": rows,
        "dilation": dilation,
        "horizon": horizon,
        "batch_size": batch,
        "shuffle": shuffle,
        "pool_rows": data.draw(st.sampled_from([1, 64, 10_000])),
        "device": data.draw(st.sampled_from([None, "cpu"])),
    }
    epoch = data.draw(st.integers(0, 3))
    found = served(array, world_size, epoch, **options)
    every = [start for starts, _ in found for start in starts if start >= 0]
    assert len(set(every)) == len(every)
    assert set(every) <= set(expected)
    assert len(expected) - len(every) == (len(expected) % batch if shuffle else 0)
    begins = {start for start, _ in pairs}
    for step, (starts, restarts) in enumerate(found):
        for place, (start, restart) in enumerate(zip(starts, restarts, strict=True)):
            before = found[step - 1][0][place] if step else None
            if start < 0:
                assert not restart
                assert step == len(found) - 1
            elif restart:
                assert step == 0 or start in begins
            else:
                assert before is not None
                assert start == before + rows
                assert start not in begins
    step = data.draw(st.integers(0, len(found)))
    resumed = WindowLoader(array, stateful=True, **options)
    resumed.set_epoch(epoch, step)
    assert [shown(one) for one in resumed] == found[step:]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"window": 5, "stride": 5, "series": True, "time": "start"},
        {"window": 3, "dilation": 2, "stride": "6s", "horizon": 2, "without_labels": "fault", "label": "any"},
    ],
)
def test_every_way_of_serving(ways: Ways, options: dict[str, Any], shuffle: bool) -> None:
    check_every_way(ways, in_order=True, shuffle=shuffle, stateful=True, **options)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_plain_dataloader_marks_the_same(ways: Ways, num_workers: int) -> None:
    options = {**SMALL, "window": 5, "stride": 5, "stateful": True}
    expected = [shown(batch) for batch in WindowLoader(ways.mapped, **options)]
    plain = DataLoader(
        WindowDataset(ways.mapped, **options),
        batch_size=None,
        num_workers=num_workers,
        multiprocessing_context="forkserver" if num_workers else None,
    )
    assert [shown(batch) for batch in plain] == expected


def test_state_that_is_carried_over_sees_every_row_in_order() -> None:
    """A running sum over carried state equals the sum over all rows of the segment so far."""
    values = np.random.default_rng(0).integers(0, 9, (1000, 1)).astype(np.float32)
    pairs = [(0, 400), (400, 405), (405, 1000)]
    loader = WindowLoader(
        from_array(values, segments=pairs), window=10, stride=10, batch_size=8, stateful=True, seed=3
    )
    assert loader.num_windows == 99
    state, begun = torch.zeros(8), torch.zeros(8, dtype=torch.int64)
    for batch in loader:
        assert batch.restart is not None
        state = torch.where(batch.restart, 0, state) + batch.values[:, :, 0].sum(dim=1)
        begun = torch.where(batch.restart, batch.start, begun)
        for place, (first, start) in enumerate(zip(begun.tolist(), batch.start.tolist(), strict=True)):
            assert state[place] == values[first : start + 10].sum()


def test_epochs_differ_and_batches_show_restarts() -> None:
    data = from_array(np.zeros((900, 1), np.float32), segments=[(row, row + 90) for row in range(0, 900, 90)])
    options: dict[str, Any] = {"window": 9, "stride": 9, "batch_size": 4}
    assert served(data, 1, 0, **options) != served(data, 1, 1, **options)
    assert served(data, 1, 1, **options) == served(data, 4, 1, **options)
    assert "restart: bool (4,)" in repr(next(iter(WindowLoader(data, stateful=True, **options))))
    assert next(iter(WindowLoader(data, **options))).restart is None


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ({"stride": 1}, ["stride=1", "stride=8"]),
        ({"stride": 8, "dilation": 2}, ["stride=16", "window * dilation"]),
        ({"every": "1min"}, ["stride=60", "stride=8"]),
        ({"stride": 8, "lanes": 4}, ["lanes=4"]),
        ({"stride": 8, "balance": np.ones(500)}, ["balance"]),
        ({"stride": 8, "windows_per_epoch": 16}, ["windows_per_epoch"]),
        ({"stride": 8, "weights": [1]}, ["weights"]),
        ({"stride": 8, "stateful": "yes"}, ["stateful", "expected True or False"]),
        ({"stride": 8, "window": 64, "batch_size": 128}, ["stride=64"]),
    ],
)
def test_what_does_not_continue_is_refused(options: dict[str, Any], facts: list[object]) -> None:
    data = from_array(
        np.zeros((8000, 1), np.float32), start="2024-01-01", step=np.timedelta64(1, "s"), segments=[(0, 8000)]
    )
    with raises("option-value", *facts):
        WindowLoader(data, **{"window": 8, "batch_size": 8, "stateful": True, **options})


def test_a_state_of_another_order_is_refused() -> None:
    values = np.zeros((500, 1), np.float32)
    options: dict[str, Any] = {"window": 4, "stride": 4, "batch_size": 4}
    plain = WindowLoader(values, **options)
    assert "stateful" not in plain.dataset.settings
    with raises("state-differs", "stateful is True here"):
        WindowLoader(values, stateful=True, **options).load_state_dict(plain.state_dict())
