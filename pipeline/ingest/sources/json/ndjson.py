"""NDJSON: an object a line, plain or compressed; each is a row, or holds rows of the table that a recipe names.

A line may also be a dict as Python prints it.
"""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from io import BufferedIOBase
from typing import Any, ClassVar, NamedTuple

import google_crc32c
import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import Reject, raw_text, undecodable
from longstride.pipeline.ingest.sources.base import Raw, Section, Source, Unparsed
from longstride.pipeline.ingest.sources.compressed import is_compressed
from longstride.pipeline.ingest.sources.csv.header import BOM
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES
from longstride.pipeline.ingest.sources.files import (
    PieceSums,
    SummedFile,
    checksum,
    first_bytes,
    open_file,
    open_text,
    refuse_other_bytes,
)
from longstride.pipeline.ingest.sources.json.deep import ROOT, num_rows, parts_of, rows_at
from longstride.pipeline.ingest.sources.json.flatten import flat, nested_keys, num_keys
from longstride.pipeline.ingest.sources.json.printed import is_printed_dict, printed_dict
from longstride.pipeline.ingest.sources.tables.source import chosen_table

__all__ = ["Fault", "JsonSource", "Number", "Row"]

PROBE_BYTES = 2**20
KINDS = {list: "an array", str: "a string", bool: "a truth value", type(None): "null"}


