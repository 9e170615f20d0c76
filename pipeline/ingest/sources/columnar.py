"""Parquet and Arrow IPC (Feather) files: typed columns, read by row groups and record batches."""

import json
import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, ClassVar, cast

import numpy as np
import polars as pl

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Raw, Section, Source, Unparsed
from longstride.pipeline.ingest.sources.files import checksum, open_file
from longstride.pipeline.ingest.times.reach import shown_value
from longstride.storage.errors import LongstrideError

__all__ = ["ArrowSource", "ParquetSource"]

LARGEST_SECOND = (2**63 - 1) // 1000
NO_NAME = re.compile(r"|__index_level_\d+__")
"""What pandas calls an index that has no name."""


class Columnar(Source):
    """A file with typed columns; its lines are its rows. Fields of a struct are columns: payload.temp."""

    kind: ClassVar[str]

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.file = name
        """What is opened."""
        self.line = "row"
        self._in_file: tuple[str, ...] = ()
        with self._opened() as file:
            schema = self._schema_of(file)
        self._in_file = tuple(schema.names)
        self._schema, self._column_of = _flat_schema(schema)
        self.names = tuple(self._schema.names)
        self.unnamed = tuple(column for column in self.names if NO_NAME.fullmatch(column))
        with self._opened(self.names[:1]) as file:  # rows can be counted in any column
            self._rows = self._rows_of(file)
        self.num_rows = sum(self._rows)

    def named(self, name: str) -> Source:
        """The same, called and opened otherwise."""
        other = super().named(name)
        assert isinstance(other, Columnar)
        other.file = name
        return other

    def types(self) -> dict[str, pl.DataType]:
        """Types of the columns. Raises SourceError for one that Polars has not."""
        return {name: self._type(name) for name in self.names}

    def _type(self, name: str) -> pl.DataType:
        import pyarrow as pa

        field = self._schema.field(name)
        try:
            if _is_foreign(field.type):
                raise pa.ArrowTypeError
            return _frame(pa.Table.from_batches([], pa.schema([field]))).schema[name]
        except (pa.ArrowException, pl.exceptions.PolarsError):
            message = (
                f"column {name!r} holds {field.type}, which cannot be read: leave it out with --exclude {name!r}"
            )
            raise SourceError(self.name, message, code="column-type") from None

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Cut by row groups or record batches."""
        self.crc = checksum(self.file)
        yield from self.groups()

    def groups(self) -> Iterator[Section]:
        """The same; without a checksum, where it is not known."""
        start = 0
        for index, num_rows in enumerate(self._rows):
            yield Section(
                index, start, start + 1, self.num_bytes * num_rows // max(1, sum(self._rows)), self.crc or None
            )
            start += num_rows

    def pieces(self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Unparsed]:
        """Read the used columns some rows at a time; all columns where a query may ask for them."""
        self.refuse_changed()
        if section.number >= len(self._rows):
            return  # a file without rows
        names = self.names if recipe.sql else columns.used
        for name in names:
            self._type(name)
        first_row = section.start
        with self._opened(names) as file:
            in_file = list(dict.fromkeys(self._column_of[name] for name in names))
            batch_rows = max(1, piece_bytes // (8 * max(1, len(names))))
            for table in self._tables(file, section.number, in_file, batch_rows):
                table.validate(full=True)  # Arrow itself trusts what an IPC file says of its texts
                if self._in_file != self.names:
                    table = _flat(table).select(list(names))
                stop = first_row + table.num_rows
                done_bytes = section.num_bytes * (stop - section.start) // self._rows[section.number]
                yield Unparsed(partial(_raw, table, first_row), done_bytes)
                first_row = stop
        num_rows, expected = first_row - section.start, self._rows[section.number]
        if num_rows != expected:
            message = f"rows {section.start + 1:,} and on are {num_rows:,}, and the file says {expected:,}"
            raise self._damaged(message)

    @contextmanager
    def _opened(self, names: Sequence[str] | None = None) -> Iterator[Any]:
        """The file, to read some columns or all; what is wrong with it becomes a SourceError."""
        in_file = None if names is None else list(dict.fromkeys(self._column_of[name] for name in names))
        try:
            with self._open(in_file) as file:
                yield file
        except LongstrideError:
            raise
        except Exception as error:  # of Arrow, or of Python where a name or a number makes no sense
            raise self._damaged(" ".join(str(error).split())) from error

    def _damaged(self, reason: str) -> SourceError:
        message = f"this {self.kind} file cannot be read ({reason}): fetch it again"
        return SourceError(self.name, message, code="source-damaged")

    @abstractmethod
    def _open(self, names: Sequence[str] | None) -> AbstractContextManager[Any]:
        """What its rows are read from, some columns or all."""

    @abstractmethod
    def _schema_of(self, file: Any) -> Any:
        """Arrow's schema."""

    @abstractmethod
    def _rows_of(self, file: Any) -> list[int]:
        """Rows of each section."""

    @abstractmethod
    def _tables(self, file: Any, number: int, names: Sequence[str], batch_rows: int) -> Iterator[Any]:
        """Tables or record batches of a section, in order."""


