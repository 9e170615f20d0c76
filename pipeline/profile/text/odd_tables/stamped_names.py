"""Names in a line that begins with a time, as rows do."""

import re
from collections.abc import Sequence

from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.name_lines import TIME, Head, are_all_names
from longstride.pipeline.profile.text.table import Record
from longstride.pipeline.profile.words.wording import quoted

__all__ = ["stamped_names"]

MOST_ABOVE = 60
"""Lines of a head."""
A_NAME = re.compile(r"%?[^\W\d][\w/%.-]*")
FEWEST_STAMPED = 2
"""Columns of numbers above which a line with a time has words, where these are names."""


def stamped_names(records: Sequence[Record], kinds: Sequence[Kind]) -> Head | None:
    """The names in a line that begins with a time as rows do, as sar and mpstat write it; None without one."""
    time = next((column for column, kind in enumerate(kinds) if kind is Kind.TIME), None)
    numbers = [column for column, kind in enumerate(kinds) if kind is Kind.NUMBER]
    if time is None or len(numbers) < FEWEST_STAMPED:
        return None
    for record in records[:MOST_ABOVE]:
        names = [*record.fields[:time], TIME, *record.fields[time + 1 :]]
        if len(record.fields) != len(kinds) or not are_all_names(record._replace(fields=names), len(kinds)):
            continue
        if kind_of(record.fields[time]) is not Kind.TIME or not all(map(A_NAME.fullmatch, names)):
            return None
        line = quoted(" ".join(record.fields))
        doubt = (
            f"header: line {record.line + 1}, {line}, holds a time and no number: its other words are taken for "
            "the names. If they are none, name the columns with header"
        )
        why = "the line of the names begins with a time"
        return Head(names=tuple(names), num_above=record.line + 1, num_below=0, units={}, why=why, doubt=doubt)
    return None
