"""The header of a CSV file: a name for each field of its rows."""

import csv
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BufferedIOBase

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import undecodable
from longstride.pipeline.ingest.sources.csv.syntax import (
    MAX_RECORD_BYTES,
    count_fields,
    is_blank,
    record_pattern,
    shown,
)

__all__ = ["BOM", "SEPARATOR_LINE", "Header", "all_different", "first_records", "read_header"]

BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
OTHER_SEPARATORS = ",;\t|"
NEWLINE = b"\n"
SEPARATOR_LINE = re.compile(rb'"?sep=(.)"?\r?\n', re.IGNORECASE)
"""What Excel and others write above the header."""
MAX_SAMPLED_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class Header:
    """The columns of a file."""

    names: tuple[str, ...]
    """One for each field of a row, all different."""
    unnamed: tuple[str, ...]
    """Those among them that were made up, such as column_3, where the header holds none."""
    line: bytes | None
    """The record without its line break, to know it where it is repeated; None where the file has no header."""
    num_bytes: int
    """Up to where the rows begin, blank lines before the header included."""
    num_lines: int
    num_blank: int
    """Blank lines before the header, and the line by which Excel knows the separator."""
    repeated: tuple[str, ...] = ()
    """Names that stand there more than once; of such columns, the second is called NAME_2."""


def read_header(stream: BufferedIOBase, source: str, recipe: Recipe) -> Header:
    """Read the column names from the beginning of a stream, and see in the first rows how many fields they have.

    The stream is left somewhere in the rows. Raises SourceError where there is no header, where it seems to have
    another separator or encoding, and where two columns have the same name.
    """
    head = stream.read(MAX_RECORD_BYTES)
    if head.startswith(UTF16_BOMS):
        raise SourceError(
            source, "this is UTF-16: convert the file, as with `iconv -f utf-16 -t utf-8`", code="source-format"
        )
    num_bytes = len(head)
    if num_bytes < MAX_RECORD_BYTES and not head.endswith(NEWLINE):
        head += NEWLINE
    if b"\0" in head.partition(NEWLINE)[0]:
        raise SourceError(
            source,
            "its first line holds zero bytes: this is not text, or UTF-16 (`iconv -f utf-16le`)",
            code="source-format",
        )
    start = len(BOM) if head.startswith(BOM) else 0
    if separator_line := SEPARATOR_LINE.match(head, start):
        start = separator_line.end()
    if recipe.header:
        given = _Given(names=[name.strip() for name in recipe.header], line=None, stop=start, num_blank=0)
    else:
        given = _read_names(head, start, source, recipe)
    if separator_line:
        given = replace(given, num_blank=given.num_blank + 1)
    records = first_records(
        head[given.stop : head.rfind(NEWLINE) + 1], recipe.separator.encode(), MAX_SAMPLED_ROWS
    )
    names = _fit(given.names, [record for record in records if record != given.line], recipe)
    repeated = [name for name, count in Counter(names).items() if name and count > 1]
    if repeated and recipe.header:
        raise SourceError(
            source, f"--header names two columns {repeated[0]!r}: give others", code="column-repeated"
        )
    names = all_different(names)
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
        num_bytes=min(given.stop, num_bytes),
        num_lines=head.count(NEWLINE, 0, given.stop),
        num_blank=given.num_blank,
        repeated=tuple(repeated),
    )


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
    num_blank: int


def _read_names(head: bytes, start: int, source: str, recipe: Recipe) -> _Given:
    separator = recipe.separator.encode()
    num_blank = 0
    while (stop := head.find(NEWLINE, start) + 1) and is_blank(head[start:stop], separator):
        start = stop
        num_blank += 1
    place = f"line {num_blank + 1}"
    if start == len(head):
        raise SourceError(
            source, "the file is empty: expected a header with the names of the columns", code="source-empty"
        )
    record = record_pattern(separator).match(head, start)
    if record is None:
        found = f"its first line is longer than {MAX_RECORD_BYTES:,} bytes"
        if stop:
            found = f"a quote is out of place in {shown(head[start:stop], recipe.encoding)}"
        raise SourceError(
            source, f"this is not the header of a CSV file: {found}", place=place, code="header-unreadable"
        )
    line = record[0].removesuffix(NEWLINE).removesuffix(b"\r")
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
    other = max(OTHER_SEPARATORS, key=text.count)
    if len(names) == 1 and other in text:
        named = "tab" if other == "\t" else shlex.quote(other)
        message = f"the header is one column, {shown(line, recipe.encoding)}: name its separator, as with"
        raise SourceError(source, f"{message} --separator {named}", place=place, code="separator-wrong")
    return _Given(names=names, line=line, stop=record.end(), num_blank=num_blank)


def first_records(data: bytes, separator: bytes, limit: int) -> list[bytes]:
    """Give the first records of whole lines that are well formed and not blank, without their line breaks."""
    pattern = record_pattern(separator)
    found: list[bytes] = []
    start = 0
    while start < len(data) and len(found) < limit:
        match = pattern.match(data, start)
        if match is None:
            start = data.index(NEWLINE, start) + 1
            continue
        start = match.end()
        if not is_blank(match[0], separator):
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
        empty = re.compile(rb'(?:%s *(?:"")?){%d}$' % (re.escape(separator), more))
        if all(empty.search(row) for row, width in zip(rows, widths, strict=True) if width == usual):
            return names + [""] * more
        # As R writes its row names. Names that were given for a file without a header are for all its columns.
        return ["", *names] if more == 1 and not recipe.header else names
    if more < 0 and not any(names[usual:]):
        return names[:usual]
    return names
