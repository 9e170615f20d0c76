"""Series of several stores that hold the same rows, as a store and a copy of it that has grown since."""

from functools import cache
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
    positions = Positions(data)
    counts = positions.count.tolist()
    filled = [number for number, count in enumerate(counts) if count]
    spans = {number: (positions.time(number, 0), positions.time(number, counts[number] - 1)) for number in filled}
    alike: dict[str, list[int]] = {}
    for number in filled:
        alike.setdefault(names[number], []).append(number)

    @cache
    def first_row(number: int) -> bytes:
        return _values(positions, number, 0)

    def share_rows(one: int, other: int) -> bool:
        begin, end = spans[other][0], min(spans[one][1], spans[other][1])
        if begin > end:
            return False
        # There may be very many pairs, most of which differ in the first row that they could share.
        at = positions.at(one, begin) if spans[one][0] < begin else 0
        there = first_row(one) if at == 0 else _values(positions, one, at)
        return there == first_row(other) and _share_rows(positions, one, other, begin, end)

    in_time = (sorted(numbers, key=spans.__getitem__) for numbers in alike.values())
    found = [pair for numbers in in_time for pair in combinations(numbers, 2) if share_rows(*pair)]
    return [(data.series[min(pair)], data.series[max(pair)]) for pair in found]


def _share_rows(positions: Positions, one: int, other: int, begin: int, end: int) -> bool:
    first, last = positions.at(one, begin), positions.at(one, end)
    if last - first + 1 < NUM_COMPARED:
        return False
    seen = set()
    for position in np.linspace(first, last, NUM_COMPARED).astype(np.int64).tolist():
        time = positions.time(one, position)
        there = positions.at(other, time)
        values = _values(positions, one, position)
        if positions.time(other, there) != time or _values(positions, other, there) != values:
            return False
        seen.add(values)
    return len(seen) > 1  # two machines at rest are alike as well


def _values(positions: Positions, series: int, position: int) -> bytes:
    row = positions.row(series, position)
    return positions.store.read(row, row + 1).tobytes()