class JsonSource(Source):
    """A file of JSON objects, a line each.

    Its columns are the keys in its first MiB, those of objects within them with points (payload.temp), and those
    that the recipe's `header` names. Numbers are read as the texts of the file, so a row is read the same whatever
    the others hold.
    """

    line_name: ClassVar[str] = "line"
    longest: ClassVar[int] = MAX_RECORD_BYTES
    """Bytes of an object."""
    has_tables = True

    def __init__(self, name: str, recipe: Recipe) -> None:
        super().__init__(name)
        self._compressed = is_compressed(first_bytes(name))
        self._recipe = recipe
        self.line = self.line_name
        self.tables: Mapping[str, int] = {}
        """Rows of the tables within the first objects, by their places."""
        self.around: frozenset[str] = frozenset()
        """Columns of what stands around the rows of a table."""
        self._table: str | None = None
        self._own: frozenset[str] = frozenset()
        keys = dict.fromkeys(recipe.header)
        with open_text(name) as (stream, _):
            rows = [row for row in self._first_rows(stream, PROBE_BYTES) if isinstance(row, dict)]
        is_nested = any(isinstance(value, dict | list) for row in rows for value in row.values())
        if self.has_tables and (is_nested or recipe.table is not None):
            rows = self._rows_of_table(rows)
        self._nested = nested_keys(rows)
        for row in rows:
            keys.update(dict.fromkeys(self._columns_of(row)))
        if not keys:
            raise SourceError(name, self._no_row(), code="source-format")
        self.names = tuple(keys)

    @property
    def is_serial(self) -> bool:
        """Whether it can be read only from start to end."""
        return self._compressed

    def _rows(self, lines: Sequence[bytes], first_line: int) -> Iterable["Row"]:
        """Lines that follow each other as objects."""
        return map(self._row, lines)

    def _row(self, line: bytes) -> "Row":
        """A line as an object."""
        return _object(line, self._recipe.encoding, self.longest)

    def _no_row(self) -> str:
        """What is expected, where none of the first lines is a row."""
        return "no line of its first MiB is a JSON object: expected one a line, as `jq -c` writes them"

    def _rows_of_table(self, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of the table that is named, or of the only one of a single object; else the objects as they are.

        Raises SourceError where it is not known which table is meant.
        """
        try:
            self.tables = {place: number for place, number in num_rows(documents).items() if number}
            if self._recipe.table is None and (len(documents) > 1 or not self.tables):
                return documents
            tables = self.tables if len(documents) == 1 else {ROOT: len(documents), **self.tables}
            place = chosen_table(self.name, tables, "table", self._recipe.table)
            if place is None or (place == ROOT and ROOT not in self.tables):
                return documents
            parts = [part for document in documents for part in parts_of(document) if part.place == place]
            self._table = place
            self._own = frozenset(key for part in parts for row in part.rows for key in row)
            around = {key for part in parts for key in part.around}
            self.around = frozenset(f"{ROOT}.{key}" if key in self._own else key for key in around)
            self.notes = (f"rows of {self.name} are those at {place}",)
            return [row for document in documents for row in rows_at(document, place, self._own)]
        except SourceError:
            raise
        except ValueError as error:
            raise SourceError(self.name, f"its objects cannot be read: {error}", code="source-format") from None

    def objects_within(self) -> dict[str, int]:
        """Tables of arrays within the objects of a file whose objects are read as rows."""
        return {} if self._table else {place: rows for place, rows in self.tables.items() if place.endswith("[]")}

    def _expanded(self, found: Iterable["Found"]) -> Iterator["Found"]:
        """Objects as they are, or the rows that are within them, and None for an object without one."""
        for line, text, row in found:
            if self._table is None or not isinstance(row, dict):
                yield line, text, row
                continue
            try:
                rows = list(rows_at(row, self._table, self._own))
            except ValueError as error:
                yield line, text, Fault("no JSON object", str(error))
                continue
            yield from ((line, json.dumps(one).encode(), one) for one in rows)
            if not rows:
                yield line, text, None

    def _columns_of(self, row: dict[str, Any]) -> dict[str, Any]:
        found = _flat(row, self._nested)
        if isinstance(found, Fault):
            raise SourceError(self.name, f"{found.detail}: rename one, as with jq", code="column-repeated")
        return found

    def _first_rows(self, stream: BufferedIOBase, num_bytes: int) -> Iterator["Row"]:
        """The first objects, and what is wrong with lines among them."""
        probe = stream.read(num_bytes)
        yield from self._rows(probe[: probe.rfind(b"\n") + 1 or len(probe)].split(b"\n"), 1)

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Cut a plain file at line breaks."""
        if self._compressed:
            self.crc = checksum(self.name)
            yield Section(0, 0, 1, self.num_bytes, self.crc)
            return
        sums = PieceSums(self.name)
        start, line = 0, 1
        with open_file(self.name) as file:
            for index, lines in enumerate(_cut(file, piece_bytes)):
                yield Section(index, start, line, lines.size, **sums.add(start, lines.in_file()))
                start += lines.size
                line += lines.data.count(b"\n")
        self.crc = sums.up_to(self.num_bytes)

    def pieces(self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Unparsed]:
        """Read whole lines: the used columns, all columns where a query may ask for them."""
        self.refuse_changed()
        used = self.names if recipe.sql else columns.used
        line = section.first_line
        with open_text(self.name) as (stream, file):
            if not isinstance(file, SummedFile):
                file.seek(section.start)
                lines = next(_cut(stream, piece_bytes), _Lines(b"", 0, is_cut_short=False))
                crc = google_crc32c.extend(section.crc_before, lines.in_file())
                refuse_other_bytes(self.name, section.crc, crc)
                yield Unparsed(partial(self._parse, lines.data, line, used, columns.channels), section.num_bytes)
                return
            for lines in _cut(stream, piece_bytes):
                yield Unparsed(partial(self._parse, lines.data, line, used, columns.channels), file.tell())
                line += lines.data.count(b"\n")
            refuse_other_bytes(self.name, section.crc, file.crc)

    def _parse(self, data: bytes, first_line: int, used: tuple[str, ...], channels: tuple[str, ...]) -> Raw:
        texts = data.removesuffix(b"\n").split(b"\n")
        rows = self._rows(texts, first_line)
        found = zip(range(first_line, first_line + len(texts)), texts, rows, strict=True)
        return self._raw(found, used, channels)

    def _raw(self, found: Iterable["Found"], used: tuple[str, ...], channels: tuple[str, ...]) -> Raw:
        """Rows from the line, the text and what is read of each."""
        encoding = self._recipe.encoding
        rows: list[dict[str, Any]] = []
        lines: list[int] = []
        texts: list[bytes] = []
        rejects: list[Reject] = []
        num_blank = 0
        known = set(self.names)
        for line, text, row in self._expanded(found):
            if row is None:
                num_blank += 1
            elif isinstance(row, Fault) or isinstance(row := _flat(row, self._nested), Fault):
                rejects.append(Reject(line, row.reason, row.detail, raw_text(text, encoding)))
            elif added := row.keys() - known:
                rejects.append(Reject(line, "unknown column", _unknown(min(added)), raw_text(text, encoding)))
            else:
                rows.append(row)
                lines.append(line)
                texts.append(text)
        commas = {name for name in channels if self._recipe.spelling_of(name).decimal == ","}
        return Raw(
            frame=pl.DataFrame([_column(name, rows, "," if name in commas else ".") for name in used]),
            lines=np.array(lines, np.int64),
            text=lambda row: raw_text(texts[row], encoding),
            rejects=rejects,
            num_rows=len(rows) + len(rejects),
            num_blank=num_blank,
        )


def _unknown(key: str) -> str:
    return f"key {key!r} is in no row of the first MiB of the file: name it with --header {shlex.quote(key)}"


class Fault(NamedTuple):
    """What is wrong with a line."""

    reason: str
    detail: str


Row = dict[str, Any] | Fault | None
"""A line as a row, what is wrong with it, or None where it is none."""
Found = tuple[int, bytes, Row]
"""A line, its text, and what is read of it."""


class Number(str):
    """A number as it is written."""

    __slots__ = ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in found if names.count(name) > 1)!r} occurs twice")
    return found


