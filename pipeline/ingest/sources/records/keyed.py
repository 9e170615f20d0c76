"""Lines, or runs of lines, that name what they hold: read as rows of keys and values, as JSON is."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from functools import partial
from io import BufferedIOBase
from typing import ClassVar

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import undecodable
from longstride.pipeline.ingest.sources.base import Section, Unparsed
from longstride.pipeline.ingest.sources.csv.header import BOM
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES
from longstride.pipeline.ingest.sources.files import SummedFile, checksum, open_text, refuse_other_bytes
from longstride.pipeline.ingest.sources.json.ndjson import Fault, JsonSource, Row

__all__ = ["Keyed", "KeyedLines", "Record", "SerialRecords"]

Record = tuple[int, bytes, Row]
"""Its first line, its text, and what is read of it."""


class Keyed(JsonSource):
    """A file of such rows."""

    expected: ClassVar[str]
    """What a row should be."""
    has_tables = False
    ends_lines = True
    key: ClassVar[str | None] = None
    """The column that says what the others hold."""

    @classmethod
    def left_out(cls, begin: bytes) -> str | None:
        """What of a text that begins so becomes no row, as a doubt of a profile; None where all of it does."""
        return None

    @classmethod
    def began(cls, begin: bytes) -> tuple[str, str] | None:
        """When its times are zero, where a text that begins so tells it: in ISO 8601, and as it says it."""
        return None

    def _no_row(self) -> str:
        return f"no line of its first MiB can be read: expected {self.expected}"


class KeyedLines(Keyed):
    """A file whose lines are rows, each for itself."""

    @abstractmethod
    def parse(self, text: str) -> Row:
        """A line, without blanks around it, as a row."""

    def _row(self, line: bytes) -> Row:
        if len(line) >= MAX_RECORD_BYTES:
            return Fault("line too long", f"the line is longer than {MAX_RECORD_BYTES:,} bytes")
        try:
            text = line.removeprefix(BOM).decode(self._recipe.encoding).strip()
        except UnicodeDecodeError as error:
            return Fault(*undecodable(line[error.start], self._recipe.encoding))
        if "\0" in text:
            return Fault("zero bytes", "the line holds zero bytes, as where a logger lost its power")
        return self.parse(text) if text else None


class SerialRecords(Keyed):
    """A file whose rows are made of several lines, or of a line and what is above it: read from its start."""

    @property
    def is_serial(self) -> bool:
        """Yes."""
        return True

    @abstractmethod
    def records(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
        """Rows, faults, and None for each other line, from the numbers and texts of lines."""

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """One: a row needs what is above it."""
        self.crc = checksum(self.name)
        yield Section(0, 0, 1, self.num_bytes, self.crc)

    def pieces(self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Unparsed]:
        """Read some rows at a time."""
        self.refuse_changed()
        used = self.names if recipe.sql else columns.used
        with open_text(self.name) as (stream, file):
            found: list[Record] = []
            size = 0
            for record in self.records(_lines(stream)):
                found.append(record)
                size += len(record[1])
                if size >= piece_bytes:
                    yield Unparsed(partial(self._raw, found, used, columns.channels), file.tell())
                    found, size = [], 0
            if found:
                yield Unparsed(partial(self._raw, found, used, columns.channels), file.tell())
            if isinstance(file, SummedFile):
                refuse_other_bytes(self.name, section.crc, file.crc)

    def _first_rows(self, stream: BufferedIOBase, num_bytes: int) -> Iterator[Row]:
        size = 0
        for _, text, row in self.records(_lines(stream)):
            yield row
            size += len(text) + 1
            if size >= num_bytes:
                return


def _lines(stream: BufferedIOBase) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, from 1; of one too long, the beginning."""
    number = 0
    while line := stream.readline(MAX_RECORD_BYTES):
        rest = line
        while len(rest) == MAX_RECORD_BYTES and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_RECORD_BYTES)
        number += 1
        yield number, line
