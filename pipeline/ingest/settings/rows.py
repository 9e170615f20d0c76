"""What is made of the rows."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from longstride.pipeline.ingest.duration import check_step, parse_duration
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import by_column, check_choice, unexpected

__all__ = ["RowSettings"]

MAX_STEPS_OF_GAP = 1_000_000
"""Memory holds the rows that are put in for a gap."""

Duplicates = Literal["error", "same", "first", "last", "mean", "spread"]
Aggregate = Literal["mean", "min", "max", "last", "count"]
Fill = Literal["none", "forward", "linear"]
CounterBits = Literal["16", "32", "64"]
Dtype = Literal["float32", "float64"]


@dataclass(frozen=True, kw_only=True)
class RowSettings:
    """Which rows are kept, how they are put together, and how they are stored."""

    max_rejects: str = "0.1%"
    """Stop when more rows than this cannot be read: a number, or a share of all rows."""

    sql: str | None = None
    """A query that filters rows and computes columns from others, one row at a time: `SELECT *, a - b AS spread
    FROM rows WHERE a > 0`."""
    duplicates: Duplicates = "error"
    """What to do with rows of the same series and time; with same, they are one row, in which what is missing in
    one is taken from another, and rows that contradict each other are an error; spread keeps all, evenly spread
    until the next time."""
    spread_over: str | None = None
    """How far rows of one time are spread at most: the usual step of their clock, which is coarser than the rows,
    such as 1s."""
    rate: tuple[str, ...] = ()
    """Channels that are counters: stored as their increase per second."""
    counter_bits: CounterBits = "32"
    """Bits of a counter: it wraps around when they are full."""
    every: str | None = None
    """Summarise rows on a common grid of this step; by default rows stay as they are. Where rows have no time, the
    time from each to the next, such as 50us or 20000hz."""
    aggregate: tuple[str, ...] = ("mean",)
    """How values that fall into one step of the grid are summarised: mean, min, max, last or count."""
    fill: Fill = "none"
    """How missing values are filled in from those around them."""
    fill_limit: str | None = None
    """Longest time from a missing value to the value that fills it in (linear: between the two values around
    it)."""
    max_gap: str | None = None
    """A longer step starts a new segment; the default is 1.5 times the median step. With `every`, missing
    steps get rows, up to this gap."""
    split_on_missing: str | None = None
    """A longer run of rows without any value belongs to no segment; by default such rows stay in their segment. A
    run lasts from its first row until the row after it."""
    dtype: Dtype = "float32"
    """Type of the stored values."""

    @property
    def max_gap_ns(self) -> int | None:
        """`max_gap` in nanoseconds."""
        return _nanoseconds(self.max_gap)

    @property
    def spread_over_ns(self) -> int | None:
        """`spread_over` in nanoseconds."""
        return _nanoseconds(self.spread_over)

    @property
    def split_on_missing_ns(self) -> int | None:
        """`split_on_missing` in nanoseconds."""
        return _nanoseconds(self.split_on_missing)

    @property
    def every_ns(self) -> int | None:
        """`every` in nanoseconds."""
        return _nanoseconds(self.every)

    @property
    def fill_limit_ns(self) -> int | None:
        """`fill_limit` in nanoseconds."""
        return _nanoseconds(self.fill_limit)

    def max_rejected(self, num_rows: int) -> int:
        """How many of `num_rows` may be rejected."""
        text = self.max_rejects.strip()
        try:
            limit = float(text.removesuffix("%"))
            if not 0 <= limit < float("inf") or (text.endswith("%") and limit > 100):
                raise ValueError
        except ValueError:
            expected = "a number such as 100, or a share such as 0.1%"
            raise unexpected("max-rejects", self.max_rejects, expected) from None
        return int(limit * num_rows / 100) if text.endswith("%") else int(limit)

    def aggregate_of(self, *names: str) -> Aggregate:
        """How the values of a channel are summarised, by the first of its names that says so."""
        how = self._aggregates
        found: Any = next((how[name] for name in (*names, None) if name in how), "mean")
        return found  # type: ignore[no-any-return]

    @cached_property
    def _aggregates(self) -> dict[str | None, str]:
        return dict(by_column(self.aggregate))

    def check_rows(self) -> None:
        """Raise RecipeError where they cannot be used, or not together."""
        for name in ("spread_over", "max_gap", "split_on_missing", "fill_limit"):
            if (duration := getattr(self, name)) is not None:
                parse_duration(duration, name.replace("_", "-"))
        for _, how in by_column(self.aggregate):
            check_choice("aggregate", how, get_args(Aggregate))
        if (self.fill == "none") != (self.fill_limit is None):
            raise RecipeError(
                "fill and fill-limit go together: say how missing values are filled in (forward or linear) and "
                "how far (such as 1h)",
                code="recipe-conflict",
            )
        if (self.duplicates == "spread") != (self.spread_over is not None):
            raise RecipeError(
                "duplicates spread and spread-over go together: say how far rows of one time are spread at most, "
                "which is the usual step of their clock (such as 1s)",
                code="recipe-conflict",
            )
        self.max_rejected(1)

    def check_grid(self) -> None:
        """Raise RecipeError where the grid of `every` cannot be used."""
        if self.every is None:
            return
        check_step("every", self.every)
        if self.max_gap is not None:
            num_steps = parse_duration(self.max_gap) / parse_duration(self.every)
            if num_steps > MAX_STEPS_OF_GAP:
                raise RecipeError(
                    f"max-gap {self.max_gap} is {num_steps:,.0f} steps of {self.every}, which would all get rows: "
                    f"expected at most {MAX_STEPS_OF_GAP:,}: name a shorter max-gap, or a longer every",
                    code="recipe-conflict",
                )


def _nanoseconds(duration: str | None) -> int | None:
    return None if duration is None else parse_duration(duration)
