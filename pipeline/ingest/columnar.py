"""Parquet and Arrow IPC (Feather) files: typed columns, read by row groups and record batches."""

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import numpy as np
import polars as pl

from pipeline.ingest.columns import Columns
from pipeline.ingest.errors import SourceError
from pipeline.ingest.files import checksum, open_file
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.sources import Raw, Section, Source

__all__ = ["ArrowSource", "ParquetSource"]


class Columnar(Source):
    """A file with flat typed columns; its lines are its rows."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.line = "row"
        self._types: dict[str, pl.DataType] = {}

    def types(self) -> dict[str, pl.DataType]:
        """Types of the columns."""
        return self._types

    @abstractmethod
    def _tables(self, section: Section, names: list[str], batch_rows: int) -> Iterator[Any]:
        """Tables or record batches of the columns, in order."""

    def pieces(
        self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int
    ) -> Iterator[Callable[[], Raw]]:
        """Read the used columns some rows at a time; all columns where a query may ask for them."""
        names = list(self.names if recipe.sql else columns.used)
        first_row = section.start
        for table in self._tables(section, names, max(1, piece_bytes // (8 * len(names)))):
            yield partial(_raw, table, first_row)
            first_row += table.num_rows


def _types(schema: Any) -> dict[str, pl.DataType]:
    return dict(cast(pl.DataFrame, pl.from_arrow(schema.empty_table())).schema)


def _raw(table: Any, first_row: int) -> Raw:
    frame = cast(pl.DataFrame, pl.from_arrow(table))
    return Raw(
        frame=frame,
        lines=np.arange(first_row + 1, first_row + 1 + frame.height),
        text=lambda row: json.dumps(frame.row(row, named=True), default=str, ensure_ascii=False),
        num_rows=table.num_rows,
    )


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


class ParquetSource(Columnar):
    """A Parquet file; a row group is a section."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        with self._file() as file:
            self.names = tuple(file.schema_arrow.names)
            self._types = _types(file.schema_arrow)
            self.num_rows = file.metadata.num_rows

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Cut by row groups."""
        self.crc = checksum(self.name)
        with self._file() as file:
            rows = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        start = 0
        for index, num_rows in enumerate(rows):
            yield Section(index, start, start + 1, self.num_bytes * num_rows // max(1, sum(rows)))
            start += num_rows

    def _tables(self, section: Section, names: list[str], batch_rows: int) -> Iterator[Any]:
        with self._file() as file:
            yield from file.iter_batches(batch_size=batch_rows, row_groups=[section.number], columns=names)

    @contextmanager
    def _file(self) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with _native(self.name) as raw, pq.ParquetFile(raw) as file:
                yield file
        except pa.ArrowException as error:
            raise SourceError(self.name, f"this is no readable Parquet file: {error}") from error


class ArrowSource(Columnar):
    """An Arrow IPC file or a Feather file of version 2; a record batch is a section."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        with self._file() as file:
            self.names = tuple(file.schema.names)
            self._types = _types(file.schema)
        with self._file(included_fields=[0]) as file:  # of a batch only its rows are asked for
            self._rows = [file.get_batch(index).num_rows for index in range(file.num_record_batches)]
        self.num_rows = sum(self._rows)

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Cut by record batches."""
        self.crc = checksum(self.name)
        start = 0
        for index, num_rows in enumerate(self._rows):
            yield Section(index, start, start + 1, self.num_bytes * num_rows // max(1, sum(self._rows)))
            start += num_rows

    def _tables(self, section: Section, names: list[str], batch_rows: int) -> Iterator[Any]:
        with self._file() as file:
            batch = file.get_batch(section.number).select(names)
            for start in range(0, batch.num_rows, batch_rows):
                yield batch.slice(start, batch_rows)

    @contextmanager
    def _file(self, **options: Any) -> Iterator[Any]:
        import pyarrow as pa

        options = {"options": pa.ipc.IpcReadOptions(**options)}
        try:
            with _native(self.name) as raw, pa.ipc.open_file(raw, **options) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            raise SourceError(self.name, f"this is no readable Arrow IPC file: {error}") from error
