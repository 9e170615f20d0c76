"""How a text file is written: encoding, separator, quotes, decimal mark, and where its header stands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.csv.header import BOM
from longstride.pipeline.ingest.sources.csv.rewriting import Rewriting
from longstride.pipeline.profile.head.bare import bare_facts, bare_length
from longstride.pipeline.profile.head.extent import head_length, named_in_head, num_sections
from longstride.pipeline.profile.head.facts import Facts, find_facts
from longstride.pipeline.profile.text.encoding import find_encoding
from longstride.pipeline.profile.text.header import Head, find_head, find_labview_head
from longstride.pipeline.profile.text.table import Table, find_table, fits, named_separator
from longstride.storage.text import counted

__all__ = ["Dialect", "agreed", "sniff", "to_numbers"]

POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
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

    def only(self, *names: str) -> "Dialect":
        """Of the settings, those of these names."""
        settings = {name: value for name, value in self.settings.items() if name in names}
        return Dialect(settings=settings, doubts=self.doubts)


def agreed(dialects: Mapping[str, Dialect]) -> Dialect:
    """The one of all files, by their names: a recipe holds for all. Raises SourceError."""
    common: dict[str, str | tuple[str, ...]] = {}
    found_in: dict[str, str] = {}
    for name, dialect in dialects.items():
        for setting, value in dialect.settings.items():
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
    text = _as_utf8(begin, encoding)
    named, start = named_separator(text)
    above = start or bare_length(text) or head_length(text)
    named = named or named_in_head(text[:above])
    num_lines = text[:above].count(b"\n")
    table = find_table(text[above:], named)
    head = find_labview_head(table) if above and not start else find_head(table)
    lines = text.decode(errors="replace").splitlines()[: num_lines + _first_row(table, head)]
    facts = find_facts(lines, table.width)
    if bare := bare_facts(text):
        facts = Facts(steps=bare[:1], begin=bare[1])
    if facts.names and head.is_invented:
        head = replace(head, names=facts.names, units=facts.units, doubt=None, why="the names stand in its head")
    # The line of a separator is known where no other is left out.
    num_above = head.num_above + (num_lines if head.num_above or not start else 0)
    settings: dict[str, str | tuple[str, ...]] = {
        "separator": "tab" if table.separator == "\t" else table.separator,
        "header": head.names,
        "quote": table.quote,
        "skip-lines": str(num_above),
        "skip-below-header": str(head.num_below),
    }
    why = {"header": head.why} if head.why else {}
    if table.quote != "strict":
        why["quote"] = QUOTES[table.quote]
    if table.comment is not None:
        settings["comment"] = table.comment
    if decimal := _decimal(table):
        settings["decimal"] = decimal
    if encoding:
        settings["encoding"] = encoding
    doubts = [text for text in (doubt, head.doubt, _doubt_of_sections(text)) if text]
    if head.num_other_rows:
        doubts.append(
            f"skip-lines: {counted(head.num_other_rows, 'line')} above the table look like rows of another one, "
            "with other columns, and are left out: cut the file in two where its columns change, and ingest both"
        )
    return Dialect(settings=settings, units=head.units, why=why, facts=facts, doubts=tuple(doubts))


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
    return text if text.endswith(b"\n") else text + b"\n"


def _decimal(table: Table) -> str | None:
    """None where no number has a fraction."""
    fields = [text for record in table.records if fits(record, table.width) for text in record.fields]
    num_points = sum(POINT_NUMBER.fullmatch(text) is not None for text in fields)
    num_commas = sum(COMMA_NUMBER.fullmatch(text) is not None for text in fields)
    if table.separator == ",":
        num_commas = 0
    return "," if num_commas > num_points else "." if num_points else None
