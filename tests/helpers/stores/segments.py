"""Segments drawn at random, and the windows in them by brute force."""

import numpy as np
from hypothesis import strategies as st

from longstride.storage.series.segments import Segments


def segments_of(pairs: list[tuple[int, int]]) -> Segments:
    bounds = np.array(pairs, np.int64).reshape(-1, 2)
    return Segments(bounds[:, 0], bounds[:, 1], np.zeros(len(bounds), np.int64))


@st.composite
def segment_lists(draw: st.DrawFn) -> list[tuple[int, int]]:
    row = 0
    pairs = []
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 60)), max_size=6)):
        pairs.append((row + gap, row + gap + length))
        row += gap + length
    return pairs


def brute_force(
    pairs: list[tuple[int, int]], window: int, stride: int, horizon: int, dilation: int = 1
) -> list[int]:
    last = (window + horizon - 1) * dilation
    return [row for a, z in pairs for row in range(a, z, stride) if row + last < z]
