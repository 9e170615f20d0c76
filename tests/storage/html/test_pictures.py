"""Pictures of any numbers."""

import math
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from longstride.storage.html.pictures import HEIGHT, WIDTH, bars, lowest_and_highest, sparkline

FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(arrays.arrays(np.float64, st.integers(0, 1000), elements=FLOATS))
def test_a_sparkline_stays_within_its_frame(values: np.ndarray) -> None:
    picture = sparkline(*lowest_and_highest(values))
    assert bool(picture) == bool(np.isfinite(values).any())
    line = re.search(r'class="line"[^>]* d="([^"]*)"', picture)
    places = re.findall(r"[ML]([\d.-]+) ([\d.-]+)V([\d.-]+)", line[1]) if line else []
    assert len(places) <= WIDTH
    for x, *ys in places:
        assert 0 <= float(x) <= WIDTH
        assert all(0 <= float(y) <= HEIGHT for y in ys)
    missing = re.search(r'class="gap"[^>]* d="([^"]*)"', picture)
    if len(values) <= WIDTH and missing:
        assert len(places) == np.isfinite(values).sum()
        assert missing[1].count("M") == (~np.isfinite(values)).sum()


@given(st.lists(st.integers(1, 10**12), max_size=12))
def test_bars_rise_with_counts(counts: list[int]) -> None:
    heights = [float(height) for height in re.findall(r' height="([\d.]+)"/', bars(counts))]
    assert len(heights) == len(counts)
    for (one, height), (other, taller) in zip(
        sorted(zip(counts, heights, strict=True)), sorted(zip(counts, heights, strict=True))[1:], strict=False
    ):
        assert height <= taller
        assert one <= other
    assert all(math.isfinite(height) and height <= HEIGHT for height in heights)
