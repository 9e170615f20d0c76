"""Whether groups of numbers measure the same quantity, by their values."""

from itertools import combinations

import polars as pl

__all__ = ["are_far"]

FEWEST = 3
"""Numbers by which a group is judged."""
MAX_GROUPS = 60
TIMES_WIDER = 2
"""Two groups are far from each other where the gap between them is so much wider than either."""
TIMES_LARGER = 5


def are_far(values: pl.Series, keys: pl.Series) -> bool:
    """Whether values (T,) of two of the `keys` (T,) lie so far apart that they hardly measure the same."""
    spans = (
        pl.DataFrame({"value": values, "key": keys})
        .drop_nulls()
        .group_by("key")
        .agg(
            low=pl.col("value").quantile(0.05, "lower"),
            high=pl.col("value").quantile(0.95, "higher"),
            count=pl.len(),
        )
        .filter(pl.col("count") >= FEWEST)
        .sort("low", "high")
        .head(MAX_GROUPS)
    )
    rows = list(zip(spans["low"].to_list(), spans["high"].to_list(), strict=True))
    return any(_is_far(one, other) for one, other in combinations(rows, 2))


def _is_far(lower: tuple[float, float], higher: tuple[float, float]) -> bool:
    gap = higher[0] - lower[1]
    if gap <= 0:
        return False
    widest = max(lower[1] - lower[0], higher[1] - higher[0])
    sizes = sorted(abs(low + high) for low, high in (lower, higher))
    return (gap > TIMES_WIDER * widest and sizes[1] > 1.5 * sizes[0]) or sizes[1] > TIMES_LARGER * sizes[0]
