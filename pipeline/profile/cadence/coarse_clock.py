"""Rows of a clock that is coarser than they are: several a second, or a block of one time."""

import numpy as np
import polars as pl

from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.writing.spread import spread_times
from longstride.pipeline.profile.cadence.changes import one_after_the_other
from longstride.pipeline.profile.clock.runs import Runs, runs_of
from longstride.pipeline.profile.layout.contradict import num_contradicting
from longstride.pipeline.profile.proposal import Proposal
from longstride.storage.text import number, readable_time, share

__all__ = ["find_coarse_clock", "instead_of_one"]

FINER = (1, 10, 100)
"""Parts of a second that clocks have, in each of its units."""
SECONDS = r"\d:\d\d[:.]\d\d"
NEARER = 2.0
"""How many times nearer the rows at one place of each run are, where they are of several machines."""


def find_coarse_clock(draft: Proposal) -> None:
    """Propose to spread rows where times repeat as those of a coarse clock do, and go on with the new times."""
    if not _is_order_known(draft):
        return
    keys = ["block", *draft.keys]
    runs = runs_of(draft.rows["time"], *(draft.rows[key] for key in keys), are_whole=draft.sample.is_whole)
    if (shown := _differing(draft)) is None:
        return
    if _keep_changes(draft, shown) or not runs.are_of_coarse_clock or _are_of_several(draft):
        return
    try:
        spread = _spread(draft, runs.usual_step)
    except RecipeError:
        return  # more rows of a time than nanoseconds
    over = format_duration(runs.usual_step)
    again = share(int((spread != draft.rows["time"]).sum()), len(spread))
    draft.doubts.append(
        f"{again} of rows repeat a time with other values ({shown}), {_how_many(runs)} of a time: their clock "
        f"seems to be coarser than they are, so all are kept, spread evenly over {over} in the order of the file. "
        f"{_burst(draft, runs)}If one of them is right, say duplicates = "
        '"first", "last" or "mean", without spread-over; if they are of several machines, name the column that '
        'tells them apart, as with series = "COLUMN"'
    )
    draft.put("duplicates", "spread", "rows of a time that was before: see the doubt")
    draft.put("spread-over", over, "the usual step from a time to the next")
    draft.put("max-gap", over, "within one step of their clock, it is not known how far rows are apart")
    draft.rows = draft.rows.with_columns(spread)


def _keep_changes(draft: Proposal, shown: str) -> bool:
    """Propose to spread rows of one time that follow each other where a state changes; say whether they do."""
    over_ns = _resolution(draft)
    if over_ns > UNITS_NS["s"] and _has_seconds(draft):
        over_ns = UNITS_NS["s"]
    if over_ns > UNITS_NS["h"] or (why := one_after_the_other(draft, over_ns)) is None:
        return False
    try:
        spread = _spread(draft, over_ns)
    except RecipeError:
        return False
    over = format_duration(over_ns)
    again = share(int((spread != draft.rows["time"]).sum()), len(spread))
    draft.doubts.append(
        f"{again} of rows repeat a time with other values ({shown}): {why}, so all are kept, spread evenly "
        f"over {over}, one step of their clock, in the order of the file. If one of them is right, say "
        'duplicates = "first", "last" or "mean", without spread-over; if they are of several machines, name the '
        'column that tells them apart, as with series = "COLUMN"'
    )
    draft.put("duplicates", "spread", "rows of a time that was before: see the doubt")
    draft.put("spread-over", over, "one step of the clock")
    draft.rows = draft.rows.with_columns(spread)
    return True


def instead_of_one(draft: Proposal) -> str:
    """How to keep all rows of one time, for the end of a sentence; empty where their order is not known."""
    if not _is_order_known(draft):
        return ""
    length = toml(format_duration(_resolution(draft)))
    return (
        "; or keep all of them, spread over one step of the clock: "
        f'duplicates = "spread" and spread-over = {length}'
    )


