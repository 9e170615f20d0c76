"""The header of a CSV file: a name for each field of its rows."""

import csv
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BufferedIOBase

from longstride.pipeline.ingest.columns import is_number
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import undecodable
from longstride.pipeline.ingest.sources.csv.cutting import UNCUT
from longstride.pipeline.ingest.sources.csv.syntax import (
    MAX_RECORD_BYTES,
    count_fields,
    is_blank,
    record_pattern,
    shown,
)

__all__ = [
    "BOM",
    "HOLE",
    "SEPARATOR_LINE",
    "Header",
    "all_different",
    "first_records",
    "read_header",
    "wide_encoding",
]

BOM = b"\xef\xbb\xbf"
WIDE_BOMS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
OTHER_SEPARATORS = ",;\t|"
NEWLINE = b"\n"
SEPARATOR_LINE = re.compile(rb'"?sep=(.)"?\r?\n', re.IGNORECASE)
"""What Excel and others write above the header."""
HOLE = re.compile(rb"(?<=[^\0\n])\0{16,}")
"""Zero bytes behind a text, where a logger lost its power."""
MAX_SAMPLED_ROWS = 1000
FEW_LETTERS, MANY_LETTERS = 16, 256
MANY = 0.1
TIME = re.compile(rb"\d[:/.-]\d|\d{8}")
"""What stands in most times, and in no name or number of a row."""
NUMBER = re.compile(rb"\s*[+-]?[\d.,]+(?:[eE][+-]?\d+)?\s*|\s*")


@dataclass(frozen=True, kw_only=True)
class Header:
    """The columns of a file."""

    names: tuple[str, ...]
    """One for each field of a row, all different."""
    unnamed: tuple[str, ...]
    """Those among them that were made up, such as column_3, where the header holds none."""
    line: bytes | None
    """The record without its line break; None where the file has no header."""
    block: frozenset[bytes] = frozenset()
    """It and the lines around it, to know them where a logger that restarts writes them again."""
    num_bytes: int
    """Up to where the rows begin, with all lines before the first row."""
    num_lines: int
    surplus: int = 0
    """Separators that many of the first rows have at their end, more than there are names for."""
    repeated: dict[str, str] = field(default_factory=dict)
    """By the name that a column is read as, the one that it shares with a column before it."""


def read_header(stream: BufferedIOBase, source: str, recipe: Recipe) -> Header:
    """Read the column names from the beginning of a stream, and see in the first rows how many fields they have.

    The stream is left somewhere in the rows. Raises SourceError where there is no header, where it seems to have
    another separator or encoding, and where two columns have the same name.
    """
    head = stream.read(MAX_RECORD_BYTES)
    num_bytes = len(head)
    if num_bytes < MAX_RECORD_BYTES and not head.endswith(NEWLINE):
        head += NEWLINE
    if encoding := wide_encoding(head):
        message = f"its text is {encoding.upper()}: say so, as with --encoding {encoding}"
        raise SourceError(source, message, code="encoding-wrong")
    if b"\0" in HOLE.sub(b"", head.partition(NEWLINE)[0]):
        raise SourceError(source, "its first line holds zero bytes: this is not text", code="source-format")
    begin = len(BOM) if head.startswith(BOM) else 0
    separator_line = SEPARATOR_LINE.match(head, begin)
    start = max(separator_line.end() if separator_line else 0, _behind_lines(head, begin, recipe.num_above))
    if recipe.header:
        given = _Given(names=[name.strip() for name in recipe.header], line=None, stop=start)
    else:
        given = _read_names(head, start, source, recipe)
    stop = _behind_lines(head, given.stop, recipe.num_below_header)
    records = first_records(head[stop : head.rfind(NEWLINE) + 1], recipe, MAX_SAMPLED_ROWS)
    rows = [record for record in records if record != given.line]
    names = _fit(given.names, rows, recipe)
    surplus = _surplus(rows, len(names), recipe.separator.encode())
    different = all_different(names)
    repeated = {other: name for name, other in zip(names, different, strict=True) if other != name}
    if repeated and recipe.header:
        twice = next(iter(repeated.values()))
        raise SourceError(source, f"--header names two columns {twice!r}: give others", code="column-repeated")
    names = different
    unnamed = [position for position, name in enumerate(names) if not name]
    taken = set(names)
    for position in unnamed:
        name = f"column_{position + 1}"
        while name in taken:
            name += "_"
        names[position] = name
        taken.add(name)
    return Header(
        names=tuple(names),
        unnamed=tuple(names[position] for position in unnamed),
        line=given.line,
        num_bytes=min(stop, num_bytes),
        num_lines=head.count(NEWLINE, 0, stop),
        block=_block(head[begin:stop], given.line),
        surplus=surplus,
        repeated=repeated,
    )


