"""How rows follow each other in time: steps, gaps, rows of the same time."""

import polars as pl

from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.profile.column import FEW
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.wording import share
from longstride.storage.text import counted

__all__ = ["find_duplicates", "see_steps"]

GAP = 1.5
"""In median steps, as in an ingest."""
MANY = 0.05


def see_steps(draft: Proposal) -> None:
    """Report the usual step, and gaps."""
    over = [key for key in draft.keys if key == "series"]
    steps = draft.steps(draft.rows["time"], *over)
    num_back = int((steps < 0).sum())
    steps = steps.filter(steps > 0)
    if steps.is_empty():
        return
    usual = int(steps.median())  # type: ignore[arg-type]
    differ = int((steps != usual).sum())
    others = f"{share(differ, len(steps))} of steps are others" if differ else "all steps are the same"
    draft.seen.append(f"the median step{' of a series' if over else ''} is {format_duration(usual)}, {others}")
    gaps = steps.filter(steps > GAP * usual)
    if len(gaps):
        longest = format_duration(int(gaps.max()))  # type: ignore[arg-type]
        draft.seen.append(f"{counted(len(gaps), 'gap')} of over {GAP} times that, the longest {longest}")
    if num_back:
        draft.seen.append(f"times go back in {counted(num_back, 'place')}")
    if len(gaps) > MANY * len(steps):
        many = share(len(gaps), len(steps))
        draft.doubts.append(f"{many} of steps are gaps and start a new segment: see max-gap, or the grid of every")


def find_duplicates(draft: Proposal) -> None:
    """Find rows of a time and series that were before."""
    values = pl.DataFrame([column.numbers for column in draft.channels]).hash_rows()
    whose = ["group", "time", *draft.keys]
    rows = draft.rows.with_columns(values=values).drop_nulls("time")
    first = pl.col("values").first().over(whose).alias("first")
    again = rows.with_columns(first).filter(~pl.struct(whose).is_first_distinct())
    num_others = int((again["values"] != again["first"]).sum())
    if num_others > FEW * len(rows) and not draft.keys:
        draft.doubts.append(
            f"{share(num_others, len(rows))} of rows repeat a time with other values, and no column says whose "
            "they are: ingest the files apart, add such a column, or see duplicates"
        )
    elif len(again):
        how = f"{num_others:,} with other values (see last and mean)" if num_others else "with the same values"
        draft.put("duplicates", "first", f"{counted(len(again), 'row')} of a time that was before, {how}")
