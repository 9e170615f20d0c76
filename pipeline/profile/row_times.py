"""What a proposal says of the time of a row: its settings, its zone, and where it may be wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.recipe import OPEN, Recipe
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.clock import ELAPSED
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.ingest.times.zone_names import SEVERAL
from longstride.pipeline.profile.clock.counted import UNKNOWN
from longstride.pipeline.profile.clock.faults.never_set import doubt_of_clock, doubt_of_halves
from longstride.pipeline.profile.clock.reading import Times, has_zone
from longstride.pipeline.profile.clock.several_zones import doubt_of_month, doubt_of_name, several_in
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.wording import quoted
from longstride.pipeline.profile.words.zone_words import NO_ZONE, SAYS_ZONE, named_zone, zone_with_summer
from longstride.storage.text import readable_time

__all__ = ["say_time"]

EQUALLY = 0.6
"""A column of times that is so little worse than another may be the right one."""
MOST_ZONES = 12
QUARTER_NS = 900 * 10**9
WHY = {"round_time": "day numbers have no more digits than that"}


def say_time(draft: Proposal) -> None:
    """Propose what is found of the time, and say where it may be wrong."""
    times = draft.times[0]
    recipe = times.recipe
    columns = [name for name in recipe.time_columns if name not in draft.made]
    if columns:
        draft.put("time", columns[0] if len(columns) == 1 else columns, times.why.get("time"))
    else:
        draft.put("every", OPEN if "every" in times.open else str(recipe.every), times.why.get("every"))
    for setting in ("time_format", "start", "round_time", "interval", "timezone"):
        value, name = getattr(recipe, setting), setting.replace("_", "-")
        if value != getattr(Recipe, setting):
            draft.put(name, OPEN if name in times.open else value, WHY.get(setting))
    draft.open = times.open
    if times.doubt:
        draft.doubts.append(f"time-format: {times.doubt}")
    draft.doubts += times.doubts
    if not times.open and columns and (named := doubt_of_name(times, draft.columns[columns[-1]])):
        draft.doubts.append(named)
    draft.doubts += filter(None, (doubt_of_month(draft.columns[name]) for name in columns))
    if not times.open and (halves := doubt_of_halves(times, [draft.columns[name].texts for name in columns])):
        draft.doubts.append(halves)
    _doubt_other_times(draft, times)
    if not times.open:
        _say_zone(draft, times)
    no_date = recipe.start is None and recipe.time_format in ELAPSED
    if recipe.start is None and not no_date and (doubt := doubt_of_clock(times.nanoseconds)):
        draft.doubts.append(f"time: {doubt}")


def _say_zone(draft: Proposal, times: Times) -> None:
    recipe = times.recipe
    raw = [draft.columns[name].raw for name in recipe.time_columns]
    if not has_zone(times, raw) and not (recipe.counts_rows and recipe.start == UNKNOWN):
        zone = next(filter(None, map(named_zone, recipe.time_columns)), None)
        if zone and recipe.start is None and (recipe.epoch is None or recipe.epoch.is_local):
            draft.put("timezone", zone, "as the name of the column says; the sign of such zones is the other way")
            read = to_nanoseconds(raw, replace(recipe, timezone=zone))
            times = times._replace(nanoseconds=read.nanoseconds)
            draft.doubts += _doubts_of_name(recipe.time_columns, zone)
        elif several := next(filter(None, map(several_in, recipe.time_columns)), None):
            shown = " or ".join(f"timezone = {toml(zone)}" for zone in SEVERAL[several])
            draft.doubts.append(
                f"timezone: times are read as UTC, but their name says {several}, which is several zones: say "
                f"{shown}"
            )
        elif zone := next(filter(None, map(zone_with_summer, recipe.time_columns)), None):
            draft.doubts.append(
                f"times carry no zone and are read as UTC, but {recipe.time_columns[0]!r} says local and summer "
                f'time: say its zone, such as timezone = "{zone}", with ambiguous = "infer"'
            )
        elif said := next((one for one in draft.free if _may_say_zone(one)), None):
            draft.doubts.append(
                f"times carry no zone and are read as UTC, but {said.name!r} seems to say it ({said.examples()}): "
                'name that zone, such as timezone = "Europe/Berlin", or "Etc/GMT-1" for an hour ahead of UTC'
            )
        elif draft.sample.dialect.zone is not None:
            line, zone = draft.sample.dialect.zone
            draft.doubts.append(
                f"times carry no zone and are read as UTC, but a line above the table says {quoted(line)}: if "
                f"that is their zone, say timezone = {toml(zone)}"
            )
        else:
            draft.doubts.append(NO_ZONE)
    bounds: Any = times.nanoseconds.min(), times.nanoseconds.max()
    first, last = (readable_time(time, fraction=False) for time in bounds)
    draft.seen.append(f"times from {first} to {last}")


def _may_say_zone(column: Column) -> bool:
    """Whether a column is called a zone, and holds the few that a log may have: a time in bed is none."""
    return SAYS_ZONE.search(column.name) is not None and len(column.values) <= MOST_ZONES


def _doubts_of_name(names: Sequence[str], zone: str) -> Iterator[str]:
    """The name of a column says a zone by a name that is likely, and has another meaning."""
    if several := next(filter(None, map(several_in, names)), None):
        others = " or ".join(f"timezone = {toml(other)}" for other in list(SEVERAL[several])[1:])
        yield f"timezone: {several} in the name of the times is read as {zone}; it has another meaning: {others}"


def _doubt_other_times(draft: Proposal, times: Times) -> None:
    """Name another column of times that could be those of rows as well, and is not these in another zone."""
    for other in draft.times[1:]:
        if set(other.recipe.time_columns) & set(times.recipe.time_columns) or times.why:
            continue
        apart = (other.nanoseconds - times.nanoseconds).drop_nulls()
        if times.score - other.score > EQUALLY or not (apart % QUARTER_NS != 0).any():
            continue
        middle = int(apart.cast(pl.Float64).median())  # type: ignore[arg-type]
        where = f"{format_duration(abs(middle))} {'after' if middle > 0 else 'before'} these"
        draft.doubts.append(
            f"time: {listed(list(other.recipe.time_columns))} holds times as well, mostly {where}. If they are "
            f"those of rows, say time = {toml(list(other.recipe.time_columns))}"
        )
        return
