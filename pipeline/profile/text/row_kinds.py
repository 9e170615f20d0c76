"""Tables whose rows are of several kinds, of which the first field says the kind: the kind that has a clock."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from longstride.pipeline.ingest.sources.csv.header import all_different
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.table import Record, Table

__all__ = ["RowKind", "find_row_kind"]

NAME = re.compile(r"[$!#@]?[^\W\d]\w{0,30}")
MOST_KINDS = 100
FEWEST = 5
NEARLY_ALL = 0.95
FIRST_COLUMNS = 4
MAX_SHOWN = 8


class RowKind(NamedTuple):
    """The rows that a recipe is to take."""

    name: str
    names: tuple[str, ...]
    """Of its columns, where another row says them."""
    others: Counter[str]
    """Rows of other kinds."""

    @property
    def doubt(self) -> str:
        """What is left out."""
        shown = ", ".join(f"{kind} ({count:,})" for kind, count in self.others.most_common(MAX_SHOWN))
        more = f", and {len(self.others) - MAX_SHOWN:,} more kinds" * (len(self.others) > MAX_SHOWN)
        return (
            f"only-lines: the first field says the kind of a row, and rows of {self.name!r} have a clock; those "
            f"of other kinds are left out: {shown}{more}, in the first lines. To take another one, name it in "
            "only-lines, and its columns in header; ingest each kind to a store of its own"
        )


def find_row_kind(table: Table) -> RowKind | None:
    """The kind with a clock that most rows have; None where rows are of one kind, or of one width."""
    records = [record for record in table.records if record.fields]
    kinds: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        kinds[record.fields[0]].append(record)
    named = {kind: rows for kind, rows in kinds.items() if NAME.fullmatch(kind)}
    if sum(map(len, named.values())) < NEARLY_ALL * len(records) or not 1 < len(named) <= MOST_KINDS:
        return None
    usual = {kind: rows for kind, rows in named.items() if len(rows) >= FEWEST and _are_alike(rows)}
    if len({len(rows[0].fields) for rows in usual.values()}) < 2:
        return None
    with_clock = [kind for kind, rows in usual.items() if _has_clock(rows)]
    if not with_clock:
        return None
    best = max(with_clock, key=lambda kind: (_has_times(usual[kind]), len(usual[kind])))
    others = Counter({kind: len(rows) for kind, rows in kinds.items() if kind != best})
    return RowKind(best, _names_of(best, len(usual[best][0].fields), records), others)


def _are_alike(rows: Sequence[Record]) -> bool:
    widths = Counter(len(row.fields) for row in rows)
    return widths.most_common(1)[0][1] >= NEARLY_ALL * len(rows)


def _columns(rows: Sequence[Record]) -> list[list[str]]:
    width = min(len(row.fields) for row in rows)
    return [[row.fields[column] for row in rows] for column in range(1, width)]


def _has_times(rows: Sequence[Record]) -> bool:
    return any(
        sum(kind_of(text) is Kind.TIME for text in column) >= NEARLY_ALL * len(rows) for column in _columns(rows)
    )


def _has_clock(rows: Sequence[Record]) -> bool:
    """Whether rows have a time, or a number near their beginning that rises all the time."""
    return _has_times(rows) or any(map(_rises, _columns(rows)[:FIRST_COLUMNS]))


def _rises(texts: Sequence[str]) -> bool:
    try:
        numbers = list(map(float, texts))
    except ValueError:
        return False
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    return min(steps) >= 0 and sum(step > 0 for step in steps) > len(steps) / 2


def _names_of(kind: str, width: int, records: Sequence[Record]) -> tuple[str, ...]:
    """Names that a row of another kind gives, as FMT does in logs of ArduPilot: the kind, and texts at its end."""
    for record in records:
        names = record.fields[len(record.fields) - width + 1 :]
        before = record.fields[1 : len(record.fields) - width + 1]
        if kind in before and all(kind_of(name) is Kind.TEXT for name in names):
            return tuple(all_different(["kind", *names]))
    return ()
