"""A file of another program, read by a package of its own: typed columns, by ranges of rows."""

import gc
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import MappingProxyType
from typing import Any

from longstride.pipeline.ingest.errors import SeveralTablesError, SourceError
from longstride.pipeline.ingest.sources.columnar import Columnar
from longstride.storage.errors import LongstrideError

__all__ = ["TIME", "Held", "TableReader", "TableSource", "chosen_table"]

TIME = "time"
"""The column of times that a header or the properties of a waveform give."""
SECTION_BYTES, READ_BYTES = 2**26, 2**23
MOST_NAMED = 12


class TableReader(ABC):
    """The open table of a file, whose columns are read by ranges of rows."""

    is_held = False
    """Whether all of the file is in memory, so that one task should read it."""
    repeated: Mapping[str, str] = MappingProxyType({})
    """As in `Source`."""
    notes: Sequence[str] = ()
    """What of the file is not read, in words."""
    units: Mapping[str, str] = MappingProxyType({})
    """Units of columns that the file says."""

    def __init__(self, schema: Any, num_rows: int) -> None:
        self.schema = schema
        """Arrow's schema."""
        self.num_rows = num_rows
        """Rows of all columns."""

    def read(self, names: Sequence[str], start: int, stop: int) -> Any:
        """Some columns of some rows, as a table of Arrow."""
        import pyarrow as pa

        return pa.table({name: self.column(name, start, stop) for name in names})

    @abstractmethod
    def column(self, name: str, start: int, stop: int) -> Any:
        """Some rows of a column, as Arrow has them."""


class Held(TableReader):
    """A table that is in memory while it is read."""

    is_held = True

    def __init__(self, table: Any) -> None:
        super().__init__(table.schema, table.num_rows)
        self._table = table

    def column(self, name: str, start: int, stop: int) -> Any:
        """Some rows of a column."""
        return self._table[name].slice(start, stop - start)


class TableSource(Columnar):
    """A file with one table, or with several of which the recipe names one."""

    has_tables = True

    def __init__(self, name: str, table: str | None) -> None:
        self.table = table
        self._reader: TableReader | None = None
        with ExitStack() as stack:
            # Opened once for all that is asked here, and not kept: there may be many files.
            self._stack: ExitStack | None = stack
            super().__init__(name)
            self._reader = self._stack = None

    @abstractmethod
    def reader(self) -> AbstractContextManager[TableReader]:
        """The table. Raises SourceError, or what the package raises."""

    @contextmanager
    def _open(self, names: Sequence[str] | None) -> Iterator[TableReader]:
        try:
            if self._stack is None:
                with self.reader() as reader:
                    yield reader
                return
            if self._reader is None:
                self._reader = self._stack.enter_context(self.reader())
            yield self._reader
        except LongstrideError:
            raise
        except Exception as error:  # each package has its own
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:400]
            _let_go(error)
            raise self._damaged(reason) from None

    def _schema_of(self, file: Any) -> Any:
        self.repeated, self.notes = file.repeated, tuple(file.notes)
        self.units = dict(file.units)
        return file.schema

    def _rows_of(self, file: Any) -> list[int]:
        if file.is_held:
            return [file.num_rows]
        most = max(1, SECTION_BYTES // (8 * max(1, len(file.schema))))
        return [min(most, file.num_rows - start) for start in range(0, file.num_rows, most)]

    def _tables(self, file: Any, number: int, names: Sequence[str], batch_rows: int) -> Iterator[Any]:
        first = sum(self._rows[:number])
        stop = first + self._rows[number]
        # Some packages unpack a large block for each range, however short.
        read_rows = max(1, READ_BYTES // (8 * max(1, len(names)) * batch_rows)) * batch_rows
        for start in range(first, stop, read_rows):
            table = file.read(names, start, min(start + read_rows, stop))
            for row in range(0, table.num_rows, batch_rows):
                yield table.slice(row, batch_rows)

    def _choose(self, tables: Mapping[str, int], what: str) -> str | None:
        return chosen_table(self.name, tables, what, self.table)


def _let_go(error: Exception) -> None:
    """Let go of what a package has half made: some write a traceback when that is closed."""
    hook = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: None
    try:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        gc.collect()
    finally:
        sys.unraisablehook = hook


def chosen_table(source: str, tables: Mapping[str, int], what: str, table: str | None) -> str | None:
    """The table to read, of those that have rows, by their number of rows; None where there is none.

    Raises SourceError where it is not known which, and where there is no such table.
    """
    tables = dict(sorted(tables.items(), key=lambda one: -one[1]))
    listed = ", ".join(f"{name!r} ({rows:,} rows)" for name, rows in list(tables.items())[:MOST_NAMED])
    listed += f" and {len(tables) - MOST_NAMED:,} more" if len(tables) > MOST_NAMED else ""
    if table is not None and table not in tables:
        raise SourceError(
            source,
            f"there is no {what} {table!r} with rows in this file: "
            + (f"it has {listed}" if tables else "it has none at all"),
            code="table-unnamed",
        )
    if table is None and len(tables) > 1:
        raise SeveralTablesError(
            source,
            f"this file holds several tables, of which one is read: {listed}. Name a {what}, as with --table "
            f"{next(iter(tables))!r}",
            tables,
        )
    return table if table is not None else next(iter(tables), None)
