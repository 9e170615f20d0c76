"""How a text file is written: encoding, separator, quotes, decimal mark, and where its header stands."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.text import BLANKS
from longstride.pipeline.ingest.sources.csv.header import BOM, HOLE
from longstride.pipeline.ingest.sources.csv.rewriting import Rewriting
from longstride.pipeline.ingest.sources.json.printed import is_printed_dict
from longstride.pipeline.ingest.sources.records.kinds import kind_of_records
from longstride.pipeline.profile.head.above import Above, find_above
from longstride.pipeline.profile.head.bare import bare_facts, has_begin_as_name
from longstride.pipeline.profile.head.begin import Begin
from longstride.pipeline.profile.head.entries import Entry
from longstride.pipeline.profile.head.extent import num_sections
from longstride.pipeline.profile.head.facts import Facts, find_facts
from longstride.pipeline.profile.text.encoding import find_encoding
from longstride.pipeline.profile.text.facts_beside import find_beside
from longstride.pipeline.profile.text.header import find_head, find_labview_head
from longstride.pipeline.profile.text.last_table import find_last_table
from longstride.pipeline.profile.text.name_lines import Head
from longstride.pipeline.profile.text.named_lines import NamedLines, find_pairs, find_records
from longstride.pipeline.profile.text.odd_tables.listed_cells import ListedCells, find_listed_cells
from longstride.pipeline.profile.text.row_kinds import RowKind, find_row_kind
from longstride.pipeline.profile.text.sentences import NEARLY_ALL, Sentences, find_sentences
from longstride.pipeline.profile.text.table import Table, find_table, fits, has_times
from longstride.pipeline.profile.words.time_names import name_score
from longstride.pipeline.profile.words.zone_words import zone_in_line
from longstride.storage.text import counted

__all__ = ["Dialect", "agreed", "sniff", "to_numbers"]

POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
NAMED_NUMBER = re.compile(r"\w\s*[=:]\s*[+-]?\.?\d")
WAYS = ("columns-at", "line", "record")
"""Settings that take the place of a separator."""
MORE_LINES = 0.02
"""So many more lines than one sentence, if they are read by the names in them, in any order."""
CUT_WELL = 0.7
"""A table of a lower score may be of sentences."""
QUOTES = {
    "loose": "quotes stand within fields, or blanks before them",
    "backslash": "a backslash stands before quotes within a text",
    "apostrophe": "texts are in apostrophes",
    "lines": "each line as a whole is in quotes",
    "none": "quotes are characters as others",
}


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a text is written."""

    settings: dict[str, str | tuple[str, ...]]
    """As far as this shows: separator, quote, decimal, encoding, comment, header, lines to skip."""
    units: dict[str, str] = field(default_factory=dict)
    """Of columns, by their names."""
    why: dict[str, str] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    """What the lines above the table tell of the times of its rows."""
    doubts: tuple[str, ...] = ()
    doubt_of_encoding: str | None = None
    """One of them."""
    zone: tuple[str, str] | None = None
    """A line above the table that says a time zone, and that zone."""

    def only(self, *names: str) -> "Dialect":
        """Of the settings, those of these names."""
        settings = {name: value for name, value in self.settings.items() if name in names}
        why = {name: why for name, why in self.why.items() if name in names}
        return replace(self, settings=settings, why=why, units={}, facts=Facts(), zone=None)


def agreed(dialects: Mapping[str, Dialect]) -> Dialect:
    """The one of all files, by their names: a recipe holds for all. Raises SourceError."""
    common: dict[str, str | tuple[str, ...]] = {}
    found_in: dict[str, str] = {}
    ways = {name for dialect in dialects.values() for name in WAYS if name in dialect.settings}
    for name, dialect in dialects.items():
        # A way that another file lacks is the default there.
        for setting, value in (dict.fromkeys(ways, "") | dialect.settings).items():
            if value != common.setdefault(setting, value):
                raise SourceError(
                    name,
                    f"{setting} is {_shown(value)}, but in {found_in[setting]} it is {_shown(common[setting])}: "
                    "one recipe is for all files, so profile and ingest these files separately",
                    code="dialects-differ",
                )
            found_in.setdefault(setting, name)
    every = dialects.values()
    return Dialect(
        settings=common,
        units={name: unit for dialect in every for name, unit in dialect.units.items()},
        why={name: why for dialect in every for name, why in dialect.why.items()},
        facts=_agreed_facts(dialects),
        doubts=tuple(dict.fromkeys(doubt for dialect in every for doubt in dialect.doubts)),
        zone=next((dialect.zone for dialect in every if dialect.zone), None),
    )


