"""Lines that hold names although they are not as wide as rows, or not cut as they are."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from longstride.pipeline.ingest.sources.csv.header import all_different
from longstride.pipeline.profile.head.step import is_step_key
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.table import Record, Table, fits
from longstride.pipeline.profile.words.time_names import name_score

__all__ = [
    "Head",
    "are_all_names",
    "are_facts",
    "cut_otherwise",
    "first_names",
    "grouped_names",
    "index_names",
    "listed_behind",
    "may_cut_numbers",
    "named_wider",
    "says_of_log",
    "spread_names",
]

HEADER_SEPARATORS = ",;\t|"
LISTING = re.compile(
    r"\W*(?:(?:channel|column|field|sensor|signal|variable)s?(?:[ _]?(?:names?|titles?|labels?))?"
    r"|names?|titles?|labels?|headers?|tags?)\s*:?[:=]",
    re.IGNORECASE,
)
"""A key behind which names follow, and nothing else."""
SIGNS = (":", "=", ":=")
BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
WHOLE = re.compile(r"[+-]?\d+")
STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
TIME = "Time"
YEAR = re.compile(r"#?(?:year|yyyy|yr|jahr|ano|año|année|anno)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Head:
    """What stands above the first row of a table."""

    names: tuple[str, ...]
    """As they are to be said where the file does not say them; none where it does."""
    num_above: int
    """Lines above the header, or above the first row where `names` are said."""
    num_below: int
    """Lines between the header and the first row."""
    units: dict[str, str]
    why: str | None
    """Why names are said."""
    doubt: str | None = None
    """Why they may be wrong."""
    is_invented: bool = False
    """Whether names are said because none is known."""
    num_other_rows: int = 0
    """Lines above the names that look like rows of another table."""


def first_names(fields: Sequence[str], time: int, width: int) -> tuple[str, ...]:
    """Names of the first columns, where that of the time stands where rows have it; none otherwise."""
    is_of_time = time < len(fields) and (name_score(fields[time]) or YEAR.fullmatch(fields[time]))
    are_names = len(fields) > max(1, time) and all(kind_of(field) is Kind.TEXT for field in fields)
    return tuple(all_different(fields)) if is_of_time and are_names and len(fields) < width else ()


def spread_names(names: Sequence[str], table: Table) -> tuple[tuple[str, ...], str] | None:
    """Names for rows in which brackets hold several values, as (91, 92, 72), and which these are; None for others.

    Each row must have the brackets in the same places, and there must be as many values more as names are missing.
    """
    rows = [record.fields[: table.width] for record in table.records if fits(record, table.width)]
    rows = [row for row in rows if row[: len(names)] != list(names)]
    places = {tuple(_in_brackets(row)) for row in rows}
    if len(places) != 1 or not (spans := places.pop()):
        return None
    if len(names) + sum(stop - start for start, stop in spans) != table.width:
        return None
    found: list[str] = []
    wide: list[str] = []
    for name in names:
        span = next((span for span in spans if span[0] == len(found)), None)
        if span is None:
            found.append(name)
        else:
            parts = [f"{name}_{number}" for number in range(1, span[1] - span[0] + 2)]
            found += parts
            wide += parts
    return tuple(all_different(found)), ", ".join(map(repr, wide))


def _in_brackets(row: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last field of each run of fields that a bracket opens and closes."""
    start = None
    for place, field in enumerate(row):
        if start is None and BRACKETS.get(field[:1]) not in (None, field[-1:]):
            start = place
        elif start is not None and field.endswith(BRACKETS[row[start][0]]):
            yield start, place
            start = None


def may_cut_numbers(table: Table) -> bool:
    """Whether commas between fields could be decimal ones as well: no number has a point, and all are whole."""
    rows = [record.fields[: table.width] for record in table.records if fits(record, table.width)]
    numbers = [field for row in rows for field in row if kind_of(field) is Kind.NUMBER]
    return table.separator == "," and bool(numbers) and all(WHOLE.fullmatch(number) for number in numbers)