def _flat_schema(schema: Any) -> tuple[Any, dict[str, str]]:
    """A schema with a column for each field of a struct, and the column of the file that each is of."""
    import pyarrow as pa

    if not any(pa.types.is_struct(field.type) for field in schema):
        return schema, {name: name for name in schema.names}
    fields = [(flat, field.name) for field in schema for flat in _flat_fields(field)]
    return pa.schema([flat for flat, _ in fields]), {flat.name: name for flat, name in fields}


def _flat_fields(field: Any) -> Iterator[Any]:
    import pyarrow as pa

    if not pa.types.is_struct(field.type):
        yield field
        return
    for inner in field.flatten():
        yield from _flat_fields(inner)


def _flat(table: Any) -> Any:
    """A table without structs."""
    import pyarrow as pa

    table = table if isinstance(table, pa.Table) else pa.Table.from_batches([table])
    while any(pa.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    return table


def _is_foreign(kind: Any) -> bool:
    """Whether Polars panics, rather than raise an error, where it reads values of a type, or of one within it."""
    import pyarrow as pa

    within = [kind.field(index).type for index in range(kind.num_fields)]
    if pa.types.is_dictionary(kind):
        within.append(kind.value_type)
    return pa.types.is_decimal256(kind) or pa.types.is_interval(kind) or any(map(_is_foreign, within))


def _raw(table: Any, first_row: int) -> Raw:
    frame = _frame(table)
    return Raw(
        frame=frame,
        lines=np.arange(first_row + 1, first_row + 1 + frame.height),
        text=lambda row: _text(frame, row),
        num_rows=table.num_rows,
    )


def _text(frame: pl.DataFrame, row: int) -> str:
    values = {column.name: shown_value(column, row) for column in frame}
    return json.dumps(values, default=str, ensure_ascii=False)


def _frame(table: Any) -> pl.DataFrame:
    import pyarrow as pa

    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "s":
            table = table.set_column(index, field.name, _milliseconds(table.column(index)))
    return cast(pl.DataFrame, pl.from_arrow(table))


def _milliseconds(seconds: Any) -> Any:
    """Times in milliseconds, which Polars would wrap; those too large stay too large to be a time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    number = pc.max_element_wise(seconds.cast(pa.int64()), -LARGEST_SECOND, skip_nulls=False)
    number = pc.min_element_wise(number, LARGEST_SECOND, skip_nulls=False)
    return number.cast(pa.timestamp("s", seconds.type.tz)).cast(pa.timestamp("ms", seconds.type.tz))


@contextmanager
def _native(name: str) -> Iterator[Any]:
    """A file as Arrow reads it best."""
    import pyarrow as pa

    if "://" in name:
        with open_file(name) as file:
            yield file
    else:
        with pa.memory_map(name) as file:
            yield file


class _ArrowsOwn(Columnar):
    """A file that Arrow reads piece by piece."""

    @contextmanager
    def _open(self, names: Sequence[str] | None) -> Iterator[Any]:
        with _native(self.file) as raw, self._reader(raw, names) as file:
            yield file

    @abstractmethod
    def _reader(self, raw: Any, names: Sequence[str] | None) -> Any:
        """Arrow's reader of the open file."""


class ParquetSource(_ArrowsOwn):
    """A Parquet file; a row group is a section."""

    kind = "Parquet"

    def _reader(self, raw: Any, names: Sequence[str] | None) -> Any:
        import pyarrow.parquet as pq

        # Whoever writes them may leave the checksums out: then there is nothing to compare.
        return pq.ParquetFile(raw, page_checksum_verification=True)

    def _schema_of(self, file: Any) -> Any:
        return file.schema_arrow

    def _rows_of(self, file: Any) -> list[int]:
        rows = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        if sum(rows) != file.metadata.num_rows:  # the footer has no checksum
            raise self._damaged(
                f"its row groups have {sum(rows):,} rows, and the file says {file.metadata.num_rows:,}"
            )
        return rows

    def _tables(self, file: Any, number: int, names: Sequence[str], batch_rows: int) -> Iterator[Any]:
        yield from file.iter_batches(batch_size=batch_rows, row_groups=[number], columns=list(names))


class ArrowSource(_ArrowsOwn):
    """An Arrow IPC file or a Feather file of version 2; a record batch is a section."""

    kind = "Arrow IPC"

    def _reader(self, raw: Any, names: Sequence[str] | None) -> Any:
        import pyarrow as pa

        # Of a batch only these columns are decompressed.
        place = {name: index for index, name in enumerate(self._in_file)}
        wanted = None if names is None else [place[name] for name in names]
        return pa.ipc.open_file(raw, options=pa.ipc.IpcReadOptions(included_fields=wanted))

    def _schema_of(self, file: Any) -> Any:
        return file.schema

    def _rows_of(self, file: Any) -> list[int]:
        return [file.get_batch(index).num_rows for index in range(file.num_record_batches)]

    def _tables(self, file: Any, number: int, names: Sequence[str], batch_rows: int) -> Iterator[Any]:
        batch = file.get_batch(number)
        for start in range(0, batch.num_rows, batch_rows):
            yield batch.slice(start, batch_rows)
