"""From a sample to a proposal: likely settings are written, and doubts are listed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.ingest.sources.names import Names
from longstride.pipeline.ingest.sources.rows.given import Sources, listed_sources
from longstride.pipeline.ingest.sources.rows.spool import spooled
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.cadence import find_duplicates, see_steps
from longstride.pipeline.profile.channels import (
    find_counters,
    leave_out_constants,
    leave_out_index,
    leave_out_other_times,
    leave_out_texts,
)
from longstride.pipeline.profile.clock.times import Times, find_times, has_zone
from longstride.pipeline.profile.column import Column, steps
from longstride.pipeline.profile.keys import find_keys
from longstride.pipeline.profile.labels import LABEL_NAME, find_labels
from longstride.pipeline.profile.layout.days import find_dates_in_names, find_times_in_columns
from longstride.pipeline.profile.layout.files import find_file_layout
from longstride.pipeline.profile.missing import find_cut_off, find_missing, share_missing_words
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.sample import Sample, take_sample
from longstride.pipeline.profile.spelling.find import find_spellings
from longstride.pipeline.profile.spelling.states import find_states
from longstride.pipeline.profile.trial import try_recipe
from longstride.pipeline.profile.whole.look import look_further, say_beyond
from longstride.pipeline.profile.words.time_names import named_zone
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import coded
from longstride.storage.text import readable_time

__all__ = ["profile"]

MAX_BYTES = 2**28
"""What is looked at of rows that a program holds: the beginning."""

WHY = {
    "encoding": "there are bytes that are not UTF-8",
    "skip-lines": "what stands above the names",
    "skip-below-header": "what stands between the names and the first row",
    "comment": "lines that begin so are no rows",
}


@coded
@typed
def profile(
    names: Sources, *, rows: int = 10_000, progress: Callable[[float, float], object] | None = None
) -> Proposal:
    """Look at about `rows` rows of sources, given as for `ingest`, and propose a recipe.

    Of long logs, the other rows are looked through for what these lack: all, or excerpts that are spread evenly.
    `progress` is called with the bytes of these that were read, and with all of them. Of rows that a program
    holds, the first 256 MB are looked at, in a temporary file; an iterator has to be made again for the ingest.

    Raises SourceError or RecipeError where a file cannot be read, and where no column holds times or none holds
    numbers.
    """
    given = listed_sources(names)
    with (
        TemporaryDirectory(prefix="longstride-") as folder,
        spooled(given, Path(folder, "rows"), MAX_BYTES) as spool,
    ):
        draft = _profiled(spool.names, rows, progress)
    draft.seen += [f"{one} were looked at" for one in spool.cut]
    return draft


def _profiled(names: Names, rows: int, progress: Callable[[float, float], object] | None) -> Proposal:
    sample = take_sample(names, rows)
    if not sample.num_rows:
        raise _no_row(sample)
    if not sample.is_whole:
        sample = look_further(sample, progress or (lambda done, total: None))
    draft = _laid_out(sample)
    _say_dialect(draft)
    _say_names(draft)
    _say_units(draft)
    _say_time(draft)
    # Each looks at the columns that those before it have left.
    leave_out_other_times(draft)
    find_spellings(draft)
    share_missing_words(draft)
    leave_out_index(draft)
    find_labels(draft)
    find_states(draft, LABEL_NAME)
    find_keys(draft)
    leave_out_texts(draft)
    leave_out_constants(draft)
    find_missing(draft)
    say_beyond(draft)
    see_steps(draft)
    find_duplicates(draft)
    find_counters(draft)
    find_cut_off(draft)
    _say_unnamed(draft)
    try_recipe(draft)
    _say_nested(draft)
    draft.seen += sample.seen
    draft.sort()
    return draft


def _no_row(sample: Sample) -> SourceError:
    for source, raw in sample.excerpts:
        if raw.rejects:
            first = raw.rejects[0]
            return SourceError(
                source.name,
                f"no line can be read as a row: {first.detail}; the columns are {listed(source.names)}, the line "
                f"is {quoted(first.raw)}. If the names do not fit, give others to `longstride ingest`: --header "
                f"A,B,C --skip-lines {first.line - 1}",
                place=f"{source.line} {first.line}",
                code="rows-not-found",
            )
    names = ", ".join(sample.names)
    return SourceError(names, "there is no row to look at: name files that have rows", code="source-empty")


def _begun(sample: Sample, columns: dict[str, Column], times: list[Times]) -> Proposal:
    """Take the time. A log with the newest row first is reversed, and then treated as any other."""
    places = sample.places()
    if not times:
        frame = sample.frame()
        first = ", ".join(f"{name!r}: {value!r}" for name, value in list(frame.row(0, named=True).items())[:8])
        raise SourceError(
            sample.excerpts[0].source.name,
            f"no column looks like times; the first row is {first}. For times that are written in another way, "
            "give --time-format to `longstride ingest`; an elapsed time is --time COLUMN --time-format s; "
            "where rows have no time, count them, as with --every 50us --start 2024-03-01T08:00; where they have "
            "the time of day alone, the date may be in the name of the file: see --date-from",
            code="times-not-found",
        )
    found = steps(times[0].nanoseconds, places["block"])
    if int((found < 0).sum()) <= 5 * int((found > 0).sum()):
        return Proposal(sample, columns, places, times)
    columns = _columns(sample, is_reversed=True)
    times[0] = times[0]._replace(nanoseconds=times[0].nanoseconds.reverse())
    draft = Proposal(sample, columns, places.reverse(), times)
    draft.seen.append("the newest row is first; an ingest puts rows in order")
    return draft


def _laid_out(sample: Sample) -> Proposal:
    """Find how the log is laid out, and the time; look at it again in the shape that it is to have."""
    columns, blocks = _columns(sample), sample.places()["block"]
    times: list[Times] = []
    days = find_times_in_columns(columns, blocks)
    if days is None and not (times := find_times(columns, blocks)):
        days = find_dates_in_names(columns, sample.names)
    layout = {} if days is None else dict(days.settings)
    draft = _begun(sample, columns, times) if days is None else _begun_as(sample.shaped(layout))
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
        draft = _begun_as(sample.shaped(layout))
        draft.made = made
        draft.doubts += [*doubts, found.doubt]
        if found.setting == "series-from":
            draft.take_series(found.column)
    layout.pop("time", None)
    for setting, value in layout.items():
        draft.put(setting, value)
    return draft


def _begun_as(sample: Sample) -> Proposal:
    columns = _columns(sample)
    return _begun(sample, columns, find_times(columns, sample.places()["block"]))


def _columns(sample: Sample, *, is_reversed: bool = False) -> dict[str, Column]:
    spelling = Spelling(decimal=str(sample.dialect.settings.get("decimal", ".")))
    frame = sample.frame()
    return {raw.name: Column(raw, spelling) for raw in (frame.reverse() if is_reversed else frame)}


def _say_dialect(draft: Proposal) -> None:
    dialect = draft.sample.dialect
    for setting, value in dialect.settings.items():
        if value != getattr(Recipe, setting.replace("-", "_")):
            draft.put(setting, value, dialect.why.get(setting) or WHY.get(setting))
    draft.doubts += dialect.doubts


def _say_names(draft: Proposal) -> None:
    for name in sorted({name for source, _ in draft.sample.excerpts for name in source.repeated}):
        draft.doubts.append(
            f"{name!r} is the name of more than one column: the second is read as {name + '_2'!r}. If it is not "
            f"needed, say exclude = {toml([name + '_2'])}"
        )


def _say_unnamed(draft: Proposal) -> None:
    """Columns of values without a name; a count of rows needs none."""
    for name in draft.columns:
        column = draft.columns[name]
        if name not in draft.sample.unnamed or name in draft.uses or not column.is_number:
            continue
        if not (draft.steps(column.numbers) == 1).all():
            channels = [one for one in draft.columns if one == name or draft.columns[one] in draft.channels]
            draft.doubts.append(
                f"{name!r} is left out, for it has no name: it holds {column.shown()}. To store it, name all "
                f"channels: channels = {toml(channels)}"
            )


def _say_units(draft: Proposal) -> None:
    for name, unit in draft.sample.dialect.units.items():
        if name in draft.columns and "=" not in unit:
            draft.add("unit", f"{name}={unit}", "stands below the names")


def _say_nested(draft: Proposal) -> None:
    for name, column in draft.columns.items():
        first = next(iter(column.values), "")
        if first in ("[...]", "{...}"):
            draft.doubts.append(
                f"{name!r} is left out, for it holds objects or long arrays: if these are rows, write each as an "
                f"object with its time, as with `jq -c '.[\"{name}\"][]'`"
            )
        elif first.startswith("{") and first.endswith("}"):
            draft.doubts.append(
                f"{name!r} is left out, for its texts are JSON themselves: write them as objects, as with `jq -c "
                f"'.[\"{name}\"] |= fromjson'`, and their values become columns"
            )


def _say_time(draft: Proposal) -> None:
    times = draft.times[0]
    columns = [name for name in times.recipe.time_columns if name not in draft.made]
    draft.put("time", columns[0] if len(columns) == 1 else columns)
    if times.recipe.time_format is not None:
        draft.put("time-format", times.recipe.time_format)
    if times.recipe.round_time is not None:
        draft.put("round-time", times.recipe.round_time, "day numbers have no more digits than that")
    if times.recipe.interval != "none":
        draft.put("interval", times.recipe.interval)
    if times.doubt:
        draft.doubts.append(f"time-format: {times.doubt}")
    if not has_zone(times, [draft.columns[name].raw for name in times.recipe.time_columns]):
        zone = next(filter(None, map(named_zone, times.recipe.time_columns)), None)
        if zone and times.recipe.start is None and times.recipe.epoch is None:
            draft.put("timezone", zone, "as the name of the column says; the sign of such zones is the other way")
            recipe = replace(times.recipe, timezone=zone)
            read = to_nanoseconds([draft.columns[name].raw for name in times.recipe.time_columns], recipe)
            times = times._replace(nanoseconds=read.nanoseconds)
        else:
            draft.doubts.append(
                'times carry no zone and are read as UTC: if they are local, say timezone = "Europe/Berlin"'
            )
    bounds: Any = times.nanoseconds.min(), times.nanoseconds.max()
    first, last = (readable_time(time, fraction=False) for time in bounds)
    draft.seen.append(f"times from {first} to {last}")
