"""Times with the name of a zone or of a month that means several: read as each, and asked for or doubted."""

import re
from collections.abc import Iterator, Mapping

import polars as pl

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.times.month_names import SEVERAL as MONTHS
from longstride.pipeline.ingest.times.zone_names import SEVERAL
from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.clock.times import read_times
from longstride.pipeline.profile.column import MOST, Column
from longstride.storage.text import readable_time

__all__ = ["doubt_of_month", "doubt_of_name", "find_in_several_zones", "several_in"]

NAME = re.compile(rf"(?<![^\W_])({'|'.join(SEVERAL)})(?![^\W_])")
MONTH = rf"(?i)(?:^|[^\p{{L}}])({'|'.join(MONTHS)})(?:$|[^\p{{L}}])"
LIKELY = ("EST", "EDT", "PST", "MST")
"""Names that are hardly ever meant otherwise than in America: they are read so, with a doubt."""


def find_in_several_zones(columns: Mapping[str, Column], blocks: pl.Series) -> Iterator[Times]:
    """Columns of times that cannot be read until a zone is named."""
    for column in columns.values():
        if column.is_plain or column.raw.dtype != pl.String or column.values.is_empty():
            continue
        name = several_in(str(column.values[0]))
        if (
            name is None
            or name in LIKELY
            or column.texts.str.contains(name, literal=True).sum() < MOST * column.texts.count()
        ):
            continue
        zones = SEVERAL[name]
        found = [(zone, read_times([column.raw], blocks, timezone=zone)) for zone in zones]
        read = [(zone, times) for zone, times in found if times is not None]
        if not read:
            continue
        first = read[0][1]
        text = column.texts.drop_nulls()[0]
        shown = ", ".join(
            f"{readable_time(times.nanoseconds.drop_nulls()[0], fraction=False)} UTC with timezone = {toml(zone)}"
            for zone, times in read
        )
        doubt = f"timezone: {name} means several zones, and {text!r} is {shown}"
        yield first._replace(doubts=(doubt,), open=("timezone",))


def several_in(text: str) -> str | None:
    """The name in a text that means several zones; None where there is none."""
    match = NAME.search(text)
    return match[1] if match else None


def doubt_of_name(times: Times, column: Column) -> str | None:
    """A doubt of times that say the name of a zone, and are read as the likely one of it; None for others."""
    name = several_in(str(column.values[0])) if len(column.values) and not column.is_plain else None
    if name not in LIKELY or "%Z" not in (times.recipe.time_format or "%Z"):
        return None
    zones = SEVERAL[name]
    (_, offset), *others = zones.items()
    shown = " or ".join(
        f"{other} (UTC{other_offset}), say timezone = {toml(other)}" for other, other_offset in others
    )
    return f"timezone: {name} behind times is read as UTC{offset}; if it is that of {shown}"


def doubt_of_month(column: Column) -> str | None:
    """A doubt of times in which a name of a month means another one in Croatian; None for others."""
    found = column.values.str.extract(MONTH).drop_nulls() if not column.is_plain else column.values.clear()
    if found.is_empty():
        return None
    name = str(found[0])
    first, second = MONTHS[name.lower()]
    return (
        f"time-format: {name!r} in {column.name!r} is read as {first}, as in Polish or Czech; in Croatian it is "
        f"{second}: if the log is Croatian, write months as numbers"
    )
