"""Derived channels and filters: a Polars SQL query that sees each row of a piece alone."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.ingest.columns import Columns
from pipeline.ingest.errors import RecipeError

__all__ = ["Query"]

TABLE = "rows"
ROW = "__row"


class Query:
    """A query over the rows of one source."""

    def __init__(self, sql: str, columns: Columns, unused: Mapping[str, pl.DataType]) -> None:
        """Check the query against the columns of a source. Raises RecipeError for one that cannot be used.

        `unused` are the types of the columns that have no use in the recipe; the query sees them too.
        """
        self._columns = columns
        keys = dict.fromkeys((name for name in (columns.series, columns.pivot) if name is not None), pl.String())
        schema: dict[str, pl.DataType] = {columns.time_name: pl.Datetime("ns"), **keys}
        schema |= (
            dict.fromkeys(columns.labels, pl.Int8()) | dict.fromkeys(columns.channels, pl.Float64()) | {**unused}
        )
        empty = pl.DataFrame(schema={ROW: pl.UInt32(), **schema})
        self._sql = sql
        found = self._execute(empty)
        if ROW not in found.columns:
            # It names its columns: the number of the row is one more.
            head, select, tail = sql.partition(sql.lstrip()[:6])
            if select.upper() != "SELECT" or head.strip():
                raise RecipeError(f"sql is {sql!r}: expected SELECT ... FROM {TABLE}")
            self._sql = f"SELECT {ROW}, {tail}"
            found = self._execute(empty)
        needed = [columns.time_name, *keys, *columns.labels]
        lost = [name for name in needed if name not in found.columns]
        if lost:
            raise RecipeError(f"sql leaves out {', '.join(map(repr, lost))}: SELECT that too, or *")
        for name in needed:
            if found.schema[name] != schema[name]:
                raise RecipeError(f"sql makes {found.schema[name]} of {name!r}: leave it {schema[name]}")
        made = {name: dtype for name, dtype in found.schema.items() if name not in (ROW, *needed)}
        kept = {name: dtype for name, dtype in made.items() if unused.get(name) != dtype}
        for name, dtype in kept.items():
            if not (dtype.is_numeric() or dtype == pl.Boolean):
                raise RecipeError(f"sql makes {dtype} of {name!r}: expected numbers; CAST it, or leave it out")
        if not kept:
            raise RecipeError("sql leaves no column of values: SELECT *, or name some")
        self.channels = tuple(kept)
        """The columns of values that it gives."""

    def run(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Rows that are left, with their channels (float64), and which rows of the frame they are.

        Raises RecipeError where the query does more than look at rows one by one.
        """
        time = self._columns.time_name
        rows = frame.with_columns(pl.col(time).cast(pl.Datetime("ns"))).with_row_index(ROW)
        found = self._execute(rows)
        kept = found[ROW].to_numpy().astype(np.int64)
        if found[ROW].null_count() or (np.diff(kept) <= 0).any():
            raise RecipeError("sql changes the order of rows or repeats them: it may only filter and compute")
        found = found.with_columns(pl.col(time).to_physical(), pl.col(self.channels).cast(pl.Float64))
        return found.drop(ROW), kept

    def check_alone(self, frame: pl.DataFrame) -> None:
        """Raise RecipeError where a row comes out differently among others: rows are read in pieces."""
        half = frame.height // 2
        whole, kept = self.run(frame)
        begin, kept_begin = self.run(frame[:half])
        same = np.array_equal(kept[: len(kept_begin)], kept_begin) and whole[: begin.height].equals(begin)
        if not same or (len(kept) > len(kept_begin) and kept[len(kept_begin)] < half):
            raise RecipeError(
                "sql looks at rows beside each other (an average, a window function, a limit): it may only compute "
                "with values of the same row. Use --every, --fill or --rate for what spans rows"
            )

    def _execute(self, frame: pl.DataFrame) -> pl.DataFrame:
        try:
            with pl.SQLContext({TABLE: frame.lazy()}) as context:
                return context.execute(self._sql, eager=True)
        except pl.exceptions.PolarsError as error:
            reason = str(error).splitlines()[0]
            raise RecipeError(f"sql {self._sql!r} cannot be run on {TABLE}: {reason}") from None
