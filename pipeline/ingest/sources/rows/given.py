"""What is given as sources: names of files, and rows that a program holds, told apart."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol, runtime_checkable

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError

__all__ = ["Rows", "Sources", "has_rows", "listed_sources"]

EXPECTED = (
    "expected paths or URLs, or rows as Arrow has them: a table, a reader of record batches, a DataFrame of "
    "Polars or of pandas from 2.2 on, a query, or an iterator of record batches"
)


@runtime_checkable
class ArrowStream(Protocol):
    """A table, a reader, a DataFrame or a query: what gives an Arrow stream by the PyCapsule protocol."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


@runtime_checkable
class ArrowArray(Protocol):
    """A record batch: what gives one Arrow array of structs by the PyCapsule protocol."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any: ...


@runtime_checkable
class Cursor(Protocol):
    """A cursor of ADBC, after `execute`."""

    def fetch_record_batch(self) -> Any: ...


Name = str | os.PathLike[str]
Held = ArrowStream | ArrowArray | Cursor | pl.LazyFrame
Rows = Held | Iterable[ArrowStream | ArrowArray]
"""One source."""
Sources = Name | Rows | Sequence[Name | Held]
"""One source, or several."""


def listed_sources(given: Any) -> list[Any]:
    """Each source: the name of a file, a folder or a pattern, or rows.

    A list is one of sources, but a list of record batches is one source, and so is any iterator of batches or
    tables. Raises RecipeError for what is neither, and for rows that are named twice.
    """
    found = _listed(given)
    rows = [one for one in found if not _is_name(one)]
    if len({id(one) for one in rows}) < len(rows):
        raise RecipeError(
            "the same rows are given twice among the sources: give them once", code="source-repeated"
        )
    return found


def has_rows(sources: Sequence[Any]) -> bool:
    """Whether some of what `listed_sources` gave are rows."""
    return not all(map(_is_name, sources))


def _listed(given: Any) -> list[Any]:
    if _is_name(given) or _is_held(given):
        return [given]
    if isinstance(given, list | tuple):
        if given and all(isinstance(one, ArrowArray) for one in given):
            return [given]
        for one in given:
            if not (_is_name(one) or _is_held(one) or isinstance(one, Iterator)):
                raise _no_source(one)
        return list(given)
    if not isinstance(given, Iterable) or isinstance(given, bytes | dict) or hasattr(given, "__array__"):
        raise _no_source(given)
    items = iter(given)
    first = next(items, None)
    if first is None:
        return []
    if _is_name(first):
        return [first, *items]
    return [Named(chain([first], items), type(given).__name__)]


def _no_source(given: Any) -> RecipeError:
    shown = " ".join(repr(given).split())[:80]
    return RecipeError(
        f"the source {shown} is of the type {type(given).__name__}: {EXPECTED}", code="option-value"
    )


class Named:
    """An iterator that was begun, and the type that it had."""

    def __init__(self, items: Iterator[Any], kind: str) -> None:
        self.items, self.kind = items, kind

    def __iter__(self) -> Iterator[Any]:
        return self.items


def _is_name(given: Any) -> bool:
    return isinstance(given, str | os.PathLike)


def _is_held(given: Any) -> bool:
    # A class has the methods too.
    return isinstance(given, ArrowStream | ArrowArray | Cursor | pl.LazyFrame) and not isinstance(given, type)
