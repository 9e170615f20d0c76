"""The seven promises of docs/order.md, over ranks, workers and both orders; one digest of the order for all."""

import hashlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from longstride import WindowLoader
from longstride.storage.store import SeriesStore

OPTIONS: dict[str, Any] = {
    "window": 16,
    "stride": 3,
    "batch_size": 48,
    "seed": 7,
    "pool_rows": 4096,
    "block_rows": 512,
}
DIGESTS = {True: "4ab812adde431669", False: "89749223e5c9830c"}
"""Of the second epoch. Change them knowingly: a run resumed with a later version must see the same windows."""


@pytest.fixture(scope="module")
def store(make_store: Any, tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    folder = tmp_path_factory.mktemp("invariants")
    return make_store(folder / "store", rows=30_000, channels=2, segments=[(0, 9000, 0), (9100, 30_000, 0)])


def global_batches(store: SeriesStore, world_size: int, num_workers: int, shuffle: bool) -> NDArray[np.int64]:
    """Starts (steps, B) of the second epoch, each batch sorted."""
    ranks = []
    for rank in range(world_size):
        loader = WindowLoader(
            store, rank=rank, world_size=world_size, num_workers=num_workers, shuffle=shuffle, **OPTIONS
        )
        loader.set_epoch(1)
        served = [batch.start.numpy().copy() for batch in loader]
        assert len(served) == len(loader)
        ranks.append(np.array(served))
    return np.sort(np.hstack(ranks), axis=1)


def digest(batches: NDArray[np.int64]) -> str:
    return hashlib.sha256(batches.astype("<i8").tobytes()).hexdigest()[:16]


# Some machines have fewer cores than four workers take.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_the_global_order_has_one_digest(
    store: SeriesStore, world_size: int, num_workers: int, shuffle: bool
) -> None:
    assert digest(global_batches(store, world_size, num_workers, shuffle)) == DIGESTS[shuffle]
