"""Annotated CSV of InfluxDB: tables below each other, each with lines that say the types of its columns."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from longstride.pipeline.ingest.reject import undecodable
from longstride.pipeline.ingest.sources.csv.header import BOM
from longstride.pipeline.ingest.sources.json.ndjson import Fault, Number, Row
from longstride.pipeline.ingest.sources.records.keyed import Record, SerialRecords

__all__ = ["AnnotatedCsv", "is_annotated"]

BEGIN = re.compile(rb'\s*"?#(group|datatype|default)"?,', re.IGNORECASE)
LEFT_OUT = ("", "result", "table", "_start", "_stop")
"""What tells of the query, and not of a row."""
NUMBERS = ("double", "long", "unsignedLong")
TIME = "_time"


def is_annotated(begin: bytes) -> bool:
    """Whether a text begins with the annotations of a table."""
    return BEGIN.match(begin) is not None


class AnnotatedCsv(SerialRecords):
    """Rows of all tables: columns are `_time`, the tags, and `_field` with `_value` or a column for each field."""

    expected = "annotated CSV of InfluxDB: #datatype, #group and #default, the names, and rows below them"

    def records(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
        """Each row with the names and defaults of its table."""
        table = _Table()
        for number, text in lines:
            try:
                fields = next(
                    csv.reader([text.removeprefix(BOM).decode(self._recipe.encoding).strip("\r\n")], strict=True),
                    [],
                )
            except UnicodeDecodeError as error:
                yield number, text, Fault(*undecodable(text[error.start], self._recipe.encoding))
                continue
            except csv.Error as error:
                yield number, text, Fault("quote out of place", f"the row is not CSV: {error}")
                continue
            yield number, text, table.row(fields)


class _Table:
    """What is said of the rows that follow."""

    def __init__(self) -> None:
        self._notes: dict[str, Sequence[str]] = {}
        self._names: Sequence[str] | None = None

    def row(self, fields: Sequence[str]) -> Row:
        """A row; None where the line is blank, an annotation, or holds names."""
        if not any(field.strip() for field in fields):
            return None
        if fields[0].startswith("#"):
            if self._names is not None:
                self._names, self._notes = None, {}
            self._notes[fields[0].lower()] = fields
            return None
        if self._names is None:
            self._names = fields
            return None
        if list(fields) == list(self._names):
            return None
        if len(fields) != len(self._names):
            found = "too few fields" if len(fields) < len(self._names) else "too many fields"
            return Fault(found, f"the row has {len(fields)} fields, expected {len(self._names)} as its table has")
        return self._keyed(fields)

    def _keyed(self, fields: Sequence[str]) -> Row:
        assert self._names is not None
        row: dict[str, Any] = {}
        types, defaults = self._notes.get("#datatype", ()), self._notes.get("#default", ())
        has_time = TIME in self._names
        for column, (name, field) in enumerate(zip(self._names, fields, strict=True)):
            if name in LEFT_OUT[: None if has_time else 3]:
                continue
            text = field or (defaults[column] if column < len(defaults) else "")
            if name in row:
                return Fault("key twice", f"{name!r} is the name of two columns of the table")
            is_number = column < len(types) and types[column] in NUMBERS
            row[name] = None if not text else Number(text) if is_number else text
        return row
