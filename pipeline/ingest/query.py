"""Derived channels and filters: a Polars SQL query that sees each row of a piece alone."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.sql.expression import spans_rows
from longstride.pipeline.ingest.sql.statement import TABLE, RowQuery
from longstride.storage.text import iso_time

__all__ = ["Query"]

MAX_SHOWN = 300
MIN_ROWS = 64


class Query:
    """A query over the rows of one source."""

    def __init__(self, sql: str, columns: Columns, unused: Mapping[str, pl.DataType]) -> None:
        """Check the query against the columns of a source. Raises RecipeError for one that cannot be used.

        `unused` are the types of the columns that have no use in the recipe; the query sees them too.
        """
        self._shown = repr(sql if len(sql) <= MAX_SHOWN else f"{sql[:MAX_SHOWN]}...")
        keys = dict.fromkeys((name for name in (columns.series, columns.pivot) if name is not None), pl.String())
        schema: dict[str, pl.DataType] = {columns.time_name: pl.Datetime("ns"), **keys}
        schema |= (
            dict.fromkeys(columns.labels, pl.Int8()) | dict.fromkeys(columns.channels, pl.Float64()) | {**unused}
        )
        try:
            self._query = RowQuery.of(sql, schema)
        except RecipeError as error:
            raise RecipeError(f"sql {self._shown}: {error}", code=error.code) from None
        found, _ = self._found(pl.DataFrame(schema=schema))
        self._time = columns.time_name
        self._needed = [columns.time_name, *keys, *columns.labels]
        lost = [name for name in self._needed if name not in found.columns]
        if lost:
            raise _bad_result(f"leaves out {', '.join(map(repr, lost))}: SELECT that too, or *")
        for name in self._needed:
            if found.schema[name] != schema[name]:
                raise _bad_result(f"turns {name!r} into {found.schema[name]}: leave it {schema[name]}")
        made = {name: dtype for name, dtype in found.schema.items() if name not in self._needed}
        kept = {name: dtype for name, dtype in made.items() if unused.get(name) != dtype}
        for name, dtype in kept.items():
            if not (dtype.is_numeric() or dtype == pl.Boolean):
                raise _bad_result(f"gives {dtype} for {name!r}: expected numbers; CAST it, or leave it out")
        if not kept:
            raise _bad_result("leaves no column of values: SELECT *, or name some")
        self.channels = tuple(kept)
        """The columns of values that it gives."""

    def run(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Rows that are left, with their channels (float64), and which rows of the frame they are.

        Raises RecipeError where the query does more than look at rows one by one, or makes infinity of values.
        """
        found, kept = self._found(frame.with_columns(pl.col(self._time).cast(pl.Datetime("ns"))))
        lost = [name for name in self._needed if found[name].null_count()]
        if lost:
            raise _bad_result(f"makes some {lost[0]!r} missing, which every row must have: drop such rows")
        values = selectors.by_name(*self.channels)
        found = found.with_columns(pl.col(self._time).to_physical(), values.cast(pl.Float64))
        self._refuse_infinity(found)
        return found, kept

    def check_alone(self, frame: pl.DataFrame) -> None:
        """Raise RecipeError where the result of a row depends on other rows: rows are read in pieces."""
        half = frame.height // 2
        whole, kept = self.run(frame)
        begin, kept_begin = self.run(frame[:half])
        end, kept_end = self.run(frame[half:])
        if not (np.array_equal(kept, [*kept_begin, *kept_end + half]) and whole.equals(pl.concat([begin, end]))):
            raise spans_rows("with only half of the rows it gives other values than with all")

    def _found(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """What it makes of rows, and which of them are left."""
        if self._query.where is None:
            kept = np.arange(frame.height)
        else:
            is_kept = self._execute(f"({self._query.where}) AS kept", frame).to_series()
            if is_kept.dtype not in (pl.Boolean, pl.Null):
                raise self._fails(f"the condition after WHERE gives {is_kept.dtype}, not true or false")
            is_kept = is_kept.cast(pl.Boolean).fill_null(False)
            kept, frame = is_kept.arg_true().cast(pl.Int64).to_numpy(), frame.filter(is_kept)
        found = self._execute(self._query.items, frame)
        if found.height != frame.height:
            raise spans_rows(f"it makes {found.height:,} rows of {frame.height:,}")
        return found, kept

    def _execute(self, items: str, frame: pl.DataFrame) -> pl.DataFrame:
        # Polars rounds otherwise where rows are few: of one or two, a / 2.5 is not what it is of three.
        rows = frame
        if 0 < frame.height < MIN_ROWS:
            rows = pl.concat([frame, frame.clear(MIN_ROWS - frame.height)])
        try:
            with pl.SQLContext({TABLE: rows.lazy()}) as context:
                found = context.execute(f"SELECT {items} FROM {TABLE}", eager=True)
                return found.head(frame.height) if found.height == rows.height else found
        except pl.exceptions.PolarsError as error:
            raise self._fails(str(error).splitlines()[0]) from None

    def _refuse_infinity(self, found: pl.DataFrame) -> None:
        infinite = found.select(selectors.by_name(*self.channels).is_infinite().fill_null(False))
        for name in (column.name for column in infinite if column.any()):
            row = int(np.argmax(infinite[name].to_numpy()))
            stamp = iso_time(found[self._time][row])
            raise _bad_result(
                f"gives an infinite {name!r}, first at {stamp}: make it missing, as by a / NULLIF(b, 0), or drop "
                "such rows with WHERE"
            )

    def _fails(self, reason: str) -> RecipeError:
        return RecipeError(f"sql {self._shown} cannot be run on {TABLE}: {reason}", code="sql-invalid")


def _bad_result(found: str) -> RecipeError:
    return RecipeError(f"sql {found}", code="sql-result")
