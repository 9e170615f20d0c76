"""`python -m benchmarks windows`: windows per second by K and stride, beside the ceiling and every peer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.invariants import rows_read
from benchmarks.peers.case import Case
from benchmarks.serving import Cell, Turns, case_of
from benchmarks.stores import SEED
from longstride import WindowLoader

__all__ = ["Reading", "as_json", "cases", "readings", "strides_of"]


@dataclass(frozen=True)
class Reading:
    """What Longstride reads, and sends to a device, for a case, counted over an epoch."""

    window: int
    stride: int
    rows_read_to_unique: float
    bytes_to_device_a_window: float
    bytes_of_a_window: int


def strides_of(window: int, words: Sequence[str]) -> list[int]:
    """Strides from words such as `1`, `K/8` and `K`, each once, in order. Raises ValueError for other words."""
    strides = []
    for word in words:
        head, _, divisor = word.partition("/")
        number = window if head == "K" else int(head)
        strides.append(max(1, number // int(divisor or 1)))
    return sorted(set(strides))


def cases(
    folder: Path, num_rows: int, num_channels: int, windows: Sequence[int], strides: Sequence[str], batch: int
) -> list[Case]:
    """Every stride of every length of window."""
    return [
        case_of(folder, num_rows, num_channels, window, stride, batch)
        for window in windows
        for stride in strides_of(window, strides)
    ]


def readings(chosen: Sequence[Case]) -> list[Reading]:
    """Count what is read and sent for each case."""
    return [_reading(case) for case in chosen]


def _reading(case: Case) -> Reading:
    loader = WindowLoader(case.store, window=case.window, stride=case.stride, batch_size=case.batch)
    rows = rows_read(loader)
    unique = min(int(case.starts[-1]) + case.window, len(case.starts) * case.window)
    row_bytes = case.num_channels * 4
    served = len(loader) * case.batch
    return Reading(case.window, case.stride, rows / unique, rows * row_bytes / served, case.window * row_bytes)


def as_json(
    cells: Sequence[Cell], read: Sequence[Reading], turns: Turns, read_around_kib: int | None
) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "windows",
        "seed": SEED,
        **asdict(turns),
        **({"read_around_kib": read_around_kib} if turns.cold else {}),
        "threads": {"torch": torch.get_num_threads()},
        "cells": [asdict(cell) for cell in cells],
        "reading": [asdict(reading) for reading in read],
    }