def wide_encoding(begin: bytes) -> str | None:
    """UTF-16 or UTF-32 where a text begins as one, by its mark or by the zero bytes of its first letters."""
    for mark, encoding in WIDE_BOMS.items():
        if begin.startswith(mark):
            return encoding
    letters = begin[: 4 * MANY_LETTERS]
    if len(letters) < FEW_LETTERS:
        return None
    zeros = [4 * letters[place::4].count(0) / len(letters) for place in range(4)]
    if any(MANY < share < 0.5 for share in zeros):
        return None
    match [share >= 0.5 for share in zeros]:
        case [False, True, True, True]:
            return "utf-32-le"
        case [True, True, True, False]:
            return "utf-32-be"
        case [False, True, False, True]:
            return "utf-16-le"
        case [True, False, True, False]:
            return "utf-16-be"
    return None


def _behind_lines(head: bytes, start: int, num_lines: int) -> int:
    """Where the line begins that comes after so many others."""
    for _ in range(num_lines):
        start = head.find(NEWLINE, start) + 1 or len(head)
    return start


def _block(above: bytes, line: bytes | None) -> frozenset[bytes]:
    """Lines above the first row, and the header, which may be of several lines."""
    lines = {text.rstrip(b"\r\n") for text in above.split(NEWLINE)}
    return frozenset(lines | ({line} if line else set())) - {b""}


