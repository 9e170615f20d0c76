"""Where in a table the names of its columns stand, and what stands above and below them."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from longstride.pipeline.ingest.sources.csv.header import all_different
from longstride.pipeline.profile.head.step import is_step_key
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.table import Record, Table, fits
from longstride.pipeline.profile.words.time_names import name_score

__all__ = ["Head", "find_head", "find_labview_head"]

MOST = 0.9
A_TIME = re.compile(r"\d[-:/.]\d|\d{8}")
HEADER_SEPARATORS = ",;\t|"
MOST_ABOVE = 60
"""Lines above the first row that are looked at for names."""
MOST_BELOW = 4
NEAR = 3
"""Lines between two rows of one header: others are of another table."""
UNIT = re.compile(
    r"[\[(].*[\])]|.{0,2}[°º%µμΩ].{0,6}|[a-zA-Z]{1,4}(?:[-/^*]?\d?|\^-?\d|[./ ][a-zA-Z]{1,4}-?\d?)*|deg ?\w*"
    r"|volts?|-|#|\w{1,8}/\w{1,6}\^?-?\d?|[a-z]+\+?\d[a-z0-9+-]*",
    re.IGNORECASE,
)
NO_UNIT = re.compile(
    r"\W*|ts|rn|n/?a|none|unitless|smp|avg|tot|max|min|std|sample|utc|date.*|time.*|.*(yy|hh|mm:).*", re.I
)


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


def find_head(table: Table) -> Head:
    """Find the names of the columns."""
    head = _find_head(table)
    others = [record.fields for record in table.records if record.line < head.num_above]
    return replace(head, num_other_rows=sum(map(_is_of_another_table, others)))


def _is_of_another_table(fields: Sequence[str]) -> bool:
    """Whether a line begins with a time, and all that follows are numbers: not a title, nor a date of a head."""
    kinds = [kind_of(field) for field in fields]
    return len(kinds) > 1 and kinds[0] is Kind.TIME and all(kind is Kind.NUMBER for kind in kinds[1:])


def _find_head(table: Table) -> Head:
    kinds = _kinds(table)
    rows = _is_row(kinds)
    records = table.records
    first = next((index for index, record in enumerate(records[:MOST_ABOVE]) if rows(record)), None)
    if first is None:
        # All are texts, or numbers as their names are.
        first = next(
            (i + 1 for i, record in enumerate(records) if len(record.fields) == table.width), len(records)
        )
    first = _behind_names(records, first, kinds)
    above = records[:first]
    start = records[first].line if first < len(records) else above[-1].line + 1 if above else 0
    time = next((column for column, kind in enumerate(kinds) if kind is Kind.TIME), None)
    full = [record for record in above if _could_be_names(record, table.width) and not _has_time(record, time)]
    if not full:
        return _without_names(table, above, start)
    best = max(full, key=lambda record: _likeness(record, time))
    below = [record for record in above if record.line > best.line]
    while below and _is_like_row(below[-1]):
        start = below.pop().line  # it is damaged: an ingest names it
    named, joined = _joined(best, above, below, table.width)
    if joined:
        units = _units(named, [record for record in below if record is not joined])
        return Head(names=named, num_above=start, num_below=0, units=units, why="names stand in two rows")
    return Head(
        names=(),
        num_above=_lines_above(records, best),
        num_below=start - best.line - 1 if below else 0,
        units=_units(tuple(best.fields), below),
        why=None,
    )


def find_labview_head(table: Table) -> Head:
    """The names in a file of LabVIEW: the first line below its head, of which the last has no field in rows."""
    names = table.records[0].fields if table.records else []
    if len(names) != table.width + 1 or names[-1] != "Comment":
        return find_head(table)
    return Head(
        names=tuple(all_different(names[:-1])),
        num_above=1,
        num_below=0,
        units={},
        why="Comment has no field in rows",
    )


def _kinds(table: Table) -> list[Kind]:
    """What most fields of each column are, below the first lines."""
    rows = [record.fields[: table.width] for record in table.records if fits(record, table.width)]
    rows = rows[len(rows) // 4 :] if len(rows) > 8 else rows[1:] or rows
    found: list[Kind] = []
    for column in zip(*rows, strict=True):
        counts = Counter(map(kind_of, column))
        counts.pop(Kind.MISSING, None)
        usual, count = counts.most_common(1)[0] if counts else (Kind.MISSING, 0)
        found.append(usual if count >= MOST * counts.total() else Kind.TEXT)
    return found


def _is_row(kinds: Sequence[Kind]) -> Callable[[Record], bool]:
    """What says of a record whether it is a row: its fields are of the kinds that those below are."""
    times = [column for column, kind in enumerate(kinds) if kind is Kind.TIME]
    numbers = [column for column, kind in enumerate(kinds) if kind in (Kind.NUMBER, Kind.MEASURED, Kind.FLAG)]

    def is_row(record: Record) -> bool:
        if len(record.fields) < len(kinds):
            return False
        found = [kind_of(field) for field in record.fields]
        if times and found[times[0]] is not Kind.TIME:
            return False
        if times:
            # A line above the table may hold a date alone.
            return not numbers or any(record.fields[column] for column in range(len(kinds)) if column not in times)
        filled = [column for column in numbers if found[column] is not Kind.MISSING]
        fit = sum(found[column] is not Kind.TEXT for column in filled)
        return bool(fit) and fit >= len(filled) - fit

    return is_row


def _behind_names(records: Sequence[Record], first: int, kinds: Sequence[Kind]) -> int:
    """The first row, where lines that look a bit like rows stand above the names: facts such as Offset,0.5."""
    found, numbers = first, [column for column, kind in enumerate(kinds) if kind not in (Kind.TEXT, Kind.MISSING)]
    for index, record in enumerate(records[first:MOST_ABOVE], first):
        texts = [column for column in numbers if kind_of("".join(record.fields[column : column + 1])) is Kind.TEXT]
        if not texts:
            break  # a row
        if len(texts) == len(numbers) and all(record.fields[: len(kinds)]) and len(record.fields) >= len(kinds):
            found = index + 1
    return found


def _could_be_names(record: Record, width: int) -> bool:
    """Whether there is a name for each field of a row; those at the end may have none."""
    fields = record.fields
    while len(fields) > width and not fields[-1]:
        fields = fields[:-1]
    # One text alone above several columns is a title or a fact.
    return width - 1 <= len(fields) <= width and record.num_filled > (1 if width > 2 else 0)


def _likeness(record: Record, time: int | None) -> tuple[int, int, int]:
    """How much a record above the rows looks like one of names; of equals, the first is taken."""
    texts = [field for field in record.fields if field]
    score = name_score(record.fields[time]) if time is not None and time < len(record.fields) else 0
    if time is None and all(kind_of(text) is Kind.TEXT for text in texts):
        score = name_score(record.fields[0]) // 3  # the whole name of a time, not a line that tells one
    return (score, len(set(texts)), sum(kind_of(text) is Kind.TEXT for text in texts))


def _joined(
    best: Record, above: Sequence[Record], below: Sequence[Record], width: int
) -> tuple[tuple[str, ...], Record | None]:
    """Names of two rows where those of one are the same for many columns, and the row that tells them apart."""
    names = best.fields
    num_repeated = len(list(filter(None, names))) - len(set(filter(None, names)))
    if num_repeated < max(2, len(names) // 4) or len(names) != width:
        return (), None
    near = [record for record in (*below, *above) if abs(record.line - best.line) <= NEAR and record is not best]
    for other in [record for record in near if len(record.fields) == width]:
        pairs = [" ".join(filter(None, dict.fromkeys(pair))) for pair in zip(names, other.fields, strict=True)]
        if len(set(pairs)) > len(set(names)) + num_repeated // 2:
            return tuple(all_different(pairs)), other
    return (), None


def _units(names: Sequence[str], below: Sequence[Record]) -> dict[str, str]:
    """Units of columns, from the first row below the names that is of such."""
    for record in below[:MOST_BELOW]:
        if len(record.fields) != len(names):
            continue
        if _share_of_units(record.fields) >= 0.6:
            pairs = zip(names, record.fields, strict=True)
            return {name: text.strip("[]() ") for name, text in pairs if name and not NO_UNIT.fullmatch(text)}
    return {}


def _share_of_units(fields: Sequence[str]) -> float:
    texts = [field for field in fields if field]
    return sum(UNIT.fullmatch(text) is not None for text in texts) / max(1, len(texts))


def _lines_above(records: Sequence[Record], names: Record) -> int:
    """Lines to skip before the names; none where only blank lines and comments stand there."""
    return names.line if any(record.line < names.line for record in records) else 0


def _without_names(table: Table, above: Sequence[Record], start: int) -> Head:
    """Names from a comment, or made up."""
    while above and _is_like_row(above[-1]) and above[-1].num_filled <= table.width:
        *above, damaged = above
        start = damaged.line
    fitting = [
        record.fields
        for record in table.comments
        if len(record.fields) == table.width and all(record.fields) and not _are_facts(record.fields)
    ]
    time_named = [fields for fields in fitting if any(map(name_score, fields))]
    if chosen := (time_named or fitting)[-2:]:
        first, last = chosen[0], chosen[-1]
        # Of two, the second may hold the units: the first then has fewer fields that occur twice.
        has_units = len(set(first)) > len(set(last)) and _share_of_units(last) >= 0.6
        names = tuple(all_different(first if has_units else last))
        return Head(
            names=names,
            num_above=start if above else 0,
            num_below=0,
            units=_units(names, [Record(0, last)]) if has_units else {},
            why="the names stand in a comment",
        )
    for record in reversed(above):
        if names := _cut_otherwise(record, table):
            why = "the line of the names has another separator"
            return Head(names=names, num_above=start, num_below=0, units={}, why=why)
    if named := _named_wider(above, table.width):
        why = "behind the names stands what the line below tells of the log"
        return Head(names=named, num_above=start, num_below=0, units={}, why=why)
    wider = [record for record in above if record.num_filled > table.width]
    if wider:  # an ingest says that they do not fit
        return Head(names=(), num_above=_lines_above(above, wider[-1]), num_below=0, units={}, why=None)
    return Head(
        names=tuple(f"a{number}" for number in range(1, table.width + 1)),
        num_above=start if above else 0,
        num_below=0,
        units={},
        why="no line above the first row holds names: they are invented",
        doubt=_doubt_of_names(above, table.width),
        is_invented=True,
    )


def _are_facts(fields: Sequence[str]) -> bool:
    """Whether a comment says something of the log, as in date: 01/03/2024."""
    return fields[0].endswith((":", "=")) or any(kind_of(field) is Kind.TIME for field in fields)


def _named_wider(above: Sequence[Record], width: int) -> tuple[str, ...]:
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


def _has_time(record: Record, time: int | None) -> bool:
    """Whether it has digits where rows have their time."""
    fields = record.fields[time : time + 1] if time is not None else []
    return _is_like_row(record) and any(A_TIME.search(field) for field in fields)


def _is_like_row(record: Record) -> bool:
    """Whether a line above the first row is more of digits than of letters, or is none that can be cut."""
    text = "".join(record.fields)
    num_digits = sum(character.isdigit() for character in text)
    return not text or num_digits > sum(character.isalpha() for character in text)


def _cut_otherwise(record: Record, table: Table) -> tuple[str, ...]:
    """Names of a line that has another separator than the rows; none where it does not fit."""
    text = table.separator.join(record.fields)
    for mark in HEADER_SEPARATORS.replace(table.separator, ""):
        names = [name.strip() for name in next(csv.reader([text], delimiter=mark), [])]
        if len(names) == len(set(names)) == table.width and all(kind_of(name) is Kind.TEXT for name in names):
            return tuple(names)
    return ()


def _doubt_of_names(above: Sequence[Record], width: int) -> str | None:
    """What stands where names could."""
    if not above:
        return None
    return (
        f"names are invented: line {above[-1].line + 1} above the first row does not hold as many as there are "
        f"columns, {width}. If you know them, say header"
    )
