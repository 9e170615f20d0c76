"""The rows of logs that are looked at."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from polars import selectors

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import SeveralTablesError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Raw, Section, Source
from longstride.pipeline.ingest.sources.compressed import is_compressed
from longstride.pipeline.ingest.sources.csv.source import CsvSource
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES
from longstride.pipeline.ingest.sources.detect import open_as_it_is, refuse_idle_table, reshaped
from longstride.pipeline.ingest.sources.files import first_bytes, num_bytes, open_text
from longstride.pipeline.ingest.sources.json.deep import ROOT
from longstride.pipeline.ingest.sources.json.ndjson import JsonSource
from longstride.pipeline.ingest.sources.names import Names, find_files
from longstride.pipeline.ingest.sources.records.keyed import Keyed
from longstride.pipeline.ingest.sources.shapes.reshaped import Reshaped
from longstride.pipeline.ingest.times.reach import within_reach
from longstride.pipeline.profile.head.facts import Facts
from longstride.pipeline.profile.text.dialect import Dialect, agreed, sniff
from longstride.pipeline.profile.text.odd_tables.alternating import refuse_alternating
from longstride.pipeline.profile.text.which_table import (
    doubt_of_tables,
    find_logged_table,
    has_clock,
    has_values,
)
from longstride.storage.errors import LongstrideError

__all__ = ["Beyond", "Excerpt", "Sample", "from_first_row", "read_pieces", "take_sample"]

MAX_FILES = 20
SNIFFED_BYTES = 2**18
ARRAY_BYTES = 2**23
"""What is looked at of a JSON array, from its beginning."""
MOST_TIMES = 4
"""Rows of such an object that are looked at, compared with those that are asked for."""
MAX_BYTES = 2**28
"""Limit of the sample of a file, where lines are long."""
FEW_SAMPLES = 1.5
"""A file of fewer is read as a whole."""


class Excerpt(NamedTuple):
    """Rows of a file that follow each other."""

    source: Source
    raw: Raw

    def shaped(self, recipe: Recipe) -> "Excerpt":
        """The same, in the shape that a recipe asks for."""
        source = reshaped(self.source, recipe)
        return Excerpt(source, source.reshape(self.raw)) if isinstance(source, Reshaped) else self


class Beyond(NamedTuple):
    """Numbers of a column in other rows than those that were looked at first, far from these."""

    bounds: tuple[float, float]
    """Of the numbers in the rows that were looked at first."""
    num_rows: int
    low: float
    high: float
    place: str
    """Where the first of them is."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Excerpts of logs."""

    dialect: Dialect
    """How the text files are written."""
    names: tuple[str, ...]
    """Files that were looked at, also those without a row."""
    files: tuple[str, ...]
    """All files."""
    spans: Mapping[str, Sequence[tuple[int, int]]]
    """First byte and size of what was looked at of files that were."""
    excerpts: tuple[Excerpt, ...]
    is_whole: bool
    """Whether nothing was left out."""
    table: str | None = None
    """Which was looked at of files that hold several."""
    seen: tuple[str, ...] = ()
    """What was looked through beyond these rows."""
    beyond: Mapping[str, Beyond] = field(default_factory=dict)
    """Columns with numbers far from those of the rows that were looked at first."""
    change: tuple[int, int, str] | None = None
    """The most frequent step in nanoseconds, another one further on, and since when."""

    @property
    def num_files(self) -> int:
        """Also those that were not looked at."""
        return len(self.files)

    @property
    def num_files_seen(self) -> int:
        """Files that were looked at."""
        return len({source.name for source, _ in self.excerpts})

    @property
    def num_rows(self) -> int:
        """Rows that could be read, up to the number of their fields."""
        return sum(raw.frame.height for _, raw in self.excerpts)

    @property
    def unnamed(self) -> set[str]:
        """Columns that a file does not name."""
        return {name for source, _ in self.excerpts for name in source.unnamed}

    @cached_property
    def not_times(self) -> frozenset[str]:
        """Columns of what stands around the rows of a table, where these have a clock of their own."""
        around = {name for source, _ in self.excerpts if isinstance(source, JsonSource) for name in source.around}
        own = self.frame().drop(around, strict=False) if around else None
        return frozenset(around) if own is not None and has_clock(own) else frozenset()

    def recipe(self, layout: Mapping[str, str | list[str]] | None = None) -> Recipe:
        """How the rows are read before anything else is known of them."""
        return _recipe(self.dialect, self.table, layout)

    def shaped(self, layout: Mapping[str, str | list[str]]) -> "Sample":
        """The same rows in another shape: `layout` has the settings of it, and the time column."""
        recipe = self.recipe(layout)
        return replace(self, excerpts=tuple(excerpt.shaped(recipe) for excerpt in self.excerpts))

    def places(self) -> pl.DataFrame:
        """Where rows are from, (rows,): excerpt "block", the "file", and "group" of files of the same columns.

        Rows of one block follow each other.
        """
        of_each = pl.DataFrame(
            {
                "block": range(len(self.excerpts)),
                "file": [source.name for source, _ in self.excerpts],
                "group": [repr(sorted(source.names)) for source, _ in self.excerpts],
            }
        )
        return of_each[np.repeat(np.arange(len(of_each)), [raw.frame.height for _, raw in self.excerpts])]

    def frame(self) -> pl.DataFrame:
        """All rows, (rows,) a column: texts where files differ in type, null where missing."""
        frames = [raw.frame.select(within_reach(column) for column in raw.frame) for _, raw in self.excerpts]
        types = Counter(name for name, _ in {column for frame in frames for column in frame.schema.items()})
        mixed = selectors.by_name(*(name for name, count in types.items() if count > 1), require_all=False)
        whole = pl.concat([frame.with_columns(mixed.cast(pl.String)) for frame in frames], how="diagonal")
        return whole.with_columns(selectors.float().fill_nan(None))


