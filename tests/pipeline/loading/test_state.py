"""A loader that is stopped at any step goes on there, on other ranks, and never in other data."""

import json
from typing import Any

import numpy as np
import pytest

from longstride import WindowDataset, WindowLoader
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.store_of import StoreOf

OPTIONS: dict[str, Any] = {"window": 16, "stride": 3, "batch_size": 16, "seed": 4}


@pytest.fixture
def store(store_of: StoreOf) -> SeriesStore:
    values = np.random.default_rng(0).standard_normal((3000, 2)).astype(np.float32)
    return store_of(values, [(0, 1200), (1300, 3000)])


def loaders(store: SeriesStore, world_size: int, **changes: Any) -> list[WindowLoader]:
    options = {**OPTIONS, **changes}
    return [WindowLoader(store, rank=rank, world_size=world_size, **options) for rank in range(world_size)]


def starts_of(loaders: list[WindowLoader], steps: int | None = None) -> list[int]:
    """What all ranks serve, of so many steps; the padding apart."""
    served = []
    for loader in loaders:
        for number, batch in enumerate(loader, 1):
            served += [int(start) for start in batch.start if start >= 0]
            if number == steps:
                break
    return served


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 2), (2, 1), (8, 8)])
@pytest.mark.parametrize("steps", [1, 7, 49])
def test_every_window_once_across_a_stop(
    store: SeriesStore, shuffle: bool, before: int, after: int, steps: int
) -> None:
    first = loaders(store, before, shuffle=shuffle)
    served = starts_of(first, steps)
    state = json.loads(json.dumps(first[0].state_dict()))
    assert all(loader.state_dict() == state for loader in first)
    second = loaders(store, after, shuffle=shuffle)
    for loader in second:
        loader.load_state_dict(state)
    served += starts_of(second)
    assert len(served) == len(set(served)) == first[0].num_windows - first[0].num_dropped


def test_a_state_counts_what_was_handed_out(store: SeriesStore) -> None:
    (loader,) = loaders(store, 1)
    assert loader.state_dict()["step"] == 0
    batches = iter(loader)
    for step in range(1, 6):
        next(batches)
        assert (loader.state_dict()["epoch"], loader.state_dict()["step"]) == (0, step)
    for _ in batches:
        pass
    assert (loader.state_dict()["epoch"], loader.state_dict()["step"]) == (1, 0)


def test_a_state_is_as_small_at_any_step(store: SeriesStore) -> None:
    (loader,) = loaders(store, 1)
    sizes = set()
    for _ in loader:
        sizes.add(len(json.dumps(loader.state_dict())))
    assert max(sizes) - min(sizes) <= 2


def test_an_iteration_serves_the_epoch_after_the_last_one(store: SeriesStore) -> None:
    (loader,) = loaders(store, 1)
    served = [starts_of([loader]) for _ in range(2)]
    for epoch, starts in enumerate(served):
        loader.set_epoch(epoch)
        assert starts_of([loader]) == starts
    loader.set_epoch(0)
    starts_of([loader], 3)  # broken off
    assert starts_of([loader]) == served[1]


def test_an_iteration_begins_with_its_first_batch(store: SeriesStore) -> None:
    (loader,) = loaders(store, 1)
    served = [starts_of([loader]) for _ in range(2)]
    (loader,) = loaders(store, 1)
    iter(loader)
    batches = iter(loader)
    assert [start for batch in batches for start in batch.start.tolist()] == served[0]
    iter(loader)
    assert (loader.state_dict()["epoch"], loader.state_dict()["step"]) == (1, 0)
    assert starts_of([loader]) == served[1]


def test_the_epoch_of_a_loaded_state_goes_on_in_its_middle(store: SeriesStore) -> None:
    (loader,) = loaders(store, 1)
    loader.set_epoch(3)
    expected = starts_of([loader])
    loader.set_epoch(3)
    begin = starts_of([loader], 5)
    state = loader.state_dict()
    (again,) = loaders(store, 1)
    again.load_state_dict(state)
    again.set_epoch(3)  # as a loop over epochs does
    assert begin + starts_of([again]) == expected
    again.set_epoch(3)
    assert starts_of([again]) == expected


def test_an_old_iteration_does_not_move_a_loaded_state(store: SeriesStore) -> None:
    (loader,) = loaders(store, 1)
    old = iter(loader)
    next(old)
    loader.load_state_dict({**loader.state_dict(), "step": 9})
    next(old)
    assert loader.state_dict()["step"] == 9


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"window": 17}, ["window", 17, 16]),
        ({"stride": 1}, ["stride", 1, 3]),
        ({"seed": 5}, ["seed", 5, 4]),
        ({"batch_size": 32}, ["batch_size", 32, 16]),
        ({"shuffle": False}, ["shuffle", False, True]),
        ({"channels": ["c1"]}, ["channels", ["c1"], ["c0", "c1"]]),
        ({"max_missing": 0.5, "window": 20}, ["window", 20]),
    ],
)
def test_a_state_of_other_batches_is_refused(
    store: SeriesStore, changes: dict[str, Any], facts: list[object]
) -> None:
    (loader,) = loaders(store, 1)
    (other,) = loaders(store, 1, **changes)
    with raises("state-differs", *facts):
        other.load_state_dict(loader.state_dict())


def test_a_state_of_other_data_or_another_format_is_refused(store: SeriesStore, store_of: StoreOf) -> None:
    (loader,) = loaders(store, 1)
    (other,) = loaders(store_of(np.zeros((3000, 2), np.float32), [(0, 1200), (1300, 3000)]), 1)
    with raises("state-differs", "rows"):
        other.load_state_dict(loader.state_dict())
    with raises("state-format", 2, 1):
        loader.load_state_dict({**loader.state_dict(), "format": 2})
    with raises("option-value", 10**6):
        loader.load_state_dict({**loader.state_dict(), "step": 10**6})


def test_a_dataset_and_a_loader_resume_each_other(store: SeriesStore) -> None:
    (loader,) = loaders(store, 1)
    loader.set_epoch(2)
    whole = starts_of([loader])
    dataset = WindowDataset(store, **OPTIONS)
    dataset.set_epoch(2)
    batches = iter(dataset)
    begin = [int(start) for _ in range(5) for start in next(batches).start]
    state = json.loads(json.dumps(dataset.state_dict()))
    assert (state["epoch"], state["step"]) == (2, 5)
    loader.load_state_dict(state)
    assert begin + starts_of([loader], 3) == whole[: 8 * 16]
    assert loader.dataset.state_dict() == loader.state_dict()
    again = WindowDataset(store, **OPTIONS)
    again.load_state_dict(loader.state_dict())
    again.set_epoch(2)  # as a loop over epochs does
    assert [int(start) for batch in again for start in batch.start] == whole[8 * 16 :]
    loader.load_state_dict(again.state_dict())  # at the end of the epoch
    assert (loader.state_dict()["epoch"], loader.state_dict()["step"]) == (3, 0)


def test_the_state_of_other_data_is_refused_by_a_dataset(store: SeriesStore, store_of: StoreOf) -> None:
    other = WindowDataset(store_of(np.ones((3000, 2), np.float32), [(0, 1200), (1300, 3000)]), **OPTIONS)
    with raises("state-differs", "rows"):
        other.load_state_dict(WindowDataset(store, **OPTIONS).state_dict())
