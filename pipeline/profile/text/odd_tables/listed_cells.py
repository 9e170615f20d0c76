"""Cells that hold a list of numbers, as (0.5, 1.2) or [1 2 3]: each number is a column, by the setting `line`.

Exports of robots and of data frames write them.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from longstride.pipeline.ingest.settings.text import BLANKS
from longstride.pipeline.profile.text.sentences import SPECIAL
from longstride.pipeline.profile.text.table import Table, fits

__all__ = ["ListedCells", "find_listed_cells"]

NEARLY_ALL = 0.98
FEWEST_ROWS = 3
SEVERAL = 2
MOST_NUMBERS = 64
NUMBER = r"(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|NaN|None|null)"
BETWEEN = r"(?:\s*,\s*|\s+)"
ALIKE = "|".join(f"(?:{mark}{NUMBER})+" for mark in (",", r"\s*,\s+", r"\s+,", r"\s+"))
"""Numbers behind the first. Where blanks or other commas separate them as well, a comma may be a decimal one."""
LIST = re.compile(rf"[\[(]\s*{NUMBER}(?:{ALIKE})\s*[\])]")
NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, kw_only=True)
class ListedCells:
    """How lines with such cells are cut."""

    pattern: str
    num_above: int
    doubt: str
    setting: ClassVar[str] = "line"
    why: ClassVar[str] = "cells hold lists of numbers: each number is a column"


def find_listed_cells(table: Table, names: Sequence[str], num_above: int) -> ListedCells | None:
    """The setting `line` for a table some of whose columns hold lists of as many numbers each, which change."""
    rows = [record.fields for record in table.records if record.line >= num_above and fits(record, table.width)]
    is_cut = table.separator == BLANKS or table.columns_at is not None or table.quote not in ("strict", "loose")
    if is_cut or len(rows) < FEWEST_ROWS or len(names) < table.width or not all(map(NAME.fullmatch, names)):
        return None
    columns = [[row[column] for row in rows] for column in range(table.width)]
    lengths = [_length(cells) for cells in columns]
    made = {
        f"{name}_{place}" for name, length in zip(names, lengths, strict=False) for place in range(1, length + 1)
    }
    if not made or made & set(names):
        return None
    mark = SPECIAL.sub(r"\\\g<0>", table.separator)
    parts = [
        _of_list(name, length) if length else _of_one(name, cells, table.separator)
        for name, cells, length in zip(names, columns, lengths, strict=False)
    ]
    shown = ", ".join(
        f"{name!r} ({name}_1 to {name}_{length})" for name, length in zip(names, lengths, strict=False) if length
    )
    doubt = f"line: cells of {shown} hold a list of numbers each, and each number is a column by its place"
    return ListedCells(pattern=rf"\s*{mark}\s*".join(parts), num_above=num_above, doubt=doubt)


def _length(cells: Sequence[str]) -> int:
    """How many numbers the lists of a column hold; 0 where they are none, differ in that, or never change."""
    lists = [cell for cell in cells if LIST.fullmatch(cell)]
    if len(set(lists)) < SEVERAL:
        return 0
    length, count = Counter(len(re.findall(NUMBER, cell)) for cell in lists).most_common(1)[0]
    return length if count >= NEARLY_ALL * len(cells) and length <= MOST_NUMBERS else 0


def _of_list(name: str, length: int) -> str:
    numbers = BETWEEN.join(rf"(?P<{name}_{place}>[^\s,\])]+)" for place in range(1, length + 1))
    return rf'"?[\[(]\s*{numbers}\s*[\])]"?'


def _of_one(name: str, cells: Sequence[str], separator: str) -> str:
    """A cell that is a column; in quotes where it may hold the separator."""
    if any(separator in cell for cell in cells):
        return f'"(?P<{name}>[^"]*)"'
    inner = SPECIAL.sub(r"\\\g<0>", separator)
    return f'"?(?P<{name}>[^"{inner}]*)"?'
