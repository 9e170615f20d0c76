"""Which columns are the time of a row, and how it is written: the reading with most sense first."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import polars as pl

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.epochs import DECIMAL_YEAR
from longstride.pipeline.ingest.times.spelling import one_end
from longstride.pipeline.profile.clock.beside import (
    best_in_utc,
    with_finer_columns,
    with_fraction_column,
    with_half_column,
    with_zone_column,
    without_idle,
)
from longstride.pipeline.profile.clock.elapsed import find_cycles, find_elapsed, goes_on
from longstride.pipeline.profile.clock.numbers.counts_on import (
    counts_of_day,
    counts_of_weeks,
    parts_with_count,
    with_count,
)
from longstride.pipeline.profile.clock.numbers.epoch_doubts import doubt_of_epoch
from longstride.pipeline.profile.clock.numbers.epoch_readings import (
    is_unnamed_moment,
    read_numbers,
    with_decimal_comma,
)
from longstride.pipeline.profile.clock.numbers.from_starts import with_elapsed_column
from longstride.pipeline.profile.clock.numbers.named_epochs import named_epochs
from longstride.pipeline.profile.clock.numbers.parts import (
    is_hhmm,
    is_hhmmss,
    is_part,
    parts_of_time,
)
from longstride.pipeline.profile.clock.numbers.unnamed import find_unnamed_parts
from longstride.pipeline.profile.clock.order import (
    chosen,
    doubt_of_order,
    is_other_order,
    order_of_date,
    told_order,
)
from longstride.pipeline.profile.clock.reading import Times, has_zone, read_as
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.clock.spans import are_hours, are_spans, read_span
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_formats import clock_formats, date_formats, datetime_formats, is_clock
from longstride.pipeline.profile.words.time_names import is_of_other, name_score

__all__ = ["find_times", "is_time_of_day", "read_times", "rounded"]

MAX_TEXTS = 50
"""Texts that are looked at for formats."""
HALF = 0.5
ROUNDED = ((8, "10ms"), (7, "10ms"), (6, "100ms"), (5, "1s"), (4, "1m"))
"""To what day numbers of so many digits can be rounded."""
DAY_NS = 86_400 * 10**9
UNPADDED = r"^(?:\d|1\d|2[0-4]):[0-5]?\d$"
"""Hours and minutes, such as 9:5, which are a time of day where the column is called so."""
OTHER = 7.0
"""How much less a time is likely that is called one of something else."""
CLOSE = 1.0
"""A reading that costs so much more is still in doubt."""


def find_times(columns: Mapping[str, Column], blocks: pl.Series) -> list[Times]:
    """Find the columns that may be the time of a row, the most likely first.

    `blocks` (T,) says which rows follow each other in a file.
    """
    found: list[Times] = []

    def add(times: Times | None, named: int, score: float) -> None:
        if times is not None:
            times = without_idle(times, columns, blocks)
            # Texts that say their zone win over others: 2.5 and a bit more than what several columns have.
            is_text = times.recipe.epoch is None and times.recipe.time_format != DECIMAL_YEAR
            has_offset = is_text and has_zone(times, [columns[name].raw for name in times.recipe.time_columns])
            score += 2.5 if has_offset else 0.0
            if any(map(is_of_other, times.recipe.time_columns)):
                score -= OTHER
                times = _with_doubt_of_other(times)
            found.append(times._replace(score=named + score + sense(times.nanoseconds, blocks).score))

    for name, column in columns.items():
        if not column.is_plain:
            add(read_times([column.raw], blocks, told=told_order([column])), name_score(name), 2.5)
        add(_of_numbers(column, blocks), name_score(name), 0)
    for clock, column in columns.items():
        are_digits = is_part(column, "hour") or is_hhmm(column) or is_hhmmss(column)
        if column.raw.dtype == pl.Time or is_time_of_day(column) or are_digits:
            for date in (name for name, other in columns.items() if name != clock and other.is_flat):
                told = told_order([columns[date], column])
                times = read_times([columns[date].raw, column.raw], blocks, told=told)
                doubted = _with_doubt_of_date(times, columns[date])
                # A bit more than the date alone; less where another date changes, and this one does not.
                add(doubted, max(name_score(date), name_score(clock)), 3 if doubted is times else 2)
    for name, column in columns.items():
        if (count := counts_of_day(column)) is None:
            continue
        if parts := parts_with_count(columns, column):
            add(read_as([columns[one].raw for one in parts[0]], parts[1]), 0, 5)
        for date in (one for one, other in columns.items() if one != name and name_score(one) and other.is_flat):
            days = _of_days(columns[date], blocks)
            if days and sense(days.nanoseconds, blocks).num_still:  # else a row has a day, and no part of one
                add(with_count(days, column, columns, count), max(name_score(date), 1), 3)
    for times in counts_of_weeks(columns, blocks):
        add(times, 3, 3)
    for times in named_epochs(columns):
        add(times, 3, 0 if times.recipe.time_format == DECIMAL_YEAR else 2.4)
    for names, format_ in parts_of_time(columns):
        add(read_as([columns[name].raw for name in names], format_), 0, 4.5)
    if not found:
        found += find_unnamed_parts(columns, blocks)
    if all(any(map(is_of_other, times.recipe.time_columns)) for times in found):
        found += find_elapsed(columns, blocks)
    if not found:
        found += find_cycles(columns, blocks)
    for beside in (
        with_finer_columns,
        with_fraction_column,
        with_half_column,
        with_zone_column,
        with_elapsed_column,
    ):
        for times in [*found]:
            for fuller in beside(times, columns):
                add(fuller, 1, times.score - sense(times.nanoseconds, blocks).score)
    # A time that most rows lack is not that of a row, where another is there.
    most = max((times.nanoseconds.count() for times in found), default=0)
    found = sorted(
        (_settled(times, found) for times in found),
        key=lambda times: (times.nanoseconds.count() < HALF * most, -times.score),
    )
    if found and (best := best_in_utc(found, columns)) is not found[0]:
        found = [best, *(times for times in found if times.recipe != best.recipe)]
    return found


def _of_days(column: Column, blocks: pl.Series) -> Times | None:
    """Dates without a time of day; None for others."""
    if column.is_plain:
        texts = [str(text) for text in column.values.head(MAX_TEXTS)]
        formats = [one for one in ("%Y%m%d", "%d%m%Y") if all(len(text) == 8 for text in texts)]
        times = next((found for one in formats if (found := read_as([column.raw], one))), None)
    else:
        times = read_times([column.raw], blocks)
    if times is None or not times.nanoseconds.count():
        return None
    return times if (times.nanoseconds.drop_nulls() % DAY_NS == 0).all() else None


def is_time_of_day(column: Column) -> bool:
    """Whether most of the texts are such as 18:00 or 18.00.00, 18:00 - 19:00, or 18-19."""
    if column.is_plain or column.values.is_empty():
        return False
    texts = column.values.head(MAX_TEXTS)
    if name_score(column.name) and texts.str.contains(UNPADDED).all():
        return True
    if are_hours(texts):
        return True
    begins = one_end(texts, "begin").fill_null("")
    return any(sum(map(is_clock, found)) >= MOST * len(found) for found in (texts.to_list(), begins.to_list()))


def read_times(
    columns: Sequence[pl.Series], blocks: pl.Series, timezone: str = "UTC", told: tuple[str, ...] = ()
) -> Times | None:
    """Find how to read one column of texts or dates, or two of date and time of day; None where they are not.

    `columns` are (T,) each, `blocks` (T,) says which rows follow each other in a file, `told` the order of day,
    month and year where names say it.
    """
    formats = _formats(columns)
    found = [times for one in formats if (times := read_as(columns, one, timezone=timezone)) is not None]
    if columns[-1].dtype == pl.String and are_spans(columns[-1]):
        found = []  # 08:00-08:15 is no offset, and 08-09 no time with minutes
    if not any(times.nanoseconds.count() for times in found) and columns[-1].dtype == pl.String:
        formats = _formats([*columns[:-1], one_end(columns[-1], "begin")])
        found = [times for one in formats if (times := read_span(columns, one)) is not None]
    most = max((times.nanoseconds.count() for times in found), default=0)
    texts = columns[0].cast(pl.String).str.strip_chars() if most else columns[0].clear()
    if not most:
        return None
    if most < MOST * len(texts.filter(texts != "")) and not _end_before(found, most, texts):
        return None
    first, *others = (times for times in found if times.nanoseconds.count() == most)
    rivals = [first]
    for other in others:
        if order_of_date(other) != order_of_date(first) and not any(
            other.nanoseconds.equals(rival.nanoseconds) for rival in rivals
        ):
            rivals.append(other)
    if len(rivals) > 1:
        return _with_doubt_of_interval(chosen(rivals, columns, blocks, told), columns[-1])
    alike = next((other for other in others if is_other_order(other, first)), None)
    if alike:
        first = first._replace(doubt=doubt_of_order(first, alike, columns))
    return _with_doubt_of_interval(first, columns[-1])


def _with_doubt_of_interval(times: Times, column: pl.Series) -> Times:
    """Of texts that hold two times, the beginning counts."""
    if times.recipe.interval == "none":
        return times
    shown = column.drop_nulls()[0]
    doubt = f'{shown!r} is an interval: its beginning is taken; if it is the end, say interval = "end"'
    return times._replace(doubts=(*times.doubts, f"interval: {doubt}"))


def _end_before(found: Sequence[Times], most: int, texts: pl.Series) -> bool:
    """Whether the first texts are all times and the last ones none: below the table stands another one."""
    times = next(times.nanoseconds for times in found if times.nanoseconds.count() == most)
    return most > HALF * len(times) and not times.head(most).has_nulls() and "" not in texts.head(most)


def _settled(times: Times, others: Sequence[Times]) -> Times:
    """Choose between two readings by another column of times, which is near to one of them."""
    if times.rival is None:
        return times
    for other in others:
        if other.rival is None and other.recipe.time != times.recipe.time:
            near, far = (_distance(one, other) for one in (times, times.rival))
            if max(near, far) > DAY_NS >= min(near, far):
                chosen = times if near < far else times.rival
                wrong = toml(str((times.rival if near < far else times).recipe.time_format))
                doubt = (
                    f"read so that it is near to {other.recipe.time!r}; if that is wrong, time-format = {wrong}"
                )
                return chosen._replace(doubt=doubt, rival=None, score=times.score)
    return times


def _distance(one: Times, other: Times) -> float:
    return float((one.nanoseconds - other.nanoseconds).abs().median() or 0.0)  # type: ignore[arg-type]


def _of_numbers(column: Column, blocks: pl.Series) -> Times | None:
    """The likeliest reading of numbers as times; None where they are rather values of a channel."""
    if not (column.raw.dtype.is_numeric() or column.raw.dtype == pl.String):
        return None
    column = with_decimal_comma(column)
    readings = read_numbers(column, blocks)
    if not readings:
        return None
    first, *others = readings
    if not name_score(column.name):
        # Others are channels whose numbers happen to be as large.
        seen = sense(rounded(Times(first.recipe, first.nanoseconds, None), column, blocks).nanoseconds, blocks)
        is_regular = seen.share_usual >= 0.5 and seen.num_leaps == 0
        if seen.num_steps == 0 or seen.num_back or not (is_regular or is_unnamed_moment(column, first)):
            return None
        if seen.is_future:
            return None  # as kilobytes of memory read as days
        if first.recipe.epoch and first.recipe.epoch.unit_ns == DAY_NS and not _has_short_steps(first.nanoseconds):
            return None  # numbers that rise by 50 are rather milliseconds
        if seen.num_still and not (is_unnamed_moment(column, first) and goes_on(seen, first.nanoseconds, blocks)):
            return None
    rivals = [other for other in others if other.cost - first.cost <= CLOSE]
    times = Times(first.recipe, first.nanoseconds, doubt_of_epoch(column, first, rivals))
    return rounded(times, column, blocks)


def _has_short_steps(nanoseconds: pl.Series) -> bool:
    """Whether rows are at most a month apart, as hardly a log without names is."""
    return float(nanoseconds.drop_nulls().diff().abs().median() or 0) <= 31 * DAY_NS  # type: ignore[arg-type]


def rounded(times: Times, column: Column, blocks: pl.Series) -> Times:
    """Round day numbers as their digits ask for, where steps are then more alike."""
    epoch = times.recipe.epoch
    if epoch is None or epoch.unit_ns != DAY_NS:
        return times
    lengths: Any = column.texts.str.extract(r"\.(\d+)").str.len_chars().max()
    digits = lengths or 0
    unit = next((text for least, text in ROUNDED if digits >= least), "1m")
    rounded = read_as([column.raw], times.recipe.time_format, round_time=unit, decimal=(column.spelling.decimal,))
    if rounded is None:
        return times
    is_better = sense(rounded.nanoseconds, blocks).num_kinds < sense(times.nanoseconds, blocks).num_kinds
    return rounded._replace(doubt=times.doubt) if is_better else times


def _with_doubt_of_date(times: Times | None, date: Column) -> Times | None:
    """A date that never changes may be that of something else."""
    if times is None or len(date.values) != 1 or name_score(date.name) == 3 or len(date.texts) < 3:
        return times
    doubt = (
        f"the date is always {date.values[0]!r}, of the column {date.name!r}, and rows get it: if it is that of "
        "something else, name the column of their date in time"
    )
    return times._replace(doubt="; ".join(filter(None, (times.doubt, doubt))))


def _with_doubt_of_other(times: Times) -> Times:
    name = next(filter(is_of_other, times.recipe.time_columns))
    doubt = (
        f"{name!r} is called a time of something else than a row, and no other column is more like one: if rows "
        "have no time of their own, count them, as with `longstride profile SOURCE --every 10s`"
    )
    return times._replace(doubt="; ".join(filter(None, (times.doubt, doubt))))


def _formats(columns: Sequence[pl.Series]) -> list[str | None]:
    """Formats that the first texts could have, ISO 8601 first."""
    dtype = columns[0].dtype
    if len(columns) == 1 and dtype != pl.String:
        return [None] if dtype in (pl.Date, pl.Datetime) else []
    texts = [
        column.cast(pl.String).drop_nulls().str.strip_chars().unique(maintain_order=True).head(MAX_TEXTS).to_list()
        for column in columns
    ]
    if len(columns) == 1:
        shaped = [text for text in texts[0] if not text.isdigit()]
        formats = list(dict.fromkeys(format_ for text in shaped for format_ in datetime_formats(text)))
        return [None, *formats] if formats else []
    if len(columns) == 3:  # the last says AM or PM
        return [f"{format_.replace('%H', '%I')} %p" for format_ in _formats(columns[:2]) if format_]
    dates = dict.fromkeys(format_ for text in texts[0] for format_ in date_formats(text))
    if all(text.isdigit() for text in texts[1]):
        clocks = {"%H": None} if max(map(len, texts[1]), default=0) <= 2 else {"%H%M": None, "%H%M%S": None}
    else:
        clocks = dict.fromkeys(found for text in texts[1] for found in clock_formats(text))
    return [None, *(f"{date} {clock}" for date, clock in product(dates, clocks))]
