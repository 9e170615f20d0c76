"""Lines that hold names although they are not as wide as rows, or not cut as they are."""

import csv
import re
from collections.abc import Sequence

from longstride.pipeline.ingest.sources.csv.header import all_different
from longstride.pipeline.profile.head.step import is_step_key
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.text.table import Record, Table
from longstride.pipeline.profile.words.time_names import name_score

__all__ = ["are_facts", "cut_otherwise", "first_names", "named_wider"]

HEADER_SEPARATORS = ",;\t|"
YEAR = re.compile(r"#?(?:year|yyyy|yr|jahr|ano|año|année|anno)", re.IGNORECASE)


def first_names(fields: Sequence[str], time: int, width: int) -> tuple[str, ...]:
    """Names of the first columns, where that of the time stands where rows have it; none otherwise."""
    is_of_time = time < len(fields) and (name_score(fields[time]) or YEAR.fullmatch(fields[time]))
    are_names = len(fields) > max(1, time) and all(kind_of(field) is Kind.TEXT for field in fields)
    return tuple(all_different(fields)) if is_of_time and are_names and len(fields) < width else ()


def are_facts(fields: Sequence[str]) -> bool:
    """Whether a comment says something of the log, as in date: 01/03/2024."""
    return fields[0].endswith((":", "=")) or any(kind_of(field) is Kind.TIME for field in fields)


def named_wider(above: Sequence[Record], width: int) -> tuple[str, ...]:
    """Names, where behind the names stand keys of the head and below these what they say."""
    for names in above:
        more = [field for field in names.fields[width:] if field]
        if (
            more
            and any(map(is_step_key, more))
            and all(kind_of(field) is Kind.TEXT for field in names.fields[:width])
        ):
            return tuple(all_different(names.fields[:width]))
    return ()


def cut_otherwise(record: Record, table: Table) -> tuple[str, ...]:
    """Names of a line that has another separator than the rows; none where it does not fit."""
    text = table.separator.join(record.fields)
    for mark in HEADER_SEPARATORS.replace(table.separator, ""):
        names = [name.strip() for name in next(csv.reader([text], delimiter=mark), [])]
        if len(names) == len(set(names)) == table.width and all(kind_of(name) is Kind.TEXT for name in names):
            return tuple(names)
    return ()
