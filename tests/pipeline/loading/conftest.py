from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from storage.format import StoreLayout
from storage.segments import Segments
from storage.store import SeriesStore
from storage.writer import StoreWriter

StoreOf = Callable[..., SeriesStore]


@pytest.fixture
def store_of(tmp_path: Path) -> StoreOf:
    """Make a store of given values (T, N), one second a row, with segments given as (start, stop[, series])."""
    made = iter(range(1000))

    def make(
        values: NDArray[np.floating],
        segments: list[tuple[int, ...]] | None = None,
        time: NDArray[np.int64] | None = None,
    ) -> SeriesStore:
        path = tmp_path / f"store-{next(made)}.zarr"
        rows, channels = values.shape
        bounds = np.array([(*s, 0)[:3] for s in segments or [(0, rows)]], np.int64)
        layout = StoreLayout(channels=tuple(f"c{i}" for i in range(channels)), dtype=str(values.dtype))
        names = tuple(f"machine-{i}" for i in range(int(bounds[:, 2].max()) + 1))
        with StoreWriter(path, layout) as writer:
            writer.append(np.arange(rows) * 10**9 if time is None else time, values)
            writer.commit(Segments(*bounds.T), names, cadence_ns=10**9)
        return SeriesStore.open(path)

    return make
