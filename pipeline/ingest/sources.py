"""Source files: what columns they have, and their rows as tasks that parse a piece each."""

import gzip
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import polars as pl

from pipeline.ingest.columns import Columns
from pipeline.ingest.errors import SourceError
from pipeline.ingest.lines import Piece, cut_pieces, read_header
from pipeline.ingest.parse import Raw, Typed, typed
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.records import Records, check_fields, find_records

__all__ = ["Batch", "Source", "open_source"]

GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
PROBE_BYTES = 2**16


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows of one piece of a source, parsed."""

    typed: Typed
    place: Callable[[int], str]
    """Where in the file a row of the frame stands, such as "line 12"."""
    num_rows: int
    """Counted without parsing."""
    num_blank: int
    """Blank lines among them, which are no rows."""
    num_bytes: int
    """Bytes of the file up to the end of the piece, as far as they are known."""


class Source(ABC):
    """One file. `name` is its path as given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = Path(name)
        self.num_bytes = self.path.stat().st_size
        self.names: tuple[str, ...] = ()
        """Columns of the file, in order."""
        self.num_rows: int | None = None
        """Rows that the file itself says it has; None where it does not."""

    @abstractmethod
    def tasks(self, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Callable[[], Batch]]:
        """Read the file, about `piece_bytes` at a time, and give for each piece the task that parses it.

        Reading and running the tasks both raise SourceError.
        """

    def first_time(self, columns: Columns, recipe: Recipe) -> int | None:
        """Time of the first row, in nanoseconds; None where there is none."""
        for task in self.tasks(columns, recipe, PROBE_BYTES):
            frame = task().typed.frame
            if frame.height:
                return cast(int, frame[columns.time][0])
        return None


def open_source(name: str) -> Source:
    """Open a file and read its column names; what it is, is told by its first bytes. Raises SourceError."""
    path = Path(name)
    if path.is_dir():
        raise SourceError(name, f"this is a folder: name the files in it, such as {path / '*.csv'}")
    if not path.exists():
        raise SourceError(name, "there is no such file")
    with open(path, "rb") as file:
        magic = file.read(4)
    return ParquetSource(name) if magic == PARQUET_MAGIC else CsvSource(name)


class CsvSource(Source):
    """A CSV file, plain or gzipped: commas, quotes as in RFC 4180, UTF-8, a header."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        with self._stream() as (stream, _):
            self._header = read_header(stream, name)
        self.names = self._header.names
        self._all_numbers = True

    def tasks(self, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Callable[[], Batch]]:
        """Cut the file into pieces of whole rows."""
        with self._stream() as (stream, file):
            stream.read(self._header.num_bytes)
            for piece in cut_pieces(stream, self.name, self._header.num_lines + 1, piece_bytes):
                yield partial(self._parse, piece, columns, recipe, file.tell())

    def _parse(self, piece: Piece, columns: Columns, recipe: Recipe, num_bytes: int) -> Batch:
        records = find_records(piece, len(self.names))
        raw = Raw(source=self.name, frame=self._read(records, columns.channels), place=records.place)
        return Batch(
            typed=typed(raw, columns, recipe),
            place=records.place,
            num_rows=piece.num_lines - records.num_blank - records.num_continued,
            num_blank=records.num_blank,
            num_bytes=num_bytes,
        )

    def _read(self, records: Records, channels: tuple[str, ...]) -> pl.DataFrame:
        """Read channels as numbers, or as texts where that fails; everything else as texts."""
        piece = records.piece
        if not records.data:
            return pl.DataFrame(schema=dict.fromkeys(self.names, pl.String))
        # Every column is read, used or not: else Polars would not notice a row with too many fields.
        text = dict.fromkeys(self.names, pl.String)
        if self._all_numbers:
            try:
                return pl.read_csv(
                    records.data, has_header=False, schema=text | dict.fromkeys(channels, pl.Float64)
                )
            except pl.exceptions.PolarsError:
                # A missing value is written in letters, or there is a fault to be told from the texts. The pieces
                # that follow are likely to be the same.
                self._all_numbers = False
        try:
            return pl.read_csv(records.data, has_header=False, schema=text)
        except pl.exceptions.PolarsError as error:
            check_fields(piece, len(self.names))
            try:
                piece.data.decode()
            except UnicodeDecodeError as wrong:
                raise SourceError(
                    self.name,
                    f"byte {piece.data[wrong.start]:#04x} is not UTF-8: convert the file, as with "
                    "`iconv -f latin1 -t utf-8`",
                    place=piece.place(wrong.start),
                ) from None
            place = f"lines {piece.first_line} to {piece.first_line + piece.num_lines - 1}"
            raise SourceError(self.name, f"Polars cannot read them: {error}", place=place) from error

    @contextmanager
    def _stream(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """The text of the file, and the file itself."""
        with open(self.path, "rb") as file:
            if file.read(2) != GZIP_MAGIC:
                file.seek(0)
                yield file, file
                return
            file.seek(0)
            try:
                with gzip.GzipFile(fileobj=file) as text:
                    yield cast(BinaryIO, text), file
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise SourceError(
                    self.name, f"the compressed data is damaged ({error}): fetch the file again"
                ) from error


class ParquetSource(Source):
    """A Parquet file with flat columns."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        with self._file() as file:
            self.names = tuple(file.schema_arrow.names)
            self.num_rows = file.metadata.num_rows

    def tasks(self, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Callable[[], Batch]]:
        """Read the used columns batch by batch, across row groups."""
        used = [columns.time, *([columns.series] if columns.series else []), *columns.labels, *columns.channels]
        first_row = 0
        with self._file() as file:
            for table in file.iter_batches(batch_size=max(1, piece_bytes // (8 * len(used))), columns=used):
                frame = cast(pl.DataFrame, pl.from_arrow(table))
                yield partial(self._parse, frame, first_row, columns, recipe)
                first_row += frame.height

    def _parse(self, frame: pl.DataFrame, first_row: int, columns: Columns, recipe: Recipe) -> Batch:
        def place(row: int) -> str:
            return f"row {first_row + row + 1}"

        assert self.num_rows
        return Batch(
            typed=typed(Raw(source=self.name, frame=frame, place=place), columns, recipe),
            place=place,
            num_rows=frame.height,
            num_blank=0,
            num_bytes=self.num_bytes * (first_row + frame.height) // self.num_rows,
        )

    @contextmanager
    def _file(self) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path) as file:
                yield file
        except pa.ArrowException as error:
            raise SourceError(self.name, f"this is no readable Parquet file: {error}") from error
