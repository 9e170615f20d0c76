"""How logs are written, told from excerpts: separator, decimal mark, encoding, header, formats of times."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from pipeline.ingest.columns import Columns
from pipeline.ingest.csv_source import CsvSource
from pipeline.ingest.errors import RecipeError, SourceError
from pipeline.ingest.files import find_files, first_bytes, is_compressed, num_bytes, open_text
from pipeline.ingest.formats import open_source
from pipeline.ingest.header import BOM, read_header
from pipeline.ingest.json_source import JsonSource
from pipeline.ingest.recipe import EPOCH_UNITS_NS, Recipe
from pipeline.ingest.rejects import MAX_RECORD_BYTES, count_fields, is_blank, record_pattern
from pipeline.ingest.sources import Raw, Section, Source
from pipeline.ingest.stamps import to_nanoseconds

__all__ = [
    "MISSING_WORD",
    "Dialect",
    "Excerpt",
    "Sample",
    "Times",
    "is_time_of_day",
    "read_times",
    "sniff",
    "take_sample",
    "to_numbers",
]

MISSING_WORD = re.compile(
    r"n\.?/?a\.?|#n/?a|nan|null|none|nil|[-?.*]+|missing|no[ _]?data|not available|unknown|undefined|bad( input)?"
    r"|err(or)?|i/o timeout|#(value|div/0|num|ref)!",
    re.IGNORECASE,
)
"""What people write for a missing number."""
SEPARATORS = "\t;|,"
"""Those first that are rare within a field."""
MAX_FILES = 20
SNIFFED_BYTES = 2**18
MAX_BYTES = 2**28
"""Of the sample of a file, where lines are long."""
MAX_SNIFFED_ROWS = 500
MAX_TEXTS = 50
"""Texts that are looked at for formats of time."""
MOST = 0.9
FEW_SAMPLES = 1.5
"""A file of fewer is read as a whole."""
FIRST_SECOND, LAST_SECOND = 631_152_000, 4_102_444_800
"""The years 1990 to 2100."""

POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a text file is written."""

    separator: str | None = None
    """None in NDJSON."""
    decimal: str | None = None
    """None where no number has a fraction."""
    encoding: str | None = None
    """None where all is ASCII."""
    header: tuple[str, ...] | None = None
    """Names made up for the columns of a file without a header: a1, a2, ...; None in NDJSON."""
    doubts: tuple[str, ...] = ()

    def recipe(self) -> Recipe:
        """Read a file that is written so."""
        return Recipe(
            time="time",
            separator=self.separator or ",",
            decimal=self.decimal or ".",
            encoding=self.encoding or "utf-8",
            header=self.header or (),
        )


