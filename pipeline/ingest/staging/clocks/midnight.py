"""Files whose rows have one date, or one year: times that pass its end are refused."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.staging.part_file import Part
from longstride.storage.text import iso_time

__all__ = ["refuse_midnight", "refuse_midnight_between"]

Span = Literal["day", "year"]
HALF_NS = {"day": 12 * 3600 * 10**9, "year": 182 * 86_400 * 10**9}
"""A clock that falls by more has passed midnight, or New Year; rows out of order fall by less."""


def refuse_midnight(
    source: Source, time: NDArray[np.int64], keys: NDArray[np.int32] | None, lines: NDArray[np.int64], span: Span
) -> None:
    """Raise SourceError where times of a piece (T,) pass the end of a day or year, for each of `keys`."""
    order = np.arange(len(time)) if keys is None else np.argsort(keys, kind="stable")
    falls = np.diff(time[order]) < -HALF_NS[span]
    if keys is not None:
        falls &= np.diff(keys[order]) == 0
    if falls.any():
        place = int(np.argmax(falls))
        before, after = order[place], order[place + 1]
        raise _passed(source, int(time[before]), int(time[after]), f"{source.line} {lines[after]}", span)


def refuse_midnight_between(parts: Iterable[Part], sources: Sequence[Source], length: Span) -> None:
    """Raise SourceError where a part, in the order of the file, begins a day or year after the one before it."""
    ends: dict[tuple[int, str], int] = {}
    for part in parts:
        for span in part.spans:
            key = part.source, span.series
            if span.begins < ends.get(key, span.begins) - HALF_NS[length]:
                raise _passed(sources[part.source], ends[key], span.begins, None, length)
            ends[key] = span.ends


def _passed(source: Source, before: int, after: int, place: str | None, span: Span) -> SourceError:
    found = f"a row at {iso_time(after)} follows one at {iso_time(before)}"
    if span == "year":
        return SourceError(
            source.name,
            f"{found}: times without a year last for more than one, and date-from or start tells the first alone. "
            "Split the file above this row, or write the year into its rows",
            place=place,
            code="new-year-passed",
        )
    return SourceError(
        source.name,
        f"{found}: times of day pass midnight, and date-from, start or time-format h:m:s gives all rows of a file "
        "one date. Split the file at midnight, or write the date into its rows",
        place=place,
        code="midnight-passed",
    )
