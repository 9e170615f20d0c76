"""Which of day, month and year comes first in dates: by the sense that the times make, or a doubt."""

import re
from collections.abc import Iterable, Sequence

import polars as pl

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.words.date_forms import order_in
from longstride.storage.text import readable_time

__all__ = ["chosen", "doubt_of_order", "is_other_order", "order_of_date", "told_order"]


def is_other_order(one: Times, other: Times) -> bool:
    """Whether two ways to read dates have another order, and give the same times."""
    orders = [order_of_date(times) for times in (one, other)]
    return (
        set(orders[0]) == set(orders[1])
        and len(orders[0]) == 3
        and orders[0] != orders[1]
        and one.nanoseconds.equals(other.nanoseconds)
    )


def doubt_of_order(times: Times, alike: Times, columns: Sequence[pl.Series]) -> str:
    """Of dates that are the same either way, as 11/11/2015: other rows of the log may not be."""
    text = " ".join(str(column.drop_nulls()[0]).strip() for column in columns)
    ours, theirs = (toml(str(one.recipe.time_format)) for one in (times, alike))
    return (
        f"{text!r} is the same time by {ours} and by {theirs}, and no row that was seen tells day, month and year "
        f"apart: for other logs of this kind that may be wrong. If so, say time-format = {theirs}"
    )


def order_of_date(times: Times) -> tuple[str, ...]:
    """Of day, month and year."""
    return tuple(re.findall(r"%([dmyY])", times.recipe.time_format or ""))


def told_order(columns: Iterable[Column]) -> tuple[str, ...]:
    """The order of day, month and year that a name tells, or the line below it; nothing where they tell none."""
    texts = (text for column in columns for text in (column.name, column.unit or ""))
    told = set(filter(None, map(order_in, texts)))
    return told.pop() if len(told) == 1 else ()


def chosen(
    rivals: list[Times], columns: Sequence[pl.Series], blocks: pl.Series, told: tuple[str, ...] = ()
) -> Times:
    """Choose between ways to read times that differ in the order of day, month and year, as names may have `told`.

    What a name says may be wrong: it counts where sense tells nothing, and stays a doubt.
    """
    if "%p" in (rivals[0].recipe.time_format or ""):
        told = ("m", "d", "y")  # who writes AM and PM writes so, also below a name such as Date [DD-MM-YYYY]
    senses = {id(times): sense(times.nanoseconds, blocks) for times in rivals}
    is_told = {id(times): tuple(map(str.lower, order_of_date(times))) == told for times in rivals}
    chosen, other = sorted(rivals, key=lambda times: (senses[id(times)].disorder, not is_told[id(times)]))[:2]
    ours, theirs = senses[id(chosen)], senses[id(other)]
    differ = (chosen.nanoseconds != other.nanoseconds).fill_null(False).arg_true()
    if not len(differ):
        return chosen  # each row that both read is the same time
    row = int(differ[0])
    text = " ".join(str(column[row]).strip() for column in columns)
    one, two = (readable_time(times.nanoseconds[row], fraction=False) for times in (chosen, other))
    say = f"say time-format = {toml(str(other.recipe.time_format))}"
    if ours.num_back < theirs.num_back:
        why = "more rows would go back in time"
    elif ours.num_leaps < theirs.num_leaps:
        why = "times would leap by years"
    elif ours.num_kinds < theirs.num_kinds:
        why = "steps would differ more"
    elif ours.is_future < theirs.is_future:
        why = "times would lie in the future"
    else:
        is_named = is_told[id(chosen)] and "%p" not in (chosen.recipe.time_format or "")
        tells = "only what the column is called tells which" if is_named else "nothing tells which"
        doubt = f"{text!r} is {one} or {two}, and {tells}: read as {one}. If it is {two}, {say}"
        return chosen._replace(doubt=doubt, rival=other)
    return chosen._replace(doubt=f"{text!r} is taken for {one}; read as {two}, {why}. If it is that, {say}")
