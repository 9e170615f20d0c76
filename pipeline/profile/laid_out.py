"""How a log is laid out, and what the time of a row is."""

from dataclasses import replace
from typing import Any

from longstride.pipeline.ingest.duration import parse_step
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import OPEN, Recipe
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.clock.counted import UNKNOWN, count_rows
from longstride.pipeline.profile.clock.elapsed import begun, days_of_year
from longstride.pipeline.profile.clock.never_set import doubt_of_clock
from longstride.pipeline.profile.clock.of_day import find_times_of_day
from longstride.pipeline.profile.clock.reading import Times, has_zone
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.clock.times import find_times, rounded
from longstride.pipeline.profile.clock.told import Told
from longstride.pipeline.profile.column import Column, steps
from longstride.pipeline.profile.layout.days import find_dates_in_names, find_times_in_columns
from longstride.pipeline.profile.layout.files import find_file_layout
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.sample import Sample
from longstride.pipeline.profile.words.time_names import named_zone
from longstride.storage.text import iso_time, readable_time

__all__ = ["check_told", "lay_out", "say_time"]

STILL = 0.1
"""Share of steps of zero that a clock with too few digits shows."""
WHY = {"round_time": "day numbers have no more digits than that"}


def check_told(every: str | None, start: str | None) -> None:
    """Raise RecipeError where what the owner says cannot be used."""
    if every is not None:
        parse_step(every, "every")
    if start is not None:
        Recipe(every=every or "1s", start=start)


def lay_out(sample: Sample, told: Told) -> Proposal:
    """Find how the log is laid out, and the time; look at it again in the shape that it is to have."""
    columns, blocks = _columns(sample), sample.places()["block"]
    days = None if told.every else find_times_in_columns(columns, blocks)
    times = [] if days else _times(sample, columns, told)
    if days is None and not times:
        days = find_dates_in_names(columns, sample.names)
    if days is None and not times:
        times = [find_times_of_day(columns, blocks, told) or _counted(sample, columns, told)]
    if told.start and (days is not None or times[0].recipe.start is None):
        raise RecipeError(
            "start is for elapsed times, for times of day alone, or for rows without times, and rows of this log "
            "have a date: leave it out",
            code="recipe-conflict",
        )
    layout = {} if days is None else dict(days.settings)
    draft = _begun(sample, columns, times) if days is None else _begun_as(sample.shaped(layout), told)
    if days is not None:
        draft.made.add(days.made)
        draft.doubts.append(days.doubt)
    found = find_file_layout(draft, sample.files)
    if isinstance(found, str):
        draft.doubts.append(found)
    elif found is not None:
        doubts, made = draft.doubts, draft.made
        layout["time"] = [name for name in draft.times[0].recipe.time_columns if name not in made]
        layout[found.setting] = found.pattern
        draft = _begun_as(sample.shaped(layout), told)
        draft.made = made
        draft.doubts += [*doubts, found.doubt]
        if found.setting == "series-from":
            draft.take_series(found.column)
    layout.pop("time", None)
    for setting, value in layout.items():
        draft.put(setting, value)
    return draft


def _begun_as(sample: Sample, told: Told) -> Proposal:
    columns = _columns(sample)
    return _begun(sample, columns, _times(sample, columns, told) or [_counted(sample, columns, told)])


def _begun(sample: Sample, columns: dict[str, Column], times: list[Times]) -> Proposal:
    """Take the time. A log with the newest row first is reversed, and then treated as any other."""
    places = sample.places()
    found = steps(times[0].nanoseconds, places["block"])
    if int((found < 0).sum()) <= 5 * int((found > 0).sum()):
        return Proposal(sample, columns, places, times)
    columns = _columns(sample, is_reversed=True)
    times[0] = times[0]._replace(nanoseconds=times[0].nanoseconds.reverse())
    draft = Proposal(sample, columns, places.reverse(), times)
    draft.seen.append("the newest row is first; an ingest puts rows in order")
    return draft


