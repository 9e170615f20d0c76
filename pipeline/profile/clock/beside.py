"""What columns beside the times say of them: their zone, the half of the day, milliseconds; and other times."""

import re
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.profile.clock.numbers.parts import is_part
from longstride.pipeline.profile.clock.reading import Times, has_zone, read_as
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_formats import datetime_formats, is_half
from longstride.pipeline.profile.words.time_names import plain
from longstride.pipeline.profile.words.zone_words import is_zone, named_zone

__all__ = [
    "best_in_utc",
    "is_half_of_day",
    "with_finer_columns",
    "with_fraction_column",
    "with_half_column",
    "with_zone_column",
    "without_idle",
]

FRACTIONS = {
    3: re.compile(r"ms|msecs?|milli(s|secs?|seconds?|sekunden)?|毫秒|ミリ秒"),
    6: re.compile(r"us|µs|usecs?|micro(s|secs?|seconds?)?"),
    9: re.compile(r"ns|nsecs?|nano(s|secs?|seconds?)?"),
}
"""Digits of a fraction of a second, and what columns that count it are called."""
SECONDS = re.compile(r"(?:unix|epoch|tv|utc)?(?:s|sec|secs|seconds?)")
"""A column that is called so counts whole seconds, and the one of their fraction belongs to it."""
HALF_NAME = re.compile(r"ampm|meridiem|half|ap")
MOST_ZONES = 3
QUARTER_NS = 15 * UNITS_NS["min"]
FARTHEST_NS = 14 * UNITS_NS["h"]
MOST_OFFSETS = 2
"""Offsets of one zone from UTC: in winter and in summer."""
SHORT = 3
"""Letters of a name that may be of another thing: Min may be a minimum, Minute is none."""


def with_zone_column(times: Times, columns: Mapping[str, Column]) -> Iterator[Times]:
    """The same times with a column beside them that says their zone or their offset in each row."""
    names = times.recipe.time_columns
    if times.recipe.epoch is not None or times.recipe.interval != "none":
        return
    if has_zone(times, [columns[name].raw for name in names]):
        return
    for name, column in columns.items():
        if name in names or (column.is_plain and column.numbers.n_unique() > MOST_ZONES):
            continue  # +0100 is a number as well
        values = column.values
        if not 0 < len(values) <= MOST_ZONES or not all(map(is_zone, values)):
            continue
        directive = "%Z" if all(map(str.isalpha, values)) else "%#z"
        format_ = times.recipe.time_format
        read = [columns[one].raw for one in (*names, name)]
        found = read_as(read, None if format_ is None and len(names) == 1 else f"{format_} {directive}")
        if found is not None and found.nanoseconds.null_count() <= times.nanoseconds.null_count():
            yield found._replace(doubt=times.doubt, rival=None)


def _is_named_whole(columns: Mapping[str, Column], names: Sequence[str], part: str) -> bool:
    """Whether it is called a minute or a second by the whole word, behind the part that it is one of."""
    of = {"minute": "hour", "second": "minute"}.get(part)
    return of is not None and len(plain(names[-1])) > SHORT and is_part(columns[names[-2]], of)


def with_finer_columns(times: Times, columns: Mapping[str, Column]) -> Iterator[Times]:
    """The same times with columns beside them of the minute and the second, where these are missing."""
    names, format_ = times.recipe.time_columns, _format_of(times, columns)
    for end, part, directive in (("%H", "minute", "%M"), ("%M", "second", "%S")):
        if not format_.endswith(end):
            continue
        name = next((one for one in columns if one not in names and is_part(columns[one], part)), None)
        if name is None:
            continue
        names = (*names, name)
        format_ = f"{format_} {directive}{'' if columns[name].is_whole else '%.f'}"
        found = read_as([columns[one].raw for one in names], format_)
        if found is not None and found.nanoseconds.null_count() <= times.nanoseconds.null_count():
            yield found._replace(doubt=times.doubt)


def without_idle(times: Times, columns: Mapping[str, Column], blocks: pl.Series) -> Times:
    """The times without their last column, in doubt, where it is called a part of them and makes no sense as one.

    A minute may be a minimum: rows have times of their own without it then, in steps that are more alike.
    """
    names, format_ = times.recipe.time_columns, times.recipe.time_format
    part = next((part for part in ("hour", "minute", "second") if is_part(columns[names[-1]], part)), None)
    if len(names) < 2 or part is None or " + " in (format_ or "") or _is_named_whole(columns, names, part):
        return times
    shorter = format_.rpartition(" ")[0] if format_ else "%Y-%m-%d" if len(names) == 2 else None
    base = read_as([columns[name].raw for name in names[:-1]], shorter or None)
    if base is None or base.nanoseconds.null_count() > times.nanoseconds.null_count():
        return times
    seen, fuller = sense(base.nanoseconds, blocks), sense(times.nanoseconds, blocks)
    if not seen.num_steps or seen.num_still or seen.num_kinds >= fuller.num_kinds:
        return times
    say = f"time = {toml(list(names))}" + (f" and time-format = {toml(format_)}" if format_ else "")
    doubt = (
        f"{names[-1]!r} is not taken for the {part} of a row: without it, rows have times of their own in steps "
        f"that are more alike. If it is, say {say}"
    )
    return base._replace(doubt="; ".join(filter(None, (times.doubt, doubt))))


