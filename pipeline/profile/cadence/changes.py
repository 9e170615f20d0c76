"""Rows of one time that follow each other, such as the last one of a state and the first one of the next.

Battery cyclers and other machines of steps write them. Corrections of rows are others, and so are rows of several
sensors: between these no state changes for good, no finer clock runs on, and values come back.
"""

from collections.abc import Iterator

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
FEWEST_DELAYED = 3
NEAR = 2
"""Times the step of the clock that rows are apart, and the usual change of a value, where a delay makes two rows
fall into one."""
SOME = 0.5
"""Share of the changes elsewhere that there are between rows of one time."""
ALL_BUT_FEW = 0.9
MOST = 0.7


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
    counts = [column for column in draft.columns.values() if _counts_rows(draft, column)]
    if counts and _goes_on(draft, over, is_again):
        return f"{counts[0].name!r} counts them, and values go on from one to the next"
    if _are_delayed(draft, over, is_again, step_ns):
        return "values go on from one to the next, and rows are hardly further apart than the steps of their clock"
    return None


def _are_delayed(draft: Proposal, over: list[str], is_again: pl.Series, step_ns: int) -> bool:
    """Whether now and then a bit of delay makes two rows fall into one step of the clock.

    Most channels then change between them as elsewhere, but by hardly more. In a row and its correction, few do;
    those of two sensors in turn come back.
    """
    apart = draft.rows.select(pl.col("time").diff().over(over)).to_series()
    usual = apart.filter(apart > 0).median()
    if usual is None or usual > NEAR * step_ns:  # type: ignore[operator]
        return False
    if not FEWEST_DELAYED <= int(is_again.sum()) <= SELDOM * len(is_again):
        return False
    found = []
    for _, at, elsewhere in _changes(draft, over, is_again):
        often = _share(elsewhere, pl.col("step") > 0)
        if often >= SOME:
            changes = _share(at, pl.col("step") > 0) >= SOME * often
            ends = [one["step"].median() or 0.0 for one in (at, elsewhere)]
            found.append(changes and ends[0] <= NEAR * ends[1] and _share(at, pl.col("goes_back")) <= MOST)  # type: ignore[operator]
    return bool(sum(found) >= max(1, MOST * len(found)))


def _counts_rows(draft: Proposal, column: Column) -> bool:
    steps = draft.steps(column.numbers, *draft.keys) if column.is_number else column.numbers.clear()
    return len(steps) >= FEWEST and bool((steps == 1).all())


def _is_finer_clock(draft: Proposal, column: Column, over: list[str], is_again: pl.Series, step_ns: int) -> bool:
    """Whether it is an elapsed time, of the log or of a state, that rises a little between rows of one time."""
    if not column.is_number or column.is_whole or not name_score(column.name):
        return False
    steps = draft.rows.select(
        pl.col("time").cast(pl.Float64).diff().over(over), number=column.numbers, is_again=is_again
    ).with_columns(draft.rows.select(over))
    steps = steps.with_columns(pl.col("number").diff().over(over)).drop_nulls(["time", "number"])
    for unit in UNITS_NS.values():
        ns = pl.col("number") * unit
        is_within = (ns > 0) & (ns <= 2 * step_ns)
        is_as_long = (ns - pl.col("time")).abs() <= 2 * step_ns
        at, elsewhere = steps.filter("is_again"), steps.filter(~pl.col("is_again"))
        if _share(at, is_within) >= ALL_BUT_FEW and _share(elsewhere, is_as_long) >= ALL_BUT_FEW:
            return True
    return False


def _share(rows: pl.DataFrame, what: pl.Expr) -> float:
    return float(rows.select(what.mean()).item() or 0)


def _changes(
    draft: Proposal, over: list[str], is_again: pl.Series
) -> Iterator[tuple[Column, pl.DataFrame, pl.DataFrame]]:
    """Of each channel, its changes between rows of one time, and those between others."""
    number = pl.col("number")
    before, after = number.shift().over(over), number.shift(-1).over(over)
    changes = {"step": (number - before).abs(), "goes_back": (after - before).abs() < (after - number).abs()}
    for column in draft.channels:
        rows = draft.rows.select(*over, number=column.numbers, is_again=is_again)
        rows = rows.with_columns(**changes).drop_nulls("step")
        yield column, rows.filter("is_again"), rows.filter(~pl.col("is_again"))


def _goes_on(draft: Proposal, over: list[str], is_again: pl.Series) -> bool:
    """Whether numbers go on between rows of one time as between others: in small steps, and not back.

    Those of two sensors in turn, or of a row and its correction, do not.
    """
    found = []
    for column, at, elsewhere in _changes(draft, over, is_again):
        if _share(at, pl.col("step") > 0) < MOST:
            continue
        ends = column.numbers.quantile(0.05), column.numbers.quantile(0.95)
        small = SELDOM * (ends[1] - ends[0])  # type: ignore[operator]
        are_small = [(one["step"].median() or 0.0) <= small for one in (at, elsewhere)]  # type: ignore[operator]
        found.append(all(are_small) and _share(at, pl.col("goes_back")) <= MOST)
    return bool(found) and sum(found) >= MOST * len(found)


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
    for_good = _share(at, pl.col("is_other") & pl.col("stays"))
    return bool(for_good >= MOSTLY and _share(elsewhere, pl.col("is_other")) <= SELDOM)
