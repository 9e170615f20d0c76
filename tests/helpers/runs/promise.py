"""Rows that all are normal, of which a known share is to be above the threshold."""

import numpy as np
from numpy.typing import NDArray

import longstride
from longstride.storage.arrays.data import ArrayData

ALARMS = 0.01
ROWS = 60_000


def normal_rows(num_rows: int, seed: int) -> NDArray[np.float32]:
    """Waves of four channels with noise; now and then, some rows are missing."""
    random = np.random.default_rng(seed)
    time = np.arange(num_rows)[:, None] + random.integers(1000)
    values = np.sin(2 * np.pi * time / [11, 17, 23, 31]) + 0.3 * random.standard_normal((num_rows, 4))
    for start in random.integers(0, num_rows, num_rows // 2000).tolist():
        values[start : start + 10] = np.nan
    return values.astype(np.float32)


def in_segments(length: int) -> ArrayData:
    """Rows that no model has seen, in segments of some length."""
    values = normal_rows(ROWS, 1)
    bounds = [(start, min(start + length, ROWS)) for start in range(0, ROWS, length)]
    return longstride.from_array(values, segments=bounds)