def take_sample(names: Names, rows: int, table: str | None = None) -> Sample:
    """Read about `rows` rows of logs: the beginning of each file, and the middle and end of long plain texts.

    Of files that hold several tables, `table` names the one. Raises RecipeError or SourceError where a file cannot
    be read, or two are written differently.
    """
    if not isinstance(rows, int) or rows < 1:
        raise LongstrideError(f"rows={rows}: expected a whole number of at least 1", code="option-value")
    files = find_files(names)
    told: list[str] = []
    # Spread over all: the first of a folder are often of one month or one machine.
    seen = [files[index] for index in np.linspace(0, len(files) - 1, min(len(files), MAX_FILES), dtype=int)]
    each = -(-rows // len(seen))
    spans: dict[str, list[tuple[int, int]]] = {}
    dialects: dict[str, Dialect] = {}
    opened: list[Source] = []
    for name in seen:
        begin = _read(name, 0, SNIFFED_BYTES)
        spans[name] = _spans(name, begin, each)
        first = sniff(begin)
        if table is None:
            table, doubt = _logged_table(name, first)
            told += [doubt] if doubt else []
        source = open_as_it_is(name, _recipe(first, table))
        opened.append(source)
        if isinstance(source, JsonSource) and source.is_serial:
            spans[name] = [(0, min(ARRAY_BYTES, num_bytes(name)))]
        if isinstance(source, CsvSource) and not {"line", "record", "only-lines"} & first.settings.keys():
            refuse_alternating(name, begin)
        if isinstance(source, CsvSource | JsonSource):
            dialect = sniff(begin, b"".join(_read(name, *span) for span in spans[name]))
            if not isinstance(source, CsvSource):
                facts = dialect.facts if isinstance(source, Keyed) else Facts()
                dialect = replace(dialect.only("encoding", "line", "record", "comment"), facts=facts)
            if isinstance(source, JsonSource) and source.has_tables:
                dialect = replace(dialect, doubts=tuple(filter(None, [dialect.doubt_of_encoding])))
            dialects[name] = dialect
    refuse_idle_table(opened, table)
    dialect = agreed(dialects)
    dialect = replace(dialect, doubts=(*told, *dialect.doubts))
    is_text = len(dialects) == len(seen) == len(files)
    num_bytes_seen = sum(size for name in seen for _, size in spans[name])
    excerpts = [
        excerpt for name in seen for excerpt in _excerpts(name, spans[name], _recipe(dialect, table), each)
    ]
    is_cut = any(_is_document(one.source) and len(one.raw.lines) == MOST_TIMES * each for one in excerpts)
    return Sample(
        dialect=dialect,
        files=tuple(files),
        names=tuple(seen),
        spans=spans,
        excerpts=tuple(excerpts),
        is_whole=is_text and not is_cut and num_bytes_seen == sum(map(num_bytes, files)),
        table=table,
    )


def _logged_table(name: str, dialect: Dialect) -> tuple[str | None, str | None]:
    """The table of a file that is its log, where it holds several, and what else it holds as a doubt."""

    def first_rows(table: str | None) -> pl.DataFrame:
        recipe = _recipe(dialect, table)
        source = open_as_it_is(name, recipe)
        around = source.around if isinstance(source, JsonSource) else ()
        raws = read_pieces(source, Section(0, 0, 1, SNIFFED_BYTES), SNIFFED_BYTES, recipe)
        return next((raw.frame.drop(around) for raw in raws), pl.DataFrame())

    try:
        source = open_as_it_is(name, _recipe(dialect, None))
    except SeveralTablesError as several:
        table = find_logged_table(several, first_rows)
        return table, doubt_of_tables(table, several.tables)
    within = source.objects_within() if isinstance(source, JsonSource) else {}
    if not within or has_values(first_rows(None)):
        return None, None
    table = max(within, key=lambda place: within[place])
    if not has_clock(first_rows(table)):
        return None, None
    return table, doubt_of_tables(table, within | {ROOT: 0})


def _recipe(dialect: Dialect, table: str | None, layout: Mapping[str, str | list[str]] | None = None) -> Recipe:
    chosen = {} if table is None else {"table": table}
    return Recipe.from_settings({"time": "time", **chosen, **dialect.settings, **(layout or {})})


def _read(name: str, start: int, size: int) -> bytes:
    """Whole lines of a text, up to `size` bytes of them."""
    with open_text(name) as (stream, _):
        if start:
            stream.seek(start)
        data = stream.read(size)
    return data if len(data) < size else data[: data.rfind(b"\n") + 1] or data


def _spans(name: str, begin: bytes, rows: int) -> list[tuple[int, int]]:
    """First byte and size of what is read of a text; it begins with a line."""
    wanted = min(1 + rows * len(begin) // max(1, begin.count(b"\n")), MAX_BYTES)
    size = num_bytes(name)
    with open_text(name) as (stream, file):
        if stream is not file:
            return [(0, wanted)]
        if size <= FEW_SAMPLES * wanted:
            return [(0, size)]
        part = wanted // 5
        spans = [(0, 3 * part)]
        for start in ((3 * part + size - part) // 2 - part // 2, size - part):
            file.seek(start)
            file.readline(MAX_RECORD_BYTES)
            if file.tell() < size:
                spans.append((file.tell(), part))
        return spans


def _excerpts(name: str, spans: list[tuple[int, int]], recipe: Recipe, rows: int) -> Iterator[Excerpt]:
    source = open_as_it_is(name, recipe)
    begin = source.begin if isinstance(source, CsvSource) else (0, 1)
    is_serial = (
        source.is_serial if isinstance(source, CsvSource | JsonSource) else is_compressed(first_bytes(name))
    )
    if not isinstance(source, CsvSource | JsonSource):
        spans = [(0, 8 * rows * max(1, len(source.names)))]
    if begin[0] >= source.num_bytes and not is_serial:
        return
    for index, (start, size) in enumerate(spans[:1] if is_serial else spans):
        place = (start, 1) if index else begin
        for raw in read_pieces(source, Section(0, *place, size), size, recipe):
            if _is_document(source):
                raw = first_rows_of(raw, MOST_TIMES * rows)  # a document is read as a whole
            yield Excerpt(source, from_first_row(raw) if index else raw)
            break


def _is_document(source: Source) -> bool:
    """Whether it holds tables in one object, which is read as a whole."""
    return isinstance(source, JsonSource) and source.has_tables


def read_pieces(source: Source, section: Section, piece_bytes: int, recipe: Recipe) -> Iterator[Raw]:
    """Rows of a file from the beginning of a section on: the first piece, or all where they are read in turn."""
    # Of a CSV, texts are read, whatever their use.
    channels = () if isinstance(source, CsvSource) else source.names
    columns = Columns(time=(), series=None, pivot=None, labels=(), channels=channels, unused=())
    if isinstance(source, CsvSource) and not source.is_serial:
        section = source.excerpt(section.number, section.start, section.first_line, piece_bytes)
    # Behind the beginning of a file, nobody has counted the lines above.
    start = section.start if section.first_line == 1 else 0
    for read in source.pieces(section, columns, recipe, piece_bytes):
        yield replace(read(), start=start)


def first_rows_of(raw: Raw, rows: int) -> Raw:
    """So many rows at most, and the lines up to them."""
    if raw.frame.height <= rows:
        return raw
    last_line = raw.lines[rows - 1]
    rejects = [reject for reject in raw.rejects if reject.line <= last_line]
    return replace(
        raw, frame=raw.frame.head(rows), lines=raw.lines[:rows], rejects=rejects, num_rows=rows + len(rejects)
    )


def from_first_row(raw: Raw) -> Raw:
    """Leave out what comes before the first row: the excerpt may begin within a row of several lines."""
    first_line = raw.lines[0] if len(raw.lines) else 0
    rejects = [reject for reject in raw.rejects if reject.line > first_line]
    return replace(raw, rejects=rejects, num_rows=raw.num_rows - len(raw.rejects) + len(rejects))
