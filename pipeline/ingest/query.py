"""Derived channels and filters: a Polars SQL query that sees each row of a piece alone."""

import re
from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import RecipeError
from longstride.storage.text import iso_time

__all__ = ["Query"]

TABLE = "rows"
ROW = "__row"
QUOTED = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|--[^\n]*|/\*.*?\*/""", re.DOTALL)
SPANNING = re.compile(
    r"\bover\s*\(|\bwindow\s+\w+\s+as\b|\b(order|group)\s+by\b|\b(limit|offset|fetch|union|intersect|join)\b"
    r"|\bselect\s+distinct\b|\(\s*select\b|\bexcept\s+(all\s+)?select\b",
    re.IGNORECASE,
)
"""Words of queries that look at several rows; a trial would find these with some rows only."""


class Query:
    """A query over the rows of one source."""

    def __init__(self, sql: str, columns: Columns, unused: Mapping[str, pl.DataType]) -> None:
        """Check the query against the columns of a source. Raises RecipeError for one that cannot be used.

        `unused` are the types of the columns that have no use in the recipe; the query sees them too.
        """
        self._text = self._sql = sql
        spanning = SPANNING.search(QUOTED.sub("''", sql))
        if spanning:
            raise self._spans_rows(f"{spanning[0]!r}; put quotes around a column of that name")
        keys = dict.fromkeys((name for name in (columns.series, columns.pivot) if name is not None), pl.String())
        schema: dict[str, pl.DataType] = {columns.time_name: pl.Datetime("ns"), **keys}
        schema |= (
            dict.fromkeys(columns.labels, pl.Int8()) | dict.fromkeys(columns.channels, pl.Float64()) | {**unused}
        )
        empty = pl.DataFrame(schema={ROW: pl.UInt32(), **schema})
        found = self._execute(empty)
        if ROW not in found.columns:
            # It names its columns: the number of the row is one more.
            head, select, tail = sql.partition(sql.lstrip()[:6])
            if select.upper() != "SELECT" or head.strip():
                raise RecipeError(f"sql is {sql!r}: expected SELECT ... FROM {TABLE}", code="sql-invalid")
            self._sql = f"SELECT {ROW}, {tail}"
            found = self._execute(empty)
        self._time = columns.time_name
        self._needed = [columns.time_name, *keys, *columns.labels]
        lost = [name for name in self._needed if name not in found.columns]
        if lost:
            raise _bad_result(f"leaves out {', '.join(map(repr, lost))}: SELECT that too, or *")
        for name in self._needed:
            if found.schema[name] != schema[name]:
                raise _bad_result(f"turns {name!r} into {found.schema[name]}: leave it {schema[name]}")
        made = {name: dtype for name, dtype in found.schema.items() if name not in (ROW, *self._needed)}
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
        rows = frame.with_columns(pl.col(self._time).cast(pl.Datetime("ns"))).with_row_index(ROW)
        found = self._execute(rows)
        kept = found[ROW].cast(pl.Int64).fill_null(-1).to_numpy()
        if (np.diff(kept, prepend=-1) <= 0).any():
            raise RecipeError(
                "sql changes the order of rows or repeats them: it may only filter and compute",
                code="sql-spans-rows",
            )
        lost = [name for name in self._needed if found[name].null_count()]
        if lost:
            raise _bad_result(f"makes some {lost[0]!r} missing, which every row must have: drop such rows")
        found = found.with_columns(pl.col(self._time).to_physical(), pl.col(self.channels).cast(pl.Float64))
        self._refuse_infinity(found)
        return found.drop(ROW), kept

    def check_alone(self, frame: pl.DataFrame) -> None:
        """Raise RecipeError where the result of a row depends on other rows: rows are read in pieces."""
        half = frame.height // 2
        whole, kept = self.run(frame)
        begin, kept_begin = self.run(frame[:half])
        end, kept_end = self.run(frame[half:])
        if not (np.array_equal(kept, [*kept_begin, *kept_end + half]) and whole.equals(pl.concat([begin, end]))):
            raise self._spans_rows("with only half of the rows it gives other values than with all")

    def _refuse_infinity(self, found: pl.DataFrame) -> None:
        infinite = found.select(pl.col(self.channels).is_infinite().fill_null(False))
        for name in (column.name for column in infinite if column.any()):
            row = int(np.argmax(infinite[name].to_numpy()))
            stamp = iso_time(found[self._time][row])
            raise _bad_result(
                f"gives an infinite {name!r}, first at {stamp}: make it missing, as by a / NULLIF(b, 0), or drop "
                "such rows with WHERE"
            )

    def _spans_rows(self, how: str) -> RecipeError:
        return RecipeError(
            f"sql {self._text!r} looks at more than one row at a time ({how}): it may only compute with values "
            "of one row. Use --every, --fill or --rate for work that spans rows",
            code="sql-spans-rows",
        )

    def _execute(self, frame: pl.DataFrame) -> pl.DataFrame:
        try:
            with pl.SQLContext({TABLE: frame.lazy()}) as context:
                return context.execute(self._sql, eager=True)
        except pl.exceptions.PolarsError as error:
            reason = str(error).splitlines()[0]
            if "aggregate function" in reason:
                raise self._spans_rows("it summarises them") from None
            reason = reason.replace(f'"{ROW}", ', "")
            raise RecipeError(
                f"sql {self._text!r} cannot be run on {TABLE}: {reason}", code="sql-invalid"
            ) from None


def _bad_result(found: str) -> RecipeError:
    return RecipeError(f"sql {found}", code="sql-result")
