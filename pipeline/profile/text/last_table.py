"""Files of several tables, each below its own names: the last one, where it has a clock and the most rows."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.table import Record, Table
from longstride.pipeline.profile.words.time_names import elapsed_unit, name_score

__all__ = ["LastTable", "find_last_table", "num_other_rows"]

LAST_ROWS = 5
FEWEST_ROWS = 3
FEWEST_NAMES = 2
MANY_ALIKE = 0.5
MOST_OF_A_FACT = 4
MANY_OF_NUMBERS = 5
"""So many lines of numbers are no facts."""


class LastTable(NamedTuple):
    """Where it begins."""

    line: int
    """Lines above its names."""

    @property
    def doubt(self) -> str:
        """What is left out."""
        return (
            f"skip-lines: the last table of the file is taken, whose names are in line {self.line + 1:,}: it has "
            f"a clock and the most rows. Lines 1 to {self.line:,}, with other tables or facts in other columns, "
            "are left out. To read another table, cut the file"
        )


def find_last_table(table: Table, first_row: int, names: Sequence[str]) -> LastTable | None:
    """The last table in a text; None where it is the one that was read, from `first_row` on, below `names`."""
    records = [record._replace(fields=_filled(record.fields)) for record in table.records if record.fields]
    if not records:
        return None
    width = max(len(record.fields) for record in records[-LAST_ROWS:])
    place = next((place for place in reversed(range(len(records))) if _are_names(records[place], width)), 0)
    below = records[place + 1 :]
    while place and _are_names(records[place - 1], width):
        place -= 1  # units stand below the names
    found = records[place]
    if (
        not place
        or found.line <= first_row
        or max(len(record.fields) for record in below or records) > len(found.fields)
    ):
        return None
    others = [record.fields for record in records if first_row <= record.line < found.line]
    with_times = sum(Kind.TIME in map(kind_of, fields) for fields in others)
    is_alike = _usual_kinds(others) == _usual_kinds([record.fields for record in below])
    has_clock = is_alike or any(map(name_score, names)) or with_times > len(others) / 2
    if len(below) < max(FEWEST_ROWS, len(others) + 1 if has_clock else 0):
        return None
    alike = len({*names} & {*filter(None, found.fields)})
    return None if alike > MANY_ALIKE * width else LastTable(found.line)


def num_other_rows(records: Sequence[Record], num_above: int) -> int:
    """How many of the lines above look like rows of another table."""
    above = [list(map(kind_of, filter(None, one.fields))) for one in records if one.line < num_above]
    numbers = [kinds for kinds in above if len(kinds) > 1 and {*kinds} <= {Kind.NUMBER, Kind.TIME}]
    return len(numbers) if len(numbers) >= MANY_OF_NUMBERS else sum(map(_is_row, above))


def _is_row(kinds: Sequence[Kind]) -> bool:
    """Whether a line is a time and numbers, or has a time among more fields than a title or a fact has."""
    if len(kinds) > 1 and kinds[0] is Kind.TIME and all(kind is Kind.NUMBER for kind in kinds[1:]):
        return True
    return len(kinds) > MOST_OF_A_FACT and Kind.TIME in kinds and kinds.count(Kind.NUMBER) > 1


def _usual_kinds(rows: Sequence[Sequence[str]]) -> tuple[Kind, ...]:
    counts = Counter(tuple(map(kind_of, fields)) for fields in rows)
    return counts.most_common(1)[0][0] if counts else ()


def _filled(fields: list[str]) -> list[str]:
    """Without the empty ones at the end."""
    return fields[: max((place for place, field in enumerate(fields, 1) if field), default=0)]


def _are_names(record: Record, width: int) -> bool:
    """Whether so many fields, or some more, are different texts, one of them the name of a time."""
    if not width <= len(record.fields) <= 2 * width:
        return False
    texts = [field for field in record.fields if field]
    are_texts = all(kind_of(text) is Kind.TEXT for text in texts) and len({*texts}) == len(texts) >= FEWEST_NAMES
    return are_texts and any(name_score(text) or elapsed_unit(text) for text in texts)
