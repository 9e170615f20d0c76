"""Columns without names of their own whose numbers are the parts of a time: year, month, day and so on."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.settings.epochs import DECIMAL_YEAR
from longstride.pipeline.profile.clock.numbers.parts import INVENTED, LIMITS, PARTS, are_whole
from longstride.pipeline.profile.clock.reading import Times, read_as
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.column import MOST, Column

__all__ = ["find_unnamed_parts"]

FEWEST_YEARS = 20
"""So many numbers in a row may be years, although nothing says so."""
FIRST_YEAR = 1700
"""Sunspots are counted since then, and temperatures measured."""


def find_unnamed_parts(columns: Mapping[str, Column], blocks: pl.Series) -> list[Times]:
    """Columns without names of their own whose numbers are those of a clock, the way with the most parts."""
    found = []
    for names, parts, format_ in _parts(columns):
        times = read_as([columns[name].raw for name in names], format_)
        seen = times and sense(times.nanoseconds, blocks)
        if times and seen and seen.num_steps and not seen.num_back and not seen.num_still:
            doubt = (
                f"the columns have no names, and {listed(names)} are taken for {listed(parts)}. If they are "
                "others, say their names in header, and time"
            )
            found.append(times._replace(doubt=doubt, score=seen.score))
    return found[-1:] or [*_years_alone(columns)]


def _years_alone(columns: Mapping[str, Column]) -> Iterator[Times]:
    """A first column without a name whose whole numbers are years, one after the other, beside measured values."""
    first, *others = columns.values()
    if not INVENTED.fullmatch(first.name) or not are_whole(first, FIRST_YEAR, 2100):
        return
    is_measured = bool(others) and any(not column.is_whole for column in others)
    rises = not first.numbers.has_nulls() and bool((first.numbers.diff().drop_nulls() == 1).all())
    if len(first.numbers) < FEWEST_YEARS or not is_measured or not rises:
        return
    if times := read_as([first.raw], DECIMAL_YEAR):
        doubt = (
            f"the columns have no names, and {first.name!r} is taken for the year of a row, for it rises by one "
            f"from {first.texts[0]} on. If the columns beside it are months or other parts of the year, rows hold "
            "them side by side; if it is a count, say every in place of time and time-format"
        )
        yield times._replace(doubt=doubt, score=0.0)


def _parts(
    columns: Mapping[str, Column],
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], str | None]]:
    """Columns with invented names whose numbers could be year, month, day and so on, beside each other.

    With them, what each is, and how they are written. The likeliest come last. A day of the year may stand behind
    the year, before a month and a day that say the same, or in place of these.
    """
    names = [name for name in columns if INVENTED.fullmatch(name)]
    if len(names) < len(columns):
        return
    start = next((i for i, name in enumerate(names) if are_whole(columns[name], FIRST_YEAR, 2100)), len(names))
    if start + 1 < len(names) and are_whole(columns[names[start + 1]], 1, 366):
        clock = _fitting(columns, names[start + 2 :], "hour")
        while clock and not columns[clock[-1]].numbers.max():
            clock.pop()  # it may be a channel that is 0 so far
        for count in range(1, len(clock) + 1):
            parts = ("year", "day of the year", *[*PARTS][3 : 3 + count])
            yield (
                (*names[start : start + 2], *clock[:count]),
                parts,
                " ".join(["%Y", "%j", "%H", "%M", "%S"][: count + 2]),
            )
    if start + 2 < len(names) and _are_months(columns[names[start]], columns[names[start + 1]]):
        yield (names[start], names[start + 1]), ("year", "month"), "%Y %m"
    for behind in (start + 1, start + 2):
        fit = _fitting(columns, names[behind:], "month")
        if behind > start + 1 and not (
            len(fit) > 1 and _say_same([columns[one] for one in (*names[start:behind], *fit[:2])])
        ):
            return
        if not any(columns[name].numbers.max() for name in fit[2:]):
            fit = fit[:2]  # hours that are always 0 change no time, and may be flags
        for count in range(2, len(fit) + 1):
            yield (names[start], *fit[:count]), (*[*PARTS][: count + 1],), None


def _are_months(year: Column, month: Column) -> bool:
    """Whether two columns count the months of at least two years, one after the other."""
    if not are_whole(month, *LIMITS["month"]):
        return False
    months = (year.numbers * 12 + month.numbers).drop_nulls()
    steps = months.diff().drop_nulls()
    return len(months) > 12 and bool((steps > 0).all()) and float((steps == 1).mean() or 0) >= MOST  # type: ignore[arg-type]


def _fitting(columns: Mapping[str, Column], names: Sequence[str], first: str) -> list[str]:
    """Those of the first columns that could hold a part of the time each, from this one on."""
    parts = [*LIMITS][[*LIMITS].index(first) :]
    pairs = zip(names, parts, strict=False)
    return [name for name, _ in takewhile(lambda pair: are_whole(columns[pair[0]], *LIMITS[pair[1]]), pairs)]


def _say_same(columns: Sequence[Column]) -> bool:
    """Whether a year and its day say the same in all rows as that year, a month and a day."""
    year, day, month, day_of_month = (column.numbers.cast(pl.Int32, strict=False) for column in columns)
    rows = pl.DataFrame({"y": year, "j": day, "m": month, "d": day_of_month}).drop_nulls()
    texts = rows.select(pl.concat_str("y", "m", "d", separator="-")).to_series()
    return bool((texts.str.to_date("%Y-%m-%d", strict=False).dt.ordinal_day() == rows["j"]).all())
