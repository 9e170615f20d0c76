"""Derived channels and filters: a Polars SQL query that sees each row of a piece alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from longstride.pipeline.ingest.columns import MAX_LABEL, Columns, listed
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.sql.expression import spans_rows
from longstride.pipeline.ingest.sql.statement import TABLE, RowQuery
from longstride.pipeline.ingest.sql.tokens import quoted_name, tokens_of
from longstride.storage.text import iso_time

__all__ = ["Query"]

AS_LABEL = "make true, false or whole numbers, as in State <> 'Normal' AS attack"
MAX_SHOWN = 300
MIN_ROWS = 64
NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "d": 86_400 * 10**9}


class Query:
    """A query over the rows of one source."""

    def __init__(self, sql: str, columns: Columns, unused: Mapping[str, pl.DataType]) -> None:
        """Check the query against the columns of a source. Raises RecipeError for one that cannot be used.

        `unused` are the types of the columns that have no use in the recipe; the query sees them too.
        """
        unused = {**unused, **columns.lacking}
        self._shown = repr(sql if len(sql) <= MAX_SHOWN else f"{sql[:MAX_SHOWN]}...")
        name = columns.time_name
        if not columns.time and any(token.is_name and token.text.lower() == name for token in tokens_of(sql)):
            # Times are given when all rows are counted.
            raise RecipeError(
                f"sql {self._shown} uses {name!r}, but rows have no time of their own: SELECT * EXCLUDE (...)",
                code="sql-invalid",
            )
        keys = dict.fromkeys((name for name in (columns.series, columns.pivot) if name is not None), pl.String())
        schema: dict[str, pl.DataType] = {columns.time_name: pl.Datetime("ns"), **keys}
        schema |= (
            dict.fromkeys(columns.read_labels, pl.Int64())
            | dict.fromkeys(columns.channels, pl.Float64())
            | {name: _wide(dtype) for name, dtype in unused.items()}
        )
        self._times = {name: unit for name, dtype in schema.items() if (unit := _nanoseconds(dtype)) is not None}
        try:
            self._query = RowQuery.of(sql, schema, self._times)
        except RecipeError as error:
            raise RecipeError(f"sql {self._shown}: {error}", code=error.code) from None
        found = self._trial(pl.DataFrame(schema=schema))
        self._schema = schema
        self._time, self._labels, self._keys = columns.time_name, columns.labels, tuple(keys)
        self._zero = [
            name for name in columns.absent_labels if columns.absent_is_zero and name not in found.columns
        ]
        """Labels that it does not compute."""
        self._needed = [name for name in (columns.time_name, *keys, *columns.labels) if name not in self._zero]
        self._may_be_zero = columns.absent_labels if columns.absent_is_zero and columns.lacking else ()
        lost = [name for name in self._needed if name not in found.columns]
        if lost and lost[0] in columns.absent_labels:
            raise _bad_result(f"does not give the label {lost[0]!r}, and no column has that name: {AS_LABEL}")
        if lost:
            remedy = "drop such rows"
            if lost[0] in self._labels:
                remedy += ", or say what a missing text means, as in COALESCE(State, '') <> ''"
            raise _bad_result(f"leaves out {', '.join(map(repr, lost))}: SELECT that too, or *")
        for name in self._needed:
            is_label = name in columns.labels and (
                found.schema[name].is_integer() or found.schema[name] == pl.Boolean
            )
            if name in columns.absent_labels and not is_label and found.schema[name] != pl.Null:
                raise _bad_result(f"gives {found.schema[name]} for the label {name!r}: {AS_LABEL}")
            if name in schema and found.schema[name] != schema[name] and not is_label:
                raise _bad_result(f"turns {name!r} into {found.schema[name]}: leave it {schema[name]}")
        made = {name: dtype for name, dtype in found.schema.items() if name not in self._needed}
        kept = {name: dtype for name, dtype in made.items() if name not in unused or schema[name] != dtype}
        if idle := sorted((made.keys() - kept.keys()) & _given_names(sql)):
            raise _bad_result(
                f"gives {idle[0]!r}, a column that is left out or a part of the series, and nothing would come of "
                f"it: give it another name{f', or change {columns.series!r}' if columns.series else ''}"
            )
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
        given = {name: dtype for name, dtype in self._schema.items() if frame.schema[name] != dtype}
        found, kept = self._found(frame.with_columns(pl.col(name).cast(given[name]) for name in given))
        found = found.with_columns(
            pl.col(name).fill_null(0) for name in self._may_be_zero if name in found.columns
        )
        empty = [name for name in self._keys if (found[name] == "").any()]
        lost = [name for name in self._needed if found[name].null_count()] + empty
        if lost:
            remedy = "drop such rows"
            if lost[0] in self._labels:
                remedy += ", or say what a missing text means, as in COALESCE(State, '') <> ''"
            raise _bad_result(f"makes some {lost[0]!r} missing, which every row must have: {remedy}")
        found = found.with_columns(_label(found[name]) for name in self._labels if name not in self._zero)
        found = found.with_columns(pl.lit(0, pl.Int8).alias(name) for name in self._zero)
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
        self._refuse_far(self._query.sums_of_where, frame)
        if self._query.where is None:
            kept = np.arange(frame.height)
        else:
            is_kept = self._execute(f"({self._query.where}) AS kept", frame).to_series()
            if is_kept.dtype not in (pl.Boolean, pl.Null):
                raise self._fails(f"the condition after WHERE gives {is_kept.dtype}, not true or false")
            is_kept = is_kept.cast(pl.Boolean).fill_null(False)
            kept, frame = is_kept.arg_true().cast(pl.Int64).to_numpy(), frame.filter(is_kept)
        self._refuse_far(self._query.sums_of_items, frame)
        found = self._execute(self._query.items, frame)
        if found.height != frame.height:
            raise spans_rows(f"it makes {found.height:,} rows of {frame.height:,}")
        return found, kept

    def _trial(self, empty: pl.DataFrame) -> pl.DataFrame:
        """What it makes of no rows. Raises RecipeError for two items of one name."""
        try:
            found, _ = self._found(empty)
        except RecipeError:
            self._refuse_repeated(empty)
            raise
        if any(name.rpartition(":")[0] in found.columns for name in found.columns):
            self._refuse_repeated(empty)  # Polars may have named the first of them anew, as in a:1
        return found

    def _refuse_repeated(self, empty: pl.DataFrame) -> None:
        names: Counter[str] = Counter()
        for item in self._query.each_item:
            with suppress(RecipeError):
                names.update(self._execute(item, empty).columns)
        repeated = [name for name, count in names.items() if count > 1]
        if repeated:
            raise _bad_result(
                f"gives two columns the name {repeated[0]!r}: choose another by AS, or replace the column by "
                "* REPLACE (... AS ...)"
            )

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
        except pl.exceptions.PanicException as error:  # no Exception: it would pass all that clean up
            raise self._fails(
                f"Polars breaks off ({str(error).splitlines()[0]}): write it in another way"
            ) from None

    def _refuse_far(self, sums: Sequence[Counter[str]], frame: pl.DataFrame) -> None:
        """Raise RecipeError where a sum of times may be out of reach: Polars would wrap it to another year."""
        largest = {quoted_name(name): unit * _largest(frame[name]) for name, unit in self._times.items() if sums}
        for total in sums:
            if sum(count * largest.get(name, 1) for name, count in total.items()) >= 2**63:
                names = [name for name in total if name in largest]
                raise _bad_result(
                    f"computes with times ({listed(names) if names else 'its own'}) that may come out of reach, "
                    "before the year 1678 or after 2261: add less to them. What is added is summed, whatever its "
                    "sign is, and times count from 1970"
                )

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


def _wide(dtype: pl.DataType) -> pl.DataType:
    """The type in which a query sees whole numbers: of 8 bits, 100 * 2 would be -56."""
    if dtype == pl.UInt64:
        return pl.Int128()
    return pl.Int64() if dtype.is_integer() and dtype != pl.Int128 else dtype


def _nanoseconds(dtype: pl.DataType) -> int | None:
    """Of one unit of a time or a duration; None of another type."""
    if isinstance(dtype, pl.Datetime | pl.Duration):
        return NANOSECONDS[dtype.time_unit]
    return NANOSECONDS["d"] if dtype == pl.Date else None


def _largest(column: pl.Series) -> int:
    """How far the times of a column are from 1970, in its own unit."""
    ends = (column.to_physical().min(), column.to_physical().max())
    return max((abs(number) for number in ends if isinstance(number, int)), default=0)


def _label(label: pl.Series) -> pl.Series:
    """A label as int8. Raises RecipeError for one that cannot be stored."""
    numbers = label.cast(pl.Int128)
    wrong = ~numbers.is_between(0, MAX_LABEL)
    if wrong.any():
        raise _bad_result(
            f"makes the label {label.name!r} {numbers.filter(wrong)[0]}: expected true, false or a whole number "
            f"from 0 to {MAX_LABEL}"
        )
    return numbers.cast(pl.Int8)


def _given_names(sql: str) -> set[str]:
    """Names that stand behind AS."""
    tokens = tokens_of(sql)
    return {name.text for word, name in pairwise(tokens) if word.is_word("AS") and name.is_name}


def _bad_result(found: str) -> RecipeError:
    return RecipeError(f"sql {found}", code="sql-result")
