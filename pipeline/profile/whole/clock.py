"""What is new in the times of rows: other ways to write them, other steps, steps back."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.column import steps
from longstride.storage.text import readable_time

__all__ = ["ClockKnown"]

MAX_KINDS = 8
"""Usual steps of a log; where there are more, it has none."""
RUN = 500
"""Steps of which most must be others."""


class ClockKnown:
    """The clock of a sample."""

    def __init__(self, times: Times, blocks: pl.Series) -> None:
        self._recipe = times.recipe
        self.names = times.recipe.time_columns
        found = steps(times.nanoseconds, blocks).cast(pl.Int64, strict=False).drop_nulls()
        forward, back = int((found > 0).sum()), int((found < 0).sum())
        self._sign = -1 if back > 5 * forward else 1
        found = found * self._sign
        moved = found.filter(found > 0)
        self._least, self._most = int(moved.min() or 0), int(moved.max() or 0)  # type: ignore[arg-type]
        self._repeats, self._goes_back = bool((found == 0).any()), bool((found < 0).any())
        self._usual = [usual] if (usual := _usual(found.to_numpy())) else []
        self.change: tuple[int, int, str] | None = None
        """The usual step, another one further on, and since when."""

    def times(self, frame: pl.DataFrame) -> pl.Series | None:
        """Times of rows as the sample is read; None where they cannot be."""
        if not set(self.names) <= set(frame.columns):
            return None
        try:
            return to_nanoseconds([frame[name] for name in self.names], self._recipe).nanoseconds
        except RecipeError:
            return None

    def new(self, frame: pl.DataFrame, times: pl.Series) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Rows with something new, each time with a name of the reason."""
        if times.null_count():
            yield "time unread", np.flatnonzero((times.is_null() & frame[self.names[0]].is_not_null()).to_numpy())
        rows = np.flatnonzero(times.is_not_null().to_numpy())
        found = np.diff(times.drop_nulls().to_numpy()) * self._sign
        later = rows[1:]
        if not self._most or not len(found):
            return
        if not self._repeats:
            yield "time again", later[found == 0]
        if not self._goes_back:
            yield "time back", later[found < 0]
        yield "step longer", later[found > 2 * self._most]
        yield "step shorter", later[(found > 0) & (2 * found < self._least)]
        for start in range(0, len(found), RUN):
            run, rows_of_run = found[start : start + RUN], later[start : start + RUN]
            usual = _usual(run)
            if usual and 0 < len(self._usual) < MAX_KINDS and not any(map(partial(_is_near, usual), self._usual)):
                since = readable_time(times[int(rows_of_run[run == usual][0])], fraction=False)
                self.change = self.change or (self._usual[0], usual, since)
                self._usual.append(usual)
                yield f"step {usual}", rows_of_run[run == usual]


def _usual(found: NDArray[np.int64]) -> int | None:
    """The step that more than half are."""
    moved = found[found > 0]
    if len(moved) < 10:
        return None
    usual = int(np.median(moved))
    return usual if 2 * int((moved == usual).sum()) > len(moved) else None


def _is_near(one: int, other: int) -> bool:
    return 0.99 * other <= one <= 1.01 * other
