"""Lines of names and values, and records of several such lines, as the settings `line` and `record` say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import polars as pl

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import undecodable
from longstride.pipeline.ingest.settings.text import PAIRS
from longstride.pipeline.ingest.sources.csv.header import BOM
from longstride.pipeline.ingest.sources.json.ndjson import Fault, Row
from longstride.pipeline.ingest.sources.records.keyed import Keyed, Record, SerialRecords
from longstride.pipeline.ingest.sources.records.named_values import begin_of_pairs, named_values

__all__ = ["PairLines", "PairRecords"]

BATCH_LINES = 2**14


class PairLines(Keyed):
    """A file whose lines fit `line`: its groups are columns, and so is each name in the group `pairs`."""

    expected = "lines that fit the regular expression of line, with NAME=VALUE in its group pairs"

    def _rows(self, lines: Sequence[bytes], first_line: int) -> Iterator[Row]:
        assert self._recipe.line is not None
        texts = _texts(lines, first_line, self._recipe)
        for text, groups in zip(texts, _groups(texts, self._recipe.line), strict=True):
            if not isinstance(text, str):
                yield text
            elif groups is None:
                yield Fault("line not cut", "the line does not fit the regular expression of line")
            else:
                yield _keyed(groups)


class PairRecords(SerialRecords):
    """A file of records: a line that fits `record` begins each, and the lines below it hold names and values.

    A line that is one word is the title of those below it: `cpu` above `temp: 40` gives the column cpu/temp. Other
    lines without a name are left out.
    """

    expected = "records of several lines: a first one that fits the regular expression of record, then NAME: VALUE"

    def records(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
        """A row for each record."""
        held, first, raw = _Held(), 0, b""
        for number, line, text, groups in self._matched(lines):
            if isinstance(text, Fault):
                yield number, line, text
            elif groups is not None:
                if first:
                    yield first, raw, held.row
                held, first, raw = _Held(_keyed(groups)), number, line
            elif text is None or not first:
                yield number, line, None if text is None else _before_all(text)
            else:
                held.take(text)
                raw += line
        if first:
            yield first, raw, held.row

    def _matched(
        self, lines: Iterable[tuple[int, bytes]]
    ) -> Iterator[tuple[int, bytes, str | Fault | None, Mapping[str, str] | None]]:
        assert self._recipe.record is not None
        rest = iter(lines)
        while batch := list(islice(rest, BATCH_LINES)):
            texts = _texts([line for _, line in batch], batch[0][0], self._recipe)
            groups = _groups(texts, self._recipe.record)
            yield from ((*line, text, found) for line, text, found in zip(batch, texts, groups, strict=True))


class _Held:
    """What is known of a record so far."""

    def __init__(self, row: Row = None) -> None:
        self.row = row
        self._title = ""

    def take(self, text: str) -> None:
        """Add a line."""
        if begin_of_pairs(text) is None:
            self._title = f"{text}/" if _is_title(text) else self._title
            return
        found = named_values(text)
        if isinstance(found, Fault):
            self.row = found
        elif isinstance(self.row, dict):
            named = {self._title + name: value for name, value in found.items()}
            twice = self.row.keys() & named.keys()
            self.row = _twice(min(twice)) if twice else self.row | named


def _is_title(text: str) -> bool:
    return len(text.split()) == 1 and text[0].isalpha()


def _twice(name: str) -> Fault:
    return Fault("name twice", f"{name!r} is the name of two values of the record")


def _before_all(text: str) -> Row:
    """A line above the first record, which may be the rest of one."""
    if begin_of_pairs(text) is None:
        return None
    return Fault("no record", "no line above it begins a record, as record says")


def _keyed(groups: Mapping[str, str]) -> Row:
    """The groups of an expression, and the names in the group `pairs`."""
    row: dict[str, str | None] = {name: text.strip() or None for name, text in groups.items() if name != PAIRS}
    found = named_values(groups.get(PAIRS, ""))
    if isinstance(found, Fault):
        return found
    twice = row.keys() & found.keys()
    return _twice(min(twice)) if twice else row | found


def _texts(lines: Sequence[bytes], first_line: int, recipe: Recipe) -> list[str | Fault | None]:
    """Lines as texts without blanks around them; None for those that are blank, comments, or to be skipped."""
    found: list[str | Fault | None] = []
    for number, line in enumerate(lines, first_line):
        try:
            text = line.removeprefix(BOM).decode(recipe.encoding).strip()
        except UnicodeDecodeError as error:
            found.append(Fault(*undecodable(line[error.start], recipe.encoding)))
            continue
        is_spared = (
            not text or number <= recipe.num_above or bool(recipe.comment and text.startswith(recipe.comment))
        )
        if "\0" in text and not is_spared:
            found.append(Fault("zero bytes", "the line holds zero bytes, as where a logger lost its power"))
        else:
            found.append(None if is_spared else text)
    return found


def _groups(texts: Sequence[str | Fault | None], pattern: str) -> Iterator[Mapping[str, str] | None]:
    """The named groups of an expression that fits a text from its first letter to its last."""
    series = pl.Series([text if isinstance(text, str) else None for text in texts], dtype=pl.String)
    found = series.str.extract_groups(f"^({pattern})$").struct.unnest()
    names = [name for name in found.columns if not name.isdigit()]
    for fits, *groups in found.select(found.columns[0], *names).iter_rows():
        yield None if fits is None else dict(zip(names, (group or "" for group in groups), strict=True))
