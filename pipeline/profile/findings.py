"""From a sample to a proposal: likely settings are written, and doubts are listed."""

import math
import re
from collections import Counter
from typing import Any

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import Reject
from longstride.pipeline.ingest.sources.names import Names
from longstride.pipeline.ingest.staging.values import parse
from longstride.pipeline.profile.cadence import find_duplicates, see_steps
from longstride.pipeline.profile.channels import (
    find_counters,
    leave_out_constants,
    leave_out_index,
    leave_out_other_times,
    leave_out_texts,
)
from longstride.pipeline.profile.column import Column, steps
from longstride.pipeline.profile.keys import find_keys
from longstride.pipeline.profile.labels import find_labels
from longstride.pipeline.profile.missing import find_cut_off, find_missing
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.sample import Sample, take_sample
from longstride.pipeline.profile.times import find_times, has_zone
from longstride.pipeline.profile.words.wording import share
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import coded
from longstride.storage.text import counted, readable_time

__all__ = ["profile"]

FEW_ROWS = 3
MANY = 0.05
"""A larger share of rejected rows says that the recipe is wrong."""
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
WHY = {
    "encoding": "there are bytes that are not UTF-8",
    "header": "the first line holds values, as the lines below do: the names are invented",
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
        raise SourceError(
            ", ".join(sample.names),
            "there is no row to look at: name files that have rows",
            code="source-empty",
        )
    draft = _begun(sample)
    _say_dialect(draft)
    _say_names(draft)
    _say_time(draft)
    # Each looks at the columns that those before it have left.
    leave_out_other_times(draft)
    leave_out_index(draft)
    find_labels(draft)
    find_keys(draft)
    leave_out_texts(draft)
    leave_out_constants(draft)
    find_missing(draft)
    see_steps(draft)
    find_duplicates(draft)
    find_counters(draft)
    find_cut_off(draft)
    _try_recipe(draft)
    draft.sort()
    return draft


def _begun(sample: Sample) -> Proposal:
    """Find the time. A log with the newest row first is reversed, and then treated as any other."""
    frame, places = sample.frame(), sample.places()
    decimal = str(sample.dialect.get("decimal", "."))
    columns = {raw.name: Column(raw, decimal) for raw in frame}
    times = find_times(columns, places["block"])
    if not times:
        first = ", ".join(f"{name!r}: {value!r}" for name, value in list(frame.row(0, named=True).items())[:8])
        raise SourceError(
            sample.excerpts[0].source.name,
            f"no column looks like times; the first row is {first}. For times that are written in another way, "
            "give --time-format to `longstride ingest`; an elapsed time is --time COLUMN --time-format s; "
            "where rows have no time, count them, as with --every 50us --start 2024-03-01T08:00",
            code="times-not-found",
        )
    found = steps(times[0].nanoseconds, places["block"])
    if int((found < 0).sum()) <= 5 * int((found > 0).sum()):
        return Proposal(sample, columns, places, times)
    columns = {raw.name: Column(raw, decimal) for raw in frame.reverse()}
    times[0] = times[0]._replace(nanoseconds=times[0].nanoseconds.reverse())
    draft = Proposal(sample, columns, places.reverse(), times)
    draft.seen.append("the newest row is first; an ingest puts rows in order")
    return draft


def _say_dialect(draft: Proposal) -> None:
    for setting, value in draft.sample.dialect.items():
        if value != getattr(Recipe, setting):
            draft.put(setting, value, WHY.get(setting))
    values = [value for column in draft.channels for value in column.values if value not in column.words]
    texts = [value for value in values if "," in value]
    if texts and all(map(THOUSANDS.fullmatch, texts)):
        draft.doubts.append(
            f"{texts[0]} may group thousands by a comma, not write a fraction: numbers are read as fractions. If "
            "they are none, remove the commas from the log"
        )


def _say_names(draft: Proposal) -> None:
    for name in sorted({name for source, _ in draft.sample.excerpts for name in source.repeated}):
        draft.doubts.append(f"{name!r} is the name of more than one column: the second is read as {name + '_2'!r}")


def _say_time(draft: Proposal) -> None:
    times = draft.times[0]
    draft.put("time", times.recipe.time)
    if times.recipe.time_format is not None:
        draft.put("time-format", times.recipe.time_format)
    if times.recipe.round_time is not None:
        draft.put("round-time", times.recipe.round_time, "day numbers have no more digits than that")
    if times.recipe.interval != "none":
        draft.put("interval", times.recipe.interval)
    if times.doubt:
        draft.doubts.append(f"time-format: {times.doubt}")
    if not has_zone(times, [draft.columns[name].raw for name in times.recipe.time_columns]):
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
            rejects += parse(source.name, raw, columns, recipe).rejects
        except (SourceError, RecipeError) as error:
            draft.doubts.append(str(error))
    for reason, count in Counter(reject.reason for reject in rejects).most_common():
        detail = next(reject.detail for reject in rejects if reject.reason == reason)
        draft.doubts.append(f"{counted(count, 'row')} of the sample cannot be read: {reason}, as {detail}")
    num_rows = sum(raw.num_rows for _, raw in draft.sample.excerpts)
    if len(rejects) > recipe.max_rejected(num_rows):
        _allow_rejects(draft, len(rejects), num_rows)


def _allow_rejects(draft: Proposal, num_rejects: int, num_rows: int) -> None:
    """Let an ingest leave out the rows that were seen, where they are few: a title, a footer, a line cut off."""
    rejected = share(num_rejects, num_rows)
    if num_rejects > max(FEW_ROWS, MANY * num_rows):
        draft.doubts.append(f"{rejected} of rows rejected stop an ingest: max-rejects allows more")
        return
    most = str(num_rejects) if draft.sample.is_whole else f"{math.ceil(200 * num_rejects / num_rows)}%"
    draft.put(
        "max-rejects", most, f"{counted(num_rejects, 'row')} of {num_rows:,} cannot be read and are left out"
    )
