"""How rows follow each other in time: steps, gaps, rows of the same time."""

import polars as pl

from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.column import FEW
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.wording import share
from longstride.storage.text import counted

__all__ = ["find_duplicates", "see_steps"]

GAP = 1.5
"""In median steps, as in an ingest."""
MANY = 0.05
SECOND_NS = 10**9
WINDOW = 64
"""Rows of a window, as in the examples."""


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
    if len(gaps) >= max(3, FEW * len(steps)) and _find_max_gap(draft, steps, usual):
        return
    if len(gaps) > MANY * len(steps):
        many = share(len(gaps), len(steps))
        draft.doubts.append(
            f"{many} of steps are gaps and start a new segment, which no window crosses. To keep rows together, "
            f"say max-gap = {toml(format_duration(_most_steps(gaps, usual)))}, or put them on a grid with every"
        )


def _most_steps(gaps: pl.Series, usual: int) -> int:
    """What nine of ten gaps do not exceed, in whole steps, or seconds where steps are not whole."""
    longest = int(gaps.quantile(0.9, "higher"))  # type: ignore[arg-type]
    unit = usual if usual < SECOND_NS or usual % SECOND_NS == 0 else SECOND_NS
    return -(-longest // unit) * unit


def _find_max_gap(draft: Proposal, steps: pl.Series, usual: int) -> bool:
    """Propose a longer gap where the usual ones cut the log into pieces without a window."""
    longest = _longest_run(steps <= GAP * usual)
    is_even = int((steps == usual).sum()) > len(steps) / 2
    if longest + 1 >= WINDOW or len(steps) + 1 < WINDOW or not is_even:
        return False
    for factor in (2, 3, 5, 10):
        if _longest_run(steps <= factor * usual) + 1 >= WINDOW:
            gap = format_duration(factor * usual)
            draft.put("max-gap", gap, f"shorter ones would cut the log into pieces of at most {longest + 1} rows")
            return True
    draft.doubts.append(
        f"gaps cut the log into pieces of at most {longest + 1} rows: no window of {WINDOW} rows fits. Say a "
        f"longer max-gap, or every = {toml(format_duration(usual))} for rows of one step"
    )
    return True


def _longest_run(whole: pl.Series) -> int:
    runs = whole.rle().struct.unnest()
    lengths = runs.filter(runs["value"])["len"]
    return int(lengths.max() or 0)  # type: ignore[arg-type]


def find_duplicates(draft: Proposal) -> None:
    """Find rows of a time and series that were before."""
    values = pl.DataFrame([column.numbers for column in draft.channels]).hash_rows()
    whose = ["group", "time", *draft.keys]
    rows = draft.rows.with_columns(values=values).drop_nulls("time")
    first = pl.col("values").first().over(whose).alias("first")
    again = rows.with_columns(first).filter(~pl.struct(whose).is_first_distinct())
    num_others = int((again["values"] != again["first"]).sum())
    if num_others and not draft.keys and _is_autumn(again["time"]):
        draft.doubts.append(
            "an hour comes twice in the night in which clocks are set back: these are local times. Say timezone, "
            'and which of the two hours rows are of: ambiguous = "earliest" or "latest"'
        )
    elif num_others > FEW * len(rows) and not draft.keys:
        draft.doubts.append(
            f"{share(num_others, len(rows))} of rows repeat a time with other values, and no column says whose "
            "they are: ingest the files apart, add such a column, or see duplicates"
        )
    elif len(again):
        how = f"{num_others:,} with other values (see last and mean)" if num_others else "with the same values"
        draft.put("duplicates", "first", f"{counted(len(again), 'row')} of a time that was before, {how}")


def _is_autumn(times: pl.Series) -> bool:
    """Whether all times are of early on the last Sunday of October, or the first of November."""
    moments = times.cast(pl.Datetime("ns"))
    day, month = moments.dt.day(), moments.dt.month()
    is_sunday = (moments.dt.weekday() == 7) & (moments.dt.hour() < 4)
    is_last = ((month == 10) & (day >= 25)) | ((month == 11) & (day <= 7))
    return bool((is_sunday & is_last).all())
