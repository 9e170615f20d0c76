"""Lines of CSV that are not rows: which they are, and why.

Rows are records of RFC 4180, of one line or several, with as many fields as there are columns. The lines of a
file are walked from the first: where a row starts, it is taken and the walk continues behind it; where none does,
that line alone is rejected and the walk continues at the next. So a stray quote takes no good line with it, and
what is rejected depends on the file alone. A position that the walk comes to is a boundary.
"""

import codecs
import re
from functools import lru_cache
from typing import NamedTuple

from longstride.pipeline.ingest.reject import raw_text

__all__ = [
    "MAX_RECORD_BYTES",
    "RowSyntax",
    "count_fields",
    "is_blank",
    "is_utf8",
    "record_pattern",
    "row_syntax",
    "shown",
]

MAX_RECORD_BYTES = 2**20
"""Limit of a row and of a line, with the line break. A longer one is a lost quote, or a file that is not text."""
MAX_SHOWN = 60
QUOTE, NEWLINE = b'"', b"\n"


class Walk(NamedTuple):
    """What a walk came by."""

    damaged: list[int]
    """Where lines begin that start no row, blank ones and headers among them."""
    folded: list[int]
    """Where rows of several lines begin."""
    stop: int
    """The boundary where it ended."""


class RowSyntax:
    """What a row is: quotes as in RFC 4180, a separator of one byte, `num_fields` fields.

    A field that starts with a quote ends with one before a separator or line break, and holds two where it means
    one; other fields hold none. Rows end in a line feed, with a carriage return before it or not.
    """

    def __init__(self, separator: bytes, num_fields: int) -> None:
        self.separator = separator
        self.num_fields = num_fields
        mark = re.escape(separator)
        field = _field(separator, rb'[^"\n]')
        self._row = _record(separator, num_fields, rb'[^"]')
        # A run of rows of one line each: all of them at once, in C.
        self._rows = re.compile(rb"(?:%s)*+" % _record(separator, num_fields, rb'[^"\n]').pattern)
        self._fields = re.compile(rb"(?:%s%s)*+" % (field, mark))
        # A quote that can only end a field, and fields that end with the line: no row continues behind it.
        self._closing = re.compile(rb'[^"\n%s]"(?:%s%s)*+\r?+\n' % (mark, mark, field))

    def walk(self, data: bytes | bytearray, start: int, stop: int) -> Walk:
        """Walk from boundary `start` to the first one at or behind `stop`, which is the end of a line.

        The data must reach to the end of the file, or as far as a row may that begins in the last line before
        `stop`: `MAX_RECORD_BYTES`.
        """
        damaged, folded = [], []
        while (start := self._run(data, start, stop)) < stop:
            row = self._row.match(data, start, start + MAX_RECORD_BYTES)
            if row is None:
                damaged.append(start)
                start = data.index(NEWLINE, start) + 1
            else:
                folded.append(start)
                start = row.end()
        return Walk(damaged, folded, start)

    def _run(self, data: bytes | bytearray, start: int, stop: int) -> int:
        match = self._rows.match(data, start, stop)
        assert match is not None
        return match.end()

    def boundary(self, data: bytes | bytearray, stop: int) -> int:
        """Find the first boundary at or behind `stop`, the end of a line of data that begins at one.

        The data must reach as far as for `walk`.
        """
        # A row that continues behind `stop` opens a quote at most so far before it.
        limit = max(stop - MAX_RECORD_BYTES, 0)
        known = stop
        while (last := data.rfind(QUOTE, limit, known)) >= 0:
            line = data.rfind(NEWLINE, 0, last) + 1
            if self._closing.search(data, line, known):
                # A row from further back would hold the quote that the pattern finds, and end with its line.
                return self.walk(data, known, stop).stop
            known = line
        walk = self.walk(data, known, stop)
        # If the data is long, `known` may lie within a row, but in none that reaches `stop`. So where the walk has
        # seen each line from there on, and none starts a row of several lines, `stop` is a boundary.
        return self.walk(data, 0, stop).stop if limit and walk.folded else walk.stop

    def fault(self, line: bytes, encoding: str) -> tuple[str, str]:
        """Say why a line that starts no row does not: reason and detail, from this line alone."""
        if len(line) > MAX_RECORD_BYTES:
            return "line too long", f"the line is longer than {MAX_RECORD_BYTES:,} bytes: is this a CSV file?"
        if record_pattern(self.separator).match(line):
            num_fields = count_fields(line, self.separator)
            fields = f"{num_fields} field{'s' * (num_fields != 1)}"
            return (
                "too few fields" if num_fields < self.num_fields else "too many fields",
                f"the row has {fields}, expected {self.num_fields} as in the header",
            )
        before = self._fields.match(line)
        assert before is not None
        rest = line[before.end() :]
        if rest.startswith(QUOTE) and rest.count(QUOTE) % 2:
            found = (
                f"a quote is opened at {shown(rest, encoding)}, and no row of {self.num_fields} fields comes of it"
            )
        else:
            found = f"a quote is out of place at {shown(rest, encoding)}"
        return (
            "quote out of place",
            f'{found}: a quoted field starts and ends with one, and holds "" where it means one',
        )


@lru_cache(maxsize=64)
def row_syntax(separator: str, num_fields: int) -> RowSyntax:
    """Give the syntax of rows; compiling it takes a while."""
    return RowSyntax(separator.encode(), num_fields)


@lru_cache(maxsize=64)
def record_pattern(separator: bytes) -> re.Pattern[bytes]:
    """Match a record with any number of fields, up to and with its line break."""
    return _record(separator, None, rb'[^"]')


def is_blank(line: bytes, separator: bytes) -> bool:
    """Whether a line holds nothing, or empty fields alone, as spreadsheets write below their tables."""
    return not line.strip(b" \t\r\n" + separator)


def count_fields(record: bytes, separator: bytes) -> int:
    """Count the fields of a well-formed record."""
    return re.sub(rb'"[^"]*+"', b"", record).count(separator) + 1


def is_utf8(encoding: str) -> bool:
    """Whether an encoding is UTF-8, under whichever name."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def shown(data: bytes, encoding: str) -> str:
    """Quote the beginning of a line in a message."""
    text = raw_text(data[: 4 * (MAX_SHOWN + 1)], encoding)
    return repr(text) if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]!r}..."


def _record(separator: bytes, num_fields: int | None, quoted: bytes) -> re.Pattern[bytes]:
    field = _field(separator, quoted)
    times = b"*+" if num_fields is None else b"{%d}+" % (num_fields - 1)
    return re.compile(rb"%s(?:%s%s)%s\r?+\n" % (field, re.escape(separator), field, times))


def _field(separator: bytes, quoted: bytes) -> bytes:
    # Nothing is ever given back: each byte is looked at once. Over a piece, too: a quote that is opened and not
    # closed is looked for up to the next line with an odd number of quotes, which is where the next search begins.
    return rb'(?:"%s*+(?:""%s*+)*+"|[^"\n%s]*+)' % (quoted, quoted, re.escape(separator))
