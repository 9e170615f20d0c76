"""What a log does not tell, and its owner is asked for."""

import re
import shlex
from collections.abc import Iterator, Sequence

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import OPEN
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.times.stamps import ZONE_NAME
from longstride.pipeline.profile.clock.faults.lost_hours import lost_hours
from longstride.pipeline.profile.clock.faults.never_set import unreadable_clock
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.time_names import name_score

__all__ = ["ask"]

RATE = re.compile(r"(?<![\d.])([1-9]\d*(?:\.\d+)?)[_ ]?(k?hz)(?![a-z])", re.IGNORECASE)
MOST_SOURCES = 3
MOST_CELLS = 8
MOST_KINDS = 8


def ask(draft: Proposal, sources: Sequence[str]) -> None:
    """Put the question that a proposal leaves open, with the command that answers it."""
    if draft.open:
        shown = shlex.join(sources) if len(sources) <= MOST_SOURCES else "SOURCE..."
        if draft.sample.table is not None:
            shown += f" --table {shlex.quote(draft.sample.table)}"
        if "start" in draft.open:
            question = _of_date(draft, shown)
        elif "time-format" in draft.open:
            question = _of_unit(draft)
        elif "timezone" in draft.open:
            question = _of_zone(draft)
        else:
            question = _of_step(draft, shown)
            draft.doubts += _doubts_of_unread(draft)
        draft.question = SourceError(draft.sample.excerpts[0].source.name, question, code="times-not-found")


def _of_date(draft: Proposal, sources: str) -> str:
    recipe = draft.times[0].recipe
    name = recipe.time_columns[0]
    if recipe.has_no_year:
        return (
            f"{listed(recipe.time_columns)} holds a month and a day without a year, and neither a line above the "
            f"table nor the name of the file says it: run `longstride profile {sources} --start 2024-03-01` with "
            f"the date of the first row, or fill in start = {toml(OPEN)} in the recipe"
        )
    return (
        f"{name!r} holds the time of day alone, and neither a line above the table nor the name of the file says "
        f"the date: run `longstride profile {sources} --start 2024-03-01` with the date of the rows, or fill in "
        f"start = {toml(OPEN)} in the recipe. A date that names of files hold in another way: see --date-from"
    )


def _of_zone(draft: Proposal) -> str:
    return (
        f"{draft.times[0].doubts[0].removeprefix('timezone: ')}: fill in timezone = {toml(OPEN)} in the recipe, "
        "or give --timezone to `longstride ingest`"
    )


def _of_unit(draft: Proposal) -> str:
    doubt = next(one for one in draft.times[0].doubts if one.startswith("time-format: "))
    return (
        f"{doubt.removeprefix('time-format: ')}. Fill in time-format = {toml(OPEN)} in the recipe"
        + _kinds_of_rows(draft.sample.frame())
    )


def _of_step(draft: Proposal, sources: str) -> str:
    clock = unreadable_clock(draft.columns)
    frame = draft.sample.frame()
    lost = lost_hours(draft.columns)
    row = list(frame.row(0, named=True).items())[:MOST_CELLS]
    first = ", ".join(f"{name!r}: {value!r}" for name, value in row)
    return (
        f"no column looks like times; the first row is {first}. "
        + (f"{clock}: was its clock never set? " if clock else "")
        + (f"{lost}. " if lost else "")
        + f"Rows can be counted: run `longstride profile {sources} --every 50us` (or 20000hz) with the time from "
        "row to row, and --start 2024-03-01T08:00 where the first one is known, or fill in every = "
        f"{toml(OPEN)} in the recipe. If a column counts seconds, give --time COLUMN --time-format s to "
        "`longstride ingest`; if it is a time that is written in another way, its --time-format"
        + _rate_in_name(draft.sample.excerpts[0].source.name)
        + _unknown_zone(frame)
        + _kinds_of_rows(frame)
    )


def _doubts_of_unread(draft: Proposal) -> Iterator[str]:
    """A column that is called or written like a time: counted rows would have other times than the log."""
    if lost_hours(draft.columns):
        return  # the question says what it is
    for name, column in draft.columns.items():
        if column.values.len() > 1 and (name_score(name) or unreadable_clock({name: column})):
            yield (
                f"every: {name!r} may be a time that is not understood: {column.examples()}. If so, count no "
                f"rows: in place of every and start say time = {toml(name)}, its time-format, and its timezone if "
                "it ends with the name of one"
            )
            return


def _rate_in_name(name: str) -> str:
    """What the name of a file seems to say, as of log_20HZ.csv."""
    found = RATE.search(re.split(r"[/\\]", name)[-1])
    if found is None:
        return ""
    return f". The name of the file says {found[0]!r}: if it is their rate, --every {found[1]}{found[2].lower()}"


def _unknown_zone(frame: pl.DataFrame) -> str:
    """What helps where times end with the name of a zone that means several."""
    for name, value in frame.row(0, named=True).items():
        if found := ZONE_NAME.search(str(value)):
            return (
                f". {found[1]!r} behind the times of {name!r} is the name of several zones: say --time and "
                "--timezone, such as America/Chicago, and --time-format with %Z where it is not ISO 8601"
            )
    return ""


def _kinds_of_rows(frame: pl.DataFrame) -> str:
    """A way to take rows of one kind, where their first fields could be names of kinds."""
    kinds = frame.to_series(0).cast(pl.String).drop_nulls().unique(maintain_order=True).to_list()
    if not 0 < len(kinds) <= MOST_KINDS or not all(kind.strip("$#!").isidentifier() for kind in kinds):
        return ""
    return (
        f"; where the first field names the kind of a row, such as {kinds[0]!r}, and another kind has the time, "
        "take rows of that kind, as with --only-lines KIND --header kind,A,B"
    )
