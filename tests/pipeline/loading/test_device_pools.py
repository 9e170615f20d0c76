"""Windows made of the rows of a pool, on a device: the same batches, and each row sent once a pool."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from longstride import WindowBatch, WindowLoader
from longstride.pipeline.loading.serving.row_reader import merged
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises

Make = Callable[..., SeriesStore]
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture
def stores(make_store: Make, tmp_path: Path) -> list[SeriesStore]:
    return [
        make_store(
            tmp_path / "first",
            rows=9000,
            channels=("a", "b", "c"),
            missing=0.02,
            segments=[(0, 4000, 0), (4000, 4100, 0), (4200, 9000, 0)],
        ),
        make_store(tmp_path / "second", rows=3000, channels=("c", "a", "b"), seed=1),
    ]


def by_start(batch: WindowBatch) -> dict[Any, list[Any]]:
    """Everything that a batch says of each window; NaN compares as equal."""
    fields = [None if field is None else field.cpu().numpy() for field in batch]
    numbers = [0] * len(batch.start) if batch.store is None else batch.store.tolist()
    return {
        (number, start, row if start < 0 else 0): [
            None if field is None else field[row].tobytes() for field in fields[:1] + fields[2:5]
        ]
        for row, (number, start) in enumerate(zip(numbers, batch.start.tolist(), strict=True))
        if start >= 0
    }


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("num_stores", [1, 2])
@pytest.mark.parametrize(
    "options",
    [
        {"stride": 1},
        {"stride": 5, "shuffle": False},
        {"stride": 40, "horizon": 3, "channels": ["c", "a"], "targets": ["b"]},
        {"stride": 2, "windows_per_epoch": 1000, "max_missing": 0.03},
    ],
)
def test_batches_of_a_device_are_those_of_the_host(
    stores: list[SeriesStore], device: str, num_stores: int, options: dict[str, Any]
) -> None:
    arguments = {"window": 24, "batch_size": 32, "pool_rows": 2048, "block_rows": 256, **options}
    for rank in range(2):
        host, there = (
            WindowLoader(stores[:num_stores], rank=rank, world_size=2, device=where, **arguments)
            for where in (None, device)
        )
        host.set_epoch(1, 3)
        there.set_epoch(1, 3)
        for expected, batch in zip(host, there, strict=True):
            assert batch.values.device.type == device
            # Both are always known here: some values of the first store are missing, all of its masks are given.
            assert by_start(batch) == by_start(expected)
            assert (batch.start < 0).sum() == (expected.start < 0).sum()


@pytest.mark.parametrize("device", DEVICES)
def test_rows_are_transformed_once(stores: list[SeriesStore], device: str) -> None:
    seen: list[int] = []

    def transform(rows: Tensor) -> Tensor:
        seen.append(len(rows))
        return torch.nan_to_num((rows - 1) / 2).to(torch.bfloat16)

    loader = WindowLoader(stores[0], window=24, batch_size=32, device=device, transform=transform, pool_rows=2048)
    for batch in loader:
        assert batch.values.dtype == torch.bfloat16
        start = int(batch.start[7])
        expected = transform(torch.from_numpy(stores[0].values[start : start + 24].copy()))
        seen.pop()
        assert torch.equal(batch.values[7].cpu(), expected)
        assert batch.mask is not None
        assert np.array_equal(batch.mask[7].cpu(), ~np.isnan(stores[0].values[start : start + 24]))
    assert sum(seen) < 3 * 9000


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "wrong",
    [
        lambda rows: None,
        lambda rows: rows.cpu().numpy(),
        lambda rows: rows[1:],
        lambda rows: rows[:, :-1],
        lambda rows: torch.cat([rows, rows], 1),
        lambda rows: rows.t(),
        lambda rows: rows.flatten(),
        lambda rows: rows[None],
        lambda rows: rows.to("meta"),
    ],
)
def test_a_transform_that_gives_other_rows_is_refused(
    stores: list[SeriesStore], device: str, wrong: Callable[[Tensor], Any]
) -> None:
    loader = WindowLoader(stores[0], window=24, batch_size=32, device=device, transform=wrong)
    with raises("transform-result", "transform made", "of the same shape"):
        next(iter(loader))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [None, ["c", "a"]])
@pytest.mark.parametrize(
    "transform",
    [lambda rows: rows.t().contiguous().t(), lambda rows: rows[:1].expand_as(rows), lambda rows: rows.flip(1)],
)
def test_a_transform_may_lay_out_rows_as_it_likes(
    stores: list[SeriesStore], device: str, channels: list[str] | None, transform: Callable[[Tensor], Tensor]
) -> None:
    options: dict[str, Any] = {"window": 24, "batch_size": 32, "shuffle": False, "channels": channels}
    made = WindowLoader(
        stores[0], device=device, transform=lambda rows: transform(rows).contiguous().clone(), **options
    )
    for batch, expected in zip(
        WindowLoader(stores[0], device=device, transform=transform, **options), made, strict=True
    ):
        assert torch.equal(batch.values.nan_to_num(), expected.values.nan_to_num())


@pytest.mark.parametrize("device", DEVICES)
def test_kept_batches_of_a_device_hold_what_they_should(stores: list[SeriesStore], device: str) -> None:
    loader = WindowLoader(stores[1], window=24, batch_size=32, device=device, pool_rows=512, block_rows=64)
    for batch in list(loader):
        for window, start in zip(batch.values.cpu(), batch.start.tolist(), strict=True):
            assert np.array_equal(window, stores[1].values[start : start + 24])


def test_bytes_to_the_device_are_those_of_the_rows(make_store: Make, tmp_path: Path) -> None:
    store = make_store(tmp_path / "wide", rows=400_000, channels=32)
    loader = WindowLoader(store, window=512, batch_size=256, device="cpu")
    assert loader.pools is not None
    for _ in loader:
        pass
    assert loader.pools.bytes_sent <= 1.1 * store.values.nbytes


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=12))
def test_ranges_are_merged_to_the_same_rows(pairs: list[tuple[int, int]]) -> None:
    ranges = np.array([(start, start + length) for start, length in pairs])
    found = merged(ranges)
    rows = [row for start, stop in found.tolist() for row in range(start, stop)]
    assert rows == sorted({row for start, stop in ranges.tolist() for row in range(start, stop)})
