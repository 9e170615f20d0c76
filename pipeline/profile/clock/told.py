"""What is known of the clock of a log besides its columns: from the lines above the table, and from its owner."""

from typing import NamedTuple

from longstride.pipeline.profile.head.begin import Begin
from longstride.pipeline.profile.head.facts import Facts
from longstride.pipeline.profile.words.wording import quoted

__all__ = ["NO_DATE", "Told", "doubt_of_begin", "place"]

NO_DATE = (
    "no date is known: rows are as if from 1970. If you know when the first one was, say so, as with "
    'start = "2024-03-01T08:00"'
)


MOST_SHOWN = 2


class Told(NamedTuple):
    """What is told of the times of rows."""

    facts: Facts = Facts()
    """By the head."""
    every: str | None = None
    """By the owner: rows are counted, so far apart."""
    start: str | None = None
    """By the owner: when the first row was."""

    @property
    def date(self) -> str | None:
        """Of the first row, where rows hold the time of day alone."""
        return self.start or (self.day.date if self.day else None)

    @property
    def day(self) -> Begin | None:
        """What the head tells of that date."""
        return self.begin or (self.facts.day if self.start is None and self.facts.differs is None else None)

    @property
    def begin(self) -> Begin | None:
        """When the first row was by the head, where the owner does not say it, and all heads agree."""
        return self.facts.begin if self.start is None and self.facts.differs is None else None


def place(line: int, text: str) -> str:
    """A line of a head, and what it says."""
    return f"line {line + 1}, {quoted(' '.join(text.split()))}"


def doubt_of_begin(begin: Begin, what: str) -> str:
    """A head says when the log began, or just a date: taken for that of `what`."""
    doubt = f"start: {place(begin.line, begin.text)}, is taken for {what}"
    if begin.other:
        doubt += f'. Nothing tells day and month apart: if it is {begin.other}, say start = "{begin.other}"'
    elif not begin.is_start:
        doubt += ". If it is the time of something else, say start"
    if begin.rivals:
        shown = " and ".join(place(rival.line, rival.text) for rival in begin.rivals[:MOST_SHOWN])
        more = len(begin.rivals) - MOST_SHOWN
        doubt += f". Other lines tell other times: {shown}{f' and {more} more' if more > 0 else ''}"
    return doubt
