"""`python -m benchmarks sweep`: one of channels, batch size, workers and layout varied at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.serving import Cell, Turns, case_of, measure
from benchmarks.stores import SEED, warm
from benchmarks.ways import COPY, OURS, PEERS, Way
from longstride.pipeline.packing.pack import pack
from longstride.storage.open import open_store

__all__ = ["AXES", "as_json", "sweep"]

CHANNELS = (1, 8, 32, 128)
BATCHES = (32, 256, 1024)
WORKERS = (1, 2, 4)
BATCH, NUM_CHANNELS = 256, 32
AXES = ("channels", "batch", "workers", "layout")


def sweep(axis: str, folder: Path, num_values: int, windows: Sequence[int], turns: Turns) -> Iterator[Cell]:
    """Windows at stride 1 and K, from logs of so many values however many channels they have.

    Beside ours, the fair copy and the peers that need no other library; with more workers, and from the packed
    layout, beside ours without them.
    """
    channels = CHANNELS if axis == "channels" else (NUM_CHANNELS,)
    batches = BATCHES if axis == "batch" else (BATCH,)
    cases = [
        case_of(folder, num_values // number, number, window, stride, batch)
        for number in channels
        for batch in batches
        for window in windows
        for stride in (1, window)
    ]
    for case in cases:
        warm(Path(case.store), Path(case.raw))
    ways = [OURS, COPY, *_ways(axis, Path(cases[0].store))]
    return measure(cases, ways, folder, turns)


def _ways(axis: str, store: Path) -> list[Way]:
    if axis == "workers":
        return [_ours(f"{number} workers", workers=number) for number in WORKERS]
    if axis == "layout":
        packed = store.with_name(f"{store.stem}-packed.zarr")
        if not packed.exists():
            pack(open_store(store), str(packed))
        return [_ours("packed", store=str(packed))]
    return [PEERS["memmap"], PEERS["unfold"]]


def _ours(how: str, **settings: object) -> Way:
    return Way(f"{OURS.name}, {how}", OURS.module, settings=settings)


def as_json(axis: str, cells: Sequence[Cell], turns: Turns) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "sweep",
        "axis": axis,
        "seed": SEED,
        **asdict(turns),
        "threads": {"torch": torch.get_num_threads()},
        "cells": [asdict(cell) for cell in cells],
    }