def _agreed_facts(dialects: Mapping[str, Dialect]) -> Facts:
    """Those of all files: what the heads tell of times must be the same in all, for a recipe says it once."""
    (first, *_), facts = dialects or ("",), [dialect.facts for dialect in dialects.values()] or [Facts()]
    for name, other in zip(dialects, facts, strict=False):
        if (other.every, other.start) != (facts[0].every, facts[0].start):
            return replace(facts[0], differs=f"the heads of {first} and {name} do not tell the same of it")
    return facts[0]


def _shown(value: str | tuple[str, ...]) -> str:
    return repr(value) if isinstance(value, str) else "missing" if value else "there"


def sniff(begin: bytes, more: bytes = b"") -> Dialect:
    """Find how a file is written from its first lines, and its encoding also from `more` of them."""
    encoding, doubt = find_encoding(begin + more)
    return replace(_sniffed(begin, encoding, doubt), doubt_of_encoding=doubt)


def _sniffed(begin: bytes, encoding: str | None, doubt: str | None) -> Dialect:
    if records := kind_of_records(begin.removeprefix(BOM)):
        told = tuple(filter(None, (doubt, records.left_out(begin))))
        began = records.began(begin.removeprefix(BOM))
        facts = Facts(begin=Begin(*began, 0, is_start=True)) if began else Facts()
        return Dialect(settings={"encoding": encoding} if encoding else {}, doubts=told, facts=facts)
    text = _as_utf8(begin, encoding)
    if is_printed_dict(text.decode(errors="replace")):
        return Dialect(settings={"encoding": encoding} if encoding else {}, doubts=(doubt,) if doubt else ())
    above = find_above(text)
    table = find_table(text[above.size :], above.separator)
    if (kind := find_row_kind(table)) is not None:
        return _of_one_kind(kind, table, text, encoding, doubt)
    head = _head_below(above, table, text)
    last = None if above.size else find_last_table(table, _first_row(table, head), _names_of(table, head))
    if last is not None:
        above = replace(above, size=_begin_of_line(text, last.line), doubt=last.doubt)
        table = find_table(text[above.size :], table.separator)
        head = find_head(table)
    elif said := _said_in_lines(table, text) or _listed(above, table, head):
        return _of_sentences(said, table.comment, encoding, doubt)
    lines = text.decode(errors="replace").splitlines()[: above.num_lines(text) + _first_row(table, head)]
    head, facts = _named_elsewhere(head, table, _facts(lines, table, text))
    num_above = head.num_above + (above.num_lines(text) if head.num_above or not above.is_separator else 0)
    settings, why = _settings(table, head, num_above)
    if encoding:
        settings["encoding"] = encoding
    scaling = map(_doubt_of_scaling, facts.scaling)
    doubts = doubt, above.doubt, head.doubt, _doubt_of_sections(text), _doubt_of_other_rows(head), *scaling
    return Dialect(
        settings=settings,
        units=head.units,
        why=why,
        facts=facts,
        doubts=tuple(filter(None, doubts)),
        zone=_zone_said(text.split(b"\n", num_above)[:num_above], table),
    )


def _listed(above: Above, table: Table, head: Head) -> ListedCells | None:
    if above.size:
        return None
    return find_listed_cells(table, _names_of(table, head), _first_row(table, head))