def _columns(sample: Sample, *, is_reversed: bool = False) -> dict[str, Column]:
    spelling = Spelling(decimal=str(sample.dialect.settings.get("decimal", ".")))
    frame = sample.frame()
    return {raw.name: Column(raw, spelling) for raw in (frame.reverse() if is_reversed else frame)}


def _times(sample: Sample, columns: dict[str, Column], told: Told) -> list[Times]:
    """What the columns say of the time of a row, with what is told of it; none where the date is not known."""
    if told.every:
        return [_counted(sample, columns, told)]
    blocks = sample.places()["block"]
    times = find_times(columns, blocks, sample.dialect.units)
    if times and times[0].is_elapsed:
        times[0] = begun(times[0], columns[times[0].recipe.time_columns[0]], told)
        return times
    if not times and (days := next(days_of_year(columns, blocks, told), None)):
        seen = sense(days.nanoseconds, blocks)
        if told.facts.every is None or seen.num_still <= STILL * seen.num_steps:
            return [rounded(days, columns[days.recipe.time_columns[0]], blocks)]
        # Its digits are too few for so short a step, but tell when the first row was.
        start = iso_time(int(days.nanoseconds.drop_nulls()[0]))
        return [_counted(sample, columns, told._replace(start=start)), days]
    if not times and told.date and (of_day := find_times_of_day(columns, blocks, told)):
        return [of_day]
    return times


def _counted(sample: Sample, columns: dict[str, Column], told: Told) -> Times:
    if told.facts.differs and told.every is None:
        raise SourceError(
            ", ".join(sample.names[:2]),
            f"rows hold no time, and {told.facts.differs}: profile and ingest these files apart, or say how far "
            "apart rows are with --every",
            code="dialects-differ",
        )
    return count_rows(columns, sample.places()["block"], told, sample.num_files)


def say_time(draft: Proposal) -> None:
    """Propose what is found of the time, and say where it may be wrong."""
    times = draft.times[0]
    recipe = times.recipe
    columns = [name for name in recipe.time_columns if name not in draft.made]
    if columns:
        draft.put("time", columns[0] if len(columns) == 1 else columns)
    else:
        draft.put("every", OPEN if "every" in times.open else str(recipe.every), times.why.get("every"))
    for setting in ("time_format", "start", "round_time", "interval"):
        value, name = getattr(recipe, setting), setting.replace("_", "-")
        if value != getattr(Recipe, setting):
            draft.put(name, OPEN if name in times.open else value, WHY.get(setting))
    draft.open = times.open
    if times.doubt:
        draft.doubts.append(f"time-format: {times.doubt}")
    draft.doubts += times.doubts
    if not times.open:
        _say_zone(draft, times)
    if (
        recipe.start is None
        and recipe.time_format not in UNITS_NS
        and (doubt := doubt_of_clock(times.nanoseconds))
    ):
        draft.doubts.append(f"time: {doubt}")


def _say_zone(draft: Proposal, times: Times) -> None:
    recipe, raw = times.recipe, [draft.columns[name].raw for name in times.recipe.time_columns]
    if not has_zone(times, raw) and not (recipe.counts_rows and recipe.start == UNKNOWN):
        zone = next(filter(None, map(named_zone, recipe.time_columns)), None)
        if zone and recipe.start is None and recipe.epoch is None:
            draft.put("timezone", zone, "as the name of the column says; the sign of such zones is the other way")
            times = times._replace(nanoseconds=to_nanoseconds(raw, replace(recipe, timezone=zone)).nanoseconds)
        else:
            draft.doubts.append(
                'times carry no zone and are read as UTC: if they are local, say timezone = "Europe/Berlin"'
            )
    bounds: Any = times.nanoseconds.min(), times.nanoseconds.max()
    first, last = (readable_time(time, fraction=False) for time in bounds)
    draft.seen.append(f"times from {first} to {last}")
