"""Whether columns tell rows of one time apart, as names of machines do, and states and remarks do not."""

from collections.abc import Sequence
from typing import Any

import polars as pl

__all__ = ["Apart"]

FEWER = 10
"""So many times fewer rows of one time are left by a key than before, and than by chance."""
ENOUGH, ENOUGH_OF_ALL = 5, 2
"""Pairs of rows of one time and one text that there would be by chance, and where each time has all texts."""
MOSTLY = 0.5
TIMES_CHANCE = 1.5
MIXED = 0.3
"""How often the text of a row is another one than before, compared with rows in random order."""
Names = Sequence[str]


class Apart:
    """Rows of a log, (rows,): "block", "group", "time" and the texts of columns by their names."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows

    def disorder(self, names: Names = ()) -> float:
        """Share of rows that repeat a time of theirs, or go back in time."""
        return _number((self._is_back(names) | self._is_again(names)).mean())

    def tell(self, names: Names, by: Names = ()) -> bool:
        """Whether columns tell apart rows that `by` leaves together.

        Any text of a few values seems to do so where few rows repeat a time. So it has to do so more often than
        texts in random order would, and it is no state that has just changed: rows of both texts come at the same
        time, or in turn, or each text has a run of its own that begins in the past.
        """
        both = [*by, *names]
        again, back = _number(self._is_again(by).mean()), _number(self._is_back(by).mean())
        if not again:
            return self.disorder(both) <= self.disorder(by) / FEWER
        has_runs = bool(back) and _number(self._is_back(both).mean()) <= back / FEWER
        if _number(self._is_again(both).mean()) > again / FEWER:
            # Logs that follow each other, each of a clock that is coarser than its rows.
            return has_runs and self.tell_times(names, by)
        by_chance, completeness = self._by_chance(names, by), self.completeness(names, by)
        if by_chance < (ENOUGH if completeness < MOSTLY else ENOUGH_OF_ALL):
            return False
        if self._pairs(both)["pairs"].sum() > by_chance / FEWER:
            return False
        return completeness >= MOSTLY or has_runs or self._mixed(names, by) >= MIXED

    def may_tell(self, names: Names) -> bool:
        """Whether rows of one time are of other texts about as often as by chance, where few repeat one."""
        return self.num_together(names) <= TIMES_CHANCE * self._by_chance(names, ())

    def tell_times(self, names: Names, by: Names = ()) -> bool:
        """Whether columns tell times apart, where rows of one time and text follow each other."""
        times = self._times([*by, *names])
        return times.height < self.rows.height and Apart(times).tell(names, by)

    def num_together(self, names: Names) -> int:
        """Pairs of rows of one time that columns leave together."""
        return int(self._pairs(names)["pairs"].sum())

    def completeness(self, names: Names, by: Names = ()) -> float:
        """Share of the other texts that have a row at the time of one, of those with rows before and after it."""
        whose = list(by) or ["all"]
        rows = self.rows.select(pl.lit(0).alias("all"), "time", *by, pl.struct(names).alias("text"))
        at_each = rows.group_by("time", *whose).agg(pl.col("text").n_unique(), place=pl.lit(1), change=pl.lit(0))
        spans = rows.group_by(*whose, "text").agg(begin=pl.col("time").min(), end=pl.col("time").max())
        none = pl.lit(None).cast(at_each.schema["text"])
        bounds = [
            spans.select(
                pl.col(bound).alias("time"), *whose, text=none, place=pl.lit(place), change=pl.lit(change)
            )
            for bound, place, change in (("begin", 0, 1), ("end", 2, -1))
        ]
        both = pl.concat([at_each, *bounds]).sort("time", "place")
        others = both.select(pl.col("change").cum_sum().over(whose) - 1).to_series().alias("others")
        of_several = both.with_columns(others).filter((pl.col("place") == 1) & (pl.col("others") > 0))
        return _number(of_several.select(((pl.col("text") - 1.0) / pl.col("others")).mean()).item())

    def _is_back(self, names: Names) -> pl.Series:
        back = pl.col("time") < pl.col("time").shift().over(["block", *names])
        return self.rows.select(back.fill_null(False)).to_series()

    def _is_again(self, names: Names) -> pl.Series:
        return self.rows.select(~pl.struct("group", "time", *names).is_first_distinct()).to_series()

    def _times(self, names: Names) -> pl.DataFrame:
        """The first row of each time, where rows of one time and text follow each other."""
        new = pl.any_horizontal(
            pl.col(name).ne_missing(pl.col(name).shift()) for name in ("block", "time", *names)
        )
        return self.rows.filter(new.fill_null(True))

    def _pairs(self, names: Names) -> pl.DataFrame:
        """How many pairs of rows have one time, for each of the texts."""
        counts = self.rows.group_by("group", "time", *names).len()
        counts = counts.with_columns(pairs=pl.col("len").cast(pl.Int64) * (pl.col("len").cast(pl.Int64) - 1) // 2)
        counts = counts.with_columns(pl.lit(0).alias("all"))
        return counts.group_by(*(names or ["all"])).agg(pl.col("pairs").sum())

    def _by_chance(self, names: Names, by: Names) -> float:
        """Pairs of rows of one time and one text, if texts were in random order."""
        whose = list(by) or ["all"]
        rows = self.rows.with_columns(pl.lit(0).alias("all"))
        shares = rows.group_by(*whose, *names).len()
        alike = shares.group_by(*whose).agg(((pl.col("len") / pl.col("len").sum()) ** 2).sum().alias("alike"))
        return _number(
            self._pairs(by).join(alike, on=whose).select((pl.col("pairs") * pl.col("alike")).sum()).item()
        )

    def _mixed(self, names: Names, by: Names) -> float:
        """How often the texts of a row are others than before."""
        over = ["block", *by]
        text = pl.struct(names)
        is_other = pl.any_horizontal(pl.col(name) != pl.col(name).shift().over(over) for name in names)
        changes = _number(self.rows.select(is_other.drop_nulls().mean()).item())
        shares = self.rows.select(text.alias("text"))["text"].value_counts(normalize=True)["proportion"]
        return changes / max(1e-9, 1 - float((shares**2).sum()))


def _number(found: Any) -> float:
    return float(found or 0)
