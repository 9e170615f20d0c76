"""Runs of rows of one time: as a clock makes them that is coarser than its rows, or here and there."""

from typing import NamedTuple

import polars as pl

__all__ = ["Runs", "runs_of"]

ALIKE = 0.8
"""Share of runs that are about as long as most, where a clock makes them."""
FEWEST = 3
OFTEN = 0.1
"""Share of rows that repeat a time, where rows are hardly closer than the steps of their clock."""


class Runs(NamedTuple):
    """Runs of rows of one time that follow each other, in order."""

    length: pl.Series
    """Rows of each, (runs,)."""
    step: pl.Series
    """Nanoseconds to the next one of its block and series, (runs,), null at their ends."""
    usual: float
    """Rows of most."""

    @property
    def usual_step(self) -> int:
        """The median of those forward; 0 where there is none."""
        return int(self.step.filter(self.step > 0).median() or 0)  # type: ignore[arg-type]

    @property
    def are_of_coarse_clock(self) -> bool:
        """Whether times repeat all the time, and about as often each."""
        if len(self.length) < FEWEST or not self.usual_step:
            return False
        if self.usual >= 2:
            are_alike = self.length.is_between(self.usual / 2, 2 * self.usual)
            return float(are_alike.mean() or 0) >= ALIKE  # type: ignore[arg-type]
        return self._are_now_and_then

    @property
    def _are_now_and_then(self) -> bool:
        """Whether rows are a bit closer than the steps of the clock: every so many steps have two of them."""
        double = (self.length == 2).arg_true()
        num_rows = int(self.length.sum())
        if int(self.length.max()) != 2 or len(double) < max(FEWEST, OFTEN * num_rows):  # type: ignore[arg-type]
            return False
        apart = double.cast(pl.Int64).diff().drop_nulls()
        middle = float(apart.median() or 0)  # type: ignore[arg-type]
        return float(((apart - middle).abs() <= 1).mean() or 0) >= ALIKE  # type: ignore[arg-type]


def runs_of(times: pl.Series, *keys: pl.Series, are_whole: bool) -> Runs:
    """The runs of times (int64, (T,)) of rows, those of each of the keys (T,) by themselves.

    Unless keys hold all their rows, as those of whole files do, their first and last runs are left out.
    """
    rows = pl.DataFrame([times.alias("time"), *(key.alias(f"key {number}") for number, key in enumerate(keys))])
    names = rows.columns[1:]
    rows = rows.drop_nulls("time")
    if names:
        rows = rows.sort(names, maintain_order=True)
    new = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in rows.columns)
    runs = rows.group_by(new.fill_null(True).cum_sum().alias("run"), maintain_order=True).agg(
        pl.first("time", *names), pl.len().alias("length")
    )
    step = pl.col("time").shift(-1) - pl.col("time")
    runs = runs.with_columns((step.over(names) if names else step).alias("step"))
    if not are_whole:
        place, last = pl.int_range(pl.len()), pl.len() - 1
        runs = runs.filter(((place > 0) & (place < last)).over(names) if names else (place > 0) & (place < last))
    return Runs(runs["length"], runs["step"], float(runs["length"].median() or 0))  # type: ignore[arg-type]
