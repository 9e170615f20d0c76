from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from longstride.storage.store import SeriesStore
from tests.helpers.stores.store_of import StoreOf


@pytest.fixture
def store_of(make_store: Callable[..., SeriesStore], tmp_path: Path) -> StoreOf:
    """Make a store of given values (T, N), with segments given as (start, stop) or (start, stop, series)."""
    numbers = count()

    def make(
        values: NDArray[np.floating],
        segments: list[tuple[int, ...]] | None = None,
        time: NDArray[np.int64] | None = None,
    ) -> SeriesStore:
        bounds = [(*segment, 0)[:3] for segment in segments or [(0, len(values))]]
        series = [f"machine-{index}" for index in range(1 + max(bound[2] for bound in bounds))]
        return make_store(tmp_path / f"{next(numbers)}.zarr", values, segments=bounds, series=series, time=time)

    return make