def _head_below(above: Above, table: Table, text: bytes) -> Head:
    head = find_labview_head(table) if above.size and not above.is_separator else find_head(table)
    if head.is_invented and has_begin_as_name(text):
        return Head(names=(), num_above=0, num_below=0, units={}, why=None)
    return head


def _said_in_lines(table: Table, text: bytes) -> Sentences | NamedLines | None:
    """How lines say their values, where they are no good table."""
    is_table = table.score >= CUT_WELL or _names_time(table)
    has_clock = has_times(table) or table.columns_at is not None
    if is_table and has_clock:
        return None
    mark = table.comment
    lines = text.decode(errors="replace").split("\n")
    lines = ["" if mark and line.startswith(mark) else line for line in lines]
    said = None if is_table else find_sentences(lines)
    share = said.share if said is not None else 0.0
    pairs = None if is_table else find_pairs(lines) or (find_records(lines) if share < NEARLY_ALL else None)
    found = pairs if pairs is not None and pairs.share > share + MORE_LINES else said
    return found or (None if has_clock else find_sentences(lines, are_framed=True))


def _facts(lines: Sequence[str], table: Table, text: bytes) -> Facts:
    """What the lines above the first row tell."""
    bare = bare_facts(text)
    return Facts(steps=bare[:1], begin=bare[1]) if bare else find_facts(lines, table.width)


def _named_elsewhere(head: Head, table: Table, facts: Facts) -> tuple[Head, Facts]:
    """Names that stand among the facts above the table, or beside its rows, where no line holds them."""
    if facts.names and head.is_invented:
        why = "the names stand in its head"
        return replace(head, names=facts.names, units=facts.units, doubt=None, why=why, is_invented=False), facts
    if head.is_invented and (beside := find_beside(table)):
        why = "what tells of columns stands beside rows"
        return replace(head, names=beside.names, doubt=beside.doubt, why=why), beside.facts
    return head, facts


def _settings(table: Table, head: Head, num_above: int) -> tuple[dict[str, str | tuple[str, ...]], dict[str, str]]:
    """The settings for a table below so many lines, and why they are what they are."""
    why = {"header": head.why} if head.why else {}
    settings: dict[str, str | tuple[str, ...]] = {
        "separator": "tab" if table.separator == "\t" else table.separator,
        "header": head.names,
        "quote": table.quote,
        "skip-lines": str(num_above),
        "skip-below-header": str(head.num_below),
    }
    if table.columns_at is not None:
        settings = {"columns-at": table.columns_at, **settings, "separator": ",", "quote": "strict"}
        why["columns-at"] = "columns are in line, and cells are empty, touch, or hold blanks"
    if settings["quote"] != "strict":
        why["quote"] = QUOTES[table.quote]
    if table.comment is not None:
        settings["comment"] = table.comment
    if decimal := _decimal(table):
        settings["decimal"] = decimal
    return settings, why


def _doubt_of_other_rows(head: Head) -> str | None:
    if not head.num_other_rows:
        return None
    return (
        f"skip-lines: {counted(head.num_other_rows, 'line')} above the table look like rows of another one, with "
        "other columns, and are left out: cut the file in two where its columns change, and ingest both"
    )


def _doubt_of_scaling(entry: Entry) -> str:
    return (
        f"line {entry.line + 1}, {entry.text!r}, tells a factor or an offset of each column: values are stored as "
        "they stand in the rows. To apply it, say sql, such as SELECT * REPLACE (0.01 * NAME AS NAME) FROM rows"
    )


def _zone_said(above: Sequence[bytes], table: Table) -> tuple[str, str] | None:
    """The first line above the table, or comment, that says a time zone."""
    lines = [line.decode(errors="replace").strip() for line in above]
    for line in [*lines, *(" ".join(comment.fields) for comment in table.comments)]:
        if zone := zone_in_line(line):
            return line, zone
    return None


def _names_time(table: Table) -> bool:
    """Whether the first line holds names for all fields of the rows, one of them that of a time."""
    first = table.records[0].fields if table.records else []
    if sum(map(bool, map(NAMED_NUMBER.search, first))) > len(first) / 2:
        return False
    return table.separator != BLANKS and len(first) == table.width and any(map(name_score, first))


