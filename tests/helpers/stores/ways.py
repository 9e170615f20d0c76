"""Every way of serving the same rows: all of them give the same batches."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from longstride import WindowBatch, WindowLoader, from_array
from longstride.pipeline.packing.pack import pack
from longstride.storage.open import open_store
from longstride.storage.series.data import SeriesData

__all__ = ["Ways", "check_every_way", "made_ways", "windows_of"]

SMALL: dict[str, Any] = {"batch_size": 16, "pool_rows": 512, "block_rows": 64, "seed": 5}

Windows = list[list[tuple[Any, ...]]]
"""Of each batch, what it holds of each window, as bytes: NaN compares as equal."""


class Ways(NamedTuple):
    """The same rows, each as one store and as two."""

    array: list[SeriesData]
    mapped: list[SeriesData]
    packed: list[SeriesData]


def made_ways(make_store: Callable[..., Any], folder: Path) -> Ways:
    """Two stores of rows with labels, missing values, series and segments of many lengths."""
    ways = Ways([], [], [])
    for seed, bounds in enumerate(
        [[(0, 700, 0), (700, 705, 0), (705, 1500, 0), (1500, 2100, 1)], [(0, 3, 0), (3, 900, 0), (910, 1290, 1)]]
    ):
        random = np.random.default_rng(seed)
        rows = bounds[-1][1]
        values = random.standard_normal((rows, 2)).astype(np.float32)
        values[random.random(values.shape) < 0.05] = np.nan
        labels = (random.random((rows, 1)) < 0.02).astype(np.int8)
        time = np.int64(17 * 10**17) + 10**9 * np.arange(rows, dtype=np.int64)
        store = make_store(
            folder / f"{seed}.zarr",
            values,
            labels=labels,
            label_names=("fault",),
            time=time,
            segments=bounds,
            series=("a", "b"),
            chunk_rows=1024,
        )
        first = next(start for start, _, series in bounds if series == 1)
        pack(store, folder / f"{seed}-packed.zarr")
        ways.mapped.append(store)
        ways.packed.append(open_store(folder / f"{seed}-packed.zarr"))
        ways.array.append(
            from_array(
                values,
                time=time,
                labels={"fault": labels[:, 0]},
                segments=[bound[:2] for bound in bounds],
                series={"a": first, "b": rows - first},
            )
        )
    return ways


def windows_of(batches: Iterable[WindowBatch]) -> Windows:
    """What batches hold of each window."""
    return [
        [
            tuple(None if field is None else field[place].cpu().numpy().tobytes() for field in batch)
            for place in range(len(batch.start))
        ]
        for batch in batches
    ]


def check_every_way(ways: Ways, *, in_order: bool = False, **options: Any) -> Windows:
    """Compare all stores, ranks, workers and places, and a resume in the middle.

    `in_order`: windows have the same places in a batch.
    """
    options = {**SMALL, "channels": ["c0"], **options}

    def shown(windows: Windows) -> Windows:
        return windows if in_order else [sorted(batch, key=str) for batch in windows]

    def served(stores: Any, world_size: int = 1, state: Any = None, **more: Any) -> Windows:
        ranks = []
        for rank in range(world_size):
            loader = WindowLoader(stores, rank=rank, world_size=world_size, **options, **more)
            loader.set_epoch(1)
            if state is not None:
                loader.load_state_dict(state)
            ranks.append(windows_of(loader))
            assert state is not None or len(ranks[-1]) == len(loader)
        return shown([[window for part in parts for window in part] for parts in zip(*ranks, strict=True)])

    for number in (1, 2):
        expected = served(ways.array[:number])
        for stores in (ways.mapped[:number], ways.packed[:number]):
            assert served(stores) == expected
        for world_size in (2, 4, 8):
            assert served(ways.array[:number], world_size) == expected
        loader = WindowLoader(ways.mapped[:number], **options)
        loader.set_epoch(1)
        for _ in zip(range(len(loader) // 2), loader, strict=False):
            pass
        state = loader.state_dict()
        rest = expected[state["step"] :]
        assert served(ways.packed[:number], 4, state) == served(ways.mapped[:number], 2, state) == rest
        assert served(ways.mapped[:number], 2, state, num_workers=2) == rest
        on_device = served(ways.mapped[:number], device="cpu")
        assert on_device == served(ways.packed[:number], device="cpu")
        assert on_device == expected
    return expected
