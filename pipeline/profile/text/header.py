"""Where in a table the names of its columns stand, and what stands above and below them."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from longstride.pipeline.ingest.settings.text import BLANKS
from longstride.pipeline.ingest.sources.csv.header import all_different
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.last_table import num_other_rows
from longstride.pipeline.profile.text.name_lines import (
    Head,
    are_all_names,
    grouped_names,
    index_names,
    says_of_log,
)
from longstride.pipeline.profile.text.nameless import is_like_row, lines_above, without_names
from longstride.pipeline.profile.text.odd_tables.stamped_names import stamped_names
from longstride.pipeline.profile.text.table import Record, Table, fits
from longstride.pipeline.profile.text.unit_rows import share_of_units, units_of
from longstride.pipeline.profile.words.date_forms import is_date_form
from longstride.pipeline.profile.words.quantity_names import are_quantities
from longstride.pipeline.profile.words.time_names import elapsed_unit, name_score
from longstride.pipeline.profile.words.wording import quoted

__all__ = ["find_head", "find_labview_head"]

MOST = 0.9
NAMING = {Kind.TEXT, Kind.MEASURED}
A_TIME = re.compile(r"\d[-:/.]\d|\d{8}")
MOST_ABOVE = 60
"""Lines above the first row that are looked at for names."""
MANY_ROWS = 20
FEW_ROWS = 4
"""Of so many rows, one may be damaged."""
NEAR = 3
"""Lines between two rows of one header: others are of another table."""
ZONE = re.compile(r"[A-Z]{3,5}")
OF_A_COLUMN = re.compile(r"[a-z][A-Z]|\w_\w|[\[(][^\])]*[\])]$")
"""Names as programs give them, or with a unit."""
OF_A_FACT = re.compile(r"[=:]|\b\d+(?:[.,]\d+)?\b")
"""What stands in a fact, such as Height=10 m."""
DATE_AND_TIME = re.compile(r"\W*(?:date[ _]*(?:and|&|/|-|,)?[ _]*time|time[ _]*stamp)\W*", re.IGNORECASE)
PART_OF_TIME = re.compile(r"h{1,2}\W?mm|y{2,4}\W?mm|year|month|\bday|hour|[年月日時时]", re.IGNORECASE)
MARKS = re.compile(r"\W*")
"""What ends a line of the head, and is not a name."""

BELOW_NAMES = re.compile(
    r"[°º℃℉].{0,3}|.*[yY]{2,4}\W?[mM]{2}\W?[dD]{2}\b.*[hH]{2}.*|\W*(?:avg|smp|tot|min|max|std)\W*", re.I
)
"""Units, forms of times and ways to make a value, which no name is; another row of the head may hold the names."""


def find_head(table: Table) -> Head:
    """Find the names of the columns."""
    head = _find_head(table)
    doubt = head.doubt or _doubt_of_facts(head, table)
    return replace(head, doubt=doubt, num_other_rows=num_other_rows(table.records, head.num_above))


def _doubt_of_facts(head: Head, table: Table) -> str | None:
    """What is taken for names, where it calls no time a time: it may say something of the log."""
    line = next((record for record in table.records if record.line >= head.num_above), None)
    names = head.names or (line.fields if line else ())
    times = [column for column, kind in enumerate(_kinds(table)) if kind is Kind.TIME and column < len(names)]
    called = [names[column] for column in times if names[column]]
    if head.is_invented or not called or any(map(_names_time, called)):
        return None
    others = [name for column, name in enumerate(names) if name and column not in times]
    if 2 * sum(map(_is_like_name, others)) > len(others):
        return None
    other = next((name for name in names if name and name != called[0]), "")
    said = f"line {line.line + 1}" if line and not head.names else "a line above the rows"
    return (
        f"header: {said} is taken for the names, so that times are called {quoted(called[0])}, another "
        f"column {quoted(other)}. If it says something of the log, name the columns with header"
    )


def _is_like_name(name: str) -> bool:
    """Whether a text is rather the name of a channel than a word of a sentence."""
    if OF_A_FACT.search(name):
        return False
    return are_quantities([name]) or OF_A_COLUMN.search(name) is not None


def _names_time(name: str) -> bool:
    return bool(name_score(name) or elapsed_unit(name) or PART_OF_TIME.search(name))


def _find_head(table: Table) -> Head:
    kinds = _kinds(table)
    rows = _is_row(kinds)
    records = table.records
    first = next((index for index, record in enumerate(records) if rows(record)), None)
    if first == 0 and _are_names_and_units(records[:3], kinds):
        first = 2
    if first is None:
        # All are texts, or numbers as their names are.
        first = next(
            (i + 1 for i, record in enumerate(records) if len(record.fields) == table.width), len(records)
        )
    if stamped := stamped_names(records, kinds):
        return stamped
    first = _behind_names(records, first, kinds)
    above = records[:first]
    start = records[first].line if first < len(records) else above[-1].line + 1 if above else 0
    time = next((column for column, kind in enumerate(kinds) if kind is Kind.TIME), None)
    full = [
        record
        for record in above
        if _could_be_names(record, table.width, time)
        and not (_has_time(record, time) or says_of_log(record.fields))
    ]
    if not full:
        return without_names(table, above, start, time or 0)
    could_be = _without_forms(full, time, table.width)
    # Lines far above are facts of as many words, where a nearer one has a name for each column.
    last = [record for index, record in enumerate(above) if not any(map(is_like_row, above[index + 1 :]))][-NEAR:]
    near = [
        record
        for record in could_be
        # Blank lines may stand below the names.
        if (start - record.line <= NEAR or record in last) and are_all_names(record, table.width)
    ]
    best = max(near or could_be, key=lambda record: _likeness(record, time))
    below = [record for record in above if record.line > best.line]
    while below and is_like_row(below[-1]):
        start = below.pop().line  # it is damaged: an ingest names it
    if apart := _apart(best, kinds, table.separator):
        why = "a date and a time of day stand below one name"
        return Head(names=apart, num_above=start, num_below=0, units={}, why=why)
    if names := _moved(best, below, kinds):
        doubt = (
            f"header: {best.fields[kinds.index(Kind.TIME)]!r} stands above a date and a time of day, so that "
            "names behind it are those of one column further on. If they are not, say header"
        )
        why = "a date and a time of day stand below one name"
        return Head(names=names, num_above=start, num_below=0, units={}, why=why, doubt=doubt)
    if names := index_names(best, above, table.width):
        why = "what tells columns apart stands above the name of the time"
        return Head(names=names, num_above=start, num_below=0, units={}, why=why)
    if any(best.fields[table.width :]):
        names = tuple(all_different(best.fields[: table.width]))
        return Head(
            names=names, num_above=start, num_below=0, units={}, why="the line of the names ends with a mark"
        )
    if filled := _filled_names(best, kinds):
        return Head(
            names=filled,
            num_above=start,
            num_below=0,
            units=units_of(filled, below),
            why="the line of the names has none for most columns",
            doubt=f"header: line {best.line + 1} names {best.num_filled} of {table.width} columns. If you know "
            "the names of the others, say header",
        )
    named, joined = _joined(best, above, below, table.width)
    if joined:
        units = units_of(named, [record for record in below if record is not joined])
        return Head(names=named, num_above=start, num_below=0, units=units, why="names stand in two rows")
    return Head(
        names=(),
        num_above=lines_above(records, best),
        num_below=start - best.line - 1 if below else 0,
        units=units_of(tuple(best.fields), below),
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
    # Of a few rows, lines of names and units above them would be many.
    rows = rows[len(rows) // 4 :] if len(rows) > MANY_ROWS else rows[max(1, len(rows) // 2) :] or rows
    found: list[Kind] = []
    for column in zip(*rows, strict=True):
        counts = Counter(map(kind_of, column))
        counts.pop(Kind.MISSING, None)
        usual, count = counts.most_common(1)[0] if counts else (Kind.MISSING, 0)
        least = min(MOST * counts.total(), counts.total() - 1) if counts.total() >= FEW_ROWS else counts.total()
        found.append(usual if count >= least else Kind.TEXT)
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
        above = {found[column] for column in filled if kinds[column] is Kind.NUMBER}
        if above == NAMING:
            return False  # names such as 09480000flow, and one without a number, above plain numbers
        fit = sum(found[column] is not Kind.TEXT for column in filled)
        return bool(fit) and fit >= len(filled) - fit

    return is_row


def _apart(names: Record, kinds: Sequence[Kind], separator: str) -> tuple[str, ...]:
    """Names for a table cut at blanks, where a date and a time of day have one name between them; else none."""
    fields = names.fields
    pair = next((i for i in range(len(kinds) - 1) if kinds[i] is kinds[i + 1] is Kind.TIME), None)
    if separator != BLANKS or pair is None or len(fields) != len(kinds) - 1:
        return ()
    name = fields[pair]
    # Names of both beside each other belong to rows that begin with a name of their own, as those of R.
    if not (name_score(name) or ZONE.fullmatch(name)) or (pair and name_score(fields[pair - 1])):
        return ()
    return tuple(all_different([*fields[:pair], f"{name} date", f"{name} time", *fields[pair + 1 :]]))


def _moved(names: Record, below: Sequence[Record], kinds: Sequence[Kind]) -> tuple[str, ...]:
    """Names, where that of a date and time stands above two columns and the last column has none; else none."""
    fields, width = names.fields, len(kinds)
    pair = next((i for i in range(width - 1) if kinds[i] is kinds[i + 1] is Kind.TIME), None)
    if pair is None or len(fields) != width or fields[-1] or not DATE_AND_TIME.fullmatch(fields[pair]):
        return ()
    if not fields[pair + 1] or _names_time(fields[pair + 1]):
        return ()
    rows = [record.fields for record in below if len(record.fields) == width and not record.fields[-1]]
    found = [*fields[:pair], f"{fields[pair]} date", f"{fields[pair]} time", *fields[pair + 1 : -1]]
    for row in rows:
        if grouped := grouped_names(found, ["", *row[:-1]], width):
            return grouped
    return tuple(all_different(found)) if all(found) else ()


def _are_names_and_units(records: Sequence[Record], kinds: Sequence[Kind]) -> bool:
    """Whether a line of texts and numbers holds names: the next one has texts alone, and then come numbers."""
    numbers = [column for column, kind in enumerate(kinds) if kind is Kind.NUMBER]
    if len(records) < 3 or any(len(record.fields) < len(kinds) for record in records):
        return False
    names, units, row = ([kind_of(record.fields[column]) for column in numbers] for record in records)
    return Kind.TEXT in names and set(units) == {Kind.TEXT} and Kind.TEXT not in row


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


def _without_forms(full: Sequence[Record], time: int | None, width: int) -> Sequence[Record]:
    """Lines that may hold names, without those of units (dd.MM.yyyy;kWh;kW) where another names the columns."""
    if time is None:
        return full
    forms = [one for one in full if is_date_form("".join(one.fields[time : time + 1]))]
    others = [one for one in full if one not in forms]
    are_units = all(share_of_units([*one.fields[:time], *one.fields[time + 1 :]]) == 1 for one in forms)
    name_all = any(one.num_filled >= width - 1 and not is_like_row(one) for one in others)
    return others if forms and are_units and name_all else full


def _filled_names(names: Record, kinds: Sequence[Kind]) -> tuple[str, ...]:
    """Names with those of columns that have none, where these are most of those that hold something; else none."""
    fields = [*names.fields, *[""] * len(kinds)][: len(kinds)]
    held = [column for column, kind in enumerate(kinds) if kind is not Kind.MISSING]
    if 2 * sum(not fields[column] for column in held) <= len(held):
        return ()
    return tuple(all_different([field or f"column_{column}" for column, field in enumerate(fields, 1)]))


def _could_be_names(record: Record, width: int, time: int | None) -> bool:
    """Whether there is a name for each field of a row; those at the end may have none."""
    fields = record.fields
    if len(fields) == width and time is not None and record.num_filled == 1 and name_score(fields[time]):
        return True  # what tells the other columns apart stands above it
    while len(fields) > width and MARKS.fullmatch(fields[-1]):
        fields = fields[:-1]
    # One text alone above several columns is a title or a fact.
    return width - 1 <= len(fields) <= width and record.num_filled > (1 if width > 2 else 0)


def _likeness(record: Record, time: int | None) -> tuple[int, int, int]:
    """How much a record above the rows looks like one of names; of equals, the first is taken."""
    texts = [field for field in record.fields if field]
    score = name_score(record.fields[time]) if time is not None and time < len(record.fields) else 0
    if time is None and all(kind_of(text) is Kind.TEXT for text in texts):
        score = name_score(record.fields[0]) // 3  # the whole name of a time, not a line that tells one
    if any(map(BELOW_NAMES.fullmatch, record.fields)):
        score = min(score, 1)
    return (score, len(set(texts)), sum(kind_of(text) is Kind.TEXT for text in texts))


def _joined(
    best: Record, above: Sequence[Record], below: Sequence[Record], width: int
) -> tuple[tuple[str, ...], Record | None]:
    """Names of two rows, and the other one, where one names groups, or the same for many columns."""
    for other in below[:1]:
        if grouped := grouped_names(best.fields, other.fields, width):
            return grouped, other
    names = best.fields
    num_repeated = len(list(filter(None, names))) - len(set(filter(None, names)))
    if num_repeated < max(2, len(names) // 4) or len(names) != width:
        return (), None
    near = [record for record in (*below, *above) if abs(record.line - best.line) <= NEAR and record is not best]
    near.sort(key=lambda record: share_of_units(record.fields))  # names are told apart by units at last
    for other in [record for record in near if len(record.fields) == width]:
        pairs = [" ".join(filter(None, dict.fromkeys(pair))) for pair in zip(names, other.fields, strict=True)]
        if len(set(pairs)) > len(set(names)) + num_repeated // 2:
            return tuple(all_different(pairs)), other
    return (), None


def _has_time(record: Record, time: int | None) -> bool:
    """Whether it has digits where rows have their time."""
    fields = record.fields[time : time + 1] if time is not None else []
    return is_like_row(record) and any(A_TIME.search(field) for field in fields)
