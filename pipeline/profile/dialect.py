"""How a text file is written: encoding, separator, decimal mark, header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping

import polars as pl

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.csv.header import BOM, SEPARATOR_LINE, first_records
from longstride.pipeline.ingest.sources.csv.syntax import count_fields
from longstride.pipeline.profile.words.missing_words import MISSING_WORD
from longstride.pipeline.profile.words.time_formats import is_time

__all__ = ["Dialect", "agreed", "sniff", "to_numbers"]

SEPARATORS = "\t;|,"
"""Those first that are rare within a field."""
MAX_RECORDS = 500
MOST = 0.9
POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")


Dialect = dict[str, str | tuple[str, ...]]
"""Settings that say how a text is written, as far as this shows: separator, decimal, encoding and header."""


def agreed(dialects: Mapping[str, Dialect]) -> Dialect:
    """The one of all files, by their names: a recipe holds for all. Raises SourceError."""
    common: Dialect = {}
    found_in: dict[str, str] = {}
    for name, dialect in dialects.items():
        for setting, value in dialect.items():
            if value != common.setdefault(setting, value):
                raise SourceError(
                    name,
                    f"{setting} is {_shown(value)}, but in {found_in[setting]} it is {_shown(common[setting])}: "
                    "one recipe is for all files, so profile and ingest these files separately",
                    code="dialects-differ",
                )
            found_in.setdefault(setting, name)
    return common


def _shown(value: str | tuple[str, ...]) -> str:
    return repr(value) if isinstance(value, str) else "missing" if value else "there"


def sniff(begin: bytes, more: bytes = b"") -> Dialect:
    """Find how a file is written from its first lines, and its encoding also from `more` of them."""
    encoding = _encoding(begin + more)
    data = begin.removeprefix(BOM)
    if not data.endswith(b"\n"):
        data += b"\n"
    named = SEPARATOR_LINE.match(data)
    data = data[named.end() :] if named else data
    separator = named[1].decode("latin-1") if named else _separator(data)
    records = first_records(data, separator.encode(), 1 + MAX_RECORDS)
    first, *rows = [_fields(record, separator, encoding or "utf-8") for record in records] or [[]]
    usual = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    rows = [row for row in rows if len(row) == usual]
    decimal = _decimal(rows, separator)
    has_header = not rows or _has_header(first, rows, decimal or ".")
    dialect: Dialect = {
        "separator": "tab" if separator == "\t" else separator,
        "header": () if has_header else tuple(f"a{number}" for number in range(1, usual + 1)),
    }
    if decimal:
        dialect["decimal"] = decimal
    if encoding:
        dialect["encoding"] = encoding
    return dialect


def to_numbers(texts: pl.Series, decimal: str) -> pl.Series:
    """Texts as numbers, as an ingest reads them: float64 (T,), null where they are not numbers or missing."""
    plain = texts.str.strip_chars()
    if decimal == ",":
        # A point in such a log groups thousands, or is a mistake.
        plain = plain.str.replace(".", "no number", literal=True).str.replace(",", ".", literal=True)
    return plain.cast(pl.Float64, strict=False)


def _encoding(data: bytes) -> str | None:
    """None where all is ASCII."""
    if data.isascii():
        return None
    text = data.decode("utf-8", "replace")
    num_wrong = text.count("\N{REPLACEMENT CHARACTER}")
    if sum(character > "\x7f" for character in text) > 2 * num_wrong:
        return "utf-8"
    # latin-1 has control characters where cp1252 has dashes, quotes and the euro.
    is_windows = re.search(rb"[\x80-\x9f]", data) and not re.search(rb"[\x81\x8d\x8f\x90\x9d]", data)
    return "cp1252" if is_windows else "latin-1"


def _separator(data: bytes) -> str:
    """The one that cuts most records into as many fields, the header too."""

    def score(separator: str) -> tuple[int, float]:
        mark = separator.encode()
        widths = [count_fields(record, mark) for record in first_records(data, mark, 1 + MAX_RECORDS)]
        usual, count = Counter(widths[1:] or widths).most_common(1)[0] if widths else (1, 0)
        if usual == 1:
            return -len(data), 0.0
        # R leaves out the name of the first column.
        return -abs(widths[0] - usual), round(count / len(widths), 1)

    scores = {separator: score(separator) for separator in SEPARATORS}
    best = max(SEPARATORS, key=scores.__getitem__)
    return best if scores[best][1] else ","


def _fields(record: bytes, separator: str, encoding: str) -> list[str]:
    text = io.StringIO(record.decode(encoding, "replace"), newline="")
    try:
        return [field.strip() for field in next(csv.reader(text, delimiter=separator))]
    except csv.Error:  # reading the header will raise
        return []


def _decimal(rows: list[list[str]], separator: str) -> str | None:
    """None where no number has a fraction."""
    fields = [field for row in rows for field in row]
    num_points = sum(POINT_NUMBER.fullmatch(field) is not None for field in fields)
    num_commas = sum(COMMA_NUMBER.fullmatch(field) is not None for field in fields) if separator != "," else 0
    return "," if num_commas > num_points else "." if num_points else None


def _has_header(first: list[str], rows: list[list[str]], decimal: str) -> bool:
    """Whether the first record is of texts where those below are of times or numbers."""
    if len(first) != len(rows[0]):
        return True
    named = numbered = 0
    for top, column in zip(first, zip(*rows, strict=True), strict=True):
        fields = [field for field in column if field and not MISSING_WORD.fullmatch(field)]
        if not fields:
            continue
        if sum(map(is_time, fields)) >= MOST * len(fields):
            return not is_time(top)
        numbers = to_numbers(pl.Series([top, *fields]), decimal).is_not_null()
        if numbers[1:].sum() >= MOST * len(fields):
            numbered += numbers[0]
            named += not numbers[0] and top != "" and not MISSING_WORD.fullmatch(top)
    return named > numbered or not numbered
