"""A proposed recipe tried on the sample, as an ingest would use it: what cannot be read, and what to allow."""

import math
import re
from collections import Counter
from dataclasses import replace

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import Reject
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.sources.base import Raw, Source
from longstride.pipeline.ingest.sources.shapes.joined import Joined, with_series
from longstride.pipeline.ingest.staging.other_header import refuse_other_header
from longstride.pipeline.ingest.staging.values import parse
from longstride.pipeline.profile.clock.numbers.parts import INVENTED
from longstride.pipeline.profile.line_numbers import LineNumbers
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.wording import quoted
from longstride.storage.text import counted, share

__all__ = ["try_recipe"]

FEW_ROWS = 3
FEWEST = 2
MANY = 0.05
"""A larger share of rejected rows says that the recipe is wrong."""
OTHER_WIDTH = ("too few fields", "too many fields")
MOST_BELOW = 0.25
"""Of rows, so many lines may stand below a table."""
A_TIME = re.compile(r"\d:\d\d|\d[-/.]\d{1,2}[-/.]\d")


def try_recipe(draft: Proposal) -> None:
    """Read the sample as an ingest would."""
    recipe = draft.trial
    if recipe.ambiguous == "infer":  # an ingest settles the hour that comes twice by the rows of the whole file
        recipe = replace(recipe, ambiguous="earliest")
    rejects: list[Reject] = []
    line_numbers = LineNumbers()
    for source, raw in draft.sample.excerpts:
        try:
            whole = with_series(source, recipe)
            columns = Columns.resolve(whole.name, whole.names, whole.unnamed, recipe)
            found = _rejects(whole, raw, columns, recipe)
            if found and raw.start:
                raw = line_numbers.of_file(source, raw)
                found = _rejects(whole, raw, columns, recipe)
            refuse_other_header(source.name, raw, found)
            rejects += found
        except (SourceError, RecipeError) as error:
            draft.doubts.append(str(error))
    for reason, count in Counter(reject.reason for reject in rejects).most_common():
        alike = [reject for reject in rejects if reject.reason == reason]
        draft.doubts.append(
            f"{counted(count, 'row')} of the sample cannot be read: {reason}, as {alike[0].detail}; they are "
            f"left out, and listed as rejects{_in_one_run(alike)}"
        )
    if _may_be_in_order(draft, rejects):
        width = len(draft.columns)
        draft.doubts.append(
            "every: the last line alone has fewer values than all others. If lines hold the values of one sensor "
            f"in reading order, these are no {width} channels, and all times are wrong: write a value a line "
            "below the head, as with `tr -s ' ' '\\n'`, and profile that"
        )
    num_rows = sum(raw.num_rows for _, raw in draft.sample.excerpts)
    if len(rejects) > recipe.max_rejected(num_rows):
        _allow_rejects(draft, rejects, num_rows)


def _may_be_in_order(draft: Proposal, rejects: list[Reject]) -> bool:
    """Whether a log without names and times may be one long list of values: only its last line is shorter."""
    header = draft.sample.dialect.settings.get("header", ())
    is_bare = draft.times[0].recipe.counts_rows and all(map(INVENTED.fullmatch, header)) and len(header) > FEWEST
    if not is_bare or len(rejects) != 1 or rejects[0].reason != OTHER_WIDTH[0]:
        return False
    return bool(draft.sample.is_whole and rejects[0].line > max(draft.sample.excerpts[-1].raw.lines.tolist()[:-1]))


def _rejects(source: Source, raw: Raw, columns: Columns, recipe: Recipe) -> list[Reject]:
    rows = source.reshape(raw) if isinstance(source, Joined) else raw
    return parse(source.name, rows, columns, recipe).rejects


def _in_one_run(rejects: list[Reject]) -> str:
    """What to do where rows of another width follow each other: it is another table."""
    first, last = rejects[0].line, rejects[-1].line
    if len(rejects) <= FEW_ROWS or last - first + 1 != len(rejects) or rejects[0].reason not in OTHER_WIDTH:
        return ""
    return (
        f". They are lines {first} to {last}, one behind the other: if columns change there, cut the file above "
        f"line {first}, as with `split -l {first - 1}`, and profile and ingest both parts"
    )


def _are_below(draft: Proposal, rejects: list[Reject]) -> bool:
    """Whether several lines that are no rows stand below all rows of a file that was seen as a whole.

    None has a time: these could be rows of the log in another form.
    """
    if len(rejects) <= FEW_ROWS or len(draft.sample.excerpts) > 1 or not draft.sample.is_whole:
        return False
    if any(A_TIME.search(reject.raw) for reject in rejects):
        return False
    bad = {reject.line for reject in rejects}
    lines: list[int] = draft.sample.excerpts[0].raw.lines.tolist()
    return min(bad) > max(line for line in lines if line not in bad)


def _allow_rejects(draft: Proposal, rejects: list[Reject], num_rows: int) -> None:
    """Let an ingest leave out the rows that were seen, where they are few: a title, a footer, a line cut off."""
    num_rejects = len(rejects)
    rejected = share(num_rejects, num_rows)
    if num_rejects <= MOST_BELOW * num_rows and _are_below(draft, rejects):
        draft.doubts.append(
            f"the table ends above line {rejects[0].line}: this and the {num_rejects - 1:,} lines below are left "
            f"out, such as {quoted(rejects[0].raw)}. If they are another table, cut the file there, and profile "
            "and ingest both parts"
        )
    elif num_rejects > max(FEW_ROWS, MANY * num_rows):
        draft.doubts.append(
            f"{rejected} of rows cannot be read, and an ingest stops: mend the recipe, or leave them out with "
            f"max-rejects = {toml(_percent(num_rejects, num_rows))}"
        )
        return
    most = str(num_rejects) if draft.sample.is_whole else _percent(num_rejects, num_rows)
    draft.put(
        "max-rejects", most, f"{counted(num_rejects, 'row')} of {num_rows:,} cannot be read and are left out"
    )


def _percent(num_rejects: int, num_rows: int) -> str:
    """Twice the share that was seen."""
    return f"{min(100, math.ceil(200 * num_rejects / num_rows))}%"