def all_different(names: Sequence[str]) -> list[str]:
    """Names, those that come again with a number, as other readers of CSV give them; empty ones stay."""
    taken = set(names)
    numbers: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        other = name
        while name and name in numbers and other in taken:
            numbers[name] += 1
            other = f"{name}_{numbers[name]}"
        numbers.setdefault(name, 1)
        taken.add(other)
        found.append(other)
    return found


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What stands in the header itself."""

    names: list[str]
    line: bytes | None
    stop: int


def _read_names(head: bytes, start: int, source: str, recipe: Recipe) -> _Given:
    separator = recipe.separator.encode()
    while (stop := head.find(NEWLINE, start) + 1) and is_no_row(head[start:stop], separator, recipe.comment):
        start = stop
    place = f"line {head.count(NEWLINE, 0, start) + 1}"
    if start == len(head):
        raise SourceError(
            source, "the file is empty: expected a header with the names of the columns", code="source-empty"
        )
    if hole := HOLE.search(head, start, stop):
        # What stands behind it in the line is the rest of a row, and is rejected as such.
        return _named(head[start : hole.start()], hole.start(), place, source, recipe)
    record = record_pattern(separator).match(head, start)
    if record is None:
        found = f"its first line is longer than {MAX_RECORD_BYTES:,} bytes"
        if stop:
            found = f"a quote is out of place in {shown(head[start:stop], recipe.encoding)}"
        raise SourceError(
            source, f"this is not the header of a CSV file: {found}", place=place, code="header-unreadable"
        )
    return _named(record[0].removesuffix(NEWLINE).removesuffix(b"\r"), record.end(), place, source, recipe)


def _named(line: bytes, stop: int, place: str, source: str, recipe: Recipe) -> _Given:
    """The names in the record of the header, which ends at `stop`."""
    if line.startswith(UNCUT.encode()):
        message = f"a place of columns-at is within a word of {shown(line[1:], recipe.encoding)}: name the columns"
        message += " by --header, and say --skip-lines"
        raise SourceError(source, message, place=place, code="header-unreadable")
    if b"\r" in re.sub(rb'"[^"]*+"', b"", line):
        raise SourceError(
            source,
            r"lines end in \r alone: convert them, as with `tr '\r' '\n'`",
            place=place,
            code="source-format",
        )
    try:
        text = line.decode(recipe.encoding)
        names = [name.strip() for name in next(csv.reader([text], delimiter=recipe.separator, strict=True))]
    except UnicodeDecodeError as error:
        _, message = undecodable(line[error.start], recipe.encoding)
        raise SourceError(source, message, place=place, code="encoding-wrong") from None
    except csv.Error as error:
        raise SourceError(
            source, f"this is not the header of a CSV file: {error}", place=place, code="header-unreadable"
        ) from None
    is_row = recipe.counts_rows and any(names) and all(map(is_number, filter(None, names)))
    if is_row and not _are_names(names, recipe):
        raise SourceError(
            source,
            f"its first line holds numbers alone ({shown(line, recipe.encoding)}), so it seems to be a row, and "
            f"there is no line of names: give them by --header, or their number, as --header {len(names)}. If "
            "these are names, give them by --header as well, with --skip-lines 1",
            place=place,
            code="header-unreadable",
        )
    other = max(OTHER_SEPARATORS, key=text.count)
    if len(names) == 1 and other in text:
        named = "tab" if other == "\t" else shlex.quote(other)
        message = f"the header is one column, {shown(line, recipe.encoding)}: name its separator, as with"
        raise SourceError(source, f"{message} --separator {named}", place=place, code="separator-wrong")
    return _Given(names=names, line=line, stop=stop)


def _are_names(names: Sequence[str], recipe: Recipe) -> bool:
    """Whether numbers are names of columns: the recipe names one, or they count them, as those of pandas do."""
    columns = (*recipe.labels, *recipe.exclude, *(recipe.channels or ()), *recipe.series_parts)
    named = {*columns, recipe.series_column, recipe.pivot}
    in_query = any(name and f'"{name}"' in (recipe.sql or "") for name in names)
    counted = [*map(str, range(len(names)))], [*map(str, range(1, len(names) + 1))]
    return in_query or (len(names) > 2 and [*names] in counted) or not named.isdisjoint(filter(None, names))


def is_no_row(line: bytes, separator: bytes, comment: str | None) -> bool:
    """Whether a line is blank or a comment."""
    return is_blank(line, separator) or bool(comment and line.startswith(comment.encode()))


def first_records(data: bytes, recipe: Recipe, limit: int) -> list[bytes]:
    """Give the first records of whole lines that are well formed rows, without their line breaks."""
    separator = recipe.separator.encode()
    pattern = record_pattern(separator)
    kind = b"" if recipe.only_lines is None else recipe.only_lines.encode() + separator
    found: list[bytes] = []
    start = 0
    while start < len(data) and len(found) < limit:
        match = pattern.match(data, start)
        if match is None:
            start = data.index(NEWLINE, start) + 1
            continue
        start = match.end()
        if not is_no_row(match[0], separator, recipe.comment) and match[0].startswith(kind):
            found.append(match[0].rstrip(b"\r\n"))
    return found


def _fit(names: list[str], rows: Sequence[bytes], recipe: Recipe) -> list[str]:
    """Give a name to each field that most rows have, an empty one where the header has none."""
    separator = recipe.separator.encode()
    widths = [count_fields(row, separator) for row in rows]
    counts = Counter(widths)
    usual = max(counts, key=lambda width: (counts[width], width == len(names)), default=len(names))
    more = usual - len(names)
    if more > 0:
        wide = [row for row, width in zip(rows, widths, strict=True) if width == usual]
        empty = re.compile(rb'(?:%s *(?:"\s*")?){%d}$' % (re.escape(separator), more))
        if all(empty.search(row) for row in wide):
            return names + [""] * more
        # Names that were given for a file without a header are for all its columns.
        return ["", *names] if more == 1 and not recipe.header and _have_row_names(wide, separator) else names
    if more < 0 and not any(names[usual:]):
        return names[:usual]
    return names


def _surplus(rows: Sequence[bytes], num_names: int, separator: bytes) -> int:
    """Empty fields that many rows have at their end, more than there are names, and others have not.

    In a single row they are no sign of it: a separator may stand within a text before an empty last field. Nor are
    they where other rows have values there: the header lacks a name, and nobody knows of which column.
    """
    more = [count_fields(row, separator) - num_names for row in rows]
    found = Counter(
        number for row, number in zip(rows, more, strict=True) if number > 0 and row.endswith(separator * number)
    )
    number, count = found.most_common(1)[0] if found else (0, 0)
    num_filled = more.count(number) - count
    return number if count >= max(2, MANY * len(rows)) and num_filled < MANY * count else 0


def _have_row_names(rows: Sequence[bytes], separator: bytes) -> bool:
    """Whether the first fields of rows are names of rows, for which R writes no name in the header.

    All are different, and numbers from 1 on or texts. Times are none: a header that lacks a name lacks one further
    on, or rows hold a separator within a field, and then the names would be those of the neighbours.
    """
    field = re.compile(rb'"(?:[^"]|"")*"|[^%s]*' % re.escape(separator))
    firsts = [match[0] for row in rows if (match := field.match(row))]
    if len(set(firsts)) < len(firsts) or any(TIME.search(first) for first in firsts):
        return False
    numbers = [int(first) for first in (text.strip(b'"') for text in firsts) if first.isdigit()]
    count_rows = len(numbers) == len(firsts) and all(map(int.__eq__, numbers[1:], (n + 1 for n in numbers)))
    are_texts = all(first.startswith(b'"') or not NUMBER.fullmatch(first) for first in firsts)
    return count_rows or are_texts
