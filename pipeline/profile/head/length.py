"""How many rows a head says that there are, or how long they last."""

import re
from collections.abc import Sequence
from fractions import Fraction

from longstride.pipeline.profile.head.entries import Entry, plain_key
from longstride.pipeline.profile.head.step import duration_ns

__all__ = ["find_duration", "find_length"]

KEY = re.compile(
    r"(?:(?:number|num|no|n)(?:of)?)?(?:samples?|points?|values|rows|scans|records)|recordlength|n?values"
)

DURATION = re.compile(
    r"(?:cast|total|test|record(?:ing)?|measure(?:ment)?|acquisition|sampl(?:e|ing)|log(?:ging)?|run|data|mess)?"
    r"(?:duration|dauer|duree|durée|duración|duracion|durata)"
)


def find_duration(entries: Sequence[Entry]) -> tuple[Fraction, Entry] | None:
    """How long all rows last in nanoseconds, and the entry that tells it; None where none does, or no unit."""
    for entry in entries:
        is_told = DURATION.fullmatch(plain_key(entry.key)) and len(entry.values) == 1
        if is_told and (found := duration_ns(entry.values[0], entry.unit)):
            return found, entry
    return None


def find_length(entries: Sequence[Entry]) -> tuple[int, Entry] | None:
    """The number of rows, and the entry that tells it; None where none does, or columns differ."""
    for entry in entries:
        numbers = {value.replace(",", "") for value in entry.values}
        if KEY.fullmatch(plain_key(entry.key)) and len(numbers) == 1 and (text := numbers.pop()).isdecimal():
            return int(text), entry
    return None
