"""Options of torch's DataLoader mean what they mean there, or are refused by name."""

from typing import Any

import numpy as np
import pytest
from torch.utils.data import SequentialSampler

from longstride import WindowLoader
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.store_of import StoreOf


@pytest.fixture
def store(store_of: StoreOf) -> SeriesStore:
    return store_of(np.zeros((200, 1), np.float32))


@pytest.mark.parametrize(
    "options",
    [
        {"pin_memory": False, "collate_fn": None, "sampler": None, "batch_sampler": None, "timeout": 0},
        {"drop_last": True},
        {"drop_last": False, "shuffle": False},
        {"persistent_workers": False, "prefetch_factor": None, "generator": None},
        {"persistent_workers": True, "num_workers": 1, "multiprocessing_context": "forkserver"},
    ],
)
def test_what_a_loader_does_anyway_may_be_asked_for(store: SeriesStore, options: dict[str, Any]) -> None:
    assert len(WindowLoader(store, window=8, batch_size=16, **options)) in (12, 13)


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ({"pin_memory": True}, ["pin_memory=True", "device='cuda'"]),
        ({"pin_memory": np.zeros(3)}, ["pin_memory"]),
        ({"prefetch_factor": 4}, ["prefetch_factor=4"]),
        ({"persistent_workers": True}, ["persistent_workers=True", "num_workers=0"]),
        ({"persistent_workers": False, "num_workers": 1}, ["persistent_workers=False"]),
        ({"drop_last": False}, ["drop_last=False", "shuffle=False"]),
        ({"drop_last": True, "shuffle": False}, ["drop_last=True", "-1"]),
        ({"collate_fn": list}, ["collate_fn"]),
        ({"sampler": SequentialSampler([1])}, ["sampler", "as_map"]),
        ({"batch_sampler": [[1, 2]]}, ["batch_sampler", "as_map"]),
        ({"worker_init_fn": print}, ["worker_init_fn"]),
        ({"timeout": 5}, ["timeout=5"]),
        ({"generator": 3}, ["generator=3", "seed="]),
        ({"multiprocessing_context": "fork"}, ["'fork'", "forkserver"]),
        ({"in_order": False}, ["in_order=False"]),
        ({"dataset": None}, ["dataset=None"]),
    ],
)
def test_anything_else_is_refused_by_name(store: SeriesStore, options: dict[str, Any], facts: list[str]) -> None:
    with raises("option-value", *facts):
        WindowLoader(store, window=8, batch_size=16, **options)


def test_what_nobody_knows_is_a_wrong_call(store: SeriesStore) -> None:
    with pytest.raises(TypeError, match="prefetch_faktor"):
        WindowLoader(store, window=8, batch_size=16, prefetch_faktor=2)  # type: ignore[call-arg]