AS_WRITTEN = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)
CAREFUL = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=_unique)


def _object(line: bytes, encoding: str, longest: int) -> Row:
    """A line as an object, what is wrong with it, or None where it is blank."""
    line = line.removeprefix(BOM)
    if not line.strip():
        return None
    if len(line) >= longest:
        return Fault("line too long", f"the line is longer than {longest:,} bytes: expected an object a line")
    try:
        text = line.decode(encoding)
        if is_printed_dict(text):
            return printed_dict(text, Number)
        row = AS_WRITTEN.decode(text)
        # Looking at the keys one by one takes long: only where there may be more than the object has.
        num_marks = text.count('":') + text.count('" :')
        if isinstance(row, dict) and num_marks > len(row) and num_marks > num_keys(row):
            row = CAREFUL.decode(text)
        if "\\u" in text:
            json.dumps(row, ensure_ascii=False).encode()  # half of a surrogate pair is not a text
    except UnicodeDecodeError as error:
        return Fault(*undecodable(line[error.start], encoding))
    except json.JSONDecodeError as error:
        return Fault("no JSON object", f"the line is not JSON: {error}")
    except ValueError as error:
        return Fault("no JSON object", str(error))
    except RecursionError:
        return Fault("no JSON object", "the line is not JSON: it is nested too deeply")
    if isinstance(row, dict):
        return row
    return Fault("no JSON object", f"the line is {KINDS.get(type(row), 'a number')}, expected an object")


def _flat(row: dict[str, Any], nested: Set[str]) -> dict[str, Any] | Fault:
    try:
        return flat(row, nested)
    except (ValueError, RecursionError) as error:
        return Fault("no JSON object", str(error))


def _column(name: str, rows: list[dict[str, Any]], decimal: str) -> pl.Series:
    """Texts as they stand in the file, whole numbers and others alike."""
    values = [row.get(name) for row in rows]
    if decimal == "," or not set(map(type, values)) <= {str, Number, type(None)}:
        values = [_text(value, decimal) for value in values]
    return pl.Series(name, values, pl.String)


def _text(value: Any, decimal: str) -> str | None:
    if isinstance(value, Number):
        return value.replace(".", decimal)
    if value is None or isinstance(value, str):
        return value
    # A nested value cannot be stored here; a reject has the line.
    if isinstance(value, list):
        return "[...]"
    return "{...}" if isinstance(value, dict) else json.dumps(value)


class _Lines(NamedTuple):
    """Whole lines of a file; of one too long, the beginning alone."""

    data: bytes
    size: int
    """Bytes of the file that they are."""
    is_cut_short: bool
    """Whether the last line break is not that of the file."""

    def in_file(self) -> NDArray[np.uint8]:
        """What of their data the file has."""
        return np.frombuffer(self.data, np.uint8, len(self.data) - self.is_cut_short)


def _cut(stream: BufferedIOBase, piece_bytes: int) -> Iterator[_Lines]:
    while data := stream.read(piece_bytes):
        size = len(data)
        is_cut_short = False
        if not data.endswith(b"\n"):
            rest = stream.readline(MAX_RECORD_BYTES)
            data += rest
            size += len(rest)
            if len(rest) == MAX_RECORD_BYTES and not rest.endswith(b"\n"):
                while (rest := stream.readline(MAX_RECORD_BYTES)) and not rest.endswith(b"\n"):
                    size += len(rest)
                size += len(rest)
                data += b"\n"
                is_cut_short = True
        yield _Lines(data, size, is_cut_short)
