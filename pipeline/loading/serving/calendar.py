"""Where times are in the day, the week and the year, as points on a circle: what repeats is near to itself."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

__all__ = ["calendar_of"]

SECOND = 10**9
DAY = 86_400 * SECOND
WEEK = 7 * DAY
MONDAY = 3 * DAY
"""From a Monday to 1970-01-01."""
FIRST_YEAR, LAST_YEAR = 1677, 2262
"""Of the times that int64 nanoseconds reach."""


def calendar_of(time: Tensor, periods: Sequence[str]) -> Tensor:
    """Sine and cosine (B, R, 2F), float32, of where times (B, R) are in each period, in turn.

    Times are nanoseconds since 1970 UTC. A day begins at midnight, a week on Monday, a year on January 1; leap
    years are a day longer.
    """
    angles = [PHASES[name](time) * (2 * math.pi) for name in periods]
    return torch.stack([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=-1)


def _of_day(time: Tensor) -> Tensor:
    return (time % DAY).float() / DAY


def _of_week(time: Tensor) -> Tensor:
    return ((time % WEEK + MONDAY) % WEEK).float() / WEEK


def _of_year(time: Tensor) -> Tensor:
    seconds = torch.div(time, SECOND, rounding_mode="floor")
    begins = _year_begins(time.device)
    year = torch.bucketize(seconds, begins, right=True) - 1
    return (seconds - begins[year]).float() / (begins[year + 1] - begins[year])


@lru_cache
def _year_begins(device: torch.device) -> Tensor:
    """Seconds since 1970 at which each year begins, and the last one ends."""
    years = np.arange(FIRST_YEAR, LAST_YEAR + 2).astype(str).astype("datetime64[Y]")
    return torch.from_numpy(years.astype("datetime64[s]").astype(np.int64)).to(device)


PHASES = {"day": _of_day, "week": _of_week, "year": _of_year}
"""Share of each period that has passed, 0 to 1, float32."""
