"""CSV files, plain or compressed."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedIOBase
from typing import Any

import google_crc32c
import polars as pl

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Raw, Section, Source, Unparsed
from longstride.pipeline.ingest.sources.compressed import is_compressed
from longstride.pipeline.ingest.sources.csv.header import read_header
from longstride.pipeline.ingest.sources.csv.lines import Cut, Piece, cut_lines, read_piece
from longstride.pipeline.ingest.sources.csv.plain import PlainLines, may_be_plain
from longstride.pipeline.ingest.sources.csv.records import Records, find_records
from longstride.pipeline.ingest.sources.csv.rewriting import Rewriting
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

__all__ = ["CsvSource"]


class CsvSource(Source):
    """A CSV file: a plain one is read in many sections at once, a compressed one from start to end."""

    ends_lines = True

    def __init__(self, name: str, recipe: Recipe) -> None:
        super().__init__(name)
        with open_text(name) as (stream, _):
            begin = stream.read(MAX_RECORD_BYTES)
        try:
            self._rewriting = Rewriting.of(begin, recipe)
        except UnicodeError as error:
            message = f"it is in another encoding: {error}. Name that, such as utf-8 or utf-16-le"
            raise SourceError(name, message, code="encoding-wrong") from None
        self.is_serial = is_compressed(first_bytes(name)) or self._rewriting is not None
        """Whether it can be read only from start to end."""
        self._recipe = self._rewriting.recipe(recipe) if self._rewriting else recipe
        with self._open() as (stream, _):
            self._header = read_header(stream, name, self._recipe)
        self.begin = self._header.num_bytes, self._header.num_lines + 1
        """First byte, in the text as it is read, and line of the rows."""
        self.names = self._header.names
        self.unnamed = self._header.unnamed
        self.repeated = self._header.repeated
        self._all_numbers = self._all_plain = True

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Cut a plain file where records end."""
        if self.is_serial:
            self.crc = checksum(self.name)
            yield Section(0, *self.begin, self.num_bytes, self.crc)
            return
        sums = PieceSums(self.name)
        with open_file(self.name) as file:
            sums.add(0, file.read(self._header.num_bytes))
            for index, cut in enumerate(self._cut(file, self.begin[1], piece_bytes)):
                yield Section(
                    index, cut.offset, cut.first_line, cut.num_bytes, **sums.add(cut.offset, cut.in_file())
                )
        self.crc = sums.up_to(self.num_bytes)

    def excerpt(self, number: int, start: int, first_line: int, piece_bytes: int) -> Section:
        """A section of about `piece_bytes` of a plain file, from a byte on at which a record begins."""
        with open_file(self.name) as file:
            file.seek(start)
            cut = next(self._cut(file, first_line, piece_bytes))
        return Section(number, start, first_line, cut.num_bytes)

    def pieces(self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Unparsed]:
        """Read whole records."""
        self.refuse_changed()
        with self._open() as (stream, file):
            if not isinstance(file, SummedFile):
                file.seek(section.start)
                piece = read_piece(file, self.name, section.first_line, section.num_bytes)
                refuse_other_bytes(
                    self.name, section.crc, google_crc32c.extend(section.crc_before, piece.in_file())
                )
                yield Unparsed(partial(self._parse, piece, columns), section.num_bytes)
                return
            stream.read(section.start)
            for cut in self._cut(stream, section.first_line, piece_bytes):
                yield Unparsed(partial(self._parse, cut.piece(self.name), columns), file.tell())
            refuse_other_bytes(self.name, section.crc, file.crc)

    def _cut(self, stream: BufferedIOBase, first_line: int, piece_bytes: int) -> Iterator[Cut]:
        return cut_lines(stream, self._header, self._recipe, first_line=first_line, piece_bytes=piece_bytes)

    @contextmanager
    def _open(self) -> Iterator[tuple[BufferedIOBase, BufferedIOBase]]:
        """The text as CSV, and the file: a SummedFile where it is read from start to end."""
        with open_text(self.name) as (stream, file):
            if self._rewriting is None:
                yield stream, file
                return
            summed = file if isinstance(file, SummedFile) else SummedFile(file)
            yield self._rewriting.stream(summed if stream is file else stream), summed

    def _parse(self, piece: Piece, columns: Columns) -> Raw:
        if self._all_plain and (plain := self._plain(piece, columns.channels)):
            return plain
        self._all_plain = False  # the pieces that follow are likely to be the same
        records = find_records(piece, self._header, self._recipe)
        return Raw(
            frame=self._read(records, columns.channels),
            lines=records.lines,
            text=records.raw,
            rejects=records.rejects,
            num_rows=len(records.lines) + len(records.rejects),
            num_blank=records.num_blank,
            num_headers=records.num_headers,
        )

    def _plain(self, piece: Piece, channels: tuple[str, ...]) -> Raw | None:
        """The rows of a piece where nothing but numbers has to be looked for, and all are there."""
        schema = self._numbers(channels)
        if schema[self.names[-1]] == pl.String or not may_be_plain(piece, self._header, self._recipe):
            return None
        plain = PlainLines(piece)
        try:
            frame = self._parsed(piece.data, schema)
        except pl.exceptions.PolarsError:
            return None
        if not plain.are_all(frame):
            return None
        return Raw(frame=frame, lines=plain.lines, text=plain.raw, num_rows=plain.num_lines)

    def _numbers(self, channels: tuple[str, ...]) -> dict[str, Any]:
        plain = [name for name in channels if self._recipe.spelling_of(name).is_plain]
        return {**dict.fromkeys(self.names, pl.String), **dict.fromkeys(plain, pl.Float64)}

    def _read(self, records: Records, channels: tuple[str, ...]) -> pl.DataFrame:
        """Read channels as numbers, or as texts where that fails; everything else as texts."""
        text = dict.fromkeys(self.names, pl.String)
        if not records.data:
            return pl.DataFrame(schema=text)
        if self._all_numbers:
            try:
                return self._whole(self._parsed(records.data, self._numbers(channels)), records)
            except pl.exceptions.PolarsError:
                # A missing value is written in letters, or there is a fault to be found in the texts. The pieces
                # that follow are likely to be the same.
                self._all_numbers = False
        try:
            return self._whole(self._parsed(records.data, text), records)
        except pl.exceptions.PolarsError as error:
            place = f"lines {records.lines[0]} to {records.lines[-1]}"
            raise SourceError(
                self.name, f"Polars cannot read them: {error}", place=place, code="parser-failed"
            ) from error

    def _parsed(self, data: bytes, schema: dict[str, Any]) -> pl.DataFrame:
        return pl.read_csv(data, has_header=False, separator=self._recipe.separator, schema=schema)

    def _whole(self, frame: pl.DataFrame, records: Records) -> pl.DataFrame:
        if frame.height != len(records.lines):
            place = f"lines {records.lines[0]} to {records.lines[-1]}"
            message = f"Polars found {frame.height:,} rows, there are {len(records.lines):,}: please report this"
            raise SourceError(self.name, message, place=place, code="parser-failed")
        return frame
