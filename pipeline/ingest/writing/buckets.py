"""Rows in the order of the store, by series and time: buckets that are slices of the parts.

Each part is sorted, so the rows of a range of time are one slice of it, and a bucket is read straight from the
parts. Rows of equal time lie in one bucket, in the order of the sources and of their lines.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.staging.part_file import PartReader, Run

__all__ = ["Bucket", "Slice", "plan_buckets"]

SAMPLES_PER_BUCKET = 2
"""Of each part, where parts are so many that each has only some rows in a bucket."""
SMALL_BUCKETS = 16
"""That a bucket is worth, where parts follow each other."""
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
        cuts = _cuts(runs, bucket_rows, every_ns)
        first = np.searchsorted(cuts, [run.first_time for _, run in runs], side="right")
        last = np.searchsorted(cuts, [run.last_time for _, run in runs], side="right")
        edges = [_edges(*run, cuts[start:stop]) for run, start, stop in zip(runs, first, last, strict=True)]
        # A run is asked for the buckets alone that it reaches into: in a sorted log these are few.
        for number in range(int(last.max()) + 1):
            slices = []
            for index in np.flatnonzero((first <= number) & (number <= last)).tolist():
                start, stop = edges[index][number - first[index] :][:2].tolist()
                if start < stop:
                    slices.append(Slice(runs[index][0], start, stop))
            if slices:
                yield Bucket(series, slices, number == int(last.max()))


def _edges(reader: PartReader, run: Run, cuts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a run begins, where each of the buckets does that begin within it, and where it ends."""
    inner = run.start + np.searchsorted(reader.times(run), cuts) if len(cuts) else cuts
    return np.concatenate([[run.start], inner, [run.stop]])


def _cuts(runs: Sequence[tuple[PartReader, Run]], bucket_rows: int, every_ns: int | None) -> NDArray[np.int64]:
    """Times at which buckets begin, but for the first."""
    rows = np.array([run.stop - run.start for _, run in runs])
    first = np.array([run.first_time for _, run in runs])
    last = np.array([run.last_time for _, run in runs])
    if (first[1:] >= last[:-1]).all() and rows.max() <= bucket_rows:
        # The log is sorted, so nothing is won by large buckets: small ones stay in the processor's cache.
        number = np.cumsum(rows) // max(1, bucket_rows // SMALL_BUCKETS)
        cuts = first[1:][number[1:] > number[:-1]]
    elif rows.sum() <= bucket_rows:
        cuts = np.empty(0, np.int64)
    else:
        cuts = _sampled_cuts(runs, bucket_rows)
    if every_ns is not None:
        cuts = cuts // every_ns * every_ns
    return np.unique(cuts)


def _sampled_cuts(runs: Sequence[tuple[PartReader, Run]], bucket_rows: int) -> NDArray[np.int64]:
    spacing = min(MAX_SPACING, max(MIN_SPACING, bucket_rows // (SAMPLES_PER_BUCKET * len(runs))))
    sampled = np.sort(np.concatenate([reader.times(run)[::spacing] for reader, run in runs]))
    every_bucket = max(1, bucket_rows // spacing)
    cuts: NDArray[np.int64] = sampled[every_bucket::every_bucket]
    return cuts
