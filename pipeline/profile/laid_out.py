"""How a log is laid out, and which columns are the time of a row."""

from dataclasses import replace

from longstride.pipeline.ingest.duration import parse_step
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.ingest.sources.base import absolute
from longstride.pipeline.ingest.sources.shapes.from_name import base_name
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.clock.counted import count_rows
from longstride.pipeline.profile.clock.elapsed import begun, days_of_year
from longstride.pipeline.profile.clock.elapsed_clocks import elapsed_clocks
from longstride.pipeline.profile.clock.numbers.counters import find_counter
from longstride.pipeline.profile.clock.of_day import find_times_of_day
from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.clock.several_zones import find_in_several_zones
from longstride.pipeline.profile.clock.times import find_times, rounded
from longstride.pipeline.profile.clock.told import Told, doubt_of_begin
from longstride.pipeline.profile.clock.without_year import find_without_year, years_in_names
from longstride.pipeline.profile.column import Column, steps
from longstride.pipeline.profile.layout.days import DayLayout, find_dates_in_names, find_times_in_columns
from longstride.pipeline.profile.layout.files import find_file_layout
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.sample import Sample
from longstride.storage.text import iso_time

__all__ = ["check_told", "lay_out"]

STILL = 0.1
"""Share of steps of zero that a clock with too few digits shows."""


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
    if times:
        days = _years_of_files(times[0], columns, sample)
    if days is None and not times:
        days = find_dates_in_names(columns, sample.names)
    if days is None and not times:
        times = _without_date(sample, columns, told)
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
    shape = find_file_layout(draft, sample.files)
    if isinstance(shape, str):
        draft.doubts.append(shape)
    elif shape is not None:
        doubts, made = draft.doubts, draft.made
        layout["time"] = [name for name in draft.times[0].recipe.time_columns if name not in made]
        layout[shape.setting] = shape.pattern
        draft = _begun_as(sample.shaped(layout), told)
        draft.made = made
        draft.doubts += [*doubts, shape.doubt]
        if shape.setting == "series-from":
            draft.take_series(shape.column)
    layout.pop("time", None)
    for setting, value in layout.items():
        draft.put(setting, value)
    return draft


def _years_of_files(times: Times, columns: dict[str, Column], sample: Sample) -> DayLayout | None:
    """The year in the names of files whose rows have none, where these differ."""
    group = "year" if "year" not in columns else "year_of_file"
    names = [base_name(absolute(name)) for name in sample.names]
    pattern = years_in_names(names, group) if times.open and times.recipe.has_no_year else None
    if pattern is None:
        return None
    doubt = (
        f"date-from: rows hold no year, so that in the name of each file, as in {names[0]}, is taken for it. A "
        "file whose rows go over New Year is refused"
    )
    return DayLayout({"time": list(times.recipe.time_columns), "date-from": pattern}, group, doubt)


def _begun_as(sample: Sample, told: Told) -> Proposal:
    columns = _columns(sample)
    times = _times(sample, columns, told)
    return _begun(sample, columns, times or [_counted(sample, columns, told)])


def _begun(sample: Sample, columns: dict[str, Column], times: list[Times]) -> Proposal:
    """Take the time. A log with the newest row first is reversed, and then treated as any other."""
    places = sample.places()
    found = steps(times[0].nanoseconds, places["block"])
    if int((found < 0).sum()) <= 5 * int((found > 0).sum()):
        return Proposal(sample, columns, places, times)
    columns = _columns(sample, is_reversed=True)
    times[0] = times[0]._replace(nanoseconds=times[0].nanoseconds.reverse())
    draft = Proposal(sample, columns, places.reverse(), times)
    draft.is_newest_first = True
    draft.seen.append("the newest row is first; an ingest puts rows in order")
    return draft


def _columns(sample: Sample, *, is_reversed: bool = False) -> dict[str, Column]:
    spelling = Spelling(decimal=str(sample.dialect.settings.get("decimal", ".")))
    frame = sample.frame()
    units = sample.dialect.units
    return {
        raw.name: Column(raw, spelling, units.get(raw.name)) for raw in (frame.reverse() if is_reversed else frame)
    }


def _times(sample: Sample, columns: dict[str, Column], told: Told) -> list[Times]:
    """What the columns say of the time of a row, with what is told of it; none where the date is not known."""
    if told.every:
        return [_counted(sample, columns, told)]
    blocks = sample.places()["block"]
    whole = columns
    columns = {name: column for name, column in columns.items() if name not in sample.not_times}
    times = find_times(columns, blocks)
    if not times and sample.not_times:  # what stands around rows may say when each run of them began
        times = [
            one for one in find_times(whole, blocks) if not sample.not_times.issuperset(one.recipe.time_columns)
        ]
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
    if not times and (zoned := next(find_in_several_zones(columns, blocks), None)):
        return [zoned]
    names = [base_name(absolute(name)) for name in sample.names]
    if not times and (found := find_without_year(columns, blocks, told, names)):
        return [found]
    if not times and told.date and (of_day := find_times_of_day(columns, blocks, told)):
        return [of_day]
    return times


def _without_date(sample: Sample, columns: dict[str, Column], told: Told) -> list[Times]:
    """Times of day with the date that is told, or those of a clock that counts; else rows that are counted."""
    blocks = sample.places()["block"]
    of_day = find_times_of_day(columns, blocks, told)
    if of_day is None or of_day.open:
        if clocks := elapsed_clocks(columns, blocks):
            return [_with_start(clocks[0], columns, told), *clocks[1:]]
        if of_day is None:
            counter = find_counter(columns, blocks, told)
            return [counter or _counted(sample, columns, told)]
    return [of_day]


def _with_start(times: Times, columns: dict[str, Column], told: Told) -> Times:
    start = told.start or (told.begin and told.begin.start)
    if start is None:
        return times
    recipe = replace(times.recipe, start=start)
    doubts = (doubt_of_begin(told.begin, "when it was 0:00"),) if told.begin else ()
    raw = [columns[name].raw for name in recipe.time_columns]
    return times._replace(
        recipe=recipe, nanoseconds=to_nanoseconds(raw, recipe).nanoseconds, doubt=None, doubts=doubts
    )


def _counted(sample: Sample, columns: dict[str, Column], told: Told) -> Times:
    if told.facts.differs and told.every is None:
        raise SourceError(
            ", ".join(sample.names[:2]),
            f"rows hold no time, and {told.facts.differs}: profile and ingest these files apart, or say how far "
            "apart rows are with --every",
            code="dialects-differ",
        )
    return count_rows(columns, sample.places()["block"], told, sample.num_files, is_whole=sample.is_whole)
