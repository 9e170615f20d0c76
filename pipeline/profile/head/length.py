"""How many rows a head says that there are."""

import re
from collections.abc import Sequence

from longstride.pipeline.profile.head.entries import Entry, plain_key

__all__ = ["find_length"]

KEY = re.compile(
    r"(?:(?:number|num|no|n)(?:of)?)?(?:samples?|points?|values|rows|scans|records)|recordlength|n?values"
)


def find_length(entries: Sequence[Entry]) -> tuple[int, Entry] | None:
    """The number of rows, and the entry that tells it; None where none does, or columns differ."""
    for entry in entries:
        numbers = {value.replace(",", "") for value in entry.values}
        if KEY.fullmatch(plain_key(entry.key)) and len(numbers) == 1 and (text := numbers.pop()).isdecimal():
            return int(text), entry
    return None
