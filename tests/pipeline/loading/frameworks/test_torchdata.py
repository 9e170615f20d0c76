"""torchdata's StatefulDataLoader resumes a dataset exactly, in its own process and in workers."""

import json
import warnings
from typing import Any

import numpy as np
import pytest

from longstride import WindowDataset, WindowLoader
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.store_of import StoreOf

torchdata = pytest.importorskip("torchdata.stateful_dataloader")

OPTIONS: dict[str, Any] = {"window": 16, "stride": 3, "batch_size": 48}
EPOCH = 3


@pytest.fixture
def store(store_of: StoreOf) -> SeriesStore:
    return store_of(np.random.default_rng(0).standard_normal((3000, 2)).astype(np.float32))


def loader_of(store: SeriesStore, num_workers: int, **changes: Any) -> tuple[WindowDataset, Any]:
    dataset = WindowDataset(store, **{**OPTIONS, **changes})
    context = {"multiprocessing_context": "fork"} if num_workers else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        loader = torchdata.StatefulDataLoader(dataset, batch_size=None, num_workers=num_workers, **context)
    return dataset, loader


def starts_of(batches: Any, steps: int | None = None) -> list[list[int]]:
    found = []
    for batch in batches:
        found.append(batch.start.tolist())
        if len(found) == steps:
            break
    return found


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("stops", [(1, 1), (5, 8)])
def test_an_epoch_is_resumed_twice(store: SeriesStore, num_workers: int, stops: tuple[int, int]) -> None:
    expected = WindowLoader(store, **OPTIONS)
    expected.set_epoch(EPOCH)
    whole = starts_of(expected)
    dataset, loader = loader_of(store, num_workers)
    dataset.set_epoch(EPOCH)
    served = []
    for stop in stops:
        served += starts_of(loader, stop)
        state = json.dumps(loader.state_dict())
        _, loader = loader_of(store, num_workers)
        loader.load_state_dict(json.loads(state))
    assert served + starts_of(loader) == whole
    assert starts_of(loader, 2) == whole[:2]  # the epoch is the same until `set_epoch`


@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_state_of_others_is_refused(store: SeriesStore, num_workers: int) -> None:
    _, loader = loader_of(store, num_workers)
    starts_of(loader, 2)
    _, other = loader_of(store, num_workers, seed=7)
    other.load_state_dict(loader.state_dict())
    with pytest.raises((ValueError, RuntimeError), match="seed is 7 here and was 0"):
        next(iter(other))


def test_the_state_of_one_worker_is_none_of_a_loader(store: SeriesStore) -> None:
    dataset, loader = loader_of(store, 2)
    starts_of(loader, 3)
    with raises("option-value", "StatefulDataLoader"):
        dataset.state_dict()
    of_one = loader.state_dict()["_snapshot"]["_worker_snapshots"]["worker_0"]["dataset_state"]
    for taker in (dataset, WindowLoader(store, **OPTIONS)):
        with raises("state-differs", 2, 1):
            taker.load_state_dict(of_one)