class Excerpt(NamedTuple):
    """Rows of a file that follow each other."""

    source: Source
    names: tuple[str, ...]
    """Columns of the file."""
    raw: Raw


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Excerpts of logs."""

    dialect: Dialect
    """Of the text files."""
    num_files: int
    """Also those that were not looked at."""
    excerpts: tuple[Excerpt, ...]
    is_whole: bool
    """Whether nothing was left out."""

    @property
    def num_files_seen(self) -> int:
        """Files that were looked at."""
        return len({excerpt.source.name for excerpt in self.excerpts})

    @property
    def unnamed(self) -> set[str]:
        """Columns that a file does not name."""
        return {name for excerpt in self.excerpts for name in excerpt.source.unnamed}

    @property
    def decimal(self) -> str:
        """Decimal mark of the text files."""
        return self.dialect.decimal or "."

    @property
    def num_rows(self) -> int:
        """Rows that could be read, up to the number of their fields."""
        return sum(excerpt.raw.frame.height for excerpt in self.excerpts)

    def places(self) -> pl.DataFrame:
        """Where rows are from, (rows,): excerpt "block", the "file", and "group" of files of the same columns.

        Rows of one block follow each other.
        """
        heights = [excerpt.raw.frame.height for excerpt in self.excerpts]
        of_each: dict[str, list[Any]] = {
            "block": list(range(len(heights))),
            "file": [excerpt.source.name for excerpt in self.excerpts],
            "group": [repr(sorted(excerpt.names)) for excerpt in self.excerpts],
        }
        return pl.DataFrame({name: np.repeat(values, heights) for name, values in of_each.items()})

    def frame(self) -> pl.DataFrame:
        """All rows, (rows,) a column: texts where files differ in type, null where a file has no such column."""
        frames = [excerpt.raw.frame for excerpt in self.excerpts]
        types: dict[str, set[pl.DataType]] = {}
        for frame in frames:
            for name, dtype in frame.schema.items():
                types.setdefault(name, set()).add(dtype)
        mixed = [name for name, found in types.items() if len(found) > 1]
        return pl.concat(
            [frame.with_columns(pl.col(set(mixed) & set(frame.columns)).cast(pl.String)) for frame in frames],
            how="diagonal",
        )

    def renamed(self, names: Mapping[str, str]) -> "Sample":
        """Give columns other names."""
        return replace(
            self,
            dialect=replace(self.dialect, header=tuple(names[name] for name in self.dialect.header or ())),
            excerpts=tuple(
                Excerpt(
                    source,
                    tuple(names.get(name, name) for name in columns),
                    replace(raw, frame=raw.frame.rename(dict(names), strict=False)),
                )
                for source, columns, raw in self.excerpts
            ),
        )


def take_sample(names: Sequence[str], rows: int) -> Sample:
    """Read about `rows` rows of logs: the beginning of each file, and the middle and end of long plain texts.

    Raises RecipeError or SourceError where a file cannot be read, or two are written differently.
    """
    files = find_files(names)
    seen = files
    if len(files) > MAX_FILES:
        # Spread over all: the first of a folder are often of one month or one machine.
        seen = [files[(len(files) - 1) * index // (MAX_FILES - 1)] for index in range(MAX_FILES)]
    each = -(-rows // len(seen))
    spans: dict[str, list[tuple[int, int]]] = {}
    dialects: dict[str, Dialect] = {}
    for name in seen:
        begin = _read(name, 0, SNIFFED_BYTES)
        spans[name] = _spans(name, begin, each)
        source = open_source(name, sniff(begin).recipe())
        if isinstance(source, CsvSource | JsonSource):
            dialect = sniff(begin, b"".join(_read(name, *span) for span in spans[name]))
            dialects[name] = dialect if isinstance(source, CsvSource) else Dialect(encoding=dialect.encoding)
    dialect = _agreed(dialects)
    excerpts = [excerpt for name in seen for excerpt in _excerpts(name, spans[name], dialect, each)]
    is_text = len(dialects) == len(seen) == len(files)
    num_bytes_seen = sum(size for name in seen for _, size in spans[name])
    return Sample(
        dialect=dialect,
        num_files=len(files),
        excerpts=tuple(excerpts),
        is_whole=is_text and num_bytes_seen == sum(map(num_bytes, files)),
    )


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


def _excerpts(name: str, spans: list[tuple[int, int]], dialect: Dialect, rows: int) -> Iterator[Excerpt]:
    recipe = dialect.recipe()
    source = open_source(name, recipe)
    is_text = isinstance(source, CsvSource)
    is_plain = not is_compressed(first_bytes(name))
    begin = 0, 1
    if is_text:
        with open_text(name) as (stream, _):
            header = read_header(stream, name, recipe)
        begin = header.num_bytes, header.num_lines + 1
    elif not isinstance(source, JsonSource):
        spans = [(0, 8 * rows * max(1, len(source.names)))]
    # Columns that have no use are texts in CSV; of typed files, only those with a use are read.
    columns = Columns(
        time=(),
        series=None,
        pivot=None,
        labels=(),
        channels=() if is_text else source.names,
        unused=source.names if is_text else (),
    )
    for index, (start, size) in enumerate(spans):
        first, line = (start, 1) if index else begin
        if is_plain and first >= source.num_bytes:
            continue
        section = Section(index, first, line, size)
        for read in source.pieces(section, columns, recipe, size):
            yield Excerpt(source, source.names, read())
            break


def _agreed(dialects: Mapping[str, Dialect]) -> Dialect:
    """The one of all files: a recipe holds for all. Raises SourceError."""
    agreed = Dialect(doubts=tuple(dict.fromkeys(doubt for one in dialects.values() for doubt in one.doubts)))
    for attribute in ("separator", "decimal", "encoding", "header"):
        found: dict[object, str] = {}
        for name, one in dialects.items():
            value = getattr(one, attribute)
            if value is not None:
                found.setdefault(value, name)
        if len(found) > 1:
            (value, name), (other, other_name) = list(found.items())[:2]
            raise SourceError(
                other_name,
                f"{attribute} is {_shown(other)}, in {name} it is {_shown(value)}: one recipe holds for all "
                "files, so profile and ingest these apart",
            )
        if found:
            agreed = replace(agreed, **{attribute: next(iter(found))})  # type: ignore[arg-type]
    return agreed


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else "missing" if value else "there"


def sniff(begin: bytes, more: bytes = b"") -> Dialect:
    """Tell how a file is written from its first lines, and its encoding also from `more` of them."""
    encoding, doubts = _encoding(begin + more)
    data = begin.removeprefix(BOM)
    if not data.endswith(b"\n"):
        data += b"\n"
    separator = _separator(data)
    records = [_fields(record, separator, encoding) for record in _records(data, separator)]
    widths = Counter(map(len, records[1:]))
    usual = widths.most_common(1)[0][0] if widths else 0
    rows = [record for record in records[1:] if len(record) == usual]
    decimal, doubt = _decimal(rows, separator)
    has_header = not rows or _has_header(records[0], rows, decimal or ".")
    return Dialect(
        separator=separator,
        decimal=decimal,
        encoding=encoding,
        header=() if has_header else tuple(f"a{number}" for number in range(1, usual + 1)),
        doubts=(*doubts, *doubt),
    )


def to_numbers(texts: pl.Series, decimal: str) -> pl.Series:
    """Texts as an ingest reads them as numbers, float64 of shape (T,); null where they are none, or missing."""
    plain = texts.str.strip_chars()
    if decimal == ",":
        # A point in such a log groups thousands, or is a mistake.
        plain = plain.str.replace(".", "no number", literal=True).str.replace(",", ".", literal=True)
    return plain.cast(pl.Float64, strict=False)


def _encoding(data: bytes) -> tuple[str | None, list[str]]:
    if data.isascii():
        return None, []
    text = data.decode("utf-8", "replace")
    num_wrong = text.count("\N{REPLACEMENT CHARACTER}")
    num_right = sum(character > "\x7f" for character in text) - num_wrong
    if num_right > num_wrong:
        return "utf-8", [
            "some bytes of the sample are not UTF-8: rows with such are rejected"
        ] if num_wrong else []
    # latin-1 has control characters where cp1252 has dashes, quotes and the euro.
    if re.search(rb"[\x80-\x9f]", data) and not re.search(rb"[\x81\x8d\x8f\x90\x9d]", data):
        return "cp1252", []
    return "latin-1", []


def _separator(data: bytes) -> str:
    """The one that cuts most records into as many fields, the header too."""

    def score(separator: str) -> tuple[int, float]:
        widths = [count_fields(record, separator.encode()) for record in _records(data, separator)]
        usual, count = Counter(widths[1:] or widths).most_common(1)[0] if widths else (1, 0)
        if usual == 1:
            return -len(data), 0.0
        # R leaves out the name of the first column.
        return -abs(widths[0] - usual), round(count / len(widths), 1)

    scores = {separator: score(separator) for separator in SEPARATORS}
    best = max(scores.values())
    return next(separator for separator, found in scores.items() if found == best) if best[1] else ","


def _records(data: bytes, separator: str) -> list[bytes]:
    """The first records that are not blank."""
    mark = separator.encode()
    pattern = record_pattern(mark)
    records: list[bytes] = []
    start = 0
    while start < len(data) and len(records) <= MAX_SNIFFED_ROWS:
        match = pattern.match(data, start)
        if match is None:
            start = data.index(b"\n", start) + 1
            continue
        start = match.end()
        if not is_blank(match[0], mark):
            records.append(match[0].rstrip(b"\r\n"))
    return records


def _fields(record: bytes, separator: str, encoding: str | None) -> list[str]:
    text = io.StringIO(record.decode(encoding or "utf-8", "replace"), newline="")
    try:
        return [field.strip() for field in next(csv.reader(text, delimiter=separator))]
    except csv.Error:  # what is wrong is told when the header is read
        return []


def _decimal(rows: list[list[str]], separator: str) -> tuple[str | None, list[str]]:
    fields = [field for row in rows for field in row]
    commas = [] if separator == "," else [field for field in fields if COMMA_NUMBER.fullmatch(field)]
    num_points = sum(POINT_NUMBER.fullmatch(field) is not None for field in fields)
    if len(commas) <= num_points:
        return ("." if num_points else None), []
    if all(THOUSANDS.fullmatch(field) for field in commas):
        return ",", [
            f"{commas[0]} may group thousands by a comma, not write a fraction: numbers are read as fractions. If "
            "they are none, remove the commas from the log"
        ]
    return ",", []


def _has_header(first: list[str], rows: list[list[str]], decimal: str) -> bool:
    """Whether the first record is of texts where those below are of times or numbers."""
    if len(first) != len(rows[0]):
        return True
    named = numbered = 0
    for top, column in zip(first, zip(*rows, strict=True), strict=True):
        fields = [field for field in column if field and not MISSING_WORD.fullmatch(field)]
        if not fields:
            continue
        if sum(map(_is_time, fields)) >= MOST * len(fields):
            return not _is_time(top)
        numbers = to_numbers(pl.Series([top, *fields]), decimal).is_not_null()
        if numbers[1:].sum() >= MOST * len(fields):
            numbered += numbers[0]
            named += not numbers[0] and top != "" and not MISSING_WORD.fullmatch(top)
    return named > numbered or not numbered


class Times(NamedTuple):
    """How a column, or several together, are read as times."""

    format: str | None
    """`Recipe.time_format`."""
    nanoseconds: pl.Series
    """int64, (T,), null where missing or unreadable."""
    has_zone: bool
    doubt: str | None = None


DATES = tuple(
    (re.compile(pattern), formats)
    for pattern, formats in (
        (r"\d{4}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{1,2}(?!\d)", ("%Y{0}%m{0}%d",)),
        (r"\d{1,2}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{4}(?!\d)", ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")),
        (r"\d{1,2}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{2}(?!\d)", ("%d{0}%m{0}%y", "%m{0}%d{0}%y")),
        (r"\d{1,2}(?P<mark>[-/. ]?)[A-Za-z]{3}(?P=mark)\d{4}(?!\d)", ("%d{0}%b{0}%Y",)),
        (r"\d{1,2}(?P<mark>[-/. ]?)[A-Za-z]{3}(?P=mark)\d{2}(?!\d)", ("%d{0}%b{0}%y",)),
        (r"\d{1,2}(?P<mark>[-/. ]?)[A-Za-z]{4,9}(?P=mark)\d{4}(?!\d)", ("%d{0}%B{0}%Y",)),
        (r"[A-Za-z]{3}(?P<mark> )\d{1,2}, \d{4}", ("%b %d, %Y",)),
        (r"[A-Za-z]{4,9}(?P<mark> )\d{1,2}, \d{4}", ("%B %d, %Y",)),
        (r"(?:19|20)\d{2}[01]\d[0-3]\d(?P<mark>)", ("%Y%m%d",)),
    )
)
TIME_OF_DAY = re.compile(
    r"(?P<hour>\d{1,2})(?P<mark>[:.h])\d{2}(?P<second>(?P=mark)\d{2}(?:(?P<point>[.,])(?P<fraction>\d+))?)?"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
)
COMPACT_TIME_OF_DAY = re.compile(r"[0-2]\d[0-5]\d(?P<second>[0-5]\d)?")
BETWEEN = re.compile(r"T|_|:|, ?| +|")
ZONE = re.compile(r".*\d ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)\s*", re.DOTALL)


def is_time_of_day(texts: pl.Series) -> bool:
    """Whether most of the texts are such as 18:00 or 18.00.00."""
    if texts.dtype != pl.String:
        return False
    found = texts.drop_nulls().unique(maintain_order=True).head(MAX_TEXTS).str.strip_chars().to_list()
    return bool(found) and sum(map(_is_clock, found)) >= MOST * len(found)


def read_times(columns: Sequence[pl.Series], blocks: pl.Series) -> Times | None:
    """Find how to read one column of times, or two of date and time of day; None where they are none.

    `columns` are (T,) each, `blocks` (T,) says which rows follow each other in a file.
    """
    found: list[Times] = []
    for format_ in _formats(columns):
        try:
            recipe = Recipe(time=tuple(column.name for column in columns), time_format=format_)
            nanoseconds = to_nanoseconds(columns, recipe).nanoseconds
        except RecipeError:
            continue
        found.append(Times(format_, nanoseconds, _has_zone(columns, format_)))
    most = max((times.nanoseconds.count() for times in found), default=0)
    if not most:
        return None
    texts = columns[0].cast(pl.String).str.strip_chars()
    if most < MOST * len(texts.filter(texts != "")):
        return None
    found = [times for times in found if times.nanoseconds.count() == most]
    if len(found) == 1 or not _swapped(found[0].format, found[1].format):
        return found[0]
    # No value over 12 tells day from month.
    chosen, other = sorted(found[:2], key=lambda times: _disorder(times.nanoseconds, blocks))
    (back, kinds), (back_other, kinds_other) = (_disorder(times.nanoseconds, blocks) for times in (chosen, other))
    if back < back_other:
        doubt = f"no value over 12 tells day from month; read as {other.format}, more rows would go back in time"
    elif kinds < kinds_other:
        doubt = f"no value over 12 tells day from month; read as {other.format}, steps would differ more"
    else:
        doubt = f"nothing in the sample tells day from month: if this is wrong, it is {other.format}"
    return chosen._replace(doubt=doubt)


def _formats(columns: Sequence[pl.Series]) -> list[str | None]:
    """Formats that the first texts could have, ISO 8601 first."""
    if len(columns) == 1 and not (columns[0].dtype == pl.String or columns[0].dtype.is_numeric()):
        return [None] if columns[0].dtype in (pl.Date, pl.Datetime) else []
    texts = [
        column.cast(pl.String).drop_nulls().str.strip_chars().unique(maintain_order=True).head(MAX_TEXTS).to_list()
        for column in columns
    ]
    if len(columns) == 1:
        number = to_numbers(columns[0].cast(pl.String), ".")
        formats = [format_ for text in texts[0] for format_ in _datetime_formats(text)]
        return list(dict.fromkeys([*_epoch_unit(number), *([None] if formats else []), *formats]))
    dates = dict.fromkeys(format_ for text in texts[0] for format_ in _date_formats(text))
    hours = all(text.isdigit() for text in texts[1])
    clocks = dict.fromkeys(["%H"] if hours else [found for text in texts[1] for found in _clock_formats(text)])
    return [None, *(f"{date} {clock}" for date, clock in product(dates, clocks))]


def _epoch_unit(numbers: pl.Series) -> list[str | None]:
    """The unit in which numbers are times from 1990 to 2100."""
    values = numbers.drop_nulls().drop_nans()
    for unit, size in EPOCH_UNITS_NS.items():
        scale = 10**9 // size
        if len(values) and values.is_between(FIRST_SECOND * scale, LAST_SECOND * scale).mean() >= MOST:  # type: ignore[operator]
            return [unit]
    return []


def _datetime_formats(text: str) -> Iterator[str]:
    for pattern, formats in DATES:
        match = pattern.match(text)
        if match is None:
            continue
        rest = text[match.end() :]
        between = BETWEEN.match(rest)
        assert between is not None
        clocks = list(_clock_formats(rest[between.end() :])) if rest else [""]
        for format_, clock in product(formats, clocks):
            yield f"{format_.format(match['mark'])}{between[0]}{clock}"


def _date_formats(text: str) -> list[str]:
    return [format_ for format_ in _datetime_formats(text) if not re.search("%[HI]", format_)]


def _clock_formats(text: str) -> Iterator[str]:
    if compact := COMPACT_TIME_OF_DAY.fullmatch(text):
        yield "%H%M%S" if compact["second"] else "%H%M"
    match = TIME_OF_DAY.fullmatch(text)
    if match is None:
        return
    hour, half = ("%I", " %p" if match["half"].startswith(" ") else "%p") if match["half"] else ("%H", "")
    fraction = ""
    if match["fraction"]:
        # With a comma, the number of digits must be said.
        fraction = "%.f" if match["point"] == "." else f",%{len(match['fraction'])}f"
    second = f"{match['mark']}%S{fraction}" if match["second"] else ""
    zone = match["zone"] or ""
    if zone and zone.strip() not in ("UTC", "GMT"):
        zone = " " * zone.startswith(" ") + "%#z"
    yield f"{hour}{match['mark']}%M{second}{half}{zone}"


def _is_time(text: str) -> bool:
    return _is_clock(text) or (not text.isdigit() and next(_datetime_formats(text), None) is not None)


def _is_clock(text: str) -> bool:
    match = TIME_OF_DAY.fullmatch(text)
    # 18.00 is a number.
    return match is not None and (match["mark"] != "." or match["second"] is not None)


def _has_zone(columns: Sequence[pl.Series], format_: str | None) -> bool:
    dtype = columns[-1].dtype
    if format_ in EPOCH_UNITS_NS or (isinstance(dtype, pl.Datetime) and dtype.time_zone):
        return True
    if dtype != pl.String:
        return False
    if format_ is not None:
        return format_.endswith(("z", "UTC", "GMT"))
    texts = columns[-1].drop_nulls().head(MAX_TEXTS).to_list()
    # The last hyphen of a date is no offset.
    return any(":" in text and ZONE.fullmatch(text) for text in texts)


def _swapped(format_: str | None, other: str | None) -> bool:
    """Whether two formats differ in what is day and what is month."""
    if format_ is None or other is None:
        return False
    return format_.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m") == other


def _disorder(nanoseconds: pl.Series, blocks: pl.Series) -> tuple[int, int]:
    """How often times go against their order, and how many different steps they take."""
    rows = pl.DataFrame({"time": nanoseconds, "block": blocks})
    steps = rows.select(pl.col("time").diff().over("block")).to_series().drop_nulls()
    return min(int((steps < 0).sum()), int((steps > 0).sum())), steps.n_unique()
