"""Which table of a file is the log, where it holds several: the one with a clock and the most rows."""

from collections.abc import Callable, Mapping

import polars as pl

from longstride.pipeline.ingest.errors import SeveralTablesError
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.words.time_names import elapsed_unit, name_score

__all__ = ["doubt_of_tables", "find_logged_table", "has_clock", "has_values"]

FIRST_ROWS = 100
NEARLY_ALL = 0.9
MOST_TRIED = 12
FROM, TO = 946_684_800, 2**31
"""Seconds since 1970 in the years from 2000 to 2038."""
MOST_SHOWN = 8


def find_logged_table(several: SeveralTablesError, first_rows: Callable[[str], pl.DataFrame]) -> str:
    """The table, by the first rows of each. Raises `several` if none has a clock, or two of them have as many."""
    sizes = sorted(several.tables.items(), key=lambda table: -table[1])
    timed = (table for table, _ in sizes[:MOST_TRIED] if has_clock(first_rows(table)))
    best = next(timed, None)
    if best is None:
        raise several
    other = next(timed, None)
    if other is not None and several.tables[other] == several.tables[best]:
        raise several
    return best


def doubt_of_tables(table: str, tables: Mapping[str, int]) -> str:
    """What is left out where a table is taken."""
    others = [f"{name!r} ({rows:,})" for name, rows in tables.items() if name != table]
    shown = ", ".join(others[:MOST_SHOWN]) + f" and {len(others) - MOST_SHOWN:,} more" * (len(others) > MOST_SHOWN)
    return (
        f"table: of several tables in one file, {table!r} is read, for it has a clock and the most rows, "
        f"{tables[table]:,}; left out, with their rows: {shown}. To read another one, profile it with --table"
    )


def has_clock(rows: pl.DataFrame) -> bool:
    """Whether a column that changes is called like a time, or holds times."""
    return any(_is_clock(column) for column in rows.head(FIRST_ROWS))


def has_values(rows: pl.DataFrame) -> bool:
    """Whether a column that is not called like a time holds numbers that change."""
    free = (column for column in rows if not name_score(column.name) and column.n_unique() > 1)
    return any(_share(column, Kind.NUMBER) > NEARLY_ALL for column in free)


def _is_clock(column: pl.Series) -> bool:
    if column.drop_nulls().n_unique() < min(2, len(column)):
        return False
    if column.dtype.is_temporal() or _share(column, Kind.TIME) > NEARLY_ALL:
        return True
    if _share(column, Kind.NUMBER) <= NEARLY_ALL:
        return False
    return bool(name_score(column.name) or elapsed_unit(column.name)) or _counts_from_1970(column)


def _counts_from_1970(column: pl.Series) -> bool:
    numbers = column.cast(pl.Float64, strict=False).drop_nulls()
    return any(numbers.is_between(FROM * scale, TO * scale).all() for scale in (1, 1e3, 1e6, 1e9))


def _share(column: pl.Series, kind: Kind) -> float:
    """Of the values that are there, those of a kind."""
    if column.dtype.is_numeric():
        return float(kind is Kind.NUMBER and column.null_count() < len(column))
    texts = column.drop_nulls().cast(pl.String, strict=False).drop_nulls().head(FIRST_ROWS)
    return sum(kind_of(text) is kind for text in texts) / max(1, len(texts))
