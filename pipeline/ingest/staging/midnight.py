"""Files that have one date for all rows, which hold the time of day: times that pass midnight are refused."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.staging.part_file import Part
from longstride.storage.text import iso_time

__all__ = ["refuse_midnight", "refuse_midnight_between"]

HALF_A_DAY = 12 * 3600 * 10**9
"""A clock that falls by more has passed midnight; rows out of order fall by less."""


def refuse_midnight(
    source: Source, time: NDArray[np.int64], keys: NDArray[np.int32] | None, lines: NDArray[np.int64]
) -> None:
    """Raise SourceError where the times of a piece (T,) pass midnight, those of each of `keys` (T,) apart."""
    order = np.arange(len(time)) if keys is None else np.argsort(keys, kind="stable")
    falls = np.diff(time[order]) < -HALF_A_DAY
    if keys is not None:
        falls &= np.diff(keys[order]) == 0
    if falls.any():
        place = int(np.argmax(falls))
        before, after = order[place], order[place + 1]
        raise _passed(source, int(time[before]), int(time[after]), f"{source.line} {lines[after]}")


def refuse_midnight_between(parts: Iterable[Part], sources: Sequence[Source]) -> None:
    """Raise SourceError where a part, in the order of the file, begins a day after the one before it has ended."""
    ends: dict[tuple[int, str], int] = {}
    for part in parts:
        for span in part.spans:
            key = part.source, span.series
            if span.begins < ends.get(key, span.begins) - HALF_A_DAY:
                raise _passed(sources[part.source], ends[key], span.begins, None)
            ends[key] = span.ends


def _passed(source: Source, before: int, after: int, place: str | None) -> SourceError:
    return SourceError(
        source.name,
        f"a row at {iso_time(after)} follows one at {iso_time(before)}: times of day pass midnight, and "
        "date-from, start or time-format h:m:s gives all rows of a file one date. Split the file at midnight, or "
        "write the date into its rows",
        place=place,
        code="midnight-passed",
    )
