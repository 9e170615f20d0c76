"""Rows of one time, spread until the next: a clock that is coarser than its rows, whose rows are all kept.

The new time of a row depends on the rows of its time, on their order in the file and on the next time of its
series, so it is the same however a log is cut into pieces, buckets and files.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.staging.part_file import Part, PartReader
from longstride.pipeline.ingest.times.whole_numbers import LARGEST
from longstride.pipeline.ingest.writing.merge import Rows
from longstride.storage.series.elapsed import steps_between
from longstride.storage.text import iso_time

__all__ = ["Spread", "refuse_unknown_order", "spread_times"]

OTHERWISE = "say which of them is right with --duplicates first, last or mean"
Sources = NDArray[np.int32]
"""Number of the source of each row, (rows,)."""


def spread_times(time: NDArray[np.int64], over_ns: int) -> NDArray[np.int64]:
    """Times (rows,) in nanoseconds that do not fall: those of one time evenly from it on, so that all rise.

    They end before the next time, and within `over_ns`: so do those of the last time, which no other follows. A
    time that one row has stays. Raises RecipeError where more rows have a time than nanoseconds follow it.
    """
    starts = np.flatnonzero(np.append(True, time[1:] != time[:-1]))
    if len(starts) == len(time):
        return time
    stamps, count = time[starts], np.diff(starts, append=len(time))
    until_next = np.append(steps_between(stamps), np.uint64(LARGEST - int(stamps[-1])))
    length = np.minimum(until_next, np.uint64(over_ns)).astype(np.int64)
    if (count > length).any():
        at = int(np.argmax(count > length))
        raise RecipeError(
            f"{count[at]:,} rows have the time {iso_time(int(stamps[at]))}, and are to be spread over "
            f"{length[at]:,} ns: give a longer spread-over, or see whether time is right",
            code="time-repeated",
        )
    number = np.arange(len(time)) - np.repeat(starts, count)
    whole, rest, count = (np.repeat(of_each, count) for of_each in (length // count, length % count, count))
    # By parts, so that products stay within int64.
    found: NDArray[np.int64] = time + number * whole + number * rest // count
    return found


class Spread:
    """Spreads rows as they come by, series by series, in order of time."""

    def __init__(self, over_ns: int, every_ns: int | None) -> None:
        """With `every_ns`, rows of one step of that grid are given together."""
        self._over_ns = over_ns
        self._every_ns = every_ns or 1
        self._held: tuple[Rows, Sources] | None = None
        """Rows of the last time, and those before them of whose step of the grid more may come."""
        self.num_rows = 0
        """Rows that got another time."""

    def add(self, rows: Rows, source: Sources) -> tuple[Rows, Sources]:
        """Take the next rows, all of a time together; give those that no later row can change.

        `source` has those of the rows.
        """
        rows, source = self._after_held(rows, source)
        # What comes next says how far the rows of the last time are spread: until then they keep it.
        first_of_last = int(np.searchsorted(rows.time, rows.time[-1]))
        time = np.concatenate([self._spread(rows.time, first_of_last), rows.time[first_of_last:]])
        num_done = int(np.searchsorted(time, int(time[-1]) // self._every_ns * self._every_ns))
        done, held = slice(num_done), slice(num_done, None)
        self._held = Rows(time[held], rows.values[held], rows.labels[held]), source[held]
        return Rows(time[done], rows.values[done], rows.labels[done]), source[done]

    def end_series(self) -> tuple[Rows, Sources]:
        """Give the last rows of the series."""
        assert self._held is not None
        rows, source = self._held
        self._held = None
        return Rows(self._spread(rows.time, len(rows.time)), rows.values, rows.labels), source

    def _after_held(self, rows: Rows, source: Sources) -> tuple[Rows, Sources]:
        if self._held is None:
            return rows, source
        before, source_before = self._held
        both = Rows(
            np.concatenate([before.time, rows.time]),
            np.concatenate([before.values, rows.values]),
            np.concatenate([before.labels, rows.labels]),
        )
        return both, np.concatenate([source_before, source])

    def _spread(self, time: NDArray[np.int64], num_rows: int) -> NDArray[np.int64]:
        """The new times of the first rows."""
        found = spread_times(time, self._over_ns)[:num_rows]
        self.num_rows += int(np.count_nonzero(found != time[:num_rows]))
        return found


def refuse_unknown_order(parts: Sequence[Part], sources: Sequence[Source], folder: Path) -> None:
    """Raise SourceError where the order of rows of one time is not that in which they were written.

    So it is where times go back within a file, and where files of one series overlap. The parts are in the order
    of sources and lines.
    """
    reach: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    for part in parts:
        name = sources[part.source].name
        if part.steps_back:
            line, before, time = _step_back(PartReader(folder, part))
            raise _refused(name, time, before, f"{sources[part.source].line} {line}")
        for span in part.spans:
            known = reach[span.series].get(part.source)
            if known is not None and span.begins < known[1]:
                raise _refused(name, span.begins, known[1], None)
            reach[span.series][part.source] = known[0] if known else span.begins, span.ends
    for series, by_source in reach.items():
        spans = sorted((begins, ends, number) for number, (begins, ends) in by_source.items())
        for (_, end, one), (begin, _, other) in pairwise(spans):
            if begin < end or (begin == end and other < one):
                of = f" of series {series!r}" if series else ""
                order = ", and is named before it" if begin == end else ""
                raise SourceError(
                    sources[other].name,
                    f"its rows{of} begin at {iso_time(begin)}, and {sources[one].name} has rows{of} until "
                    f"{iso_time(end)}{order}: which of them were written first is not known, so rows of one time "
                    f"cannot be spread. Name files in the order of their times; tell several machines apart with "
                    f"--series or --series-from; or {OTHERWISE}",
                    code="order-unknown",
                )


def _refused(name: str, time: int, before: int, place: str | None) -> SourceError:
    return SourceError(
        name,
        f"a row at {iso_time(time)} follows one at {iso_time(before)}: rows of one time are spread in the order "
        "of the file, and here times go back. Put the rows in order, those of one time as they were written; or "
        f"{OTHERWISE}",
        place=place,
        code="order-unknown",
    )


def _step_back(reader: PartReader) -> tuple[int, int, int]:
    """Line and time of the first row that goes back in a part that has one; in the middle, the time before it."""
    blocks = reader.read(0, reader.part.num_rows)
    found = []
    for span in reader.part.spans:
        line, time = (blocks[name][span.start : span.stop] for name in ("line", "time"))
        order = np.argsort(line, kind="stable")
        line, time = line[order], time[order]
        back = np.flatnonzero(time[1:] < time[:-1])
        if len(back):
            row = int(back[0])
            found.append((int(line[row + 1]), int(time[row]), int(time[row + 1])))
    return min(found)
