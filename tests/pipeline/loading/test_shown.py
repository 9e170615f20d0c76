"""Loaders, splits and batches as text and in a notebook."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longstride import Split, WindowBatch, WindowDataset, WindowLoader, split_by_time
from longstride.storage.series.segments import Segments
from longstride.storage.store import SeriesStore


def cells(shown: Any) -> list[list[str]]:
    table = ElementTree.fromstring(shown._repr_html_())
    return [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]


@pytest.fixture
def store(make_store: Callable[..., SeriesStore], tmp_path: Path) -> SeriesStore:
    """Rows a second apart, from 2024-03-01 on; row 8 has a missing value."""
    values = np.random.default_rng(0).standard_normal((1000, 3)).astype(np.float32)
    values[8, 1] = np.nan
    return make_store(tmp_path / "plant.zarr", values, segments=[(0, 600, 0), (600, 1000, 0)])


def test_a_loader_and_its_dataset(store: SeriesStore) -> None:
    options = {"window": 10, "batch_size": 32, "max_missing": 0.01}
    facts = "B=32, K=10, N=3, windows=973, steps=30, dropped=13, skipped=9"
    assert repr(WindowLoader(store, **options)) == f"WindowLoader({facts})"
    assert repr(WindowDataset(store, **options)) == f"WindowDataset({facts})"
    loader = WindowLoader(store, window=10, horizon=2, targets=["c0"], batch_size=32)
    assert repr(loader) == "WindowLoader(B=32, K=10, N=3, H=2, M=1, windows=978, steps=30, dropped=18, skipped=0)"
    table = {name: number for name, number, _ in cells(loader)}
    assert table == {
        "B": "32",
        "K": "10",
        "N": "3",
        "H": "2",
        "M": "1",
        "windows": "978",
        "steps": "30",
        "dropped": "18",
        "skipped": "0",
    }


def test_splits_show_their_rows_and_dates(store: SeriesStore) -> None:
    splits = split_by_time(store, window=10)
    assert repr(splits.train) == (
        "Split('train', 800 rows in 2 segments, 2024-03-01T00:00:00 to 2024-03-01T00:13:19)"
    )
    assert repr(splits).count("Split('") == 3
    assert cells(splits) == [
        ["split", "rows", "series", "segments", "first row", "last row"],
        ["train", "800", "1", "2", "2024-03-01T00:00:00", "2024-03-01T00:13:19"],
        ["validation", "91", "1", "1", "2024-03-01T00:13:29", "2024-03-01T00:14:59"],
        ["test", "91", "1", "1", "2024-03-01T00:15:09", "2024-03-01T00:16:39"],
    ]
    assert cells(splits.test)[1:] == cells(splits)[3:]


def test_rows_that_segments_share_count_once() -> None:
    segments = Segments(np.array([0, 5, 30]), np.array([10, 20, 40]), np.zeros(3, np.int64))
    assert repr(Split("own", segments)) == "Split('own', 30 rows in 3 segments)"
    none = Segments(*np.empty((3, 0), np.int64))
    assert repr(Split("<b>", none)) == "Split('<b>', 0 rows in 0 segments)"
    assert cells(Split("<b>", none))[1] == ["<b>", "0", "0", "0", "", ""]


def test_several_series_from_the_first_time_to_the_last(
    make_store: Callable[..., SeriesStore], tmp_path: Path
) -> None:
    time = np.concatenate([np.arange(50) + 100, np.arange(30) + 20]) * 10**9
    bounds = [(0, 50, 0), (50, 80, 1)]
    store = make_store(tmp_path / "two.zarr", rows=80, segments=bounds, series=["a", "b"], time=time)
    assert repr(Split("all", store.segments, store)) == (
        "Split('all', 80 rows in 2 segments of 2 series, 1970-01-01T00:00:20 to 1970-01-01T00:02:29)"
    )


def test_a_batch_shows_shapes_and_what_is_missing(store: SeriesStore) -> None:
    loader = WindowLoader(store, window=10, batch_size=8, shuffle=False, horizon=2, targets=["c0"])
    first, *_, last = iter(loader)
    assert repr(first) == (
        "WindowBatch(values: float32 (8, 10, 3), 3.33% missing; start: int64 (8,); mask: bool (8, 10, 3); "
        "target: float32 (8, 2, 1), 0.00% missing; target_mask: bool (8, 2, 1))"
    )
    assert int((last.start < 0).sum()) == 6
    assert "(8, 10, 3), 0.00% missing" in repr(last)
    assert cells(first)[:2] == [
        ["field", "type", "shape", "missing"],
        ["values", "float32", "(8, 10, 3)", "3.33%"],
    ]
    complete = WindowBatch(torch.zeros(2, 3, 1), torch.tensor([0, 1]), None, store=torch.tensor([0, 0]))
    assert repr(complete) == (
        "WindowBatch(values: float32 (2, 3, 1), 0% missing; start: int64 (2,); store: int64 (2,))"
    )
