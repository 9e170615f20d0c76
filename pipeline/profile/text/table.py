"""The table in a text: how its lines are cut into fields, found as the reading that explains most of them.

Each reading (separator, meaning of quotes) is scored by the rows of equal width that come of it, and by how many
of their fields are numbers and times. DuckDB's sniffer, CleverCSV (van den Burg, Nazabal and Sutton, 2019) and
csv-nose score alike; here rows are those that an ingest would take, and times count as much as numbers.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import NamedTuple

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.text import BLANKS
from longstride.pipeline.ingest.sources.csv.rewriting import Rewriting
from longstride.pipeline.ingest.sources.csv.syntax import is_blank, record_pattern
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.places import find_places

__all__ = ["Record", "Table", "find_table", "fits", "has_times"]

SEPARATORS = (
    "\t",
    ";",
    "|",
    ",",
    BLANKS,
    "||",
    "::",
    "~",
    "^",
    "\x1f",
    "\x1e",
    "\x01",
    "¦",
    "§",
    "!",
    "#",
    "&",
    "\\t",
    ":",
)
"""Those first that are rare within a field."""
COMMENTS = ("#", "%", "//")
COMMENTS_ABOVE = ("!", "--", "*", ";", "$", "@", "'")
"""Those that are comments only above all rows."""
KEYED = re.compile(r":[^\W\d][\w ]*:(?!:)")
"""How the first lines of products of NOAA begin, as in :Issued: 2024 May 10; comments stand below them."""
ERROR_WORD = re.compile(r"#(?:n/?a|value|div|num|ref|name|null)\b", re.IGNORECASE)
"""What spreadsheets write for a value that cannot be computed."""
WHOLE_LINE = re.compile(rb'^"(?:[^"\n]|"")*[,;\t|](?:[^"\n]|"")*"\r?$', re.MULTILINE)
"""A line that is one field in quotes, with what could separate fields in it; one alone is a title."""
IN_APOSTROPHES = re.compile(r"'[^']*'")
LEAST_BELOW = 4
"""Lines, and fields of each, that are a table below a head that is longer."""
MAYBE_PLACES = (BLANKS, ",", ":")
"""Separators that are found where none is: places of columns are looked for."""
NEARLY_ALL = 0.98
NEVER_IN_VALUES, SEVERAL = (b";", b"|"), 3
MAX_RECORDS = 500
MUCH_BETTER = 0.02
TRUST_IN_BLANKS = 0.8
"""They stand in texts, and between a date and a time of day, too."""
NAMED, UNNAMED, NAMED_OTHERWISE = 1.0, 0.97, 0.9
"""Whether the first row of the usual width holds names, values, or values below lines of another width."""
SMALL = 0.001


class Record(NamedTuple):
    """A record of a text, or a line that is none."""

    line: int
    """Lines before it."""
    fields: list[str]
    """Without blanks around them; none where a quote is out of place."""

    @property
    def num_filled(self) -> int:
        """Fields that hold something."""
        return sum(map(bool, self.fields))


@dataclass(frozen=True, kw_only=True)
class Table:
    """One reading of a text."""

    separator: str
    quote: str
    comment: str | None
    comments: tuple[Record, ...]
    """Lines that begin so, without what they begin with."""
    records: tuple[Record, ...]
    """All others that are not blank."""
    width: int
    """Fields of most rows."""
    score: float
    columns_at: str | None = None
    """Where columns begin, in place of a separator."""


def find_table(text: bytes, named: str | None) -> Table:
    """The reading of a text in UTF-8 that explains most of it; `named` is the separator that it names itself."""
    comment = _comment(text)
    separators = [named] if named else [mark for mark in SEPARATORS if _is_there(mark, text)] or [","]
    if BLANKS in separators and any(_is_in_all_lines(mark, text) for mark in NEVER_IN_VALUES):
        separators.remove(BLANKS)
    best: Table | None = None
    for quote in _quotes(text):
        # What quotes mean is asked only where they do not mean what they should.
        margin = MUCH_BETTER if best is not None and quote != best.quote else 0.0
        if quote == "apostrophe" and best is not None and _has_texts_in_apostrophes(best):
            margin = -MUCH_BETTER
        tables = [_read(text, separator, quote, comment) for separator in separators]
        found = max(tables, key=lambda table: table.score)
        if best is None or found.score > best.score + margin:
            best = found
    assert best is not None
    if named is None and not has_times(best) and BLANKS in separators:
        blanks = _read(text, BLANKS, "strict", comment)
        if has_times(blanks) and _are_values(blanks):
            return blanks  # 01/03/2024 08:00:00 21.5C, 22.5C: the separator stands behind the first value
    if named is None and best.separator in MAYBE_PLACES and (places := find_places(text.decode().split("\n"))):
        found = _read(text, best.separator, "strict", comment, places)
        is_needed = _share_of_rows(best) < NEARLY_ALL or (_is_named(found) and not _is_named(best))
        if is_needed and found.score > best.score + MUCH_BETTER:
            return found
    return best


def _is_there(separator: str, text: bytes) -> bool:
    if separator in (BLANKS, ":"):
        # Times hold colons, too.
        return re.search(rb"\S[ \t]+\S" if separator == BLANKS else rb"[^\W\d]:[^\W\d]", text) is not None
    return separator.encode() in text


def _is_in_all_lines(mark: bytes, text: bytes) -> bool:
    """Whether nearly all lines hold it several times: blanks stand within fields then."""
    lines = [line for line in text.splitlines() if line.strip()]
    return sum(line.count(mark) >= SEVERAL for line in lines) >= NEARLY_ALL * len(lines)


def _quotes(text: bytes) -> Iterator[str]:
    """Meanings of quotes that a text may have."""
    yield "strict"
    if b'\\"' in text:
        yield "backslash"
    if b'"' in text:
        yield "loose"
        if len(WHOLE_LINE.findall(text)) > 1:
            yield "lines"
    if b"'" in text:
        yield "apostrophe"


def _comment(text: bytes) -> str | None:
    """How comments begin, where some lines do and most do not."""
    lines = [line for line in text.decode(errors="replace").splitlines() if line.strip()]
    lines = [*dropwhile(KEYED.match, lines)]
    for mark in (*COMMENTS, *COMMENTS_ABOVE):
        marked = [line.startswith(mark) and not ERROR_WORD.match(line) for line in lines]
        count = sum(marked)
        at_top = marked.index(False) if not all(marked) else 0
        rest = lines[0].removeprefix(mark).lstrip() if lines else ""
        if count == 0 or count == len(lines) or (at_top == 1 and rest[:1] in (*",;|\t", "")):
            continue  # a column may be called #
        if mark in COMMENTS_ABOVE and at_top == 1 and lines[0][len(mark) :][:1].isdigit():
            continue  # a row with a sign in front
        num_marks = Counter(
            line.count(mark) for line, is_marked in zip(lines, marked, strict=True) if not is_marked
        )
        usual, _ = num_marks.most_common(1)[0]
        if usual > 1 and all(lines[row].count(mark) == usual for row in range(len(lines)) if marked[row]):
            continue  # a separator, before which the first name is empty
        if count == at_top or (mark in COMMENTS and count - at_top < 0.5 * (len(lines) - at_top)):
            return mark
    return None


def _read(text: bytes, separator: str, quote: str, comment: str | None, columns_at: str | None = None) -> Table:
    recipe = Recipe(time="time", separator=separator, quote=quote, decimal=".")  # type: ignore[arg-type]
    if columns_at is not None:
        recipe = Recipe(time="time", columns_at=columns_at, comment=comment)
    rewriting = Rewriting.of(text, recipe)
    plain = rewriting.text(text) if rewriting else text
    mark = rewriting.canonical_separator if rewriting else separator
    records: list[Record] = []
    comments: list[Record] = []
    for record, raw in _records(plain, mark):
        if comment is not None and raw.startswith(comment.encode()):
            rest = raw.removeprefix(comment.encode()).lstrip(b" \t")
            comments.append(Record(record.line, _fields(rest, mark)))
        else:
            records.append(record)
        if len(records) == MAX_RECORDS:
            break
    width = _width(records)
    return Table(
        separator=separator,
        quote=quote,
        comment=comment,
        comments=tuple(comments),
        records=tuple(records),
        width=width,
        columns_at=columns_at,
        score=_score(records, width) * (TRUST_IN_BLANKS if separator == BLANKS or columns_at else 1)
        - SMALL * (SEPARATORS.index(separator) if separator in SEPARATORS else 0),
    )


def _records(text: bytes, separator: str) -> Iterator[tuple[Record, bytes]]:
    """Records of whole lines that are not blank, and what stands in the text."""
    pattern = record_pattern(separator.encode())
    if not text.endswith(b"\n"):
        text += b"\n"
    start = line = 0
    while start < len(text):
        match = pattern.match(text, start)
        stop = match.end() if match else text.index(b"\n", start) + 1
        raw = text[start:stop]
        if not is_blank(raw, separator.encode()):
            yield Record(line, _fields(raw.rstrip(b"\r\n"), separator) if match else []), raw
        line += raw.count(b"\n")
        start = stop


def _fields(record: bytes, separator: str) -> list[str]:
    text = io.StringIO(record.decode(errors="replace"), newline="")
    try:
        return [field.strip() for field in next(csv.reader(text, delimiter=separator), [])]
    except csv.Error:
        return []


def _width(records: Sequence[Record]) -> int:
    """The number of fields that most records have."""
    widths = Counter(len(record.fields) for record in records if record.fields)
    if not widths:
        return 1
    if below := _width_below(records):
        return below
    found = max(widths, key=lambda width: (widths[width] * (width > 1), width))
    # Rows of the same table may have separators at their end or not.
    smaller = (width for width in sorted(widths) if 1 < width < found and 10 * widths[width] > widths[found])
    better = (width for width in smaller if sum(fits(record, width) for record in records) > widths[found])
    found = next(better, found)
    while found > 2 and not any(record.fields[found - 1] for record in records if len(record.fields) >= found):
        found -= 1
    return found


def _width_below(records: Sequence[Record]) -> int:
    """The fields of all lines from one of names on, below a long head of narrower lines that begin with a key."""
    width = len(records[-1].fields)
    table = [*takewhile(lambda one: len(one.fields) == width, reversed(records))][::-1]
    above = records[: len(records) - len(table)]
    if not above or min(width, len(table)) < LEAST_BELOW or not _are_names(table[0].fields[:LEAST_BELOW]):
        return 0
    if not all(
        len(one.fields) <= width / 2 and kind_of(one.fields[0]) is Kind.TEXT for one in above if one.fields
    ):
        return 0
    return width


def fits(record: Record, width: int) -> bool:
    """Whether a record has so many fields, but for empty ones at its end."""
    return len(record.fields) >= width and not any(record.fields[width:])


def _score(records: Sequence[Record], width: int) -> float:
    """Share of records of the usual width, by what their fields are; lines above the first count less."""
    fit = [fits(record, width) for record in records]
    if width == 1 or not any(fit):
        return 0.0
    first = fit.index(True)
    rows = [record.fields[:width] for record, is_fit in zip(records, fit, strict=True) if is_fit]
    explained = sum(kind_of(field).value for row in rows for field in row) / (width * len(rows))
    trust = NAMED if _are_names(rows[0]) else UNNAMED if first == 0 else NAMED_OTHERWISE
    return trust * explained * len(rows) / (len(records) - 0.8 * first)


def _are_names(fields: Sequence[str]) -> bool:
    return {kind_of(field) for field in fields}.isdisjoint({Kind.NUMBER, Kind.TIME})


def _has_texts_in_apostrophes(table: Table) -> bool:
    """Whether all that a column holds stands between apostrophes."""
    rows = [record.fields[: table.width] for record in table.records if fits(record, table.width)]
    columns = zip(*rows, strict=True)
    return len(rows) > 1 and any(all(map(IN_APOSTROPHES.fullmatch, column)) for column in columns)


def _is_named(table: Table) -> bool:
    """Whether the first line of the usual width holds names."""
    first = next((record for record in table.records if fits(record, table.width)), None)
    return first is not None and _are_names(first.fields[: table.width])


def has_times(table: Table) -> bool:
    """Whether the rows of the usual width hold times."""
    rows = [record.fields[: table.width] for record in table.records if fits(record, table.width)]
    return sum(Kind.TIME in map(kind_of, row) for row in rows) > NEARLY_ALL * len(rows) - 1 if rows else False


def _are_values(table: Table) -> bool:
    """Whether all lines are rows of numbers and times, some with a separator behind them."""
    return table.width > 1 and all(
        fits(record, table.width)
        and Kind.TEXT not in (kind_of(field.rstrip(",;")) for field in record.fields[: table.width])
        for record in table.records
    )


def _share_of_rows(table: Table) -> float:
    """Of the lines from the first of the usual width on, how many have it."""
    fit = [fits(record, table.width) for record in table.records]
    return sum(fit) / (len(fit) - fit.index(True)) if any(fit) else 0.0