def _of_sentences(
    said: Sentences | NamedLines | ListedCells, comment: str | None, encoding: str | None, doubt: str | None
) -> Dialect:
    settings: dict[str, str | tuple[str, ...]] = {said.setting: said.pattern, "skip-lines": str(said.num_above)}
    if comment is not None:
        settings["comment"] = comment
    if encoding is not None:
        settings["encoding"] = encoding
    return Dialect(
        settings=settings, why={said.setting: said.why}, doubts=tuple(text for text in (doubt, said.doubt) if text)
    )


def _of_one_kind(kind: RowKind, table: Table, text: bytes, encoding: str | None, doubt: str | None) -> Dialect:
    """How the rows of one kind are written, and what is left out."""
    mark = b"" if table.separator == BLANKS else table.separator.encode()
    begin = kind.name.encode() + mark
    found = sniff(b"".join(line for line in text.splitlines(keepends=True) if line.startswith(begin)))
    settings = {**found.settings, "only-lines": kind.name, "skip-lines": "0"}
    if kind.names:
        settings["header"] = kind.names
    if encoding is not None:
        settings["encoding"] = encoding
    why = {**found.why, "only-lines": "the first field says the kind of a row, and this kind has a clock"}
    if kind.names:
        why["header"] = f"another line says what is in lines of {kind.name!r}"
    doubts = tuple(filter(None, (doubt, kind.doubt, *(() if kind.names else found.doubts))))
    return replace(found, settings=settings, why=why, doubts=doubts)


def _names_of(table: Table, head: Head) -> Sequence[str]:
    """The names of the columns, from the text where it holds them."""
    fields = (record.fields for record in table.records if record.line >= head.num_above)
    return head.names or next(fields, [])


def _begin_of_line(text: bytes, line: int) -> int:
    return sum(map(len, text.splitlines(keepends=True)[:line]))


def _first_row(table: Table, head: Head) -> int:
    """Lines above the first row, of those in which the table was found."""
    lines = [record.line for record in table.records if record.line >= head.num_above]
    if not head.names and lines:
        lines = [line for line in lines if line > lines[0] + head.num_below]
    return lines[0] if lines else 0


def _doubt_of_sections(text: bytes) -> str | None:
    number = num_sections(text)
    if number == 1:
        return None
    return (
        f"the file holds {number} tables or more, each with a head of its own that says when it began: cut it at "
        "these heads, and ingest each part with its start"
    )


def to_numbers(texts: pl.Series, decimal: str) -> pl.Series:
    """Texts as numbers, as an ingest reads them: float64 (T,), null where they are not numbers or missing."""
    plain = texts.str.strip_chars()
    if decimal == ",":
        # A point in such a log groups thousands, or is a mistake.
        plain = plain.str.replace(".", "no number", literal=True).str.replace(",", ".", literal=True)
    return plain.cast(pl.Float64, strict=False)


def _as_utf8(data: bytes, encoding: str | None) -> bytes:
    """Whole lines of a text in UTF-8, which end in line feeds."""
    text = data.decode(encoding or "utf-8", "replace").encode(errors="replace").removeprefix(BOM)
    rewriting = Rewriting.of(text, Recipe(time="time"))
    text = rewriting.text(text) if rewriting else text
    text = HOLE.sub(b"\n\\g<0>", text)
    return text if text.endswith(b"\n") else text + b"\n"


def _decimal(table: Table) -> str | None:
    """None where no number has a fraction."""
    fields = [text for record in table.records if fits(record, table.width) for text in record.fields]
    num_points = sum(POINT_NUMBER.fullmatch(text) is not None for text in fields)
    num_commas = sum(COMMA_NUMBER.fullmatch(text) is not None for text in fields)
    if table.separator == ",":
        num_commas = 0
    return "," if num_commas > num_points else "." if num_points else None
