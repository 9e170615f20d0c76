"""Where times are in the day, the week and the year, for all times that int64 nanoseconds reach."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from longstride.pipeline.loading.serving.calendar import calendar_of

ENDS = [-(2**63), -(2**63) + 1, -1, 0, 1, 2**63 - 1]
LEAP = [
    int(np.datetime64(text, "ns").astype(np.int64)) for text in ("2024-12-31T23:59", "2023-12-31", "2000-02-29")
]


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.sampled_from(ENDS + LEAP), min_size=1, max_size=20))
def test_places_are_those_of_numpy(times: list[int]) -> None:
    found = calendar_of(torch.tensor([times]), ["day", "week", "year"])
    assert found.shape == (1, len(times), 6)
    assert found.dtype == torch.float32
    for row, time in enumerate(times):
        seconds = np.datetime64(time // 10**9, "s")  # of nanoseconds, numpy rounds towards 1970
        day, year = seconds.astype("datetime64[D]"), seconds.astype("datetime64[Y]")
        number = (int(day.astype(np.int64)) + 3) % 7  # 1970-01-01 was a Thursday
        past_midnight = (time - int(day.astype(np.int64)) * 86_400 * 10**9) / (86_400 * 10**9)
        begins, ends = (int(edge.astype("datetime64[D]").astype(np.int64)) for edge in (year, year + 1))
        shares = [
            past_midnight,
            (number + past_midnight) / 7,
            (int(day.astype(np.int64)) - begins + past_midnight) / (ends - begins),
        ]
        expected = [wave(2 * math.pi * share) for share in shares for wave in (math.sin, math.cos)]
        assert found[0, row].tolist() == pytest.approx(expected, abs=1e-5)
