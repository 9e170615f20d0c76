"""Where the windows of a batch are, in one store and in several."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from longstride import WindowBatch, WindowDataset
from longstride.pipeline.loading.ordering.order import PADDING
from longstride.pipeline.loading.serving.arrange import Arranger
from longstride.storage.store import SeriesStore


@pytest.fixture
def dataset(make_store: Callable[..., SeriesStore], tmp_path: Path) -> WindowDataset:
    stores = [make_store(tmp_path / str(rows), rows=rows, channels=1) for rows in (100, 50)]
    return WindowDataset(stores, window=10, batch_size=4)


@pytest.mark.parametrize(
    ("by_store", "store", "start"),
    [(True, [0, 0, 0, 1], [PADDING, 3, 99, 20]), (False, [1, 0, 0, 0], [20, 3, 99, PADDING])],
)
def test_places_in_several_stores(
    dataset: WindowDataset, by_store: bool, store: list[int], start: list[int]
) -> None:
    arranger = Arranger(dataset.collection, dataset.index)
    places = arranger.places(np.array([120, 3, 99, PADDING]), by_store=by_store)
    assert places.store is not None
    assert places.store.tolist() == store
    assert places.start.tolist() == start
    assert sorted(places.rows.tolist()) == [0, 3, 99, 120]
    values = torch.ones((4, 10, 1))
    batch = arranger.batch(WindowBatch(values, torch.from_numpy(places.local), None), places)
    assert batch.mask is not None
    assert batch.start.tolist() == start
    assert batch.values[:, 0, 0].tolist() == batch.mask[:, 0, 0].tolist() == [row >= 0 for row in start]


def test_a_batch_that_is_full_keeps_its_memory(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    dataset = WindowDataset(make_store(tmp_path / "one", rows=100, channels=1), window=10, batch_size=4)
    starts = np.array([5, 80, 0, 7])
    arranger = Arranger(dataset.collection, dataset.index)
    places = arranger.places(starts, by_store=True)
    assert places.rows is places.local is places.start is starts
    values = torch.full((4, 10, 1), torch.nan)
    batch = arranger.batch(WindowBatch(values, torch.from_numpy(starts), None), places)
    assert batch.values is values
    assert batch.mask is batch.store is None
    assert batch.start.tolist() == starts.tolist()
