"""Files of named arrays, in groups or structs: which of them are the columns of one table."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.tables.arrays import column_of, distinct
from longstride.pipeline.ingest.sources.tables.source import TableReader, chosen_table
from longstride.storage.text import counted

__all__ = ["Leaf", "LeafTable", "noted", "table_of"]

MOST_COLUMNS = 10_000


class Leaf(NamedTuple):
    """An array of a file, of one dimension or more."""

    path: tuple[str, ...]
    """Names of the groups that it is in, and its own."""
    shape: tuple[int, ...]
    read: Callable[[int, int], NDArray[Any]]
    """Rows from one to another."""
    across: Callable[[int, int], NDArray[Any]]
    """The same of a matrix whose columns are the rows."""

    @property
    def is_vector(self) -> bool:
        """Whether it has one value a row, and more than one row."""
        return len(self.shape) == 1 and self.shape[0] > 1

    def upright(self, lengths: Set[int]) -> "Leaf":
        """With its rows first: they are as many as vectors of the file have values."""
        if len(self.shape) == 2 and self.shape[1] in lengths and self.shape[0] not in lengths:
            return self._replace(shape=self.shape[::-1], read=self.across, across=self.read)
        return self


def table_of(source: str, leaves: Sequence[Leaf], table: str | None, what: str, mark: str) -> "LeafTable":
    """The table that is asked for; `mark` stands between names of groups. Raises SourceError.

    Columns are all arrays of one number of rows; else `table` is a group of such, or one of several arrays of one
    group that have as many rows. Single values are left out where there are longer ones.
    """
    lengths = {leaf.shape[0] for leaf in leaves if leaf.is_vector}
    upright = [leaf.upright(lengths) for leaf in leaves]
    long = [leaf for leaf in upright if leaf.shape[0] > 1] or upright
    if table is None and len({leaf.shape[0] for leaf in long}) <= 1:
        chosen = long
    else:
        tables = {name: found for name, found in _tables(long, mark) if found}
        if table is not None and (asked := _found(long, tuple(table.split(mark)))):
            tables = {table: asked, **tables}
        name = chosen_table(source, {name: found[0].shape[0] for name, found in tables.items()}, what, table)
        chosen = [] if name is None else tables[name]
    for leaf in chosen:
        if len(leaf.shape) == 2 and leaf.shape[0] < leaf.shape[1] and leaf.shape[0] not in lengths:
            raise SourceError(
                source,
                f"{mark.join(leaf.path)!r} has {leaf.shape[0]:,} rows and {leaf.shape[1]:,} columns, and nothing "
                "tells which of them are times: write it with a row for each time, or write a vector of times too",
                code="source-format",
            )
    if len(chosen) and sum(leaf.shape[1] if len(leaf.shape) == 2 else 1 for leaf in chosen) > MOST_COLUMNS:
        raise SourceError(source, f"it has more than {MOST_COLUMNS:,} columns", code="source-format")
    reader = LeafTable(_named(chosen, mark))
    if num_single := len(upright) - len(long):
        reader.notes = [f"left out of {source}: {counted(num_single, 'single value')}"]
    return reader


def noted(reader: "LeafTable", source: str, others: Sequence[str]) -> "LeafTable":
    """The same, which tells of arrays that hold neither numbers nor texts."""
    if others:
        shown = ", ".join(map(repr, others[:5])) + (", ..." if len(others) > 5 else "")
        reader.notes = [
            *reader.notes,
            f"left out of {source}, being neither numbers nor texts: {shown}",
        ]
    return reader


def _tables(leaves: Sequence[Leaf], mark: str) -> Iterator[tuple[str, list[Leaf]]]:
    """What could be named: groups of one number of rows, else an array with those of its group like it."""
    seen: set[tuple[str, ...]] = set()
    for leaf in leaves:
        if leaf.path in seen:
            continue
        names = next(
            (leaf.path[:depth] for depth in range(1, len(leaf.path)) if _found(leaves, leaf.path[:depth])),
            leaf.path,
        )
        found = _found(leaves, names)
        seen.update(one.path for one in found)
        yield mark.join(names), found


def _found(leaves: Sequence[Leaf], names: tuple[str, ...]) -> list[Leaf]:
    below = [leaf for leaf in leaves if leaf.path[: len(names)] == names and len(leaf.path) > len(names)]
    if below:
        return below if len({leaf.shape[0] for leaf in below}) == 1 else []
    own = next((leaf for leaf in leaves if leaf.path == names), None)
    if own is None:
        return []
    return [leaf for leaf in leaves if leaf.path[:-1] == names[:-1] and leaf.shape[0] == own.shape[0]]


def _named(leaves: Sequence[Leaf], mark: str) -> dict[str, Leaf]:
    """Leaves by their names, without the groups that all of them are in."""
    shared = 0
    while leaves and all(len(leaf.path) > shared + 1 for leaf in leaves):
        if len({leaf.path[: shared + 1] for leaf in leaves}) > 1:
            break
        shared += 1
    return {mark.join(leaf.path[shared:]): leaf for leaf in leaves}


class LeafTable(TableReader):
    """Arrays of as many rows as columns of a table. A matrix gives a column for each of its columns: x_1, x_2."""

    def __init__(self, leaves: Mapping[str, Leaf]) -> None:
        import pyarrow as pa

        self._arrays = list(leaves.values())
        columns: list[tuple[str, int, int | None]] = []
        for number, (name, leaf) in enumerate(leaves.items()):
            width = leaf.shape[1] if len(leaf.shape) == 2 else 1
            numbers: list[int | None] = [None] if width == 1 else [*range(width)]
            columns += [(name if column is None else f"{name}_{column + 1}", number, column) for column in numbers]
        names, self.repeated = distinct([name for name, *_ in columns])
        self._place = {name: (number, column) for name, (_, number, column) in zip(names, columns, strict=True)}
        self._asked, self._rows = (-1, 0, 0), np.empty(0)
        kinds = {name: self.column(name, 0, 1).type for name in names}
        super().__init__(pa.schema(kinds), self._arrays[0].shape[0] if self._arrays else 0)

    def column(self, name: str, start: int, stop: int) -> Any:
        """Some rows of a column."""
        number, column = self._place[name]
        if self._asked != (number, start, stop):  # a matrix is read once for all its columns
            self._rows = self._arrays[number].read(start, stop)
            self._asked = number, start, stop
        if column is not None:
            return column_of(self._rows[:, column])
        return column_of(self._rows[:, 0] if self._rows.ndim == 2 else self._rows)