def says_of_log(fields: Sequence[str]) -> bool:
    """Whether a line above the rows says something of the log, as in Binning mode:,Sum,Average: none are names."""
    has_sign = bool(fields) and (fields[0].endswith((":", "=")) or _is_cut_at_sign(fields))
    is_key = has_sign and not name_score(fields[0])
    is_one = not all(field.endswith((":", "=")) for field in fields if field)
    stamped = [field for field in fields if STAMP.search(field)]
    return (is_key and is_one) or (len(stamped) == 1 and not name_score(stamped[0]))


def _is_cut_at_sign(fields: Sequence[str]) -> bool:
    """Whether it is a key and what it says, cut at blanks, as in station = X1."""
    return len(fields) > 1 and fields[1] in SIGNS


def listed_behind(fields: Sequence[str], width: int) -> tuple[str, ...]:
    """Names behind the key that says so, as in Name:,Acceleration,Light, or Labels:= x y; none in another line."""
    if _is_cut_at_sign(fields):
        fields = (fields[0] + fields[1], *fields[2:])  # cut at blanks, as in fields = timestamp TA RH
    key = LISTING.match(fields[0]) if fields else None
    if key is None:
        return ()
    rest = fields[0][key.end() :].strip()
    names = [*([rest] if rest else []), *fields[1:]]
    while names and not names[-1]:
        names.pop()
    is_first = len(names) == width - 1 and not rest  # the key stands above the times
    found = [TIME, *names] if is_first else names
    are_names = len(found) == width and all(kind_of(name) is Kind.TEXT for name in names)
    return tuple(all_different(found)) if are_names else ()


def are_facts(fields: Sequence[str]) -> bool:
    """Whether a comment says something of the log, as in date: 01/03/2024."""
    return fields[0].endswith((":", "=")) or any(kind_of(field) is Kind.TIME for field in fields)


def named_wider(above: Sequence[Record], width: int) -> tuple[str, ...]:
    """Names, where behind the names stand keys of the head and below these what they say."""
    for names in above:
        more = [field for field in names.fields[width:] if field]
        if (
            more
            and any(map(is_step_key, more))
            and all(kind_of(field) is Kind.TEXT for field in names.fields[:width])
        ):
            return tuple(all_different(names.fields[:width]))
    return ()


def cut_otherwise(record: Record, table: Table) -> tuple[str, ...]:
    """Names of a line that has another separator than the rows; none where it does not fit."""
    text = table.separator.join(record.fields)
    for mark in HEADER_SEPARATORS.replace(table.separator, ""):
        names = [name.strip() for name in next(csv.reader([text], delimiter=mark), [])]
        if len(names) == len(set(names)) == table.width and all(kind_of(name) is Kind.TEXT for name in names):
            return tuple(names)
    return ()


def grouped_names(groups: Sequence[str], fields: Sequence[str], width: int) -> tuple[str, ...]:
    """Names below those of groups, as in Time,Wind,,Gas over a blank, v, dir and co2; none where they are not."""
    blank = [column for column, group in enumerate(groups) if not group]
    own = [column for column, field in enumerate(fields) if not field]
    are_names = all(kind_of(field) is Kind.TEXT for field in fields if field)
    if not (len(groups) == len(fields) == width and blank and own and are_names):
        return ()
    if any(not groups[column] for column in own) or 0 in blank:
        return ()  # a column without any name
    found, group = [], ""
    for column, (above, name) in enumerate(zip(groups, fields, strict=True)):
        group = above or group
        found.append(above if column in own else " ".join(dict.fromkeys(filter(None, (group, name)))))
        group = "" if column in own else group
    return tuple(all_different(found))


def index_names(best: Record, above: Sequence[Record], width: int) -> tuple[str, ...]:
    """Names of the rows above one that names the time alone, as pandas writes columns of several levels."""
    if best.num_filled > 1 or width < 3:
        return ()
    levels = [record.fields for record in above if record.line < best.line and record.num_filled > width // 2]
    levels = [fields for fields in levels if len(fields) == width]
    names = [" ".join(filter(None, dict.fromkeys(texts))) for texts in zip(*levels, best.fields, strict=True)]
    return tuple(all_different(names)) if levels and all(names) else ()


def are_all_names(record: Record, width: int) -> bool:
    """Whether each field is a text of its own: events between names and rows leave some empty."""
    fields = record.fields[:width]
    return len(set(fields)) == width and all(kind_of(field) is Kind.TEXT for field in fields)
