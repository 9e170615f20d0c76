"""Series of several stores that hold the same rows, as a store and a copy of it that has grown since."""

from itertools import combinations

import numpy as np

from longstride.pipeline.loading.splitting.positions import Positions
from longstride.storage.series.data import SeriesData
from longstride.storage.series.joined import parts_of

__all__ = ["shared_series"]

NUM_COMPARED = 8
"""Rows, spread over the time that two series share."""


def shared_series(data: SeriesData) -> list[tuple[str, str]]:
    """Pairs of series that have one name in two stores, and equal rows at the same times, as a few rows say."""
    names = [name for part in parts_of(data) for name in part.series]
    alike: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        alike.setdefault(name, []).append(number)
    positions = Positions(data)
    pairs = (pair for numbers in alike.values() for pair in combinations(numbers, 2))
    return [(data.series[one], data.series[other]) for one, other in pairs if _share_rows(positions, one, other)]


def _share_rows(positions: Positions, one: int, other: int) -> bool:
    data, counts = positions.store, positions.count.tolist()
    if not counts[one] or not counts[other]:
        return False
    begin = max(positions.time(number, 0) for number in (one, other))
    end = min(positions.time(number, counts[number] - 1) for number in (one, other))
    first, last = positions.at(one, begin), positions.at(one, end)
    if begin > end or last - first + 1 < NUM_COMPARED:
        return False
    seen = []
    for position in np.linspace(first, last, NUM_COMPARED).astype(np.int64).tolist():
        time = positions.time(one, position)
        there = positions.at(other, time)
        if positions.time(other, there) != time:
            return False
        row, same = positions.row(one, position), positions.row(other, there)
        values = data.read(row, row + 1)
        if not np.array_equal(values, data.read(same, same + 1), equal_nan=data.dtype.kind == "f"):
            return False
        seen.append(values.tobytes())
    return len(set(seen)) > 1  # two machines at rest are alike as well
