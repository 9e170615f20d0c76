"""Rows as record batches, all of one schema and of a size of ours, whatever the batches were that came."""

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.rows.given import ArrowArray, ArrowStream, Named
from longstride.storage.errors import LongstrideError

__all__ = ["Batches", "name_of"]

BATCH_BYTES = 8 * 2**20
MIN_ROWS, MAX_ROWS = 2**10, 2**18


class Batches:
    """The rows of a source; they are read once."""

    def __init__(self, rows: Any, name: str) -> None:
        """Begin to read. Raises SourceError where there are no columns."""
        self._name = name
        self._batches = self._reported(_opened(rows, name))
        first = next(self._batches, None)
        if first is None:
            raise SourceError(name, "there is no batch of rows, and so no column", code="source-empty")
        self._first = first
        self._given = first.schema
        self.schema = _plain_schema(self._given)
        """Without dictionaries, whose entries may differ from batch to batch, and without views."""

    def __iter__(self) -> Iterator[Any]:
        """Batches of a number of rows that the columns alone decide, one at least. Raises SourceError."""
        import pyarrow as pa

        rows = min(max(BATCH_BYTES // (8 * max(1, len(self.schema))), MIN_ROWS), MAX_ROWS)
        pending: list[Any] = []
        count = num_rows = 0
        for batch in self._of_one_schema():
            start = 0
            while start < batch.num_rows:
                taken = min(rows - count, batch.num_rows - start)
                pending.append(self._plain(batch.slice(start, taken)))
                start += taken
                count += taken
                num_rows += taken
                if count == rows:
                    yield from pa.Table.from_batches(pending, self.schema).combine_chunks().to_batches()
                    pending, count = [], 0
        if not num_rows:
            yield _without_rows(self.schema)
        if pending:
            yield from pa.Table.from_batches(pending, self.schema).combine_chunks().to_batches()

    def _of_one_schema(self) -> Iterator[Any]:
        yield self._first
        for number, batch in enumerate(self._batches, 2):
            if _types(batch.schema) != _types(self._given):
                message = _difference(self._given, batch.schema, number)
                raise SourceError(self._name, message, code="batches-differ")
            yield batch

    def _plain(self, batch: Any) -> Any:
        """Rows in the types of our schema. A slice of views would carry all texts of its batch."""
        import pyarrow as pa

        try:
            return pa.RecordBatch.from_arrays(
                [_cast(column, field.type) for column, field in zip(batch.columns, self.schema, strict=True)],
                schema=self.schema,
            )
        except pa.ArrowException as error:
            raise self._unreadable(error) from error

    def _reported(self, batches: Iterator[Any]) -> Iterator[Any]:
        """The same; what goes wrong where rows are made becomes a SourceError."""
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except LongstrideError:
                raise
            except Exception as error:  # of any library, or of the user's own iterator
                raise self._unreadable(error) from error
            yield batch

    def _unreadable(self, error: Exception) -> SourceError:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:400]
        return SourceError(self._name, f"they cannot be read: {reason}", code="source-unreadable")


def name_of(rows: Any) -> str:
    """What rows are called in messages, reports and stores."""
    if isinstance(rows, Named):
        return f"rows of a {rows.kind}"
    package = type(rows).__module__.partition(".")[0].lstrip("_")
    of = "" if package in ("builtins", "") else f"{package}."
    return f"rows of a {of}{type(rows).__name__}"


def _opened(rows: Any, name: str) -> Iterator[Any]:
    """Record batches as they come; where there is no row, one without rows."""
    import pyarrow as pa

    if isinstance(rows, pl.LazyFrame):
        yield from _streamed(rows)
    elif isinstance(rows, ArrowStream):
        yield from _read(pa.RecordBatchReader.from_stream(rows))
    elif isinstance(rows, ArrowArray):
        yield pa.record_batch(rows)
    elif hasattr(rows, "fetch_record_batch"):
        yield from _read(rows.fetch_record_batch())
    else:
        yield from _each(rows, name)


def _each(items: Iterable[Any], name: str) -> Iterator[Any]:
    import pyarrow as pa

    for item in items:
        if isinstance(item, ArrowArray):
            yield pa.record_batch(item)
        elif isinstance(item, ArrowStream):
            yield from _read(pa.RecordBatchReader.from_stream(item))
        else:
            raise SourceError(
                name,
                f"one of them is a {type(item).__name__}: expected record batches or tables of Arrow",
                code="option-value",
            )


def _read(reader: Any) -> Iterator[Any]:
    is_empty = True
    for batch in reader:
        is_empty = False
        yield batch
    if is_empty:
        yield from reader.schema.empty_table().to_batches() or [_without_rows(reader.schema)]


def _without_rows(schema: Any) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _streamed(query: pl.LazyFrame) -> Iterator[Any]:
    """The rows of a query, which are never in memory together."""
    import pyarrow as pa

    is_empty = True
    for frame in query.collect_batches(engine="streaming"):
        is_empty = False
        yield from _read(pa.RecordBatchReader.from_stream(frame))
    if is_empty:
        yield from _read(pa.RecordBatchReader.from_stream(query.collect_schema().to_frame()))


def _plain_schema(schema: Any) -> Any:
    import pyarrow as pa

    # Columns of one name stay two: whoever reads them refuses them, with the name.
    return pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])


def _types(schema: Any) -> list[tuple[str, Any]]:
    return [(field.name, field.type) for field in schema]


def _plain_type(kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_run_end_encoded(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_struct(kind):
        fields = [kind.field(index) for index in range(kind.num_fields)]
        return pa.struct([field.with_type(_plain_type(field.type)) for field in fields])
    return kind


def _cast(column: Any, kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        # Not by a cast of all: Arrow decodes no dictionary of views.
        return pa.DictionaryArray.from_arrays(column.indices, _cast(column.dictionary, kind)).dictionary_decode()
    return column if column.type == kind else column.cast(kind)


def _difference(first: Any, other: Any, number: int) -> str:
    if first.names != other.names:
        return (
            f"batch {number:,} has columns {', '.join(other.names)}, the first has {', '.join(first.names)}: give "
            "rows of other columns as a source of their own"
        )
    name, was, now = next(
        (one.name, one.type, two.type) for one, two in zip(first, other, strict=True) if one.type != two.type
    )
    return f"column {name!r} holds {now} in batch {number:,}, and {was} in the first: cast them to one type"
