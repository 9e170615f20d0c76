"""The kind of a source, known by its first bytes. The module of a kind is imported for such a source alone."""

import re
from collections.abc import Iterable

from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.setting import is_single_byte
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.sources.compressed import is_compressed
from longstride.pipeline.ingest.sources.csv.header import BOM, wide_encoding
from longstride.pipeline.ingest.sources.csv.source import CsvSource
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES
from longstride.pipeline.ingest.sources.files import first_bytes, open_text
from longstride.pipeline.ingest.sources.foreign import refuse_foreign, refuse_no_text
from longstride.pipeline.ingest.sources.records.kinds import kind_of_records
from longstride.pipeline.ingest.sources.shapes.joined import with_series
from longstride.pipeline.ingest.sources.tables.kinds import is_packed_table, kind_of_table

__all__ = ["open_as_it_is", "open_source", "refuse_idle_table", "reshaped"]

PROBE_BYTES = 2**12
PARQUET, ARROW = b"PAR1", b"ARROW1"
JSON_ARRAY = re.compile(rb"\s*\[\s*[\[{\]]")


def open_source(name: str, recipe: Recipe) -> Source:
    """Open a file and read its column names, in the shape that the recipe asks for.

    Raises SourceError for a kind that cannot be read, and for a file that does not have that shape.
    """
    return reshaped(open_as_it_is(name, recipe), recipe)


def refuse_idle_table(sources: Iterable[Source], table: str | None) -> None:
    """Raise RecipeError where a table is named, and no file may hold several."""
    if table is not None and not any(source.has_tables for source in sources):
        raise RecipeError(
            f"table names {table!r}, and no source is of a kind that holds several tables: leave it out",
            code="recipe-conflict",
        )


def reshaped(source: Source, recipe: Recipe) -> Source:
    """A source in the shape that a recipe asks for. Raises SourceError."""
    if recipe.melt is not None:
        from longstride.pipeline.ingest.sources.shapes.melted import Melted

        source = Melted(source, recipe)
    if recipe.series_from or recipe.prefix_from or recipe.date_from:
        from longstride.pipeline.ingest.sources.shapes.from_name import FromName

        source = FromName(source, recipe)
    return with_series(source, recipe)


def open_as_it_is(name: str, recipe: Recipe) -> Source:
    """Open a file and read its column names. Raises SourceError for a kind that cannot be read."""
    magic = first_bytes(name)
    if magic.startswith((PARQUET, ARROW)):
        from longstride.pipeline.ingest.sources.columnar import ArrowSource, ParquetSource

        return (ParquetSource if magic.startswith(PARQUET) else ArrowSource)(name)
    if kind := kind_of_table(name, magic):
        return kind.load()(name, recipe.table)
    with open_text(name) as (stream, _):
        begin = stream.read(PROBE_BYTES)
    is_binary = is_compressed(begin) or begin.startswith((PARQUET, ARROW)) or is_packed_table(name, begin)
    if is_compressed(magic) and is_binary:
        raise SourceError(
            name, "the compressed file does not hold text: decompress it first", code="source-format"
        )
    refuse_foreign(name, begin)
    if recipe.has_pairs:
        from longstride.pipeline.ingest.sources.records.pairs import PairLines, PairRecords

        return (PairLines if recipe.record is None else PairRecords)(name, recipe)
    if recipe.line is not None or recipe.only_lines is not None:
        return CsvSource(name, recipe)  # whatever else such lines could be
    text = begin.removeprefix(BOM)
    if records := kind_of_records(text):
        return records(name, recipe)
    if array := JSON_ARRAY.match(text):
        if array[0].endswith(b"{"):
            return _document(name, recipe)
        raise SourceError(
            name,
            'this is a JSON array that does not hold objects: write one object a line, such as {"time": ..., '
            "\"value\": ...}, as with `jq -c '.[] | {time: .[0], value: .[1]}'`",
            code="source-format",
        )
    encoding = wide_encoding(begin)
    if encoding and _is_json(begin.decode(encoding, "ignore").encode()):
        message = f"this is JSON in {encoding.upper()}: convert it, as with `iconv -f {encoding} -t utf-8`"
        raise SourceError(name, message, code="source-format")
    if _is_json(text):
        from longstride.pipeline.ingest.sources.json.ndjson import JsonSource

        return JsonSource(name, recipe) if _is_a_line_each(name, text) else _document(name, recipe)
    if encoding is None and is_single_byte(recipe.encoding):
        refuse_no_text(name, begin)
    return CsvSource(name, recipe)


def _document(name: str, recipe: Recipe) -> Source:
    """One document of JSON that holds all rows."""
    from longstride.pipeline.ingest.sources.json.array import JsonArraySource

    return JsonArraySource(name, recipe)


def _is_a_line_each(name: str, begin: bytes) -> bool:
    """Whether most lines of a text of JSON objects are one, and the first is not too long."""
    from longstride.pipeline.ingest.sources.json.printed import is_printed_dict

    if is_printed_dict(begin.decode(errors="replace")):
        return True  # no document is written so
    if b"\n" in begin.strip():
        lines = [line.strip() for line in begin[: begin.rindex(b"\n")].splitlines() if line.strip()]
        # Within a document, a row on a line of its own ends with a comma.
        return 2 * sum(line[:1] == b"{" and line[-1:] == b"}" for line in lines) > len(lines)
    with open_text(name) as (stream, _):
        return len(stream.readline(MAX_RECORD_BYTES)) < MAX_RECORD_BYTES


def _is_json(text: bytes) -> bool:
    """Whether the first line begins as an object does, or most of them: before them may stand damaged ones."""
    begins = [line[:1] == b"{" for line in map(bytes.lstrip, text.splitlines()) if line]
    return begins[:1] == [True] or 2 * sum(begins) > len(begins)
