"""Rows of one time that are one after the other: the last one of a state, and the first one of the next.

Battery cyclers and other machines of steps write such rows. A correction of a row is none, nor are rows of several
sensors: between these no state changes for good, and no finer clock runs on.
"""

import polars as pl

from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.time_names import name_score

__all__ = ["one_after_the_other"]

MOSTLY = 0.8
"""Share of rows of one time between which a state changes, and stays."""
SELDOM = 0.05
"""Share of other rows between which it does."""
FEWEST = 2
NEAR = 0.01


def one_after_the_other(draft: Proposal, step_ns: int) -> str | None:
    """What shows that rows of one time were written one after the other, within one step of the clock."""
    over = ["block", *draft.keys]
    is_again = draft.rows.select(
        (pl.col("time") == pl.col("time").shift().over(over)).fill_null(False)
    ).to_series()
    for column in draft.columns.values():
        if draft.uses.get(column.name) in ("time", "series", "pivot"):
            continue
        if _is_finer_clock(draft, column, over, is_again, step_ns):
            return f"{column.name!r} runs on between them"
        if int(is_again.sum()) >= FEWEST and _is_state(draft, column, over, is_again):
            return f"{column.name!r} changes there"
    return None


def _is_finer_clock(draft: Proposal, column: Column, over: list[str], is_again: pl.Series, step_ns: int) -> bool:
    """Whether it is an elapsed time that rises from row to row, by less than a step between rows of one time."""
    if not column.is_number or column.is_whole or not name_score(column.name) or column.numbers.null_count():
        return False
    rows = draft.rows.select(
        *over, pl.col("time").cast(pl.Float64), number=column.numbers, is_again=is_again
    ).drop_nulls("time")
    steps = rows.with_columns(pl.col("number", "time").diff().over(over)).drop_nulls()
    whole = steps.select(pl.col("number", "time").sum()).row(0)
    if not steps.height or not steps.select((pl.col("number") > 0).all()).item() or not whole[1]:
        return False
    unit = next((unit for unit in UNITS_NS.values() if abs(whole[0] * unit / whole[1] - 1) <= NEAR), None)
    within = steps.filter("is_again")["number"]
    return unit is not None and bool((within * unit <= step_ns).all())


def _is_state(draft: Proposal, column: Column, over: list[str], is_again: pl.Series) -> bool:
    """Whether it changes between most rows of one time and seldom elsewhere, and not back at once."""
    rows = draft.rows.select(*over, text=column.texts, is_again=is_again)
    text = pl.col("text").fill_null("")
    rows = rows.select(
        "is_again",
        is_other=(text != text.shift().over(over)).fill_null(False),
        stays=(text == text.shift(-1).over(over)).fill_null(True),
    )
    at, elsewhere = rows.filter("is_again"), rows.filter(~pl.col("is_again"))
    for_good = at.select((pl.col("is_other") & pl.col("stays")).mean()).item()
    return bool(for_good >= MOSTLY and (elsewhere["is_other"].mean() or 0.0) <= SELDOM)  # type: ignore[operator]
