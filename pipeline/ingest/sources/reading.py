"""How one source is read: what the tasks of all its sections have in common."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Source

if TYPE_CHECKING:
    from longstride.pipeline.ingest.sources.intervals import Intervals
    from longstride.pipeline.ingest.sources.row_labels import LabelsOfRows

__all__ = ["Reading", "SettledTimes"]


class SettledTimes(NamedTuple):
    """Times of rows that a look at the whole file has settled, in the order of lines."""

    line: NDArray[np.int64]
    nanoseconds: NDArray[np.int64]

    def fill(self, time: pl.Series, lines: NDArray[np.int64]) -> tuple[pl.Series, int]:
        """Fill in times that are missing of rows of these lines, and say how many."""
        rows = time.is_null().arg_true().to_numpy()
        place = np.searchsorted(self.line, lines[rows]).clip(max=max(0, len(self.line) - 1))
        known = self.line[place] == lines[rows] if len(self.line) else np.zeros(len(rows), bool)
        rows, place = rows[known], place[known]
        return time.scatter(rows, self.nanoseconds[place]), len(rows)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What all sections of one source have in common."""

    number: int
    """Number of the source, in the order in which rows of equal time are taken."""
    source: Source
    columns: Columns
    recipe: Recipe
    folder: Path
    """Where parts go."""
    dtype: str
    """Type of the values of parts."""
    piece_bytes: int
    channels: tuple[str, ...]
    """Columns of values, those of a query included."""
    intervals: "Intervals | None" = None
    """Labels that are in a file of their own."""
    row_labels: "LabelsOfRows | None" = None
    """Labels of its rows, where they are in such a file."""
    num_absent_labels: int = 0
    """Labels that its rows lack, since it has no such file while others have: they are 0."""
    settled: SettledTimes | None = None
    """Where the order of rows tells which of two hours they are of."""
