"""From a sample to a proposal: likely settings are written, and doubts are listed."""

import math
from collections import Counter
from dataclasses import replace
from typing import Any

from longstride.pipeline.ingest.columns import Columns, listed
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import Reject
from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.ingest.sources.names import Names, find_files
from longstride.pipeline.ingest.staging.other_header import refuse_other_header
from longstride.pipeline.ingest.staging.values import parse
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.cadence import find_duplicates, see_steps
from longstride.pipeline.profile.channels import (
    LABEL_NAME,
    find_counters,
    find_labels,
    leave_out_constants,
    leave_out_index,
    leave_out_other_times,
    leave_out_texts,
)
from longstride.pipeline.profile.column import Column, steps
from longstride.pipeline.profile.keys import find_keys
from longstride.pipeline.profile.layout.days import DayLayout, find_dates_in_names, find_times_in_columns
from longstride.pipeline.profile.layout.files import find_file_layout
from longstride.pipeline.profile.missing import find_missing, share_missing_words
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.sample import Sample, take_sample
from longstride.pipeline.profile.spelling.find import find_spellings
from longstride.pipeline.profile.spelling.states import find_states
from longstride.pipeline.profile.times import find_times, has_zone
from longstride.pipeline.profile.words.time_names import named_zone
from longstride.pipeline.profile.words.wording import quoted, share
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import coded
from longstride.storage.text import counted, readable_time

__all__ = ["profile"]

FEW_ROWS = 3
MANY = 0.05
"""A larger share of rejected rows says that the recipe is wrong."""
WHY = {
    "encoding": "there are bytes that are not UTF-8",
    "skip-lines": "what stands above the names",
    "skip-below-header": "what stands between the names and the first row",
    "comment": "lines that begin so are no rows",
}


@coded
@typed
def profile(names: Names, *, rows: int = 10_000) -> Proposal:
    """Look at about `rows` rows of logs, named as for `ingest`, and propose a recipe.

    Raises SourceError or RecipeError where a file cannot be read, and where no column holds times or none holds
    numbers.
    """
    sample = take_sample(names, rows)
    if not sample.num_rows:
        raise _no_row(sample)
    draft = _laid_out(sample, names, rows)
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
    see_steps(draft)
    find_duplicates(draft)
    find_counters(draft)
    _try_recipe(draft)
    _say_nested(draft)
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


def _begun(sample: Sample) -> Proposal:
    """Find the time. A log with the newest row first is reversed, and then treated as any other."""
    frame, places = sample.frame(), sample.places()
    spelling = Spelling(decimal=str(sample.dialect.settings.get("decimal", ".")))
    columns = {raw.name: Column(raw, spelling) for raw in frame}
    times = find_times(columns, places["block"])
    if not times:
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
    columns = {raw.name: Column(raw, spelling) for raw in frame.reverse()}
    times[0] = times[0]._replace(nanoseconds=times[0].nanoseconds.reverse())
    draft = Proposal(sample, columns, places.reverse(), times)
    draft.seen.append("the newest row is first; an ingest puts rows in order")
    return draft


def _laid_out(sample: Sample, names: Names, rows: int) -> Proposal:
    """Find how the log is laid out, and the time; look at it again in the shape that it is to have."""
    days = _find_days(sample)
    layout = {} if days is None else dict(days.settings)
    if days is not None:
        sample = take_sample(names, rows, layout)
    draft = _begun(sample)
    if days is not None:
        draft.made.add(days.made)
        draft.doubts.append(days.doubt)
    found = find_file_layout(draft, find_files(names))
    if isinstance(found, str):
        draft.doubts.append(found)
    elif found is not None:
        doubts, made = draft.doubts, draft.made
        layout["time"] = [name for name in draft.times[0].recipe.time_columns if name not in made]
        layout[found.setting] = found.pattern
        draft = _begun(take_sample(names, rows, layout))
        draft.made = made
        draft.doubts += [*doubts, found.doubt]
        if found.setting == "series-from":
            draft.take_series(found.column)
    layout.pop("time", None)
    for setting, value in layout.items():
        draft.put(setting, value)
    return draft


def _find_days(sample: Sample) -> DayLayout | None:
    frame, blocks = sample.frame(), sample.places()["block"]
    spelling = Spelling(decimal=str(sample.dialect.settings.get("decimal", ".")))
    columns = {raw.name: Column(raw, spelling) for raw in frame}
    if found := find_times_in_columns(columns, blocks):
        return found
    return None if find_times(columns, blocks) else find_dates_in_names(columns, sample.names)


def _say_dialect(draft: Proposal) -> None:
    dialect = draft.sample.dialect
    for setting, value in dialect.settings.items():
        if value != getattr(Recipe, setting.replace("-", "_")):
            draft.put(setting, value, dialect.why.get(setting) or WHY.get(setting))
    draft.doubts += dialect.doubts


def _say_names(draft: Proposal) -> None:
    for name in sorted({name for source, _ in draft.sample.excerpts for name in source.repeated}):
        draft.doubts.append(f"{name!r} is the name of more than one column: the second is read as {name + '_2'!r}")


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


def _try_recipe(draft: Proposal) -> None:
    """Read the sample as an ingest would."""
    recipe = draft.recipe
    rejects: list[Reject] = []
    for source, raw in draft.sample.excerpts:
        try:
            columns = Columns.resolve(source.name, source.names, source.unnamed, recipe)
            found = parse(source.name, raw, columns, recipe).rejects
            refuse_other_header(source.name, raw, found)
            rejects += found
        except (SourceError, RecipeError) as error:
            draft.doubts.append(str(error))
    for reason, count in Counter(reject.reason for reject in rejects).most_common():
        detail = next(reject.detail for reject in rejects if reject.reason == reason)
        draft.doubts.append(f"{counted(count, 'row')} of the sample cannot be read: {reason}, as {detail}")
    num_rows = sum(raw.num_rows for _, raw in draft.sample.excerpts)
    if len(rejects) > recipe.max_rejected(num_rows):
        _allow_rejects(draft, rejects, num_rows)


def _allow_rejects(draft: Proposal, rejects: list[Reject], num_rows: int) -> None:
    """Let an ingest leave out the rows that were seen, where they are few: a title, a footer, a line cut off."""
    num_rejects, rejected = len(rejects), share(len(rejects), num_rows)
    # What follows the last row of the only file is a footer, however long.
    last = max((int(raw.lines[-1]) for _, raw in draft.sample.excerpts if len(raw.lines)), default=0)
    is_footer = draft.sample.is_whole and len(draft.sample.names) == 1 and rejects[0].line > last
    if num_rejects > max(FEW_ROWS, MANY * num_rows) and not is_footer:
        draft.doubts.append(f"{rejected} of rows rejected stop an ingest: max-rejects allows more")
        return
    most = str(num_rejects) if draft.sample.is_whole else f"{math.ceil(200 * num_rejects / num_rows)}%"
    draft.put(
        "max-rejects", most, f"{counted(num_rejects, 'row')} of {num_rows:,} cannot be read and are left out"
    )
