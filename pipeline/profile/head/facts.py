"""All that the lines above a table tell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from longstride.pipeline.profile.head.begin import Begin, find_begin, find_day, find_year
from longstride.pipeline.profile.head.entries import Entry, entries_of
from longstride.pipeline.profile.head.length import find_duration, find_length
from longstride.pipeline.profile.head.names import listed_names
from longstride.pipeline.profile.head.step import Step, find_step
from longstride.pipeline.profile.head.values import find_missing_number, find_scaling

__all__ = ["Facts", "find_facts"]

MOST_LINES = 5000
LONGEST = 500
"""A longer line is no fact."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a head tells of the rows below it."""

    steps: tuple[Step, ...] = ()
    """From row to row: none, one, or several that contradict each other."""
    begin: Begin | None = None
    """When the first row was."""
    day: Begin | None = None
    """The only date among its words, where it does not say when the first row was."""
    year: Entry | None = None
    """Where it says the year."""
    length: tuple[int, Entry] | None = None
    """How many rows there are, and where it says so."""
    duration: tuple[Fraction, Entry] | None = None
    """How many nanoseconds they last, and where it says so."""
    names: tuple[str, ...] = ()
    """Of the columns, where they are listed."""
    units: dict[str, str] = field(default_factory=dict)
    missing: tuple[float, Entry] | None = None
    """The number that means missing, and where it says so."""
    scaling: tuple[Entry, ...] = ()
    """Where it tells factors or offsets of columns."""
    differs: str | None = None
    """Of several files: that their heads do not tell the same of times."""

    @property
    def every(self) -> str | None:
        """The step from row to row, where the head tells one."""
        return self.steps[0].every if len(self.steps) == 1 else None

    @property
    def start(self) -> str | None:
        """When the first row was."""
        return self.begin.start if self.begin else None


def find_facts(lines: Sequence[str], width: int) -> Facts:
    """What the lines above a table of `width` columns tell, those of its names and units among them."""
    lines = ["" if len(line) > LONGEST else line for line in lines[:MOST_LINES]]
    entries = entries_of(lines)
    names, units = listed_names(entries, lines, width)
    begin = find_begin(entries, lines)
    return Facts(
        steps=tuple(find_step(entries, lines)),
        begin=begin,
        day=None if begin else find_day(lines),
        year=find_year(entries),
        length=find_length(entries),
        duration=find_duration(entries),
        names=names,
        units=units,
        missing=find_missing_number(entries),
        scaling=find_scaling(entries, width),
    )
