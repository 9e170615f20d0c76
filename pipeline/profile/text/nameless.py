"""Names of columns where no line above the rows has one for each: from a comment, made of others, or invented."""

import re
from collections.abc import Sequence
from itertools import takewhile

from longstride.pipeline.ingest.settings.text import BLANKS
from longstride.pipeline.ingest.sources.csv.header import all_different
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.name_lines import (
    Head,
    are_facts,
    cut_otherwise,
    first_names,
    listed_behind,
    may_cut_numbers,
    named_wider,
    spread_names,
)
from longstride.pipeline.profile.text.table import Record, Table
from longstride.pipeline.profile.text.unit_rows import share_of_units, units_of
from longstride.pipeline.profile.words.time_names import name_score
from longstride.pipeline.profile.words.wording import quoted

__all__ = ["is_like_row", "lines_above", "without_names"]

NEAR_COMMENTS = 4
"""Names stand in one of so many comments above the first row, where others are sentences."""
SENTENCE_END = re.compile(r"[a-z]{2}[.!?]$", re.IGNORECASE)
WORD = re.compile(r"\w")
MOST_DAMAGED = 5
"""So many rows above the first whole one may be damaged."""


def without_names(table: Table, above: Sequence[Record], start: int, time: int) -> Head:
    """Names from a comment, or made up."""
    damaged = [*takewhile(lambda one: is_like_row(one) and one.num_filled <= table.width, reversed(above))]
    if len(damaged) <= MOST_DAMAGED:  # more are rows of another table, whose names are not those of this one
        above = above[: len(above) - len(damaged)]
        start = damaged[-1].line if damaged else start
    for record in (*reversed(table.comments), *reversed(above)):
        if listed := listed_behind(record.fields, table.width):
            why = f"the names stand behind {record.fields[0]!r}"
            return Head(names=listed, num_above=start if above else 0, num_below=0, units={}, why=why)
    fitting = [
        record.fields
        for record in _likely_names(table, start)
        if len(record.fields) == table.width
        and all(record.fields)
        and not are_facts(record.fields)
        and _are_words(record.fields)
    ]
    time_named = [fields for fields in fitting if any(map(name_score, fields))]
    if chosen := (time_named or fitting)[-2:]:
        first, last = chosen[0], chosen[-1]
        # Of two, the second may hold the units: the first then has fewer fields that occur twice.
        has_units = len(set(first)) > len(set(last)) and share_of_units(last) >= 0.6
        names = tuple(all_different(first if has_units else last))
        return Head(
            names=names,
            num_above=start if above else 0,
            num_below=0,
            units=units_of(names, [Record(0, last)]) if has_units else {},
            why="the names stand in a comment",
            doubt=_doubt_of_other_names(table, start, last),
        )
    for record in reversed(above):
        if names := cut_otherwise(record, table):
            why = "the line of the names has another separator"
            return Head(names=names, num_above=start, num_below=0, units={}, why=why)
    if named := named_wider(above, table.width):
        why = "behind the names stands what the line below tells of the log"
        return Head(names=named, num_above=start, num_below=0, units={}, why=why)
    wider = [record for record in above if record.num_filled > table.width and _may_name(record)]
    if wider:  # an ingest says that they do not fit
        return Head(names=(), num_above=lines_above(above, wider[-1]), num_below=0, units={}, why=None)
    some = first_names(above[-1].fields, time, table.width) if above else ()
    if some and (spread := spread_names(some, table)):
        names, wide = spread
        return Head(
            names=names,
            num_above=start,
            num_below=0,
            units={},
            why="the values of one name stand in brackets, with the separator between them",
            doubt=f"header: {wide} are read as columns of their own, for their values stand in brackets. If they "
            "are others, say header",
        )
    if some and may_cut_numbers(table):  # an ingest says that they do not fit
        return Head(names=(), num_above=lines_above(above, above[-1]), num_below=0, units={}, why=None)
    if some:
        return Head(
            names=(*some, *(f"column_{number}" for number in range(len(some) + 1, table.width + 1))),
            num_above=start,
            num_below=0,
            units={},
            why="the line of the names has fewer than there are columns",
            doubt=f"line {above[-1].line + 1} has {len(some)} names for {table.width} columns, and they are taken "
            f"for the first ones: {some[-1]!r} is the last that it names. If they are others, say header",
        )
    return Head(
        names=tuple(f"a{number}" for number in range(1, table.width + 1)),
        num_above=start if above else 0,
        num_below=0,
        units={},
        why="no line above the first row holds names: they are invented",
        doubt=_doubt_of_names(above, table.width),
        is_invented=True,
    )


def _likely_names(table: Table, start: int) -> Sequence[Record]:
    """Comments that may hold names: where blanks separate, any sentence of as many words would fit."""
    if table.separator != BLANKS:
        return table.comments
    worded = [one for one in table.comments if one.line < start and any(map(WORD.search, one.fields))]
    far = [one for one in worded[:-NEAR_COMMENTS] if name_score(one.fields[0])]
    return [one for one in (*far, *worded[-NEAR_COMMENTS:]) if not SENTENCE_END.search(one.fields[-1])]


def _are_words(fields: Sequence[str]) -> bool:
    """Whether they are texts: beside others, 10.7cm and 2m names what is measured there."""
    kinds = [kind_of(field) for field in fields]
    num_texts = kinds.count(Kind.TEXT)
    return num_texts + kinds.count(Kind.MEASURED) == len(kinds) and num_texts > len(kinds) / 2


def _may_name(record: Record) -> bool:
    """Whether a line with more fields than rows may hold names: values of a station, or factors, are none."""
    return any(map(name_score, record.fields)) or Kind.NUMBER not in map(kind_of, record.fields)


def lines_above(records: Sequence[Record], names: Record) -> int:
    """Lines to skip before the names; none where only blank lines and comments stand there."""
    return names.line if any(record.line < names.line for record in records) else 0


def is_like_row(record: Record) -> bool:
    """Whether a line above the first row is more of digits than of letters, or is none that can be cut."""
    text = "".join(record.fields)
    num_digits = sum(character.isdigit() for character in text)
    return not text or num_digits > sum(character.isalpha() for character in text)


def _doubt_of_other_names(table: Table, start: int, names: Sequence[str]) -> str | None:
    """Comments, of which one is below the first row, that name other columns: several tables stand there."""
    named = [one for one in table.comments if len(one.fields) > 1 and any(map(name_score, one.fields))]
    other = next((one for one in named if one.fields != names), None)
    if not any(one.line > start for one in named):
        return None
    return other and (
        f"header: line {other.line + 1} is a comment that names other columns, such as {other.fields[-1]!r}, so "
        "several tables stand one below the other, and all rows of as many fields are read under one line of "
        "names: cut the file above each of these lines, and ingest the parts"
    )


def _doubt_of_names(above: Sequence[Record], width: int) -> str | None:
    """What stands where names could."""
    if not above:
        return None
    last = above[-1].fields
    is_glued = len(last) > width > 2 and all(kind_of(field) is Kind.NUMBER for field in last[1 - width :])
    lost = f"; a row seems to begin in it, {quoted(last[-width])}, and is left out" if is_glued else ""
    return (
        f"names are invented: line {above[-1].line + 1} above the first row does not hold as many as there are "
        f"columns, {width}{lost}. If you know them, say header"
    )
