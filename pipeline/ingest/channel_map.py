"""Channels of the store, and the columns of sources that their values are from."""

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Channel", "Shape"]


@dataclass(frozen=True)
class Channel:
    """A channel of the store, and the column that its values are from."""

    name: str
    column: str

    def among(self, names: Container[str]) -> bool:
        """Whether a setting names it, by either name."""
        return self.name in names or self.column in names


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Where the values of each source belong among the channels of the store."""

    names: tuple[str, ...]
    """Names of the sources."""
    line: tuple[str, ...]
    """What their lines are called."""
    column_names: tuple[str, ...]
    """Columns of values of all sources together."""
    labels: tuple[str, ...]
    """Names of the labels."""
    columns: tuple[NDArray[np.intp], ...]
    """Which of them each source has."""
    group: tuple[int, ...]
    """Sources of one group have the same columns."""
    sensors: tuple[str, ...] | None
    """With a pivot: names in the order of the channels; each has all columns."""

    @property
    def num_columns(self) -> int:
        """Columns of values of all sources together."""
        return len(self.column_names)

    @property
    def num_channels(self) -> int:
        """N, of the store."""
        return self.num_columns * (1 if self.sensors is None else len(self.sensors))

    @property
    def is_plain(self) -> bool:
        """Whether every row has a value for every channel."""
        return self.sensors is None and len(set(self.group)) == 1
