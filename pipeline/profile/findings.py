"""From a sample to a proposal: likely settings are written, and doubts are listed."""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.sources.records.keyed import Keyed
from longstride.pipeline.ingest.sources.rows.given import Sources, listed_sources
from longstride.pipeline.ingest.sources.rows.spool import spooled
from longstride.pipeline.profile.cadence.autumn import find_zone
from longstride.pipeline.profile.cadence.coarse_clock import find_coarse_clock
from longstride.pipeline.profile.cadence.steps import find_duplicates, see_steps
from longstride.pipeline.profile.channels import (
    find_counters,
    leave_out_constants,
    leave_out_index,
    leave_out_other_times,
    leave_out_texts,
)
from longstride.pipeline.profile.clock.told import Told
from longstride.pipeline.profile.keys import find_keys
from longstride.pipeline.profile.labels import find_labels
from longstride.pipeline.profile.laid_out import check_told, lay_out
from longstride.pipeline.profile.layout.day_parts import say_day_parts
from longstride.pipeline.profile.layout.label_files import say_label_file
from longstride.pipeline.profile.missing import find_cut_off, find_missing, share_missing_words
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.quality import find_qualities
from longstride.pipeline.profile.question import ask
from longstride.pipeline.profile.row_times import say_time
from longstride.pipeline.profile.sample import Sample, take_sample
from longstride.pipeline.profile.spelling.cut_numbers import doubt_of_cut_number
from longstride.pipeline.profile.spelling.find import find_spellings
from longstride.pipeline.profile.spelling.states import find_states
from longstride.pipeline.profile.trial import try_recipe
from longstride.pipeline.profile.whole.look import look_further, say_beyond
from longstride.pipeline.profile.words.date_forms import is_date_form
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import LongstrideError, coded

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
    names: Sources,
    *,
    rows: int = 10_000,
    every: str | None = None,
    start: str | None = None,
    table: str | None = None,
    progress: Callable[[float, float], object] | None = None,
) -> Proposal:
    """Look at about `rows` rows of sources, given as for `ingest`, and propose a recipe.

    Of long logs, the other rows are looked through for what these lack: all, or excerpts that are spread evenly.
    `progress` is called with the bytes of these that were read, and with all of them. Of rows that a program
    holds, the first 256 MB are looked at, in a temporary file; an iterator has to be made again for the ingest.

    `every` says that rows are counted, and how far apart they are ("50us", "20000hz"); `start`, when the first row
    was, an elapsed time is zero, or the date of times of day. Where a log needs one of them and does not tell it,
    the `question` of the proposal says so, and its `recipe` is not finished. `table` names the one to look at of
    files that hold several.

    Raises SourceError or RecipeError where a file cannot be read, where no column holds numbers, and where `every`
    or `start` cannot be used.
    """
    check_told(every, start)
    given = listed_sources(names)
    with (
        TemporaryDirectory(prefix="longstride-") as folder,
        spooled(given, Path(folder, "rows"), MAX_BYTES) as spool,
    ):
        files = [os.fspath(name) for name in spool.names]
        before = f"{Path(folder, 'rows').absolute()}{os.sep}"
        try:
            sample = take_sample(files, rows, table)
            draft = _profiled(files, sample, Told(every=every, start=start), progress)
        except LongstrideError as error:
            error.args = (str(error).replace(before, ""),)
            raise
    if spool.sources:
        _leave_out(before, draft)
    draft.seen += [f"{one} were looked at" for one in spool.cut]
    return draft


def _leave_out(folder: str, draft: Proposal) -> None:
    """Call rows that a program holds by what they are, not by the file that they were written to."""
    draft.seen, draft.doubts = (
        [text.replace(folder, "") for text in texts] for texts in (draft.seen, draft.doubts)
    )
    draft.why = {setting: why.replace(folder, "") for setting, why in draft.why.items()}
    if draft.question is not None:
        draft.question.args = (str(draft.question).replace(folder, ""),)


