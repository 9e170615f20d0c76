"""Alarms that belong together: when one began and ended, how high it rose, and which channels carry it."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longstride.storage.series.data import SeriesData
from longstride.storage.text import utc_time
from longstride.storage.writing.output import check_output, output_file
from longstride.trainer.scoring.carriers import carriers, countable
from longstride.trainer.scoring.score_file import table_bytes
from longstride.trainer.scoring.score_reader import read_errors

__all__ = ["Event", "are_apart", "events_of", "write_events"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Rows with an alarm, fewer than a window apart, in one segment."""

    series: str
    start: str
    """Time of the first row, UTC."""
    end: str
    """Time of the last row."""
    first_row: int
    last_row: int
    alarms: int
    """Rows with an alarm."""
    peak: float
    """The highest score; the largest number that there is, for JSON, where it is infinite."""
    peak_time: str
    channels: dict[str, float]
    """Those with the largest errors, the largest first, and the share of each in the errors of the event."""


@dataclass
class _Open:
    """An event that the next alarm may still belong to."""

    segment: int
    first: int
    last: int
    alarms: int
    peak: float
    peak_row: int
    errors: NDArray[np.float64]


def events_of(
    path: Path, store: SeriesData, channels: tuple[str, ...], window: int | NDArray[np.int64]
) -> Iterator[Event]:
    """The events of a file of scores of a store, in the order of its rows.

    `window` is that of the model, or (G,) those of the models of each series.
    """
    starts, open_event = store.segments.start, None
    reach = np.broadcast_to(window, len(store.series))[store.segments.series]  # of each segment
    for first, scores, alarms, errors in read_errors(path):
        (found,) = np.nonzero(alarms)
        segments = np.searchsorted(starts, first + found, side="right") - 1
        apart = np.flatnonzero(are_apart(found, segments, reach)) + 1
        for group in np.split(np.arange(len(found)), apart):
            if not len(group):
                continue
            rows = found[group]
            highest = int(rows[scores[rows].argmax()])
            event = _Open(
                segment=int(segments[group[0]]),
                first=first + int(rows[0]),
                last=first + int(rows[-1]),
                alarms=len(rows),
                peak=min(float(scores[highest]), sys.float_info.max),
                peak_row=first + highest,
                errors=countable(errors[rows]).sum(axis=0),
            )
            near = reach[event.segment]
            if open_event and open_event.segment == event.segment and event.first - open_event.last < near:
                event = _joined(open_event, event)
            elif open_event:
                yield _closed(open_event, store, channels)
            open_event = event
    if open_event:
        yield _closed(open_event, store, channels)


def are_apart(rows: NDArray[np.int64], segments: NDArray[np.int64], reach: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each alarm but the first (A - 1,) is of another event than the one before it.

    `rows` (A,) have alarms, and lie in `segments` (A,); `reach` has the rows of a window in each segment.
    """
    is_apart: NDArray[np.bool_] = (np.diff(rows) >= reach[segments[1:]]) | (np.diff(segments) != 0)
    return is_apart


def _joined(one: _Open, other: _Open) -> _Open:
    highest = one if one.peak >= other.peak else other
    return _Open(
        segment=one.segment,
        first=one.first,
        last=other.last,
        alarms=one.alarms + other.alarms,
        peak=highest.peak,
        peak_row=highest.peak_row,
        errors=one.errors + other.errors,
    )


def _closed(event: _Open, store: SeriesData, channels: tuple[str, ...]) -> Event:
    time = store.checked("time")
    return Event(
        series=store.series[int(store.segments.series[event.segment])],
        start=utc_time(int(time[event.first])),
        end=utc_time(int(time[event.last])),
        first_row=event.first,
        last_row=event.last,
        alarms=event.alarms,
        peak=event.peak,
        peak_time=utc_time(int(time[event.peak_row])),
        channels=carriers(event.errors, channels),
    )


def write_events(path: str | os.PathLike[str], events: list[Event], *, overwrite: bool) -> None:
    """Write events as JSON, CSV or Parquet, by the ending of the file, unless it holds these very ones.

    Raises as `output_file`.
    """
    lines = [asdict(event) for event in events]
    match Path(path).suffix.lower():
        case ".json":
            data = (json.dumps(lines, indent=1) + "\n").encode()
        case ".csv":
            text = io.StringIO()
            writer = csv.DictWriter(text, list(Event.__dataclass_fields__), lineterminator="\n")
            writer.writeheader()
            writer.writerows({**line, "channels": json.dumps(line["channels"])} for line in lines)
            data = text.getvalue().encode()
        case _:
            data = table_bytes([{**line, "channels": json.dumps(line["channels"])} for line in lines], Event)
    there = check_output(path, overwrite=True)
    if there.exists() and there.stat().st_size == len(data) and there.read_bytes() == data:
        return
    with output_file(path, overwrite=overwrite) as file:
        file.write(data)
