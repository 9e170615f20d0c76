"""The rows of a store at a glance."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChannelOverview", "Overview"]


@dataclass(frozen=True, kw_only=True)
class ChannelOverview:
    """One channel over all rows."""

    name: str
    unit: str | None
    num_missing: int
    """Rows without a value."""
    minimum: float
    """NaN where it has no value."""
    maximum: float
    low: NDArray[np.floating[Any]]
    """Lowest value of each step of a picture (steps,), in the order of the rows; NaN where there is none."""
    high: NDArray[np.floating[Any]]
    """Highest value of each."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """All rows of a store; of many channels, the first."""

    num_rows: int
    num_channels: int
    channels: tuple[ChannelOverview, ...]
    steps: Counter[int]
    """How often each step in nanoseconds leads from row to row of a series; of many rows, some that are spread."""
    has_all_steps: bool
