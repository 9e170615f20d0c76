"""Times of rows that have none: rows are counted, through all files, and those that were rejected too."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Raw
from longstride.pipeline.ingest.staging.spans import Span, Spans
from longstride.pipeline.ingest.times.whole_numbers import LARGEST

__all__ = ["RowClock", "positions"]


@dataclass(frozen=True)
class RowClock:
    """The time of each row by its number, from 0."""

    start_ns: int
    """Time of the first row."""
    step_ns: Fraction
    """Between two rows; that of 44,100 rows a second is not a whole number."""

    @staticmethod
    def of(recipe: Recipe) -> "RowClock | None":
        """None where rows have times."""
        if recipe.start_ns is None or recipe.row_step_ns is None:
            return None
        return RowClock(recipe.start_ns, recipe.row_step_ns)

    def times(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Nanoseconds since 1970 UTC, of the numbers of rows."""
        # By parts, so that products stay within int64.
        steps, rest = np.divmod(rows, self.step_ns.denominator)
        found: NDArray[np.int64] = (
            steps * self.step_ns.numerator
            + rest * self.step_ns.numerator // self.step_ns.denominator
            + self.start_ns
        )
        return found

    def spans(self, spans: Spans, first_row: int) -> Spans:
        """Spans with times, of some that have numbers of rows after `first_row`. Raises RecipeError."""
        return Spans.of(
            Span(*span[:3], *(self._time(first_row + position) for position in span[3:])) for span in spans
        )

    def _time(self, row: int) -> int:
        time = self.start_ns + row * self.step_ns.numerator // self.step_ns.denominator
        if time > LARGEST:
            raise RecipeError(
                f"row {row + 1:,} would be after the year 2261: choose an earlier start, or a shorter every",
                code="recipe-value",
            )
        return time


def positions(raw: Raw) -> pl.Series:
    """Numbers of the rows of a piece, from 0, those that are no rows counted too: int64, (rows,)."""
    rejected = np.array(sorted(reject.line for reject in raw.rejects), np.int64)
    return pl.Series("time", np.arange(len(raw.lines)) + np.searchsorted(rejected, raw.lines))