def _is_order_known(draft: Proposal) -> bool:
    """Whether an ingest could spread rows: it needs the order in which they were written."""
    if "pivot" in draft.keys or draft.is_newest_first or draft.rows["group"].n_unique() > 1:
        return False
    if (draft.steps(draft.rows["time"], *draft.keys) < 0).any():
        return False
    begin, end = pl.col("time").min().alias("begin"), pl.col("time").max().alias("end")
    files = (
        draft.rows.drop_nulls("time")
        .group_by(*draft.keys, "file")
        .agg(begin, end)
        .sort(*draft.keys, "begin", "end")
    )
    before = pl.col("end").shift()
    overlap = pl.col("begin") < (before.over(draft.keys) if draft.keys else before)
    return not files.select(overlap.fill_null(False).any()).item()


def _differing(draft: Proposal) -> str | None:
    """A value of two rows of one time that follow each other, where some differ and some contradict each other."""
    rows = draft.rows
    if not num_contradicting(draft):
        return None  # they complete each other, and are one row
    again = pl.all_horizontal(
        pl.col(key).eq_missing(pl.col(key).shift()) for key in ("block", "time", *draft.keys)
    )
    is_again = rows.select((again & pl.col("time").is_not_null()).fill_null(False)).to_series()
    for column in draft.channels:
        values = column.numbers
        found = (is_again & values.ne_missing(values.shift())).arg_true()
        if len(found):
            row = int(found[0])
            one, other = (_shown(value) for value in (values[row - 1], values[row]))
            moment = readable_time(rows["time"][row], fraction=False)
            return f"{column.name!r} is {one} and {other} at {moment}"
    return None


def _shown(value: float | None) -> str:
    return "missing" if value is None else number(value, digits=9)


def _are_of_several(draft: Proposal) -> bool:
    """Whether rows at the same place of each run are much more alike than those of one run.

    So are the rows of several machines or sensors that are written in turn, without a name.
    """
    keys = ["block", *draft.keys]
    rows = draft.rows.select(*keys, "time").with_columns(
        *(column.numbers.alias(f"value {number}") for number, column in enumerate(draft.channels))
    )
    rows = rows.with_columns(pl.int_range(pl.len()).over(*keys, "time").alias("place"))
    values = [name for name in rows.columns if name.startswith("value ")]
    within = rows.select(pl.col(values).diff().abs().over(*keys, "time").median())
    between = rows.select(pl.col(values).diff().abs().over(*keys, "place").median())
    return any((within[name][0] or 0.0) > NEARER * (between[name][0] or 0.0) for name in values)


def _spread(draft: Proposal, over_ns: int) -> pl.Series:
    """Times of the rows as an ingest would spread them, (rows,)."""
    found = np.array(draft.rows["time"].fill_null(0).to_numpy())
    keys = draft.rows.select("block", *draft.keys)
    is_known = draft.rows["time"].is_not_null()
    places = pl.DataFrame({"row": range(len(found))}).hstack(keys).filter(is_known)
    for _, some in places.group_by(keys.columns, maintain_order=True):
        rows = some["row"].to_numpy()
        found[rows] = spread_times(found[rows], over_ns)
    return pl.select(pl.when(is_known).then(pl.Series("time", found))).to_series().alias("time")


def _how_many(runs: Runs) -> str:
    low, high = (int(runs.length.quantile(share, "nearest") or 1) for share in (0.1, 0.9))
    return f"{high}" if low == high else f"{low} to {high}"


def _burst(draft: Proposal, runs: Runs) -> str:
    """Where the clock has finer times than the step between them: rows may come in a burst."""
    finest = max(_resolution(draft), UNITS_NS["ms"])
    if finest >= runs.usual_step:
        return ""
    return (
        "If rows of one time were taken faster than that, right after each other, say how long this takes, as "
        f"with spread-over = {toml(format_duration(finest))}. "
    )


def _has_seconds(draft: Proposal) -> bool:
    """Whether times are written with seconds, though all of them may be whole minutes."""
    recipe = draft.times[0].recipe
    texts = [draft.columns[name].values.head(1) for name in recipe.time_columns if name in draft.columns]
    return recipe.time_format in UNITS_NS or any(text.str.contains(SECONDS).any() for text in texts)


def _resolution(draft: Proposal) -> int:
    """The longest unit of which all times are multiples, in nanoseconds."""
    times = draft.rows["time"].drop_nulls()
    units = sorted(
        {unit * part for unit in UNITS_NS.values() for part in (FINER if unit < UNITS_NS["s"] else (1,))}
    )
    return next((unit for unit in reversed(units) if (times % unit == 0).all()), 1)