def is_half_of_day(column: Column) -> bool:
    """Whether a column says AM or PM, and nothing else. A and P alone may be marks of quality, or names."""
    if column.is_plain or not 0 < len(column.values) <= 2 or not all(map(is_half, column.values)):
        return False
    return HALF_NAME.fullmatch(plain(column.name)) is not None or max(map(len, column.values)) > 1


def with_half_column(times: Times, columns: Mapping[str, Column]) -> Iterator[Times]:
    """The same times with a column beside them that says AM or PM."""
    names, format_ = times.recipe.time_columns, _format_of(times, columns)
    for name, column in columns.items():
        if name in names or "%H" not in format_ or not is_half_of_day(column):
            continue
        read = [columns[one].raw for one in (*names, name)]
        found = read_as(read, f"{format_.replace('%H', '%I')} %p", start=times.recipe.start)
        if found is not None and found.nanoseconds.null_count() <= times.nanoseconds.null_count():
            yield found._replace(doubt=times.doubt)


def with_fraction_column(times: Times, columns: Mapping[str, Column]) -> Iterator[Times]:
    """The same times with a column beside them that counts milliseconds, microseconds or nanoseconds."""
    names, format_ = times.recipe.time_columns, _format_of(times, columns)
    are_seconds = SECONDS.fullmatch(_last_word(names[-1])) is not None
    if not format_.endswith(("%S", "%s")) or not (are_seconds or (times.nanoseconds.diff() == 0).any()):
        return
    for name, column in columns.items():
        digits = next((one for one, words in FRACTIONS.items() if words.fullmatch(_last_word(name))), 0)
        if name in names or not digits or not column.is_whole or not column.numbers.count():
            continue
        if column.numbers.is_between(0, 10**digits - 1).all() and (are_seconds or column.numbers.n_unique() > 1):
            read = [columns[one].raw for one in (*names, name)]
            found = read_as(read, f"{format_} %{digits}f")
            if found is not None and found.nanoseconds.null_count() <= times.nanoseconds.null_count():
                # Seconds that repeat look like an elapsed time, until their fractions are known.
                yield found._replace(doubt=None if times.is_elapsed else times.doubt)


def _last_word(name: str) -> str:
    """Of such as stamp.secs."""
    return plain(re.split(r"[._/]", name)[-1])


def _format_of(times: Times, columns: Mapping[str, Column]) -> str:
    """How times are written, to write something behind them; nothing where that cannot be."""
    recipe = times.recipe
    if recipe.interval != "none" or (recipe.epoch is not None and recipe.time_format != "s"):
        return ""
    if recipe.time_format == "s":
        return "" if any("." in text for text in columns[recipe.time_columns[0]].values.head(9)) else "%s"
    if recipe.time_format is not None:
        return recipe.time_format
    first = " ".join(next(iter(columns[name].values), "") for name in recipe.time_columns)
    return next((found for found in datetime_formats(first) if found.startswith("%Y")), "")


def best_in_utc(found: Sequence[Times], columns: Mapping[str, Column]) -> Times:
    """The first of the times that were found, or another column of the same moments that says its zone."""
    best = found[0]
    if not _is_open(best, columns):
        return best
    for other in found[1:]:
        if not _is_open(other, columns) and _is_same_clock(best, other):
            shown = listed(list(best.recipe.time_columns))
            why = f"in UTC, or with its offset; {shown} is the same clock in another zone"
            is_settled = other.recipe.epoch is not None or "%s" in (other.recipe.time_format or "")
            return other._replace(why={"time": why}, doubt=None if is_settled else other.doubt)
    return best


def _is_open(times: Times, columns: Mapping[str, Column]) -> bool:
    """Whether neither the times nor their names say of which zone they are."""
    names = times.recipe.time_columns
    return not has_zone(times, [columns[name].raw for name in names]) and not any(map(named_zone, names))


def _is_same_clock(one: Times, other: Times) -> bool:
    """Whether two differ by an offset of whole quarters of an hour, or by two where clocks are changed."""
    second = UNITS_NS["s"]  # one of them may be finer
    apart = (one.nanoseconds // second * second - other.nanoseconds // second * second).drop_nulls()
    if len(apart) < len(one.nanoseconds.drop_nulls()) or apart.is_empty():
        return False
    rest = pl.Series((apart.to_numpy() + second) % QUARTER_NS - second)
    if not (rest.abs() <= second).all() or int((rest == 0).sum()) < MOST * len(rest):
        return False  # now and then, one of the two was read a moment later
    offsets: pl.Series = (apart - rest).unique()
    return len(offsets) <= MOST_OFFSETS and bool((offsets.abs() <= FARTHEST_NS).all())
