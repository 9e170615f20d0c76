"""Rows in the order of the store, by series and time: buckets that are slices of the parts.

Each part is sorted, so the rows of a range of time are one slice of it, and a bucket is read straight from the
parts. Rows of equal time lie in one bucket, in the order of the sources and of their lines.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pipeline.ingest.parts import PartReader, Run

__all__ = ["Bucket", "Slice", "plan_buckets"]

SAMPLES_PER_BUCKET = 2
"""Of each part, where parts are so many that each has only some rows in a bucket."""
MIN_SPACING, MAX_SPACING = 16, 1024


class Slice(NamedTuple):
    """Rows start:stop of a part."""

    reader: PartReader
    start: int
    stop: int


class Bucket(NamedTuple):
    """All rows of one series in a range of time."""

    series: str
    slices: list[Slice]
    """In the order in which rows of equal time are taken."""
    ends_series: bool


def plan_buckets(readers: Sequence[PartReader], bucket_rows: int, every_ns: int | None) -> Iterator[Bucket]:
    """Cut the rows of all parts, given in the order of sources and lines, into buckets of about `bucket_rows`.

    With `every_ns`, no step of that grid lies in two buckets.
    """
    by_series: defaultdict[str, list[tuple[PartReader, Run]]] = defaultdict(list)
    for reader in readers:
        for run in reader.part.runs:
            by_series[run.series].append((reader, run))
    for series in sorted(by_series):
        runs = by_series[series]
        begin = min(run.first_time for _, run in runs)
        cuts = [time for time in _cuts(runs, bucket_rows, every_ns) if time > begin]
        position = [run.start for _, run in runs]
        for end in [*cuts, None]:
            slices = []
            for index, (reader, run) in enumerate(runs):
                start = position[index]
                if start == run.stop or (end is not None and run.first_time >= end):
                    continue
                stop = run.stop
                if end is not None and run.last_time >= end:
                    stop = run.start + int(np.searchsorted(reader.times(run), end))
                if stop > start:
                    slices.append(Slice(reader, start, stop))
                    position[index] = stop
            if slices:
                yield Bucket(series, slices, end is None)


def _cuts(runs: Sequence[tuple[PartReader, Run]], bucket_rows: int, every_ns: int | None) -> list[int]:
    """Times at which buckets begin, but for the first."""
    num_rows = sum(run.stop - run.start for _, run in runs)
    if num_rows <= bucket_rows:
        return []
    spacing = min(MAX_SPACING, max(MIN_SPACING, bucket_rows // (SAMPLES_PER_BUCKET * len(runs))))
    sampled = np.sort(np.concatenate([reader.times(run)[::spacing] for reader, run in runs]))
    every_bucket = max(1, bucket_rows // spacing)
    cuts = sampled[every_bucket::every_bucket]
    if every_ns is not None:
        cuts = cuts // every_ns * every_ns
    found: list[int] = np.unique(cuts).tolist()
    return found