def _profiled(
    names: list[str], sample: Sample, told: Told, progress: Callable[[float, float], object] | None
) -> Proposal:
    if not sample.num_rows:
        raise _no_row(sample)
    if not sample.is_whole:
        sample = look_further(sample, progress or (lambda done, total: None))
    draft = lay_out(sample, told._replace(facts=sample.dialect.facts))
    _say_dialect(draft)
    _say_names(draft)
    _say_units(draft)
    say_time(draft)
    ask(draft, names)
    _use_known_key(draft)
    # Each looks at the columns that those before it have left.
    leave_out_other_times(draft)
    find_spellings(draft)
    share_missing_words(draft)
    leave_out_index(draft)
    find_labels(draft)
    find_qualities(draft)
    find_states(draft)
    find_keys(draft)
    leave_out_texts(draft)
    leave_out_constants(draft)
    find_missing(draft)
    say_beyond(draft)
    if not draft.open:
        find_zone(draft)
        find_coarse_clock(draft)
        see_steps(draft)
        say_day_parts(draft)
    find_duplicates(draft)
    find_counters(draft)
    find_cut_off(draft)
    say_label_file(draft, sample.files)
    _say_unnamed(draft)
    try_recipe(draft)
    _say_nested(draft)
    draft.seen += sample.seen
    draft.seen += dict.fromkeys(note for source, _ in sample.excerpts for note in source.notes)
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


def _use_known_key(draft: Proposal) -> None:
    """Use the column of which the kind of the source says that it tells what the others hold."""
    keys = {source.key for source, _ in draft.sample.excerpts if isinstance(source, Keyed)}
    for key in filter(None, keys):
        if len(draft.columns[key].values) > 1:
            draft.use("series", draft.columns[key], why="it says what the other columns hold")


def _say_dialect(draft: Proposal) -> None:
    dialect, table = draft.sample.dialect, draft.sample.table
    if table is not None:
        draft.put("table", table)
    for setting, value in dialect.settings.items():
        if value != getattr(Recipe, setting.replace("-", "_")):
            draft.put(setting, value, dialect.why.get(setting) or WHY.get(setting))
    draft.doubts += dialect.doubts


def _say_names(draft: Proposal) -> None:
    repeated = {other: name for source, _ in draft.sample.excerpts for other, name in source.repeated.items()}
    for name in sorted(set(repeated.values())):
        others = [other for other, shared in repeated.items() if shared == name]
        what, them = ("the second is", "it is") if len(others) == 1 else ("the others are", "they are")
        draft.doubts.append(
            f"{name!r} is the name of more than one column: {what} read as {listed(others)}. If {them} not "
            f"needed, say exclude = {toml(others)}"
        )


def _say_unnamed(draft: Proposal) -> None:
    """Columns of values without a name; a count of rows needs none."""
    for name in draft.columns:
        column = draft.columns[name]
        if name not in draft.sample.unnamed or name in draft.uses or not column.is_number:
            continue
        before = next((draft.columns[one] for one, after in pairwise(draft.columns) if after == name), None)
        if before is not None and (cut := doubt_of_cut_number(before, column)) is not None:
            draft.doubts.append(cut)
        elif not (draft.steps(column.numbers) == 1).all():
            channels = [one for one in draft.columns if one == name or draft.columns[one] in draft.channels]
            draft.doubts.append(
                f"{name!r} is left out, for it has no name: it holds {column.shown()}. To store it, name all "
                f"channels: channels = {toml(channels)}"
            )


def _say_units(draft: Proposal) -> None:
    of_files = {name: unit for source, _ in draft.sample.excerpts for name, unit in source.units.items()}
    for name, unit in of_files.items():
        if name in draft.columns and "=" not in unit:
            draft.add("unit", f"{name}={unit}", "the file says so")
    for name, unit in draft.sample.dialect.units.items():
        if name in draft.columns and "=" not in unit and not is_date_form(unit):
            draft.add("unit", f"{name}={unit}", "stands below the names")


def _say_nested(draft: Proposal) -> None:
    for name, column in draft.columns.items():
        first = next(iter(column.values), "")
        if first in ("[...]", "{...}"):
            draft.doubts.append(
                f"{name!r} is left out, for it holds objects or long arrays: if these are rows, profile them with "
                f"--table '{name}[]', or write each as an object with its time, as with `jq -c '.[\"{name}\"][]'`"
            )
        elif first.startswith("{") and first.endswith("}"):
            draft.doubts.append(
                f"{name!r} is left out, for its texts are JSON themselves: write them as objects, as with `jq -c "
                f"'.[\"{name}\"] |= fromjson'`, and their values become columns"
            )
