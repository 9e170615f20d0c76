"""Facts that stand to the left of the first rows, not above them, as Tektronix writes the settings of a scope."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from longstride.pipeline.profile.head.facts import Facts, find_facts
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.table import Table, fits

__all__ = ["Beside", "find_beside"]

MOST_FACTS = 100
FEWEST_FACTS = 3
NEARLY = 0.01
NAME_OF_VALUES = "source"


class Beside(NamedTuple):
    """What such facts tell."""

    names: tuple[str, ...]
    """Of all columns."""
    facts: Facts
    doubt: str


def find_beside(table: Table) -> Beside | None:
    """The facts, and names for the columns; None where the first two columns hold no facts of the first rows."""
    rows = [record.fields[: table.width] for record in table.records if fits(record, table.width)]
    if table.width < 3 or not rows:
        return None
    pairs = [(index, row[0], row[1]) for index, row in enumerate(rows) if row[0] or row[1]]
    are_facts = all(key and value and kind_of(key) is Kind.TEXT for _, key, value in pairs)
    if not FEWEST_FACTS <= len(pairs) <= MOST_FACTS or not are_facts or pairs[-1][0] > len(rows) / 2:
        return None
    full = [column for column in range(2, table.width) if all(_is_number(row[column]) for row in rows)]
    if not full or any(row[column] for row in rows for column in range(2, table.width) if column not in full):
        return None
    facts = find_facts([f"{key},{value}" for _, key, value in pairs], table.width)
    names = [f"a{number}" for number in range(1, table.width + 1)]
    said = {key.lower(): value for _, key, value in pairs}
    found = f"the first two columns hold facts beside the first rows ({pairs[0][1]}, {pairs[1][1]}, ...)"
    seconds = float(facts.steps[0].nanoseconds) / 1e9 if len(facts.steps) == 1 else None
    if len(full) > 1 and seconds and _rises_by([float(row[full[0]]) for row in rows], seconds):
        names[full[0]] = "time"
        found += (
            f"; column {full[0] + 1} rises by {facts.steps[0].every}, the interval that they tell, and is the time"
        )
        facts = replace(facts, steps=())
    values = [column for column in full if names[column] != "time"]
    if len(values) == 1 and NAME_OF_VALUES in said:
        names[values[0]] = said[NAME_OF_VALUES]
    return Beside(tuple(names), facts, f"header: {found}. If columns are others, say header")


def _is_number(text: str) -> bool:
    return kind_of(text) is Kind.NUMBER and _float(text) is not None


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _rises_by(numbers: Sequence[float], step: float) -> bool:
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    return bool(steps) and min(steps) > 0 and abs(median(steps) - step) <= NEARLY * step
